package corebostest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/engine"
)

// open serves a CRM with one ticket and returns a session of its admin.
func open(t *testing.T) (p *Player, address, session string, ticket engine.Ref) {
	t.Helper()
	p, err := New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	ticket, err = p.Seed("HelpDesk", map[string]string{"ticket_title": "Lost key", "ticketstatus": "Open"})
	if err != nil {
		t.Fatal(err)
	}
	p.challenge("admin")
	opened, _ := p.login("admin", keyFor(p.tokens["admin"], Admin)).result.(map[string]string)
	return p, server.URL, opened["sessionName"], ticket
}

// post calls the CRM and returns status and body.
func post(ctx context.Context, address string, values url.Values) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func closing(session string, ticket engine.Ref) url.Values {
	return url.Values{
		"operation": {"revise"}, "sessionName": {session},
		"element": {`{"id":"` + ticket.ID + `","ticketstatus":"Closed"}`},
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  Fault
		status int // 0 for a connection that was cut
		in     string
		closed bool // whether the CRM did it nevertheless
	}{
		"cut before":   {Fault{Reset: true}, 0, "", false},
		"cut after":    {Fault{Reset: true, Done: true}, 0, "", true},
		"page before":  {Fault{Status: 503, Page: "<h1>Back soon</h1>"}, 503, "Back soon", false},
		"page after":   {Fault{Status: 502, Page: "<h1>Oops</h1>", Done: true}, 502, "Oops", true},
		"refused":      {Fault{Code: "DATABASE_QUERY_ERROR", Message: "no"}, 200, `"code":"DATABASE_QUERY_ERROR"`, false},
		"other calls":  {Fault{Operation: "create", Reset: true}, 200, `"success":true`, true},
		"edited first": {Fault{Operation: "revise", Meanwhile: func() {}}, 200, `"success":true`, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, address, session, ticket := open(t)
			p.Break(c.fault)
			status, body, err := post(t.Context(), address, closing(session, ticket))
			if cut := errors.Is(err, syscall.ECONNRESET); cut != (c.status == 0) || !cut && err != nil {
				t.Errorf("got %v", err)
			}
			if status != c.status || !strings.Contains(body, c.in) {
				t.Errorf("got %d %s, want %d with %s", status, body, c.status, c.in)
			}
			if closed := p.Fields(ticket)["ticketstatus"] == "Closed"; closed != c.closed || len(p.Written()) > 0 != closed {
				t.Errorf("closed: %v, written: %v", closed, p.Written())
			}
			if status, _, err := post(t.Context(), address, closing(session, ticket)); c.fault.Operation == "" && err != nil {
				t.Errorf("the next call: %d, %v", status, err)
			}
		})
	}
}

// A held call waits for its release, and for nothing once its caller has left.
func TestHold(t *testing.T) {
	p, address, session, ticket := open(t)
	ctx, leave := context.WithCancel(t.Context())
	p.Break(Fault{Hold: make(chan struct{}), Meanwhile: leave})
	if _, _, err := post(ctx, address, closing(session, ticket)); !errors.Is(err, context.Canceled) {
		t.Errorf("left with %v", err)
	}
	release := make(chan struct{})
	p.Break(Fault{Hold: release, Meanwhile: func() { close(release) }})
	if status, _, err := post(t.Context(), address, closing(session, ticket)); err != nil || status != http.StatusOK {
		t.Errorf("got %d, %v", status, err)
	}
	if n := p.Calls("revise"); n != 2 {
		t.Errorf("%d calls counted, want 2", n)
	}
}

// Every change is told, by whoever it was made, with the values before and after.
func TestChangesAreTold(t *testing.T) {
	p, address, session, ticket := open(t)
	var told []*engine.Event
	p.OnChange(func(e *engine.Event) { told = append(told, e) })
	if _, _, err := post(t.Context(), address, closing(session, ticket)); err != nil {
		t.Fatal(err)
	}
	if err := p.Edit(ticket, map[string]string{"ticketstatus": "Open", "ticket_no": "TT9"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Delete(ticket); err != nil {
		t.Fatal(err)
	}
	if len(told) != 3 || told[2].Type != engine.RecordDeleted {
		t.Fatalf("told %d events", len(told))
	}
	for i, want := range []string{"Closed", "Open"} {
		change := told[i].Change
		if change.Record["ticketstatus"] != want || change.Old["ticketstatus"] == want || change.Old["ticket_no"] != nil {
			t.Errorf("event %d: record %v, old %v", i, change.Record, change.Old)
		}
		written, err := told[i].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := engine.DecodeUnaddressed(engine.NoHeader, written); err != nil {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if p.Fields(ticket) != nil || len(p.Records("HelpDesk")) != 0 {
		t.Error("the deleted ticket is still there")
	}
}

func TestSessionsEnd(t *testing.T) {
	p, address, session, ticket := open(t)
	p.EndSessions()
	_, body, err := post(t.Context(), address, closing(session, ticket))
	if err != nil || !strings.Contains(body, `"AUTHENTICATION_REQUIRED"`) {
		t.Errorf("got %s, %v", body, err)
	}
}
