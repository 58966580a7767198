package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever is not one of our proxies may write into the headers what they like: they stay who they are.
func TestT38ClientAddressCannotBeSpoofed(t *testing.T) {
	for name, test := range map[string]struct {
		trusted []string
		peer    string
		headers []string // name, value, …
		want    string
	}{
		"nobody is trusted":      {nil, "203.0.113.7:4711", []string{"X-Forwarded-For", "198.51.100.1"}, "203.0.113.7"},
		"nor is this machine":    {nil, "127.0.0.1:4711", []string{"X-Forwarded-For", "198.51.100.1"}, "127.0.0.1"},
		"a stranger's word":      {[]string{"10.0.0.0/8"}, "203.0.113.7:1", []string{"X-Forwarded-For", "10.0.0.1"}, "203.0.113.7"},
		"our proxy's word":       {[]string{"10.0.0.0/8"}, "10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.1"}, "198.51.100.1"},
		"what the visitor added": {[]string{"10.0.0.0/8"}, "10.0.0.2:1", []string{"X-Forwarded-For", "1.1.1.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		"through two of ours":    {[]string{"10.0.0.0/8"}, "10.0.0.2:1", []string{"X-Forwarded-For", "1.1.1.1, 198.51.100.1, 10.0.0.3"}, "198.51.100.1"},
		"in two headers": {
			[]string{"10.0.0.0/8"},
			"10.0.0.2:1",
			[]string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "198.51.100.1,10.0.0.3"},
			"198.51.100.1",
		},
		"other headers": {
			[]string{"10.0.0.2"},
			"10.0.0.2:1",
			[]string{"Forwarded", "for=1.1.1.1", "X-Real-IP", "1.1.1.1", "True-Client-IP", "1.1.1.1"},
			"10.0.0.2",
		},
		"no header":            {[]string{"10.0.0.2"}, "10.0.0.2:1", nil, "10.0.0.2"},
		"no address":           {[]string{"10.0.0.2"}, "10.0.0.2:1", []string{"X-Forwarded-For", "1.1.1.1, unknown"}, "10.0.0.2"},
		"all of them are ours": {[]string{"10.0.0.0/8"}, "10.0.0.2:1", []string{"X-Forwarded-For", "10.0.0.4, 10.0.0.3"}, "10.0.0.4"},
		"with ports":           {[]string{"10.0.0.2"}, "10.0.0.2:1", []string{"X-Forwarded-For", "198.51.100.1:55"}, "198.51.100.1"},
		"version six":          {[]string{"fd00::/8"}, "[fd00::1]:1", []string{"X-Forwarded-For", "[2001:db8::7]:55"}, "2001:db8::7"},
		"in brackets":          {[]string{"fd00::/8"}, "[fd00::1]:1", []string{"X-Forwarded-For", "[2001:db8::7]"}, "2001:db8::7"},
		"four within six":      {[]string{"10.0.0.2"}, "[::ffff:10.0.0.2]:1", []string{"X-Forwarded-For", "::ffff:198.51.100.1"}, "198.51.100.1"},
		"with a zone":          {nil, "[fe80::1%eth0]:1", nil, "fe80::1"},
		"too many hops": {
			[]string{"10.0.0.0/8"}, "10.0.0.2:1", []string{"X-Forwarded-For", "1.1.1.1" + strings.Repeat(",10.0.0.3", 16)}, "10.0.0.3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			proxies, err := ParseProxies(test.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = test.peer
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Add(test.headers[i], test.headers[i+1])
			}
			if got := proxies.Client(r).String(); got != test.want {
				t.Errorf("the visitor is %s, want %s", got, test.want)
			}
		})
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@"
	if got := (Proxies{}).Client(r); got.IsValid() {
		t.Errorf("a connection without an address is %s", got)
	}
}

func TestParseProxiesComplains(t *testing.T) {
	for text, want := range map[string]string{
		"proxy.internal": "neither an address nor a range",
		"10.0.0.0/33":    "neither an address nor a range",
		"fe80::1%eth0":   "neither an address nor a range",
		"":               "neither an address nor a range",
		"0.0.0.0/0":      "everybody",
		"::/0":           "everybody",
		"10.1.2.3/8":     "did you mean 10.0.0.0/8 or 10.1.2.3?",
	} {
		_, err := ParseProxies([]string{"10.0.0.1", text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := ParseProxies([]string{"a", "b"}); strings.Count(err.Error(), "neither") != 2 {
		t.Errorf("not every complaint is told: %v", err)
	}
}
