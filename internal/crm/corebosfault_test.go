package crm_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/crm/corebostest"
)

// verdict is what an error says should happen next.
func verdict(err error) string {
	switch {
	case err == nil:
		return "done"
	case engine.IsPermanent(err):
		return "permanent"
	case engine.IsUnknown(err):
		return "unknown"
	case engine.IsMisconfigured(err):
		return "misconfigured"
	}
	return "retry"
}

// lostKey is a ticket in a played CRM.
func lostKey(t *testing.T, played *corebostest.Player) engine.Ref {
	t.Helper()
	return seed(t, played, engine.Record{
		Ref: engine.Ref{Module: "HelpDesk"}, Fields: engine.Fields{"ticket_title": "Lost key", "ticketstatus": "Open"},
	})
}

// closing closes an open ticket.
func closing(ref engine.Ref) engine.Write {
	return engine.Write{Ref: ref, Patch: engine.Patch{
		Set: engine.Fields{"ticketstatus": "Closed"}, Expect: engine.Fields{"ticketstatus": "Open"},
	}}
}

// on is a fault of one operation.
func on(operation string, f corebostest.Fault) corebostest.Fault {
	f.Operation = operation
	return f
}

func revise(f corebostest.Fault) corebostest.Fault { return on("revise", f) }

func read(f corebostest.Fault) corebostest.Fault { return on("retrieve", f) }

func refusal(code string) corebostest.Fault { return corebostest.Fault{Code: code, Message: "No."} }

const often = 20 // more than the transport tries a read again on a connection that was closed

func TestCorebosFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault   corebostest.Fault
		verdict string
		in      string // of the error
		again   string // verdict of the same write asked for once more
		written int    // what the CRM did in the end
	}{
		"answer lost after the write":  {revise(corebostest.Fault{Reset: true, Done: true}), "unknown", "reset", "done", 1},
		"answer lost before the write": {revise(corebostest.Fault{Reset: true}), "unknown", "reset", "done", 1},
		"error page after the write": {
			revise(corebostest.Fault{Status: 502, Page: "<h1>Oops</h1>", Done: true}), "unknown", "Bad Gateway", "done", 1,
		},
		"empty error before the write": {
			revise(corebostest.Fault{Status: 500}), "unknown", "Internal Server Error", "done", 1,
		},
		"page in place of the answer": {
			revise(corebostest.Fault{Status: 200, Page: "<h1>Back soon</h1>"}), "unknown", "something else", "done", 1,
		},
		"broke down in the write": {
			revise(refusal("DATABASE_QUERY_ERROR")), "unknown", "No. (DATABASE_QUERY_ERROR)", "done", 1,
		},
		"access denied": {revise(refusal("ACCESS_DENIED")), "misconfigured", "No. (ACCESS_DENIED)", "done", 1},
		"refused":       {revise(refusal("MANDATORY_FIELDS_MISSING")), "permanent", "No.", "done", 1},
		"moved":         {revise(corebostest.Fault{Status: 301}), "misconfigured", "crm.url", "done", 1},
		"busy":          {revise(corebostest.Fault{Status: 429}), "retry", "Too Many", "done", 1},
		"too large":     {revise(corebostest.Fault{Status: 413}), "permanent", "Too Large", "done", 1},

		"read cut":          {read(corebostest.Fault{Reset: true, Times: often}), "retry", "", "", 0},
		"read fails":        {read(corebostest.Fault{Status: 503, Page: "<p>"}), "retry", "Unavailable", "done", 1},
		"read gives a page": {read(corebostest.Fault{Status: 200, Page: "<p>"}), "retry", "something else", "done", 1},
		"read breaks down":  {read(refusal("INTERNAL_SERVER_ERROR")), "retry", "No.", "done", 1},

		"no such module": {on("describe", refusal("ACCESS_DENIED")), "misconfigured", "HelpDesk", "done", 1},
		"token ran out":  {on("login", refusal("INVALID_AUTH_TOKEN")), "retry", "sign in", "done", 1},
		"unknown key":    {on("login", refusal("INVALID_USER_CREDENTIALS")), "misconfigured", "sign in", "done", 1},
		"unknown user":   {on("getchallenge", refusal("AUTHENTICATION_REQUIRED")), "misconfigured", "sign in", "done", 1},
		"session ended":  {revise(refusal("AUTHENTICATION_REQUIRED")), "done", "", "done", 1},
		"sessions refused": {
			revise(corebostest.Fault{Code: "AUTHENTICATION_REQUIRED", Times: 2}), "retry", "AUTHENTICATION_REQUIRED", "done", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			played, connected := corebos(t)
			ticket := lostKey(t, played)
			played.Break(c.fault)
			err := connected.Update(t.Context(), closing(ticket))
			if got := verdict(err); got != c.verdict || (err != nil && !strings.Contains(err.Error(), c.in)) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.verdict, c.in)
			}
			if c.again != "" {
				if err := connected.Update(t.Context(), closing(ticket)); verdict(err) != c.again {
					t.Errorf("asked again: got %v, want %s", err, c.again)
				}
			}
			if written := played.Written(); len(written) != c.written {
				t.Errorf("the CRM wrote %v, want %d writes", written, c.written)
			}
		})
	}
}

