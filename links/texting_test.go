package links_test

import (
	"strings"
	"testing"

	"postern/internal/pages"
	"postern/links"
)

// gsm7 are the characters of a text message that holds 160 of them (3GPP TS 23.038, section 6.2.1), without those that
// count twice.
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
	"ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿" +
	"abcdefghijklmnopqrstuvwxyzäöñüà"

// A text message with a code fits into one, under the longest host that leaves a link its length and a brand of 25
// characters, in each language of that alphabet.
func TestT91CodeFitsOneTextMessage(t *testing.T) {
	host := strings.Repeat("a", links.MaxURL-len("https:///l/")-27)
	base, err := pages.ParseBase("https://" + host)
	if err != nil || links.URLLength(base) != links.MaxURL {
		t.Fatalf("the longest host makes links of %d characters, %v", links.URLLength(base), err)
	}
	catalogue, err := links.ShippedLabels()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"en", "es", "nl"} {
		said := catalogue.For(language).Say("message.code.sms", "Code", "12345678", "Brand", strings.Repeat("B", 25))
		text := said + "\n\n@" + host + " #12345678"
		if n := len([]rune(text)); n > 160 {
			t.Errorf("in %s it has %d characters: %s", language, n, text)
		}
		for _, r := range text {
			if !strings.ContainsRune(gsm7, r) {
				t.Errorf("in %s it holds %q, which makes the message one of 70 characters", language, r)
			}
		}
	}
}
