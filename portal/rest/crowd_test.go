package rest_test

import (
	"net/http"
	"net/netip"
	"testing"

	"postern/internal/pages"
	"postern/portal"
	"postern/portal/rest"
)

func TestCrowdedAddress(t *testing.T) {
	w := newWorld(t)
	from := netip.MustParseAddr("198.51.100.9")
	address, err := pages.ParseBase(base)
	if err != nil {
		t.Fatal(err)
	}
	w.api, err = rest.New(rest.Config{
		Gate: w.Gate, Desk: w.Desk, Base: address, Logger: w.Logger,
		Client: func(*http.Request) netip.Addr { return from },
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; w.Gate.Try(portal.Caller{Address: from}) == nil; n++ {
		if n > 1000 {
			t.Fatal("there is no limit")
		}
	}
	for path, body := range map[string]string{
		"/challenge": `{"name": "ana@acme.example", "nonce": "0123456789abcdefghijklmn"}`,
		"/login":     `{"name": "ana@acme.example", "password": "whatever it is"}`,
		"/second":    `{"pending": "x", "code": "123456"}`,
		"/recover":   `{"name": "ana@acme.example"}`,
		"/link":      `{"name": "ana@acme.example"}`,
	} {
		got := w.anybody(t).refused(http.StatusTooManyRequests, "crowded", "POST", path, body)
		if got.header.Get("Retry-After") != "3" {
			t.Errorf("%s: Retry-After %q", path, got.header.Get("Retry-After"))
		}
	}
}