// After a lost answer a human edits: the edit stays, and the second try says so.
func TestCorebosLostAnswerThenEdit(t *testing.T) {
	played, connected := corebos(t)
	ticket := lostKey(t, played)
	played.Break(corebostest.Fault{Operation: "revise", Reset: true, Done: true})
	if err := connected.Update(t.Context(), closing(ticket)); !engine.IsUnknown(err) {
		t.Fatalf("got %v", err)
	}
	if err := played.Edit(ticket, map[string]string{"ticketstatus": "In Progress"}); err != nil {
		t.Fatal(err)
	}
	err := connected.Update(t.Context(), closing(ticket))
	if !errors.Is(err, engine.ErrConflict) || !engine.IsPermanent(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	if status := played.Fields(ticket)["ticketstatus"]; status != "In Progress" {
		t.Errorf("the human's edit is gone: %s", status)
	}
}

// What coreBOS says of a record that is deleted between read and write is told apart from a missing right.
func TestCorebosDeletedMeanwhile(t *testing.T) {
	played, connected := corebos(t)
	ticket := lostKey(t, played)
	played.Break(corebostest.Fault{Operation: "revise", Meanwhile: func() {
		if err := played.Delete(ticket); err != nil {
			t.Error(err)
		}
	}})
	err := connected.Update(t.Context(), closing(ticket))
	if !errors.Is(err, engine.ErrNoRecord) || !engine.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestCorebosCreateFaults(t *testing.T) {
	order := engine.Create{
		Module: "HelpDesk", Fields: engine.Fields{"ticket_title": "Order 7", "ticketstatus": "Open"},
		KeyField: "cf_externalid", Key: "key-1",
	}
	for name, fault := range map[string]corebostest.Fault{
		"answer lost after":  {Operation: "create", Reset: true, Done: true},
		"answer lost before": {Operation: "create", Reset: true},
		"error page after":   {Operation: "create", Status: 504, Done: true},
		"broke down after":   {Operation: "create", Code: "INTERNAL_SERVER_ERROR", Done: true},
	} {
		t.Run(name, func(t *testing.T) {
			played, connected := corebos(t)
			played.Break(fault)
			if record, err := connected.Create(t.Context(), order); !engine.IsUnknown(err) {
				t.Fatalf("made %v, %v", record, err)
			}
			for _, ref := range played.Records("HelpDesk") { // somebody works on it already
				if err := played.Edit(ref, map[string]string{"ticketstatus": "Closed"}); err != nil {
					t.Fatal(err)
				}
			}
			record, err := connected.Create(t.Context(), order)
			if err != nil {
				t.Fatal(err)
			}
			there := played.Records("HelpDesk")
			if len(there) != 1 || record.Ref != there[0] {
				t.Errorf("made %s, the CRM has %v", record.Ref, there)
			}
			if status := record.Fields["ticketstatus"]; fault.Done != (status == "Closed") {
				t.Errorf("the record came back with status %v", status)
			}
		})
	}
}

// A create that coreBOS refuses for its owner leaves the row behind. It is never made a second time.
func TestCorebosCreateWithoutOwner(t *testing.T) {
	played, connected := corebos(t)
	create := engine.Create{
		Module: "HelpDesk", KeyField: "cf_externalid", Key: "key-1",
		Fields: engine.Fields{"ticket_title": "Order 7", "ticketstatus": "Open", "assigned_user_id": "19x9999"},
	}
	for _, want := range []string{"unknown", "permanent", "permanent"} {
		if _, err := connected.Create(t.Context(), create); verdict(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := len(played.Records("HelpDesk")); n != 1 {
		t.Errorf("the CRM has %d records, want the one it left behind", n)
	}
}

// A caller that leaves while the CRM works on its write cannot know.
func TestCorebosCallerLeaves(t *testing.T) {
	played, connected := corebos(t)
	ticket := lostKey(t, played)
	ctx, leave := context.WithCancel(t.Context())
	played.Break(corebostest.Fault{Operation: "revise", Done: true, Hold: make(chan struct{}), Meanwhile: leave})
	err := connected.Update(ctx, closing(ticket))
	if !engine.IsUnknown(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := connected.Update(ctx, closing(ticket)); verdict(err) != "retry" {
		t.Errorf("asked after leaving: %v", err)
	}
	// The CRM may still be busy with the session of the revise, which is given up. The fourth was never opened.
	before := played.Calls("login")
	for range 4 {
		if err := connected.Update(t.Context(), closing(ticket)); err != nil {
			t.Error(err)
		}
	}
	if more := played.Calls("login") - before; more != 2 {
		t.Errorf("signed in %d times more, want twice", more)
	}
}

// A session that ended is opened again, once for each, and nobody notices.
func TestCorebosSessions(t *testing.T) {
	played, connected := corebos(t)
	var refs []engine.Ref
	for range 30 {
		refs = append(refs, lostKey(t, played))
	}
	for round := range 3 {
		records, err := connected.Get(t.Context(), refs...)
		if err != nil || len(records) != len(refs) {
			t.Fatalf("round %d: read %d of %d, %v", round, len(records), len(refs), err)
		}
		if logins := played.Calls("login"); logins > 4*(round+1) {
			t.Errorf("round %d: signed in %d times, for 4 sessions", round, logins)
		}
		played.EndSessions()
	}
}

func TestCorebosNotThere(t *testing.T) {
	server := httptest.NewServer(nil)
	connected := connect(t, server.URL)
	server.Close()
	err := connected.Update(t.Context(), closing(engine.Ref{Module: "HelpDesk", ID: "17x1"}))
	if verdict(err) != "retry" || strings.Contains(err.Error(), "webservice") {
		t.Errorf("got %v", err)
	}
}

// An address as a browser shows it ends with a slash, and in a folder of the web server begins with its name.
func TestCorebosAddress(t *testing.T) {
	for below, want := range map[string]string{
		"": "/webservice.php", "/": "/webservice.php", "/crm": "/crm/webservice.php", "/crm/": "/crm/webservice.php",
	} {
		asked := ""
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.Path }))
		connected := connect(t, server.URL+below)
		if _, err := connected.Get(t.Context(), engine.Ref{Module: "HelpDesk", ID: "17x1"}); err == nil {
			t.Error("an empty answer was taken for a record")
		}
		_ = connected.Close()
		server.Close()
		if asked != want {
			t.Errorf("for %q it asked %s, not %s", below, asked, want)
		}
	}
}

func TestCorebosUntrusted(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	server.Config.ErrorLog = quiet
	_, err := connect(t, server.URL).Get(t.Context(), engine.Ref{Module: "HelpDesk", ID: "17x1"})
	if verdict(err) != "misconfigured" {
		t.Errorf("got %v", err)
	}
}
