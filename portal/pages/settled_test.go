package pages

import (
	"net/http"
	"net/url"
	"testing"

	"postern/engine"
	"postern/portal/portaltest/house"
)

// What is settled is shown without a button. Who has the form open is told at the form, and keeps what they typed.
func TestWhatIsSettledHasNoButton(t *testing.T) {
	s := newStage(t)
	v := s.person(house.Staff, house.Sam)
	const record = "/portal/staff/records/TimeRecords/42x1"
	const change, remove = "/portal/staff/edit/TimeRecords/42x1", "/portal/staff/delete/TimeRecords/42x1"
	v.get(record).expect(t, http.StatusOK, change, remove)
	form, question := v.get(change).expect(t, http.StatusOK), v.get(remove).expect(t, http.StatusOK)
	s.Put(house.Ref("TimeRecords/42x1"), engine.Fields{"invoiced": true})
	v.get("/portal/staff/records/TimeRecords").expect(t, http.StatusOK, "42x1")
	v.get(record).expect(t, http.StatusOK, "-"+change, "-"+remove)
	v.get(change).expect(t, http.StatusForbidden)
	v.get(remove).expect(t, http.StatusForbidden)
	v.submit(form, url.Values{"hours": {"7.25"}}).
		expect(t, http.StatusUnprocessableEntity, "This can no longer be changed.", "7.25")
	v.submit(question, nil).expect(t, http.StatusUnprocessableEntity, "This can no longer be changed.")
	if got := s.Fields(house.Ref("TimeRecords/42x1")).Text("hours"); got != "8" {
		t.Errorf("it is %q hours now", got)
	}
}
