package labels

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func catalogue(t *testing.T) *Catalogue {
	t.Helper()
	c, err := New(fstest.MapFS{
		"en.json": file(`{
			"greet": "Hello {{.Name}}", "only": "only English",
			"date.day": "{{.Day}} {{.Month}} {{.Year}}", "date.moment": "{{.Day}}, {{.Time}} {{.Zone}}",
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
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	local := c.For("en").In(madrid)
	if got, want := local.Moment(at), "5 March 2026, 01:05 CET"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, month := range []time.Month{1, 7} {
		if got := local.ZoneNames(time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)); got != "CET/CEST" {
			t.Errorf("in month %d the zone is called %q", month, got)
		}
	}
	if got := c.For("en").ZoneNames(at); got != "UTC" {
		t.Errorf("UTC is called %q", got)
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
		"no texts":        {fstest.MapFS{"en.json": file(`{"a": {"b": "c"}}`)}, "en.json"},
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

func TestT88RightToLeftIsolatesValues(t *testing.T) {
	c, err := New(fstest.MapFS{
		"en.json": file(`{"say": "{{.Name}} {{ .Link }} {{.Left}} {{.Gap}}"}`),
		"ar.json": file(`{"say": "{{.Name}} {{ .Link }} {{.Left}} {{.Gap}}"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{
		"en": "Acme https://a.example 3 {{.Gap}}", "ar": "\u2068Acme\u2069 https://a.example 3 {{.Gap}}",
	} {
		if got := c.For(lang).Say("say", "Name", "Acme", "Link", "https://a.example", "Left", 3); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestLayers(t *testing.T) {
	base := catalogue(t)
	over := base.With(map[string]map[string]string{
		"nl": {"greet": "Hallo {{.Name}}", "only": ""}, "fr": {"greet": "Salut"}, "no language": {"greet": "x"},
	})
	for _, test := range []struct{ lang, code, want string }{
		{"nl", "greet", "Hallo Ana"}, {"nl", "only", "only English"}, {"fr", "greet", "Salut"}, {"fr", "only", "only English"},
	} {
		if got := over.For(test.lang).Say(test.code, "Name", "Ana"); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.lang, test.code, got, test.want)
		}
	}
	if got := base.For("nl").Say("greet", "Name", "Ana"); got != "Dag Ana" {
		t.Errorf("the catalogue below says %q", got)
	}
	texts := over.For("nl").Over(NewLayer(map[string]map[string]string{"nl": {"greet": "Hoi", "new": "Nieuw"}}))
	if texts.Say("greet") != "Hoi" || texts.Say("only") != "only English" || !texts.Has("new") || texts.Has("none") {
		t.Errorf("over it: %q, %q, %v", texts.Say("greet"), texts.Say("only"), texts.Has("new"))
	}
}

func TestCheck(t *testing.T) {
	holes := Holes{May: []string{"Brand", "Link"}, Must: []string{"Link"}}
	for text, want := range map[string]string{
		"Open {{.Link}}": "", "{{ .Link }} of {{.Brand}}": "", "Open it": "{{.Link}} is missing",
		"{{.Link}} for {{.Name}}":          "{{.Name}} is not known here; there is {{.Brand}}, {{.Link}}",
		"{{.Link}} {{range .Brand}}":       "is written {{.Name}}",
		"{{.Link}} {{if .Brand}}x{{end}}":  "is written {{.Name}}",
		"{{.Link}} {{.Brand | printf}} ok": "is written {{.Name}}",
	} {
		err := Check(text, holes)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if err := Check("{{.Link}}", Holes{}); err == nil || !strings.Contains(err.Error(), "takes no values") {
		t.Errorf("%v", err)
	}
}

func TestDigits(t *testing.T) {
	for text, want := range map[string]string{
		"٠١٢٣٤٥٦٧٨٩": "0123456789", "۰۹": "09", "०९": "09", "１２": "12", "𝟎𝟗𝟘𝟡": "0909", "a1 ½ 三": "a1 ½ 三", "": "",
	} {
		if got := Digits(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	// What Digits relies on: each range begins at a zero and holds whole tens.
	for _, digits := range unicode.Nd.R16 {
		if digits.Stride != 1 || (digits.Hi-digits.Lo)%10 != 9 {
			t.Errorf("digits from %U to %U by %d", digits.Lo, digits.Hi, digits.Stride)
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if digits.Stride != 1 || (digits.Hi-digits.Lo)%10 != 9 {
			t.Errorf("digits from %U to %U by %d", digits.Lo, digits.Hi, digits.Stride)
		}
	}
}
