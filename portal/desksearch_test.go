package portal_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/turns"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// slow is a CRM whose counts last until the test ends them.
type slow struct {
	portal.CRM

	started chan struct{}
	end     chan struct{}
}

func (s *slow) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	if search.Total {
		s.started <- struct{}{}
		<-s.end
	}
	return s.CRM.Search(ctx, search)
}

// Whoever has 200 slow searches under way has half of the turns; the page of somebody else comes while all of these last.
func TestOneSubjectDoesNotHoldAllSearches(t *testing.T) {
	const all, many = 4, 200
	crm := &slow{started: make(chan struct{}, many), end: make(chan struct{})}
	w := house.New(t, func(c *portal.DeskConfig) {
		crm.CRM, c.CRM = c.CRM, crm
		c.Searches = all
	})
	ana, bob := w.Viewer(house.Customers, house.Ana), w.Viewer(house.Customers, house.Bob)
	var asking sync.WaitGroup
	for range many {
		asking.Go(func() {
			_, err := w.Desk.Count(t.Context(), ana, portal.Question{Module: "HelpDesk"})
			if _, busy := errors.AsType[*portal.BusyError](err); err != nil && !busy {
				t.Errorf("a search of hers: %v", err)
			}
		})
	}
	for range all / 2 {
		<-crm.started
	}
	for range 20 {
		same(t, "tickets", ids(t, w, bob, portal.Question{Module: "HelpDesk"}), []string{"17x3", "17x6"})
	}
	if n := len(crm.started); n != 0 {
		t.Errorf("%d more of her searches have begun before one has ended", n)
	}
	close(crm.end)
	asking.Wait()
}

// crowded is a CRM that has no room, or none in time.
type crowded struct {
	portal.CRM
	err error
}

func (c *crowded) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	if c.err != nil {
		return engine.Found{}, c.err
	}
	return c.CRM.Search(ctx, search)
}

func TestWhoFindsNoRoomIsToldToComeAgain(t *testing.T) {
	crm := &crowded{}
	w := house.New(t, func(c *portal.DeskConfig) { crm.CRM, c.CRM = c.CRM, crm })
	mia, ref := w.Viewer(house.Customers, house.Mia), house.Ref("HelpDesk/17x1")
	deeds := len(w.Deeds())
	crm.err = engine.Busy(turns.ErrLate)
	for name, do := range map[string]func() error{
		"list": func() error {
			_, err := w.Desk.List(t.Context(), mia, portal.Question{Module: "HelpDesk"})
			return err
		},
		"get": func() error { _, err := w.Desk.Get(t.Context(), mia, ref); return err },
		"update": func() error {
			_, err := w.Desk.Update(t.Context(), mia, ref, engine.Fields{"hours": 1}, "")
			return err
		},
		"delete": func() error { _, err := w.Desk.Delete(t.Context(), mia, ref, ""); return err },
	} {
		busy, ok := errors.AsType[*portal.BusyError](do())
		if !ok || busy.RetryAfter < time.Second {
			t.Errorf("%s: %v, want %d", name, do(), http.StatusServiceUnavailable)
		}
	}
	if n := len(w.Deeds()); n != deeds {
		t.Errorf("%d deeds of what was neither done nor refused", n-deeds)
	}
}
