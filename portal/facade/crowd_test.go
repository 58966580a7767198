package facade

import (
	"net/http"
	"strings"
	"testing"

	"postern/portal"
)

// Who tries too much from one address is told so with the status that proxies know, and when to come again.
func TestCrowdedAddress(t *testing.T) {
	w := newWorld(t, plaintext)
	token := w.get("", "operation", "getchallenge", "username", ana).object(t)["token"].(string)
	from := portal.Caller{Address: w.facade.with.Client(nil)}
	for n := 0; w.gate.Try(from) == nil; n++ {
		if n > 1000 {
			t.Fatal("there is no limit")
		}
	}
	for name, refused := range map[string]reply{
		"token":     w.get("", "operation", "getchallenge", "username", ana),
		"challenge": w.get("", "operation", "getchallenge", "username", ana, "cnonce", strings.Repeat("n", 24)),
		"password":  w.post("", "operation", "login", "username", ana, "accessKey", token+password),
		"no token":  w.post("", "operation", "login", "username", ana, "accessKey", strings.Repeat("x", 40)),
		"recover":   w.post("", "operation", "sendRecoverPassword", "username", ana),
	} {
		if refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "3" ||
			refused.code() != "ACCESS_DENIED" {
			t.Errorf("%s: %d, Retry-After %q, %s", name, refused.Status, refused.Header.Get("Retry-After"), refused.Body)
		}
	}
}

// A client in plaintext mode that signs in rightly takes nothing from its address.
func TestRightSignInsAreTakenBack(t *testing.T) {
	w := newWorld(t, plaintext)
	for range 120 {
		w.session(ana, password)
	}
}
