package portal_test

import (
	"errors"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// What is settled stays to be seen and is left as it is; what settles it may be the last change.
func TestSettledRecordsAreLeftAsTheyAre(t *testing.T) {
	w := house.New(t)
	sam, ref := w.Viewer(house.Staff, house.Sam), house.Ref("TimeRecords/42x1")
	open, err := w.Desk.Get(t.Context(), sam, ref)
	if err != nil || !open.Update || !open.Delete {
		t.Fatalf("open: %+v, %v", open, err)
	}
	done, err := w.Desk.Update(t.Context(), sam, ref, engine.Fields{"hours": "6"}, open.ETag)
	if err != nil || done.Row == nil || !done.Row.Update {
		t.Fatalf("while it is open: %+v, %v", done, err)
	}
	w.Put(ref, engine.Fields{"invoiced": true})
	same(t, "time records", ids(t, w, sam, portal.Question{Module: "TimeRecords"}), []string{"42x1"})
	settled, err := w.Desk.Get(t.Context(), sam, ref)
	if err != nil || settled.Update || settled.Delete || settled.ETag != done.Row.ETag {
		t.Errorf("settled: %+v, %v", settled, err)
	}
	listing, err := w.Desk.List(t.Context(), sam, portal.Question{Module: "TimeRecords"})
	if err != nil || listing.Rows[0].Update || listing.Rows[0].Delete {
		t.Errorf("listed: %+v, %v", listing.Rows, err)
	}
	for _, etag := range []string{"", settled.ETag, open.ETag} {
		refused(t, "a change of what is settled", func() error {
			_, err := w.Desk.Update(t.Context(), sam, ref, engine.Fields{"hours": "8"}, etag)
			return err
		}, 422, portal.CodeSettled, "")
		refused(t, "its deletion", func() error {
			_, err := w.Desk.Delete(t.Context(), sam, ref, etag)
			return err
		}, 422, portal.CodeSettled, "")
	}
	if got := w.Fields(ref).Text("hours"); got != "6" {
		t.Errorf("it is %s hours now", got)
	}
	// Of others' records nobody hears that they are settled.
	w.Put(house.Ref("TimeRecords/42x2"), engine.Fields{"invoiced": true})
	_, err = w.Desk.Delete(t.Context(), sam, house.Ref("TimeRecords/42x2"), "")
	if !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	// It is open again as soon as the CRM says so.
	w.Put(ref, engine.Fields{"invoiced": false})
	if _, err := w.Desk.Delete(t.Context(), sam, ref, done.Row.ETag); err != nil {
		t.Errorf("open again: %v", err)
	}
}

// A value of somebody's own record that is not there opens nothing.
func TestWhileTheViewerHasNothingToCompare(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	role := *ana.Role
	role.Modules = map[string]*engine.Access{}
	access := *ana.Access("HelpDesk")
	access.While = leaf(engine.OpNotEqual, "description")
	access.While.Values = []engine.Operand{{From: engine.FromMe, Path: "phone"}}
	role.Modules["HelpDesk"], ana.Role = &access, &role
	w.Put(house.Ana, engine.Fields{"phone": ""})
	refused(t, "without a telephone", func() error {
		_, err := w.Desk.Update(t.Context(), ana, ref, engine.Fields{"hours": "1"}, "")
		return err
	}, 422, portal.CodeSettled, "")
}
