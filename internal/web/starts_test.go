package web_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/web"
)

// orders is a Starter that keeps what it was ordered.
type orders struct {
	taken  []engine.StartOrder
	refs   []engine.Ref
	ids    []string
	answer error
}

func (o *orders) start(_ context.Context, order engine.StartOrder, ref engine.Ref, id string) error {
	o.taken, o.refs, o.ids = append(o.taken, order), append(o.refs, ref), append(o.ids, id)
	return o.answer
}

func (o *orders) post(t *testing.T, body string, headers ...string) (status int, answer string) {
	t.Helper()
	t.Setenv("STARTS_KEY", "a-key-of-enough-characters")
	keys, err := web.NewKeys(map[string]web.Key{"button": {Env: "STARTS_KEY"}})
	if err != nil {
		t.Fatal(err)
	}
	refusing := func() string { return "" }
	handler := web.StartsHandler(o.start, keys, rand.Reader, refusing, slog.New(slog.DiscardHandler))
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/runs", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer a-key-of-enough-characters")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	text, _ := io.ReadAll(recorder.Result().Body)
	return recorder.Code, string(text)
}

func TestStartsAreOrdered(t *testing.T) {
	o := &orders{}
	const order = `{"workflow":"remind","record":"Tickets/a b","inputs":{"days":3}}`
	for range 2 {
		if status, answer := o.post(t, order, "Idempotency-Key", "press 7"); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if status, answer := o.post(t, order); status != http.StatusAccepted || !strings.Contains(answer, o.ids[2]) {
		t.Fatalf("%d %s", status, answer)
	}
	if o.ids[0] != o.ids[1] || o.ids[2] == o.ids[0] {
		t.Errorf("the ids are %q", o.ids)
	}
	if got := o.taken[0]; got.By != "key:button" || got.Workflow != "remind" || got.Inputs.Text("days") != "3" {
		t.Errorf("ordered is %+v", got)
	}
	if o.refs[0] != (engine.Ref{Module: "Tickets", ID: "a b"}) {
		t.Errorf("the record is %v", o.refs[0])
	}
}

func TestStartsThatAreRefused(t *testing.T) {
	permanent := engine.Permanent(errors.New("workflow remind needs the input reason"))
	tests := []struct {
		name, body string
		answer     error
		headers    []string
		status     int
		says       string
	}{
		{"no key", `{}`, nil, []string{"Authorization", "Bearer wrong"}, 401, "unauthorized"},
		{"no JSON", `x`, nil, nil, 400, "the body is no order"},
		{"an unknown name", `{"workflw":"a"}`, nil, nil, 400, `unknown field \"workflw\"`},
		{"no workflow", `{"record":"Tickets/1"}`, nil, nil, 400, `\"workflow\" is missing`},
		{"no record", `{"workflow":"a","record":"x"}`, nil, nil, 400, `does not name a record`},
		{"not startable", `{"workflow":"a","record":"Tickets/1"}`, permanent, nil, 422, "needs the input reason"},
		{"not stored", `{"workflow":"a","record":"Tickets/1"}`, errors.New("down"), nil, 503, "Idempotency-Key"},
		{"too long", `{"workflow":"` + strings.Repeat("a", 70<<10) + `"}`, nil, nil, 400, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &orders{answer: tt.answer}
			if status, answer := o.post(t, tt.body, tt.headers...); status != tt.status || !strings.Contains(answer, tt.says) {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
}

func TestStartableWorkflowsAreListed(t *testing.T) {
	t.Setenv("STARTS_KEY", "a-key-of-enough-characters")
	keys, err := web.NewKeys(map[string]web.Key{"button": {Env: "STARTS_KEY"}})
	if err != nil {
		t.Fatal(err)
	}
	module := &engine.Module{Name: "Tickets"}
	inputs := &engine.Module{Names: []string{"why"}, Fields: map[string]*engine.Field{
		"why": {Name: "why", Type: engine.TypePicklist, Options: []string{"late"}, Required: true},
	}}
	book := &engine.Book{Workflows: []*engine.Workflow{
		{Name: "other", Module: module, Triggers: []engine.Trigger{{Event: engine.RecordCreated}}},
		{Name: "remind", Description: "Reminds.", Module: module, Inputs: inputs, Triggers: []engine.Trigger{{Manual: true}}},
	}}
	handler := web.WorkflowsHandler(func() *engine.Book { return book }, keys)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/workflows", nil)
	request.Header.Set("Authorization", "Bearer a-key-of-enough-characters")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	const want = `{"workflows":[{"name":"remind","description":"Reminds.","module":"Tickets",` +
		`"inputs":[{"name":"why","type":"picklist","options":["late"],"required":true}]}]}`
	if got := strings.TrimSpace(recorder.Body.String()); recorder.Code != http.StatusOK || got != want {
		t.Errorf("%d %s", recorder.Code, got)
	}
}
