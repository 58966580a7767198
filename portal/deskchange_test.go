package portal_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestChangesAreCommittedWithEventAndDeed(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	before := len(w.Events())
	set := engine.Fields{"description": "It burns", "hours": json.Number("3")}
	done, err := w.Desk.Update(t.Context(), ana, ref, set, "")
	if err != nil || done.Row == nil || done.Row.Fields.Text("description") != "It burns" {
		t.Fatalf("done %+v: %v", done, err)
	}
	event := w.Events()[before]
	if event.Type != engine.RecordUpdated || event.Change.Actor != "portal:Contacts/12x1" || event.Depth != 0 {
		t.Errorf("event %+v", event)
	}
	same(t, "changed", event.Change.Changed, []string{"description", "hours"})
	deeds := w.Deeds()
	last := deeds[len(deeds)-1]
	if last.Kind != engine.DeedPortalUpdated || last.Actor != "portal:Contacts/12x1" || last.Subject != ref.String() ||
		last.Detail != "portal customers: description, hours" {
		t.Errorf("deed %+v", last)
	}
	// What is so already changes nothing.
	set["hours"] = json.Number("3.0")
	done, err = w.Desk.Update(t.Context(), ana, ref, set, "")
	if err != nil || done.Row == nil || len(w.Events()) != before+1 {
		t.Errorf("done %+v: %v", done, err)
	}
}

func TestCreateSetsWhatThePolicySets(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	set := engine.Fields{"ticket_title": "New", "urgent": true}
	done, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "press 1")
	if err != nil || done.Row == nil {
		t.Fatalf("done %+v: %v", done, err)
	}
	made := w.Fields(done.Ref)
	if made.Text("parent_id") != "11x1" || made.Text("ticketstatus") != "Open" ||
		made.Text("secret") != "from the portal" {
		t.Errorf("made %v", made)
	}
	if _, told := done.Row.Fields["secret"]; told {
		t.Error("a hidden field is shown")
	}
	again, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "press 1")
	if err != nil || again.Ref != done.Ref {
		t.Errorf("the same key made %v: %v", again.Ref, err)
	}
	refused(t, "another order under the key", func() error {
		_, err := w.Desk.Create(t.Context(), ana, "HelpDesk", engine.Fields{"ticket_title": "Other"}, "press 1")
		return err
	}, 422, portal.CodeKey, "")
	// The key is the subject's own, and is known for a day.
	alan := w.Viewer(house.Customers, house.Alan)
	if other, err := w.Desk.Create(t.Context(), alan, "HelpDesk", set, "press 1"); err != nil || other.Ref == done.Ref {
		t.Errorf("somebody else's key made %v: %v", other.Ref, err)
	}
	w.Advance(25 * time.Hour)
	if later, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "press 1"); err != nil || later.Ref == done.Ref {
		t.Errorf("after a day the key made %v: %v", later.Ref, err)
	}
}

func TestDelete(t *testing.T) {
	w := house.New(t)
	mia, ana := w.Viewer(house.Customers, house.Mia), w.Viewer(house.Customers, house.Ana)
	ref := house.Ref("HelpDesk/17x5")
	if _, err := w.Desk.Delete(t.Context(), ana, ref, ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("a role that deletes nothing: %v", err)
	}
	if _, err := w.Desk.Delete(t.Context(), mia, ref, `"other"`); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("another ETag: %v", err)
	}
	if _, err := w.Desk.Delete(t.Context(), mia, ref, ""); err != nil || w.Fields(ref) != nil {
		t.Errorf("deleted: %v, %v", w.Fields(ref), err)
	}
	if _, err := w.Desk.Delete(t.Context(), mia, ref, ""); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("once more: %v", err)
	}
}

func TestWhatNeedsAFreshSignIn(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	set := engine.Fields{"email": "new@acme.example", "phone": "1"}
	ana.Now = ana.Now.Add(engine.FreshSignIn)
	if _, err := w.Desk.Update(t.Context(), ana, house.Ana, set, ""); !errors.Is(err, portal.ErrFresh) {
		t.Errorf("after ten minutes: %v", err)
	}
	if _, err := w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"phone": "1"}, ""); err != nil {
		t.Errorf("what needs none: %v", err)
	}
	ana.Session.Proved = ana.Now
	if _, err := w.Desk.Update(t.Context(), ana, house.Ana, set, ""); err != nil {
		t.Errorf("just signed in: %v", err)
	}
}

func TestTooManyChanges(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	var err error
	for range 61 {
		_, err = w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"id": "1"}, "")
	}
	throttled, ok := errors.AsType[*portal.Throttled](err)
	if !ok || throttled.Wait <= 0 {
		t.Fatalf("the 61st change of a minute: %v", err)
	}
	alan := w.Viewer(house.Customers, house.Alan)
	if _, err := w.Desk.Update(t.Context(), alan, house.Alan, engine.Fields{"phone": "1"}, ""); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	w.Advance(throttled.Wait)
	if _, err := w.Desk.Update(t.Context(), ana, house.Ana, engine.Fields{"phone": "2"}, ""); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}
