package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
)

// office answers what it was told to and keeps what it was asked.
type office struct {
	orders []LinkOrder
	ids    []engine.ID
	by     engine.Order
	err    error
}

func (o *office) New(_ context.Context, order LinkOrder, id engine.ID, by engine.Order) (LinkMade, error) {
	o.orders, o.ids, o.by = append(o.orders, order), append(o.ids, id), by
	return LinkMade{URL: "https://go.acme.example/l/a"}, o.err
}

func (o *office) Check(context.Context, LinkQuestion) (*LinkStanding, error) { return nil, o.err }

func (o *office) Revoke(_ context.Context, _ LinkChoice, by engine.Order) (int, error) {
	o.by = by
	return 3, o.err
}

func (o *office) post(t *testing.T, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	t.Setenv("SHOP_KEY", "a-key-of-enough-characters")
	t.Setenv("OTHER_KEY", "another-key-of-enough-characters")
	both := []string{"links", "check"}
	keys, err := NewKeys(map[string]Key{"shop": {Env: "SHOP_KEY", Scopes: both}, "other": {Env: "OTHER_KEY", Scopes: both}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer a-key-of-enough-characters")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return ask(LinksHandler(o, keys, fit, quiet()), r)
}

// One key and one sender is one link; the same key of another sender is another.
func TestLinksAreNamedBySenderAndKey(t *testing.T) {
	o := &office{}
	const order = `{"landing":"ticket","record":"HelpDesk/17x1"}`
	for _, headers := range [][]string{
		{"Idempotency-Key", "7"},
		{"Idempotency-Key", "7"},
		{"Idempotency-Key", "8"},
		{},
		{"Idempotency-Key", "7", "Authorization", "Bearer another-key-of-enough-characters"},
	} {
		if w := o.post(t, "/api/links", order, headers...); w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	same, next, none, other := o.ids[1], o.ids[2], o.ids[3], o.ids[4]
	if o.ids[0] != same || same.IsZero() || same == next || !none.IsZero() || other == same || other.IsZero() {
		t.Errorf("the ids are %v", o.ids)
	}
	if o.by.By != "key:other" {
		t.Errorf("made by %q", o.by.By)
	}
}

func TestLinksAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		err        error
		status     int
		says       string
	}{
		"no landing":  {"/api/links", `{"record":"HelpDesk/17x1"}`, nil, 400, `"bad_order"`},
		"unknown key": {"/api/links", `{"landng":"ticket"}`, nil, 400, `unknown field \"landng\"`},
		"impossible":  {"/api/links", `{"landing":"a","record":"b/c"}`, engine.Permanent(errors.New("no such landing")), 422, "no such landing"},
		"broken":      {"/api/links", `{"landing":"a","record":"b/c"}`, errors.New("disk full"), 503, `"unavailable"`},
		"no question": {"/api/links/check", `{"landing":"a"}`, nil, 400, `"bad_order"`},
		"no choice":   {"/api/links/revoke", `{"reason":"x"}`, nil, 400, `"bad_order"`},
		"two choices": {"/api/links/revoke", `{"id":"x","workflow":"y"}`, nil, 400, `"bad_order"`},
		"too long":    {"/api/links", `{"landing":"` + strings.Repeat("a", 20<<10) + `"}`, nil, 400, `"bad_order"`},
	} {
		w := (&office{err: c.err}).post(t, c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "disk full") {
			t.Errorf("%s: a stranger reads what broke: %s", name, w.Body)
		}
	}
	// What was asked is not told again: it may hold a token.
	w := (&office{}).post(t, "/api/links/check", `{"token":"secret`)
	if w.Code != 400 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
