package links

import (
	"strings"
	"testing"
)

func TestParseToken(t *testing.T) {
	const good = "aabcdefghijklmnopqrstuvwxyz"
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"as it was sent":            {good, true},
		"in capitals, as in a QR":   {strings.ToUpper(good), true},
		"a full stop behind":        {good + ".", true},
		"the end of a sentence":     {good + ").", true},
		"in angle brackets":         {good + ">", true},
		"a comma behind":            {good + ",", true},
		"one character short":       {good[1:], false},
		"one character long":        {good + "a", false},
		"a digit outside base32":    {"a1" + good[2:], false},
		"a soft break of mail":      {good[:10] + "=" + good[11:], false},
		"a letter of another world": {good[:25] + "é", false},
		"only punctuation":          {"....", false},
		"nothing":                   {"", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keyID, token, ok := parseToken(test.text)
			if ok != test.ok {
				t.Fatalf("parseToken(%q) is %v, want %v", test.text, ok, test.ok)
			}
			if ok && keyID+token != good {
				t.Errorf("got %q and %q", keyID, token)
			}
		})
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("aabcdefghijklmnopqrstuvwxyz")
	f.Add("AABCDEFGHIJKLMNOPQRSTUVWXYZ).")
	f.Add("ſ" + strings.Repeat("a", 25))
	f.Fuzz(func(t *testing.T, text string) {
		keyID, token, ok := parseToken(text)
		if ok && (len(keyID) != 1 || len(token) != tokenChars || strings.Trim(keyID+token, alphabet) != "") {
			t.Errorf("parseToken(%q) let %q through", text, keyID+token)
		}
	})
}
