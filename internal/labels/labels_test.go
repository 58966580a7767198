package labels

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func catalogue(t *testing.T) *Catalogue {
	t.Helper()
	c, err := New(fstest.MapFS{
		"en.json": file(`{
			"greet": "Hello {{.Name}}", "only": "only English",
			"date.day": "{{.Day}} {{.Month}} {{.Year}}", "date.moment": "{{.Day}}, {{.Time}} UTC",
			"date.months": "January February March April May June July August September October November December"
		}`),
		"nl.json":      file(`{"greet": "Dag {{.Name}}"}`),
		"pt-BR.json":   file(`{"greet": "Oi {{.Name}}"}`),
		"ar.json":      file("\ufeff" + `{"greet": "مرحبا {{.Name}}"}`),
		"zh-Hant.json": file(`{"greet": "你好 {{.Name}}"}`),
		"notes.txt":    file("no labels"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestForFollowsTheChain(t *testing.T) {
	tests := map[string]struct {
		wishes []string
		want   string
	}{
		"nothing asked":             {nil, "en"},
		"exactly":                   {[]string{"nl"}, "nl"},
		"without the region":        {[]string{"nl-BE"}, "nl"},
		"the region is there":       {[]string{"pt-BR"}, "pt-BR"},
		"another region is not":     {[]string{"pt-PT"}, "en"},
		"by the region's script":    {[]string{"zh-TW"}, "zh-Hant"},
		"script said":               {[]string{"zh-Hant-TW"}, "zh-Hant"},
		"the link before the head":  {[]string{"nl", "ar"}, "nl"},
		"the head after the link":   {[]string{"fr", "de, ar;q=0.8, nl;q=0.9"}, "nl"},
		"the head by its weights":   {[]string{"", "nl;q=0.1, ar"}, "ar"},
		"nonsense is no wish":       {[]string{"%%", "nl"}, "nl"},
		"a very long head is none":  {[]string{strings.Repeat("x-", 5000), "nl"}, "nl"},
		"whatever the writing case": {[]string{"NL-be"}, "nl"},
	}
	c := catalogue(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.For(test.wishes...).Language; got != test.want {
				t.Errorf("For(%.60q) is %s, want %s", test.wishes, got, test.want)
			}
		})
	}
}

func TestSay(t *testing.T) {
	c := catalogue(t)
	tests := []struct{ lang, code, want string }{
		{"en", "greet", "Hello <Ana>"},
		{"nl", "greet", "Dag <Ana>"},
		{"nl", "only", "only English"},
		{"nl", "nobody.has.this", "nobody.has.this"},
	}
	for _, test := range tests {
		if got := c.For(test.lang).Say(test.code, "Name", "<Ana>"); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.lang, test.code, got, test.want)
		}
	}
}

func TestDirection(t *testing.T) {
	c := catalogue(t)
	for lang, want := range map[string]string{"en": "ltr", "ar-EG": "rtl", "zh-Hant": "ltr"} {
		if got := c.For(lang).Direction; got != want {
			t.Errorf("%s runs %s, want %s", lang, got, want)
		}
	}
}

func TestWrittenForPeople(t *testing.T) {
	c := catalogue(t)
	at := time.Date(2026, 3, 4, 23, 5, 59, 0, time.FixedZone("", -3600))
	if got, want := c.For("en").Moment(at), "5 March 2026, 00:05 UTC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, test := range []struct{ lang, number, want string }{
		{"en", "1234.50", "1,234.50"},
		{"nl", "1234.50", "1.234,50"},
		{"nl", "-7", "-7"},
		{"en", "1e3", "1e3"},
		{"en", "12345678901234567890", "12345678901234567890"},
		{"en", "about ten", "about ten"},
	} {
		if got := c.For(test.lang).Amount(test.number); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.lang, test.number, got, test.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		folder fstest.MapFS
		want   string
	}{
		"no English":      {fstest.MapFS{"nl.json": file(`{}`)}, "there is no en.json"},
		"broken JSON":     {fstest.MapFS{"en.json": file(`{`)}, "en.json"},
		"not a language":  {fstest.MapFS{"en.json": file(`{}`), "klingon_x.json": file(`{}`)}, "no language tag"},
		"an empty folder": {fstest.MapFS{}, "there is no en.json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := New(test.folder); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
