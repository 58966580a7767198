package links_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/links"
)

const signer = "a secret of thirty-two bytes or more"

// handingOver is a house whose landing hands over to a shop.
func handingOver(t *testing.T, change ...func(*links.DoorConfig)) *house {
	t.Helper()
	h := kindsHouse(t, append([]func(*links.DoorConfig){func(c *links.DoorConfig) {
		c.Hosts = []string{"shop.acme.example"}
		c.Secrets = func(name string) ([]byte, bool) { return []byte(signer), name == "shop" }
	}}, change...)...)
	module := h.book.Modules["HelpDesk"]
	h.book.Landings["shop"] = &engine.Landing{
		Name: "shop", Version: "v1", Module: module, Show: []string{"ticket_no"}, Expires: time.Hour, Uses: 1,
		HandOver: &engine.HandOver{
			To: "https://shop.acme.example/orders?lang=en", Secret: "shop", Fields: []string{"ticket_no", "hours"},
			Life: 2 * time.Minute,
		},
	}
	return h
}

// led sends a form and returns where it leads, without going there.
func (v *visitor) led(path string, form url.Values) *url.URL {
	v.h.t.Helper()
	stays := *v.client
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	before := v.client
	v.client = &stays
	defer func() { v.client = before }()
	reply := v.send("POST", path, form)
	if reply.status != http.StatusSeeOther {
		v.h.t.Fatalf("POST %s: status %d\n%s", path, reply.status, reply.text)
	}
	return mustURL(v.h.t, reply.head.Get("Location"))
}

// A page of the customer's checks the statement with nothing but the secret and the standard (RFC 7515, RFC 7519).
func TestHandOver(t *testing.T) {
	h := handingOver(t)
	link, address := h.mint("shop")
	v := h.visitor()
	page := v.open(address)
	path := strings.Replace(page.path, "/f/", "/h/", 1)
	page.expect(t, 200, "You go on at shop.acme.example", `action="`+path+`"`, "TT42")
	policy := page.head.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https://shop.acme.example;") {
		t.Errorf("the policy is %s", policy)
	}
	v.get(path).expect(t, 200, "You go on at") // a reload of the address leads back
	to := v.led(path, nil)
	token := to.Query().Get("postern")
	if to.Scheme+"://"+to.Host+to.Path != "https://shop.acme.example/orders" || to.Query().Get("lang") != "en" {
		t.Errorf("it leads to %s", to)
	}
	claims := checked(t, token, signer)
	id, _ := claims["jti"].(string)
	want := map[string]any{
		"iss": h.url, "aud": "https://shop.acme.example", "sub": "HelpDesk/17x42", "landing": "shop", "jti": id,
		"iat": json.Number("1795341600"), "exp": json.Number("1795341720"),
		"fields": map[string]any{"ticket_no": "TT42", "hours": json.Number("1234.50")},
	}
	if diff := cmp.Diff(want, claims); diff != "" || len(id) != 36 {
		t.Errorf("the statement (-want +got):\n%s", diff)
	}
	again := checked(t, v.led(path, nil).Query().Get("postern"), signer)
	if again["jti"] == id {
		t.Error("two statements have one id")
	}
	if uses := h.link(link).Uses; uses != 0 || len(h.events()) != 0 {
		t.Errorf("%d uses, %d events: the customer's page acts, not we", uses, len(h.events()))
	}
	if deeds := h.deeds(engine.DeedHandedOver); len(deeds) != 2 {
		t.Errorf("the audit has %v", deeds)
	}
	if strings.Contains(h.log.String(), token) {
		t.Error("the log holds the statement")
	}
	h.visitor().send("POST", path, nil).expect(t, 404)
}

// handOver goes all the way to the customer's page and returns the statement. The door is one behind https.
func (h *house) handOver() string {
	h.t.Helper()
	_, address := h.mint("shop")
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, httptest.NewRequestWithContext(h.t.Context(), "POST", address, nil))
	flow := w.Header().Get("Location")
	r := httptest.NewRequestWithContext(h.t.Context(), "POST", strings.Replace(flow, "/f/", "/h/", 1), nil)
	r.Header.Set("Cookie", strings.Split(w.Header().Get("Set-Cookie"), ";")[0])
	w = httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return mustURL(h.t, w.Header().Get("Location")).Query().Get("postern")
}

// checked verifies a token as somebody else would, and returns its claims.
func checked(t *testing.T, token, secret string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac.Sum(nil), signature) {
		t.Fatalf("the signature is not right, %v", err)
	}
	var head, claims map[string]any
	for i, into := range []*map[string]any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	if head["alg"] != "HS256" || head["typ"] != "JWT" {
		t.Errorf("the head is %v", head)
	}
	return claims
}

func TestHandOverThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*engine.HandOver)
		status int
	}{
		"another host":   {func(o *engine.HandOver) { o.To = "https://evil.example/" }, 410},
		"another port":   {func(o *engine.HandOver) { o.To = "https://shop.acme.example:8443/" }, 410},
		"plain http":     {func(o *engine.HandOver) { o.To = "http://shop.acme.example/" }, 410},
		"somebody in it": {func(o *engine.HandOver) { o.To = "https://shop.acme.example@evil.example/" }, 410},
		"no secret":      {func(o *engine.HandOver) { o.Secret = "none" }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			h := handingOver(t)
			test.change(h.book.Landings["shop"].HandOver)
			_, address := h.mint("shop")
			v := h.visitor()
			page := v.open(address)
			if test.status == 410 {
				page.expect(t, 200, "!You go on at", "TT42")
			}
			if policy := page.head.Get("Content-Security-Policy"); test.status == 410 && strings.Contains(policy, "https:") {
				t.Errorf("the policy is %s", policy)
			}
			v.send("POST", strings.Replace(page.path, "/f/", "/h/", 1), nil).expect(t, test.status, "!TT42")
		})
	}
	h := handingOver(t, func(c *links.DoorConfig) {
		c.Secrets = func(string) ([]byte, bool) { return []byte("short"), true }
	})
	_, address := h.mint("shop")
	v := h.visitor()
	v.send("POST", strings.Replace(v.open(address).path, "/f/", "/h/", 1), nil).expect(t, 503)
	if log := h.log.String(); !strings.Contains(log, "shorter than 32 bytes") || strings.Contains(log, `"short"`) {
		t.Errorf("the log says %s", log)
	}
	_, other := h.mint("kinds")
	v.send("POST", strings.Replace(v.open(other).path, "/f/", "/h/", 1), nil).expect(t, 404)
}

func TestT84OnlyConfiguredHosts(t *testing.T) {
	h := handingOver(t)
	landing := h.book.Landings["kinds"]
	landing.After.Redirect = "https://shop.acme.example/thanks"
	_, address := h.mint("kinds")
	v := h.visitor()
	for _, evil := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"} {
		for _, name := range []string{"next", "return", "return_to", "redirect", "url", "to", "postern"} {
			query := "?" + name + "=" + url.QueryEscape(evil)
			form := url.Values{name: {evil}}
			if to := v.led(address+query, form); to.Host != "" && to.Host != mustURL(t, h.url).Host {
				t.Fatalf("the door leads to %s", to)
			}
		}
	}
	page := v.open(address)
	if to := v.led(page.path+"?next=//evil.example", url.Values{"score": {"", "5"}, "~seen": {page.seen()}}); to.String() !=
		"https://shop.acme.example/thanks" {
		t.Errorf("a form leads to %s", to)
	}
	receipt := v.get(strings.Replace(page.path, "/f/", "/r/", 1))
	receipt.expect(t, 200, "Saved", `href="https://shop.acme.example/thanks"`, "Continue to shop.acme.example")
	// What can be taken back keeps the visitor at its receipt, from which a link leads on.
	confirm := v.get(page.path + "/resolve")
	if to := v.led(confirm.path, url.Values{"~seen": {confirm.seen()}}); to.Path != receipt.path || to.Host != "" {
		t.Errorf("an action that can be taken back leads to %s", to)
	}
	landing.After.Redirect = "https://evil.example/"
	page = v.get(page.path)
	if to := v.led(page.path, url.Values{"score": {"", "4"}, "~seen": {page.seen()}}); to.Path != receipt.path || to.Host != "" {
		t.Errorf("a host that is not configured is led to: %s", to)
	}
	v.get(receipt.path).expect(t, 200, "!evil.example")
	if policy := page.head.Get("Content-Security-Policy"); strings.Contains(policy, "evil") {
		t.Errorf("the policy is %s", policy)
	}
}

func TestAfterPage(t *testing.T) {
	h := kindsHouse(t)
	landing := h.book.Landings["kinds"]
	landing.After.Page = "thanks"
	landing.Texts = map[string]engine.Labels{
		"after.thanks.title": {"en": "Many thanks", "es": "Muchas gracias"},
		"after.thanks.text":  {"en": "We call you tomorrow.", "es": "Le llamamos mañana."},
	}
	_, address := h.mint("kinds", func(terms *engine.LinkTerms) { terms.Language = "es" })
	v := h.visitor()
	page := v.open(address)
	v.submit(page, url.Values{"score": {"", "5"}}).expect(t, 200, "Muchas gracias", "Le llamamos mañana.")
	path := strings.Replace(page.path, "/f/", "/r/", 1)
	receipt := v.submit(v.get(page.path+"/resolve"), nil)
	receipt.expect(t, 200, "Muchas gracias", "Deshacer")
	v.send("POST", path+"/undo", url.Values{"~seen": {receipt.seen()}}).expect(t, 200, "!Muchas gracias")
}
