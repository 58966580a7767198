package links_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/links"
)

func TestEditFromFormToReceipt(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, `value="Printer on fire"`, `value="2026-11-30"`, `type="radio"`, `for="field-hours"`)
	v.submit(page, url.Values{
		"ticket_title": {"Printer out"}, "hours": {"2,5"}, "urgent": {""}, "colours": {"", "Cyan", "Black"},
		"due": {"2026-11-30"},
	}).expect(t, 200, "Saved", "Printer out", "2.5", "Cyan, Black", "!30 November")
	h.holds(map[string]string{"ticket_title": "Printer out", "hours": "2.5", "due": "2026-11-30"})
	want := []string{"colours", "hours", "ticket_title", "urgent"}
	if diff := cmp.Diff(want, h.events()[0].Change.Changed); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
}

func TestT70FieldsOutsideTheForm(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	before := h.fields()
	v.submit(page, url.Values{
		"secret": {"stolen"}, "description": {"only shown"}, "id": {"17x1"}, "TICKET_TITLE": {"x"},
		"ticket_title[]": {"x"}, "externalid": {"x"}, "assigned_user_id": {"19x1"}, "__proto__": {"x"},
		"ticket_no": {"TT1"}, "hours": {"1", "2"}, // twice is not once
	}).expect(t, 200, "Nothing was saved, because nothing was changed.")
	if diff := cmp.Diff(before, h.fields()); diff != "" {
		t.Errorf("the record changed:\n%s", diff)
	}
	// Status has more options than this landing lets a visitor choose.
	v.submit(page, url.Values{"ticketstatus": {"Closed"}}).expect(t, 422, "Please choose one of the options.")
	if len(h.events()) != 0 {
		t.Error("something was done all the same")
	}
}

func TestT71WhatCannotBeSavedIsKeptAndExplained(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	page := v.submit(v.open(address), url.Values{
		"ticket_title": {""}, "hours": {"a <few>"}, "email": {"z@acme.example"}, "due": {"2026-02-30"},
	})
	page.expect(t, 422, "<title>Please check:", "Please look at this again", `href="#field-hours"`,
		"Please fill this in.", "Please write a date", `value="a &lt;few&gt;"`, `value="z@acme.example"`,
		`aria-invalid="true" aria-describedby="field-hours-problem"`)
	if h.link(link).Uses != 0 || len(h.events()) != 0 {
		t.Error("a refused form used the link")
	}
	v.submit(page, url.Values{"ticket_title": {"Hot"}, "hours": {"3"}}).expect(t, 200, "Saved")
	v.submit(page, url.Values{"ticket_title": {strings.Repeat("x", 70<<10)}}).expect(t, 413, "Nothing was saved")
	v.send("POST", address, url.Values{"x": {strings.Repeat("x", 70<<10)}}).expect(t, 413, "too much at once")
	many := url.Values{}
	for i := range 101 {
		many.Set(string(rune('A'+i)), "x")
	}
	v.send("POST", page.path, many).expect(t, 400, "Nothing was saved")
}

func TestSomebodyElseWasFaster(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	h.put(engine.Fields{"ticket_title": "Printer is gone", "hours": json.Number("7")})
	again := v.submit(page, url.Values{"ticket_title": {"My title"}, "hours": {"1234.50"}, "email": {"z@acme.example"}})
	again.expect(t, 409, "Someone else changed this while you were writing", "Meanwhile changed to: Printer is gone",
		`value="My title"`, `value="z@acme.example"`, `value="7"`) // what the visitor did not touch follows the record
	if len(h.events()) != 0 {
		t.Fatal("the other's change was lost")
	}
	v.submit(again, url.Values{"ticket_title": {"My title"}, "hours": {"7"}}).expect(t, 200, "Saved")
	h.holds(map[string]string{"ticket_title": "My title", "hours": "7"})
}

func TestSomebodyElseTouchedAnotherField(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	h.put(engine.Fields{"hours": json.Number("7")})
	v.submit(page, url.Values{"ticket_title": {"My title"}, "hours": {"1234.50"}}).expect(t, 200, "Saved")
	h.holds(map[string]string{"ticket_title": "My title", "hours": "7"})
}

func TestFasterByAMoment(t *testing.T) {
	late := &stale{}
	h := newHouse(t, func(c *links.DoorConfig) { late.CRM, c.CRM = c.CRM, late })
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	confirm := v.get(page.path + "/resolve")
	late.keep(t)
	h.put(engine.Fields{"ticket_title": "Theirs", "ticketstatus": "Closed"})
	v.submit(page, url.Values{"ticket_title": {"Mine"}}).expect(t, 409, "Meanwhile changed to: Theirs", `value="Mine"`)
	late.keep(t)
	h.put(engine.Fields{"ticketstatus": "In Progress"})
	late.old[0].Fields["ticketstatus"] = "Open"
	v.submit(confirm, nil).expect(t, 409, "In Progress")
	if len(h.events()) != 0 {
		t.Error("something was written over")
	}
}

type stale struct {
	engine.CRM
	old []engine.Record
}

func (s *stale) keep(t *testing.T) {
	t.Helper()
	old, err := s.CRM.Get(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	s.old = old
}

func (s *stale) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	if old := s.old; old != nil {
		s.old = nil
		return old, nil
	}
	return s.CRM.Get(ctx, refs...)
}

func TestValueOfAnotherRecord(t *testing.T) {
	h := newHouse(t)
	page := h.book.Landings["ticket"]
	page.Edit = append(page.Edit, &engine.Edit{Field: page.Module.Fields["ticket_no"]})
	h.follow(&engine.Event{
		Type: engine.RecordCreated, Subject: "HelpDesk/17x43",
		Change: &engine.Change{Record: engine.Fields{"ticket_no": "TT41"}},
	})
	other := engine.Write{
		Ref: engine.Ref{Module: "HelpDesk", ID: "17x43"}, Patch: engine.Patch{Set: engine.Fields{"ticket_no": "TT43"}},
		Unique: []string{"ticket_no"}, Origin: engine.Origin{EventID: engine.ID{1}, Source: engine.Source, At: h.clock.Now()},
	}
	if err := h.store.Write(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	_, address := h.mint("ticket")
	v := h.visitor()
	v.submit(v.open(address), url.Values{"ticket_no": {"TT43"}}).expect(t, 422, "already in use", "TT43</textarea>")
}

func TestT19DoubleClickOnAForm(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	form := url.Values{"ticket_title": {"Mine"}}
	first, second := v.submit(page, form), v.submit(page, form)
	first.expect(t, 200, "Saved")
	if second.text != first.text || h.link(link).Uses != 1 {
		t.Errorf("a double click got another receipt, or took another use:\n%s", cmp.Diff(first.text, second.text))
	}
}

// A visitor chooses by what people call the options, and the record gets the values.
func TestChoicesOnAForm(t *testing.T) {
	h := newHouse(t)
	status := h.book.Modules["HelpDesk"].Fields["ticketstatus"]
	status.Choices = map[string]engine.Labels{
		"Open": {"en": "Not done yet", "nl": "Nog niet klaar"}, "Resolved": {"en": "Done", "nl": "Klaar"},
	}
	_, address := h.mint("ticket")
	v := h.visitor()
	v.head.Set("Accept-Language", "nl")
	page := v.open(address)
	page.expect(t, 200, `value="Open"`, "Nog niet klaar", `value="Resolved"`, ">Klaar<", "!>Resolved<")
	v.submit(page, url.Values{"ticketstatus": {"Resolved"}}).expect(t, 200, "Klaar", "!Resolved")
	h.holds(map[string]string{"ticketstatus": "Resolved"})
}
