package rest_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/apicontract"
	"postern/internal/pages"
	"postern/internal/passkey"
	"postern/portal"
	"postern/portal/portaltest/house"
	"postern/portal/rest"
	"postern/schemas"
)

const base = "https://my.acme.example"

// world is the API before the small book. Every answer is held against the document.
type world struct {
	*house.World

	api      *rest.API
	contract *apicontract.Contract
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: house.New(t), contract: apicontract.New(t, schemas.API())}
	w.serve()
	return w
}

func (w *world) serve() {
	w.T.Helper()
	address, err := pages.ParseBase(base)
	if err != nil {
		w.T.Fatal(err)
	}
	w.api, err = rest.New(rest.Config{Gate: w.Gate, Desk: w.Desk, Base: address, Name: "Acme", Logger: w.Logger})
	if err != nil {
		w.T.Fatal(err)
	}
}

// newKeyedWorld is one whose address browsers make passkeys for.
func newKeyedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	party, err := passkey.NewParty(base, "Acme", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.Gate = w.OpenGate(func(c *portal.GateConfig) { c.Passkeys = party })
	w.serve()
	return w
}

// client is a program or a browser.
type client struct {
	*world
	t       *testing.T
	portal  string
	token   string
	cookies []*http.Cookie
}

// anybody is a client that nobody is signed in with.
func (w *world) anybody(t *testing.T) *client {
	return &client{world: w, t: t, portal: house.Customers}
}

// program is a client with a session of a subject.
func (w *world) program(t *testing.T, portal string, subject engine.Ref) *client {
	t.Helper()
	return &client{world: w, t: t, portal: portal, token: w.SignIn(portal, subject)}
}

// reply is what was answered.
type reply struct {
	status int
	header http.Header
	text   string
	value  map[string]any
}

// send asks for a path below the portal's. What the document does not allow to be asked has ! in front of its method.
func (c *client) send(method, path, body string, headers ...string) reply {
	c.t.Helper()
	method, wrong := strings.CutPrefix(method, "!")
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(c.t.Context(), method, rest.Prefix+c.portal+path, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		for _, cookie := range c.cookies {
			r.AddCookie(cookie)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r
	}
	recorder := httptest.NewRecorder()
	c.api.ServeHTTP(recorder, request())
	got := reply{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	if err := c.contract.Request(request(), body); err != nil && !wrong {
		c.t.Errorf("%s %s %s is not as the document says: %v", method, path, body, err)
	}
	if err := c.contract.Answer(request(), got.status, got.header, got.text); err != nil {
		c.t.Errorf("%s %s: the answer %d %s is not as the document says: %v", method, path, got.status, got.text, err)
	}
	if cache := got.header.Get("Cache-Control"); cache != "no-store" {
		c.t.Errorf("%s %s may be kept: %q", method, path, cache)
	}
	if strings.Contains(got.header.Get("Content-Type"), "json") {
		if err := json.Unmarshal([]byte(got.text), &got.value); err != nil {
			c.t.Fatalf("%s %s answers %q: %v", method, path, got.text, err)
		}
	}
	return got
}

// want is send where the status is known.
func (c *client) want(status int, method, path, body string, headers ...string) reply {
	c.t.Helper()
	got := c.send(method, path, body, headers...)
	if got.status != status {
		c.t.Fatalf("%s %s %s answers %d %s, want %d", method, path, body, got.status, got.text, status)
	}
	return got
}

// refused wants a problem with a code.
func (c *client) refused(status int, code, method, path, body string, headers ...string) reply {
	c.t.Helper()
	got := c.send(method, path, body, headers...)
	if got.status != status || got.value["code"] != code || got.value["title"] == "" {
		c.t.Errorf("%s %s %s answers %d %s, want %d %s", method, path, body, got.status, got.text, status, code)
	}
	return got
}

// ids are those of a list.
func (r reply) ids() []string {
	ids := []string{}
	records, _ := r.value["records"].([]any)
	for _, record := range records {
		ids = append(ids, record.(map[string]any)["id"].(string))
	}
	return ids
}
