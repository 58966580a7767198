package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/nats"
)

const goodKey = "a-key-long-enough-for-a-test"

const structured = `{"specversion":"1.0","id":"e1","source":"https://crm.example","type":"record.updated",` +
	`"subject":"HelpDesk/17x5","data":{"record":{"id":"17x5","title":"<b>Ü</b>"},"old":{"title":"U"}}}`

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fit refuses nothing.
func fit() string { return "" }

func testKeys(t testing.TB) Keys {
	t.Helper()
	for name, value := range map[string]string{"CRM_KEY": goodKey, "OTHER_KEY": "another-key-long-enough-too"} {
		t.Setenv(name, value)
	}
	keys, err := NewKeys(map[string]Key{"crm": {Env: "CRM_KEY"}, "other": {Env: "OTHER_KEY"}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func testBus(t testing.TB) engine.Bus {
	t.Helper()
	bus, err := nats.Open(t.Context(), nats.Config{}, t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+goodKey)
	r.Header.Set("Content-Type", "application/cloudevents+json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func ask(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func binaryMode(headers ...string) []string {
	return append([]string{
		"Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "e1", "ce-source", "https://crm.example",
		"ce-type", "record.updated", "ce-subject", "HelpDesk/17x5",
	}, headers...)
}

func TestEventsAreStored(t *testing.T) {
	data := `{"record":{"id":"17x5","title":"<b>Ü</b>"},"old":{"title":"U"}}`
	for name, r := range map[string]*http.Request{
		"structured":      post(structured),
		"as plain JSON":   post(structured, "Content-Type", "application/json; charset=utf-8"),
		"binary":          post(data, binaryMode()...),
		"binary, escaped": post(data, binaryMode("ce-subject", "HelpDesk%2F17x5")...),
		"structured wins": post(structured, binaryMode("Content-Type", "application/cloudevents+json")...),
	} {
		t.Run(name, func(t *testing.T) {
			bus := testBus(t)
			w := ask(EventsHandler(bus, testKeys(t), fit, quiet()), r)
			if w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != `{"id":"e1"}` {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			stored := only(t, bus)
			if stored.ID != "e1" || stored.Subject != "HelpDesk/17x5" || stored.Change.Record["title"] != "<b>Ü</b>" {
				t.Errorf("stored %+v with %+v", stored, stored.Change)
			}
		})
	}
}

// only decodes the first event of the bus.
func only(t *testing.T, bus engine.Bus) (event *engine.Event) {
	t.Helper()
	errDone := errors.New("read")
	err := bus.Read(t.Context(), 0, 1, func(_ context.Context, entries []engine.Entry) error {
		at, err := engine.ParseAddress(entries[0].Subject)
		if err != nil {
			return err
		}
		if event, err = engine.DecodeEvent(at, entries[0].Header, entries[0].Data); err != nil {
			return err
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	return event
}

func TestEventsRefused(t *testing.T) {
	get := post("")
	get.Method = http.MethodGet
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		header  string // one that the answer must have
		message string
	}{
		"by GET":          {get, 405, "Allow", "POST"},
		"without a key":   {post(structured, "Authorization", ""), 401, "Www-Authenticate", "valid key"},
		"wrong key":       {post(structured, "Authorization", "Bearer "+goodKey+"x"), 401, "Www-Authenticate", "key"},
		"key as password": {post(structured, "Authorization", "Basic "+goodKey), 401, "Www-Authenticate", "valid key"},
		"as a form":       {post("a=b", "Content-Type", "application/x-www-form-urlencoded"), 415, "", "one event"},
		"no type":         {post(structured, "Content-Type", ""), 415, "", "cloudevents+json"},
		"too large":       {post(strings.Repeat(" ", engine.MaxEventBytes+1)), 413, "", "262144 bytes"},
		"empty":           {post(""), 400, "", "no CloudEvent"},
		"broken":          {post(structured[:50]), 400, "", "broken JSON"},
		"nested":          {post(strings.Repeat("[", 100)), 400, "", "deeper"},
		"no subject":      {post(strings.Replace(structured, `"subject"`, `"to"`, 1)), 400, "", `"subject" is missing`},
		"strange type":    {post(strings.Replace(structured, ".updated", ".eaten", 1)), 400, "", "record.eaten"},
		"another record":  {post(strings.Replace(structured, `"id":"17x5"`, `"id":"17x6"`, 1)), 400, "", "17x6"},
		"as ourselves":    {post(strings.Replace(structured, "https://crm.example", "postern", 1)), 400, "", "Postern itself"},
		"of our kind":     {post(strings.Replace(structured, "record.updated", "link.used", 1)), 400, "", `"link"`},
		"no NATS subject": {post(strings.Replace(structured, "record.updated", "a b.c", 1)), 400, "", "letters"},
	} {
		t.Run(name, func(t *testing.T) {
			bus := testBus(t)
			w := ask(EventsHandler(bus, testKeys(t), fit, quiet()), test.request)
			var got struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if w.Code != test.status || got.Code == "" || !strings.Contains(got.Message, test.message) {
				t.Errorf("answered %d %+v, want %d with %q", w.Code, got, test.status, test.message)
			}
			if test.header != "" && w.Header().Get(test.header) == "" {
				t.Errorf("the answer has no %s", test.header)
			}
			if position, err := bus.Position(t.Context()); err != nil || position.Last != 0 {
				t.Errorf("the stream is at %+v, %v; want nothing stored", position, err)
			}
		})
	}
}

// brokenBus refuses whatever is published.
type brokenBus struct {
	engine.Bus

	err error
}

func (b brokenBus) Publish(context.Context, ...*engine.Event) error { return b.err }

func TestEventsNotStored(t *testing.T) {
	for name, test := range map[string]struct {
		err        error
		code, wait string
	}{
		"full": {engine.ErrFull, "stream_full", retryWhenFull},
		"down": {errors.New("dial broker.internal: refused"), "unavailable", retryWhenDown},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			handler := EventsHandler(brokenBus{err: test.err}, testKeys(t), fit, slog.New(slog.NewTextHandler(&log, nil)))
			w := ask(handler, post(structured))
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != test.wait {
				t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			told := w.Body.String()
			if !strings.Contains(told, test.code) || strings.Contains(told, "broker.internal") {
				t.Errorf("the client was told %s", told)
			}
			if !strings.Contains(log.String(), test.err.Error()) || strings.Contains(log.String(), goodKey) {
				t.Errorf("the log says %s", &log)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	keys := testKeys(t)
	for shown, want := range map[string]string{
		"Bearer " + goodKey:                  "crm",
		"bearer  " + goodKey:                 "crm",
		"Bearer another-key-long-enough-too": "other",
		"Bearer":                             "",
		"Bearer " + goodKey[1:]:              "",
		goodKey:                              "",
		"Token " + goodKey:                   "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/events", nil)
		r.Header.Set("Authorization", shown)
		if found, known := keys.who(r); known != (want != "") || (known && found.name != want) {
			t.Errorf("%q is %q, %v; want %q", shown, found.name, known, want)
		}
	}
	if _, known := (Keys{}).who(post("")); known {
		t.Error("no keys let somebody in")
	}
}

// A key opens the parts of the API that it names, and events and runs if it names none.
func TestKeysHaveScopes(t *testing.T) {
	t.Setenv("PLAIN_KEY", "a-plain-key-of-enough-characters")
	t.Setenv("NARROW_KEY", "a-narrow-key-of-enough-characters")
	keys, err := NewKeys(map[string]Key{
		"plain": {Env: "PLAIN_KEY"}, "narrow": {Env: "NARROW_KEY", Scopes: []string{"check", "files"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for shown, opens := range map[string][]Scope{
		"a-plain-key-of-enough-characters":  {ScopeEvents, ScopeRuns},
		"a-narrow-key-of-enough-characters": {ScopeCheck, ScopeFiles},
	} {
		for _, scope := range []Scope{ScopeEvents, ScopeRuns, ScopeLinks, ScopeCheck, ScopeFiles} {
			w := httptest.NewRecorder()
			_, bad := keys.admit(w, post("", "Authorization", "Bearer "+shown), http.MethodPost, scope)
			if (bad == nil) != slices.Contains(opens, scope) {
				t.Errorf("%s opens %s: %v", shown, scope, bad)
			}
			const told = `Bearer realm="postern", error="insufficient_scope", scope="`
			if bad != nil && (bad.status != http.StatusForbidden || bad.Code != "insufficient_scope" ||
				w.Header().Get("WWW-Authenticate") != told+string(scope)+`"`) {
				t.Errorf("%s for %s: %+v, %v", shown, scope, bad, w.Header())
			}
		}
	}
}

func TestNewKeysComplains(t *testing.T) {
	t.Setenv("SHORT_KEY", "hunter2")
	t.Setenv("ODD_KEY", "a-key-of-enough-characters")
	_, err := NewKeys(map[string]Key{
		"short": {Env: "SHORT_KEY"}, "gone": {Env: "NO_SUCH_KEY"}, "none": {},
		"odd": {Env: "ODD_KEY", Scopes: []string{"everything"}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"short", "gone", "NO_SUCH_KEY", "none", `"everything" is not one of events, runs`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q says nothing about %s", err, word)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the key is in %q", err)
	}
}
