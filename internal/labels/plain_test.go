package labels

import "testing"

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"123456":                 "123456",
		" 123 456 ":              "123456",
		"012-345":                "012345",
		"\u2066123456\u2069":     "123456", // as copied from a message that runs from right to left
		"\uff11\uff12\uff13":     "123",    // full width
		"\u0661\u0662\u0663":     "123",    // Arabic
		"ABC-d\u00a0ef":          "abcdef",
		"Stra\u00dfe":            "strasse",
		"STRASSE":                "strasse",
		"e\u0301":                "\u00e9", // composed or not
		"\ufb01 \u2013 x \u2212": "fix",
		"":                       "",
		" - ":                    "",
	} {
		if got := Plain(text); got != want {
			t.Errorf("Plain(%q) is %q, want %q", text, got, want)
		}
		if again := Plain(want); again != want {
			t.Errorf("Plain(%q) is %q: not the same", want, again)
		}
	}
}
