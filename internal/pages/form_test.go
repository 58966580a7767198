package pages

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadForm(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	longest := strings.Repeat("x", MaxBody-len("a="))
	tests := map[string]struct {
		kind, body string
		want       url.Values
		err        error
	}{
		"a form":                 {form, "a=1&a=2&b=%C3%A9", url.Values{"a": {"1", "2"}, "b": {"é"}}, nil},
		"with a charset":         {form + "; charset=UTF-8", "a=1", url.Values{"a": {"1"}}, nil},
		"empty":                  {"", "", url.Values{}, nil},
		"the most fields":        {form, strings.Repeat("a=1&", 99) + "a=1", url.Values{"a": slice("1", 100)}, nil},
		"one field more":         {form, strings.Repeat("a=1&", 100) + "a=1", nil, ErrMalformed},
		"the longest":            {form, "a=" + longest, url.Values{"a": {longest}}, nil},
		"one byte more":          {form, "a=" + longest + "x", nil, ErrTooLarge},
		"an object":              {"application/json", `{"a":1,"b":[]}`, url.Values{"a": {"1"}, "b": {""}}, nil},
		"another kind":           {"text/plain", `{"a":1}`, nil, ErrMalformed},
		"many parts":             {"multipart/form-data; boundary=x", "--x--", nil, ErrMalformed},
		"a broken escape":        {form, "a=%zz", nil, ErrMalformed},
		"no kind, but a body":    {"", "a=1", nil, ErrMalformed},
		"squeezed, not unpacked": {form, "\x1f\x8b\x08;", nil, ErrMalformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/f/x?a=query", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.kind)
			got, err := ReadForm(r)
			if !errors.Is(err, test.err) || !cmp.Equal(got, test.want) {
				t.Errorf("got %.80v, %v", got, err)
			}
		})
	}
}

func slice(s string, n int) []string { return strings.Fields(strings.Repeat(s+" ", n)) }
