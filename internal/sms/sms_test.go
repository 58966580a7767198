package sms

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMeasure(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Count
	}{
		"nothing":                    {"", Count{}},
		"one character":              {"a", Count{1, 1, false, 0}},
		"a whole segment":            {strings.Repeat("a", 160), Count{1, 160, false, 0}},
		"one more":                   {strings.Repeat("a", 161), Count{2, 161, false, 0}},
		"two whole segments":         {strings.Repeat("a", 306), Count{2, 306, false, 0}},
		"three":                      {strings.Repeat("a", 307), Count{3, 307, false, 0}},
		"Spanish that fits":          {"¿Mañana? ¡Sí, señor!", Count{1, 20, true, 'í'}},
		"é, ñ, ü and Ç are held":     {"é ñ ü Ç à Ä", Count{1, 11, false, 0}},
		"the euro takes two":         {strings.Repeat("€", 80), Count{1, 160, false, 0}},
		"and one more":               {strings.Repeat("€", 81), Count{2, 162, false, 0}},
		"brackets take two":          {"[a]{b}~^|\\", Count{1, 18, false, 0}},
		"a double stays together":    {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), Count{3, 306, false, 0}},
		"a whole segment of Unicode": {strings.Repeat("你", 70), Count{1, 70, true, '你'}},
		"one more of Unicode":        {strings.Repeat("你", 71), Count{2, 71, true, '你'}},
		"an emoji takes two":         {strings.Repeat("🚪", 35), Count{1, 70, true, '🚪'}},
		"an emoji stays together": {
			strings.Repeat("你", 66) + "🚪" + strings.Repeat("你", 66), Count{3, 134, true, '你'},
		},
		"one curly quote is enough":   {strings.Repeat("a", 70) + "’", Count{2, 71, true, '’'}},
		"a backquote is not of GSM-7": {"`", Count{1, 1, true, '`'}},
		"no bytes":                    {"\xff", Count{1, 1, true, utf8.RuneError}},
		"lines":                       {"a\nb\r\n", Count{1, 5, false, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Measure(test.text); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestGSMHasItsCharacters(t *testing.T) {
	if n := utf8.RuneCountInString(basic); n != 128 {
		t.Fatalf("%d characters, want 128", n)
	}
	for _, r := range basic {
		if want := 1; r != '\x1b' && septets(r) != want {
			t.Errorf("%q takes %d septets", r, septets(r))
		}
	}
	for _, r := range extended {
		if septets(r) != 2 {
			t.Errorf("%q takes %d septets", r, septets(r))
		}
	}
}

// A text never takes fewer segments than its start, nor more than one for each character.
func FuzzMeasure(f *testing.F) {
	f.Add("hello", "€")
	f.Add(strings.Repeat("a", 160), "🚪")
	f.Fuzz(func(t *testing.T, head, tail string) {
		if !utf8.ValidString(head) || !utf8.ValidString(tail) {
			t.Skip()
		}
		whole, start := Measure(head+tail), Measure(head)
		if whole.Segments < start.Segments {
			t.Errorf("%d segments, its start takes %d", whole.Segments, start.Segments)
		}
		if n := utf8.RuneCountInString(head + tail); whole.Segments > n || n > 0 && whole.Segments == 0 {
			t.Errorf("%d segments for %d characters", whole.Segments, n)
		}
	})
}

func TestWishes(t *testing.T) {
	for text, want := range map[string]Wish{
		"STOP": Stop, " stop ": Stop, "Stop.": Stop, "StopAll": Stop, "unsubscribe": Stop, "CANCEL": Stop, "end": Stop,
		"quit!": Stop, "start": Start, "UNSTOP": Start, "help": Help, "info": Help,
		"please stop": NoWish, "stop it": NoWish, "": NoWish, "St op": NoWish, "ok": NoWish,
	} {
		if got := WishOf(text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"as it is": "as it is", " a\r\nb\n\n": "a\nb", "a\tb\rc\u2028d": "a b c d", "a\x00\x1b[1mb": "a[1mb",
		"\u202eab\u202c\u2066c\u2069\ufeff": "abc", "ñ 你 🚪 שלום": "ñ 你 🚪 שלום", "\n \x00": "",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
