package pages

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"postern/portal"
)

func TestCrowdedAddress(t *testing.T) {
	from := netip.MustParseAddr("198.51.100.9")
	s := newStage(t, func(c *Config) { c.Client = func(*http.Request) netip.Addr { return from } })
	for n := 0; s.gate.Try(portal.Caller{Address: from}) == nil; n++ {
		if n > 1000 {
			t.Fatal("there is no limit")
		}
	}
	for path, form := range map[string]url.Values{
		"/sign-in":   {"name": {"ana@acme.example"}, "password": {password}},
		"/second":    {"code": {"123456"}},
		"/passkey":   {},
		"/forgot":    {"name": {"ana@acme.example"}},
		"/mail-link": {"name": {"ana@acme.example"}},
	} {
		page := s.stranger().send(http.MethodPost, start+path, form).expect(t, http.StatusTooManyRequests, "Please wait")
		if page.header.Get("Retry-After") != "3" {
			t.Errorf("%s: Retry-After %q", path, page.header.Get("Retry-After"))
		}
	}
}
