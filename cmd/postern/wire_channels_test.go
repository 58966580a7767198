package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
)

// callee is a channel that is called back, and that listens.
type callee struct{ got []string }

func (*callee) Send(context.Context, engine.Message) (engine.Receipt, error) {
	return engine.Receipt{}, nil
}

func (c *callee) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		c.got = append(c.got, r.Method+" "+r.URL.Path+" "+string(body))
	})
}

func (*callee) Listen(context.Context) error { return errors.New("the port is taken") }

func TestProvidersCallBelowTheNameOfTheirChannel(t *testing.T) {
	sms := &callee{}
	h := &house{channels: map[string]engine.Channel{"sms": sms, "email": struct{ engine.Channel }{sms}}}
	door := h.callbacks()
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/callbacks/sms/status/1?x=y", "a", 200},
		{"/callbacks/sms", "b", 200},
		{"/callbacks/sms/", strings.Repeat("x", maxCallback+1), 413},
		{"/callbacks/email/status", "c", 404},
		{"/callbacks/fax/status", "d", 404},
		{"/callbacks/", "e", 404},
	} {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", test.path, strings.NewReader(test.body)))
		if w.Code != test.status {
			t.Errorf("POST %s is answered with %d, want %d", test.path, w.Code, test.status)
		}
	}
	if got := strings.Join(sms.got, "; "); got != "POST /status/1 a; POST / b" {
		t.Errorf("the channel was called with %s", got)
	}
	parts := h.listeners()
	if len(parts) != 1 {
		t.Fatalf("%d channels listen", len(parts))
	}
	if err := parts[0](t.Context()); err == nil || err.Error() != "channel sms: the port is taken" {
		t.Errorf("listening ended with %v", err)
	}
}

func TestChannelsKnowTheirPlace(t *testing.T) {
	c := defaultConfig()
	c.Web.BaseURL, c.Data = "https://go.acme.example", t.TempDir()
	h := &house{config: c}
	if err := h.openKeys(); err != nil {
		t.Fatal(err)
	}
	outfit := h.outfit()
	if a, b := outfit.Key("a"), outfit.Key("b"); len(a) != 32 || string(a) == string(b) {
		t.Error("the keys for two purposes are no keys, or the same")
	}
	if got := c.callbacks("sms"); got != "https://go.acme.example/callbacks/sms" {
		t.Errorf("providers call %s", got)
	}
}

func TestLeftOutSaysWhatIsNeeded(t *testing.T) {
	book := &engine.Book{LeftOut: map[string]string{"b": "sms", "a": "sms", "c": "push"}}
	if got := leftOut(book); got != "push for c; sms for a, b" {
		t.Errorf("got %q", got)
	}
}
