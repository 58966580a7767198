package engine_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/outcall"
	"postern/internal/outcall/outcalltest"
)

// callHouse runs one workflow whose calls go to a played service, by the name example.com.
func callHouse(t *testing.T, service *outcalltest.Server, steps string) *house {
	t.Helper()
	h := newHouse(t, bookOf(callJob(service, steps)))
	h.withCaller(service)
	h.start()
	return h
}

// callJob is a workflow of steps in which HOST is the service.
func callJob(service *outcalltest.Server, steps string) string {
	host := "https://example.com:" + service.Port()
	return "name: main\non: { event: record.created, module: Tickets }\ntasks:\n" +
		strings.ReplaceAll(steps, "HOST", host)
}

// withCaller gives the house a caller that trusts the service and knows a secret.
func (h *house) withCaller(service *outcalltest.Server) {
	h.t.Helper()
	key := filepath.Join(h.folder, "rates-key")
	if err := os.WriteFile(key, []byte("s3cret-of-rates"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	config := outcall.Defaults()
	config.Allow, config.CA = []string{"example.com"}, []string{service.CA(h.t)}
	caller, err := outcall.New(config, outcall.Outfit{
		Secrets: map[string]engine.Secret{"rates": {File: key}}, Clock: engine.SystemClock{},
		Resolver: outcalltest.Here("example.com"),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.caller = caller
	h.t.Cleanup(func() { _ = caller.Close() })
}

const quoteCall = `
  - call:
      url: "HOST/v1/quotes/{{ record.no }}?by={{ record.status }}"
      auth: { bearer: rates }
      body: { amount: "{{ record.count }}", deep: [ { note: "for {{ record.no }}" } ] }
      save: { rate: "{{ response.body.rate }}" }
    id: quote
  - update: { set: { note: "{{ vars.rate }} {{ steps.quote.status }} {{ steps.quote.body.name }}" } }
`

// call makes a ticket whose creation starts the workflow.
func (h *house) call(id string) {
	h.t.Helper()
	h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{
		Record: engine.Fields{"no": "T/" + id + " ä", "status": "Open", "count": json.Number("3")},
	})
}

// ends waits for the end of the only run, while time goes by, and returns it with its effects.
func (h *house) ends() (*engine.Run, []*engine.Effect) {
	h.t.Helper()
	var line engine.RunLine
	h.until("the end of the run", func() bool {
		h.clock.Advance(time.Second)
		lines, err := h.store.RunLines(h.t.Context(), engine.RunSelection{Limit: 2})
		if err != nil || len(lines) > 1 {
			h.t.Fatalf("%d runs, %v", len(lines), err)
		}
		if len(lines) == 1 {
			line = lines[0]
		}
		return line.State.Over()
	})
	run, err := h.store.Run(h.t.Context(), line.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	effects, err := h.store.Effects(h.t.Context(), line.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return run, effects
}

var quoted = outcalltest.Answer{
	Header: map[string]string{"Content-Type": "application/json"}, Body: `{"rate": 1.25, "name": "std"}`,
}

func TestCallGivesItsAnswer(t *testing.T) {
	service := outcalltest.New(t, quoted)
	h := callHouse(t, service, quoteCall)
	h.call("1")
	run, effects := h.ends()
	if note := h.record(run.Record).Fields["note"]; run.State != engine.RunDone || note != "1.25 200 std" {
		t.Errorf("the run is %s (%s), the note %q", run.State, run.Reason, note)
	}
	got := service.Requests()[0]
	if got.Method != "POST" || got.URI != "/v1/quotes/T%2F1%20%C3%A4?by=Open" ||
		got.Header.Get("Authorization") != "Bearer s3cret-of-rates" ||
		got.Header.Get("Content-Type") != "application/json" ||
		got.Header.Get("Idempotency-Key") != effects[0].Call.Key ||
		got.Body != `{"amount":3,"deep":[{"note":"for T/1 ä"}]}` {
		t.Errorf("it was asked %+v", got)
	}
	for _, secret := range []string{"s3cret", "quotes", "1.25"} {
		if raw, err := json.Marshal(effects); err != nil || bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q lies open: %s, %v", secret, raw, err)
		}
		if strings.Contains(h.logs.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// What follows from each thing that a service can do, by how often it is asked.
func TestCallFails(t *testing.T) {
	lost, fine := outcalltest.Answer{Lost: true}, quoted
	status := func(n int) outcalltest.Answer { return outcalltest.Answer{Status: n, Body: "<html>busy</html>"} }
	for _, c := range []struct {
		name     string
		beside   string
		plan     []outcalltest.Answer
		requests int
		state    engine.RunState
		reason   string
	}{
		{
			"an answer that is refused for good", "",
			[]outcalltest.Answer{status(404)},
			1, engine.RunFailed,
			"answered 404 Not Found",
		},
		{"a redirect of what is no read", "", []outcalltest.Answer{status(302)}, 1, engine.RunFailed, "answered 302 Found"},
		{
			"busy for a while", "",
			[]outcalltest.Answer{status(503), status(500), status(429), status(408), fine},
			5,
			engine.RunDone, "",
		},
		{
			"busy for ever", "",
			[]outcalltest.Answer{status(503)},
			3, engine.RunFailed,
			"given up after 3 tries: example.com:PORT answered 503 Service Unavailable",
		},
		{"a lost answer", "", []outcalltest.Answer{lost, fine}, 1, engine.RunFailed, "it may have arrived, and is not sent again"},
		{
			"an answer that a gateway lost", "",
			[]outcalltest.Answer{status(502), fine},
			1, engine.RunFailed,
			"it may have arrived, and is not sent again",
		},
		{
			"a lost answer of a service that knows the key", "on_unknown: resend",
			[]outcalltest.Answer{lost, status(504), fine},
			3,
			engine.RunDone, "",
		},
		{"a lost answer of a read", "method: PUT", []outcalltest.Answer{lost, fine}, 2, engine.RunDone, ""},
		{
			"an answer without what is expected", "expect: { if: response.body.rate > 2 }",
			[]outcalltest.Answer{fine},
			1,
			engine.RunFailed, "the answer is not as expected: response.body.rate > 2 does not hold",
		},
		{
			"a status that is expected", "expect: { status: [404, 2xx] }",
			[]outcalltest.Answer{status(404)},
			1,
			engine.RunDone, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			service := outcalltest.New(t, c.plan...)
			steps := "  - call: { url: \"HOST/x\", body: { a: 1 }, " + c.beside + " }\n" +
				"    retry: { attempts: 3, backoff: 1s, for: 1h }\n"
			if c.requests > 3 {
				steps = strings.Replace(steps, "attempts: 3", "attempts: 9", 1)
			}
			h := callHouse(t, service, strings.Replace(steps, ",  }", " }", 1))
			h.call("1")
			run, effects := h.ends()
			reason := strings.ReplaceAll(c.reason, "PORT", service.Port())
			if run.State != c.state || !strings.Contains(run.Reason, reason) {
				t.Errorf("the run is %s: %s", run.State, run.Reason)
			}
			if n := service.ByKey(); len(service.Requests()) != c.requests || len(n) != 1 {
				t.Errorf("asked %d times, want %d, all with one key: %v", len(service.Requests()), c.requests, n)
			}
			if len(effects) != 1 {
				t.Errorf("%d effects", len(effects))
			}
		})
	}
}
