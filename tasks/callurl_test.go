package tasks

import (
	"net/url"
	"strings"
	"testing"

	"postern/engine"
)

// given is a program that gives a text.
type given string

func (g given) Eval(*engine.Env) (any, error) { return string(g), nil }
func (given) Routes() []string                { return nil }
func (given) Source() string                  { return "record.x" }

// partsOf cuts a text at each {} and puts the values in between.
func partsOf(text string, values ...string) []engine.TextPart {
	var parts []engine.TextPart
	for i, plain := range strings.Split(text, "{}") {
		if i > 0 {
			parts = append(parts, engine.TextPart{Value: given(values[(i-1)%len(values)])})
		}
		if plain != "" {
			parts = append(parts, engine.TextPart{Plain: plain})
		}
	}
	return parts
}

func TestValuesInAddresses(t *testing.T) {
	for _, c := range []struct{ text, value, want string }{
		{"https://a.example/v1/{}", "x", "https://a.example/v1/x"},
		{"HTTPS://A.example/v1/{}", "x", "https://a.example/v1/x"},
		{"https://a.example/{}", "a b/ä?#&=;%+@:", "https://a.example/a%20b%2F%C3%A4%3F%23%26%3D%3B%25%2B%40%3A"},
		{"https://a.example/?q={}&r=1", "a&r=2#x", "https://a.example/?q=a%26r%3D2%23x&r=1"},
		{"https://a.example?{}={}", "q", "https://a.example?q=q"},
		{"https://a.example/?q={}", "", "https://a.example/?q="},
		{"https://a.example/?q={}", "../..", "https://a.example/?q=..%2F.."},
		{"https://a.example/?q={}", "a\r\nb", "https://a.example/?q=a%0D%0Ab"},
		{"https://a.example:8443/x-{}", "..", "https://a.example:8443/x-.."},
		{"https://a.example/x?y=/{}", "..", "https://a.example/x?y=/.."},

		{"https://a.example/items/{}", "", ""},
		{"https://a.example/v1/{}/x", "..", ""},
		{"https://a.example/v1/{}/x", ".", ""},
		{"https://a.example/v1/.{}/x", ".", ""},
		{"https://a.example/v1/%2e{}/x", ".", ""},
		{"https://a.example/v1/{}", "../admin", ""},
		{"https://a.example/v1/{}", "a/../../admin", ""},
		{"https://a.example/v1/{}", `..\admin`, ""},
		{"https://a.example/v1/{}", "a\nb", ""},
		{"https://a.example/v1/{}", "a\x00b", ""},
		{"https://a.example/v1/{}", strings.Repeat("x", engine.MaxCallURL), ""},
	} {
		u, err := readURL(partsOf(c.text, c.value), engine.CallRules{})
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		got, err := u.fill(&engine.Env{})
		if c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s with %q: %s, %v; want %s", c.text, c.value, got, err, c.want)
		}
	}
}

// Whatever a value is, it stays one value of its part of the address, and leads to no other host.
func FuzzValuesInAddresses(f *testing.F) {
	for _, seed := range []string{"x", "", "..", "a/b", "@evil.example/", "?x=1", "#", "%2e%2e", "\\", "a\r\nb", "ä", "\xff"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		parts := partsOf("https://api.example.com/v1/{}/end?q={}&r=1", one, two)
		u, err := readURL(parts, engine.CallRules{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := u.fill(&engine.Env{})
		if err != nil {
			return
		}
		got, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		segments := strings.Split(got.EscapedPath(), "/")
		if got.Scheme != "https" || got.Host != "api.example.com" || got.User != nil || got.Fragment != "" ||
			len(segments) != 4 || segments[1] != "v1" || segments[3] != "end" {
			t.Fatalf("%q, %q lead to %s", one, two, text)
		}
		if value, err := url.PathUnescape(segments[2]); err != nil || value != one || value == ".." || value == "." {
			t.Fatalf("%q became %q in the path: %v", one, value, err)
		}
		query, err := url.ParseQuery(got.RawQuery)
		if err != nil || len(query) != 2 || query.Get("q") != two || query.Get("r") != "1" {
			t.Fatalf("%q became %v: %v", two, query, err)
		}
	})
}

// An address that is taken leads to the host it names, whatever is put in.
func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/{}", "https://a.example{}", "{}", "https://{}/", "https://a@b/{}", "https://[::1]/{}",
		"https://a.example\\@evil.example/{}", "https://a.example:443/{}?{}", "https://a.example?{}", "https:///{}",
		"https://127.1/{}", "https://a.example/%zz{}", "https://a.example/%{}", "https://a.example:/{}", "http://a.example/",
	} {
		f.Add(seed, "x.evil.example")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		parts := partsOf(text, value)
		if len(parts) == 0 {
			return
		}
		u, err := readURL(parts, engine.CallRules{})
		if err != nil {
			return
		}
		filled, err := u.fill(&engine.Env{})
		if err != nil {
			return
		}
		got, err := url.Parse(filled)
		if err != nil {
			t.Fatalf("%q with %q: %v", text, value, err)
		}
		if got.Scheme != "https" || got.Host != u.host || got.User != nil || got.Fragment != "" ||
			checkHost("https", got.Host, engine.CallRules{}) != nil {
			t.Fatalf("%q with %q leads to %q, not to %q", text, value, got.Host, u.host)
		}
	})
}
