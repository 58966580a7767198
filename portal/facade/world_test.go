package facade

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const password = "Sesame-Open-Sesame-1"

// world is a façade on the small portal, with everything behind it.
type world struct {
	*house.World
	gate   *portal.Gate
	facade *Facade
	server *httptest.Server
}

// newWorld opens one; change alters what the façade works with. Ana has a password.
func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{World: house.New(t)}
	book := func() *engine.Book { return &engine.Book{Portals: w.Portals, Modules: w.Modules} }
	var err error
	w.gate, err = portal.NewGate(portal.GateConfig{
		Store: w.Store, CRM: w.CRM, Book: book, Sealer: w.Ring.Seal(rand.Reader),
		Names: bytes.Repeat([]byte{7}, 32), Clock: w.Clock, Random: rand.Reader, Logger: w.Logger, Rounds: 4096,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.setPassword(house.Customers, house.Ana, password)
	config := Config{
		Gate: w.gate, Records: w.Desk, Tokens: w.Store, Book: book, Default: house.Customers,
		Client:   func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.10") },
		Proxied:  func(netip.Addr) bool { return false },
		Prefixes: map[string]string{"HelpDesk": "17", "Contacts": "12", "Accounts": "11"},
		Clock:    w.Clock, Random: rand.Reader, Logger: w.Logger,
	}
	for _, c := range change {
		c(&config)
	}
	w.facade = New(config)
	mux := http.NewServeMux()
	mux.Handle("/webservice.php", w.facade)
	mux.Handle("/portal/{portal}/webservice.php", w.facade)
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) setPassword(name string, subject engine.Ref, text string) {
	w.T.Helper()
	err := w.gate.SetPassword(w.T.Context(), name, subject, text, portal.Because{Actor: "operator:test"})
	if err != nil {
		w.T.Fatal(err)
	}
}

func plaintext(c *Config) { c.Plaintext = true }

// reply is an answer as a client reads it.
type reply struct {
	Status  int             `json:"-"`
	Header  http.Header     `json:"-"`
	Body    string          `json:"-"`
	Success bool            `json:"success"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Info map[string]string `json:"moreinfo"`
}

// code is what a refusal is called; "" for a success.
func (r reply) code() string { return r.Error.Code }

// rows are the rows of a query.
func (r reply) rows(t testing.TB) (rows []map[string]string) {
	t.Helper()
	if err := json.Unmarshal(r.Result, &rows); err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	return rows
}

func (r reply) object(t testing.TB) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal(r.Result, &object); err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	return object
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// get asks with parameters in the address.
func (w *world) get(session string, pairs ...string) reply {
	w.T.Helper()
	return w.ask(http.MethodGet, "/webservice.php?"+form(pairs...).Encode(), session, nil)
}

// post asks with a form.
func (w *world) post(session string, pairs ...string) reply {
	w.T.Helper()
	return w.ask(http.MethodPost, "/webservice.php", session, strings.NewReader(form(pairs...).Encode()))
}

func (w *world) ask(method, path, session string, body io.Reader, headers ...string) reply {
	w.T.Helper()
	r, err := http.NewRequestWithContext(w.T.Context(), method, w.server.URL+path, body)
	if err != nil {
		w.T.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if session != "" {
		r.Header.Set("corebos-authorization", session)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.server.Client().Do(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	answered := reply{Status: response.StatusCode, Header: response.Header, Body: string(text)}
	if err := json.Unmarshal(text, &answered); err != nil && len(text) > 0 {
		w.T.Fatalf("%s %s answered %q: %v", method, path, text, err)
	}
	return answered
}

// session signs a subject of the customers' portal in by their address, in plaintext mode.
func (w *world) session(name, text string) string {
	w.T.Helper()
	token := w.get("", "operation", "getchallenge", "username", name).object(w.T)["token"].(string)
	in := w.post("", "operation", "login", "username", name, "accessKey", token+text)
	if !in.Success {
		w.T.Fatalf("sign in: %s", in.Body)
	}
	return in.object(w.T)["sessionName"].(string)
}
