package links_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postern/engine"
	"postern/links"
)

// archive is the kept landings of a house.
type archive struct {
	versions map[string]*engine.Landing
	err      error
	asked    int
}

func (a *archive) landing(_ context.Context, _, version string) (*engine.Landing, error) {
	a.asked++
	return a.versions[version], a.err
}

// edited is a house whose admin has changed the landing since the link at the address was made.
func edited(t *testing.T, edit func(module *engine.Module, page *engine.Landing)) (h *house, a *archive, old string) {
	t.Helper()
	a = &archive{versions: map[string]*engine.Landing{}}
	h = newHouse(t, func(c *links.DoorConfig) { c.Landing = a.landing })
	a.versions["v1"] = h.book.Landings["ticket"]
	_, old = h.mint("ticket")
	again := book()
	page := again.Landings["ticket"]
	page.Version = "v2"
	edit(page.Module, page)
	h.book = again
	return h, a, old
}

func TestWhatAnAdminAddsIsForNewLinksAlone(t *testing.T) {
	h, a, old := edited(t, func(module *engine.Module, page *engine.Landing) {
		page.Show = append(page.Show, "email")
		page.Edit = append(page.Edit, &engine.Edit{Field: module.Fields["secret"]})
		page.Actions = append(page.Actions, &engine.Action{Name: "close", Set: engine.Fields{"ticketstatus": "Closed"}})
	})
	v := h.visitor()
	page := v.open(old)
	page.expect(t, 200, "Mark as resolved", "field-hours", "!field-secret", "!only for the staff", "!/close")
	v.get(page.path+"/close").expect(t, 404)
	v.send("POST", page.path+"/close", url.Values{"~seen": {page.seen()}}).expect(t, 404)
	v.submit(page, url.Values{"secret": {"stolen"}}).expect(t, 200, "because nothing was changed")
	v.submit(v.get(page.path+"/resolve"), nil).expect(t, 200, "Saved")
	h.holds(map[string]string{"secret": "only for the staff", "ticketstatus": "Resolved"})
	if a.asked != 1 {
		t.Errorf("the old landing was compiled %d times", a.asked)
	}
	_, fresh := h.mint("ticket")
	h.visitor().open(fresh).expect(t, 200, "field-secret", "/close")
}

func TestWhatAnAdminTakesOutIsGoneFromOldLinks(t *testing.T) {
	h, _, old := edited(t, func(_ *engine.Module, page *engine.Landing) {
		page.Show = page.Show[:1]
		page.Edit = page.Edit[:2]
		page.Actions = []*engine.Action{{Name: "resolve", Set: engine.Fields{"ticketstatus": "Closed"}}}
	})
	v := h.visitor()
	page := v.open(old)
	// An action that does something else by the same name is another one.
	page.expect(t, 200, "TT42", "field-ticket_title", "!field-hours", "!smoke", "!/resolve")
	v.get(page.path+"/resolve").expect(t, 404)
	v.submit(page, url.Values{"hours": {"1"}}).expect(t, 200, "because nothing was changed")
}

func TestLimitsAreThoseOfBothVersions(t *testing.T) {
	h, _, old := edited(t, func(module *engine.Module, page *engine.Landing) {
		page.Edit[0].Options = []string{"Resolved", "Closed"} // were Open and Resolved
		module.Fields["ticket_title"].Max = 200               // was 80
		module.Fields["colours"].Options = []string{"Green"}
		module.Fields["hours"].Type = engine.TypeText
	})
	v := h.visitor()
	page := v.open(old)
	page.expect(t, 200, `value="Resolved"`, `!value="Closed"`, `maxlength="80"`, "!Green", "!field-colours", "!field-hours")
	long := strings.Repeat("x", 81)
	v.submit(page, url.Values{"ticket_title": {long}, "ticketstatus": {"Closed"}}).
		expect(t, 422, "field-ticket_title-problem", "Please choose one of the options.")
	v.submit(page, url.Values{"ticket_title": {long[:80]}, "ticketstatus": {"Resolved"}}).expect(t, 200, "Saved")

	h, _, old = edited(t, func(_ *engine.Module, page *engine.Landing) { page.Edit[1].Max = 30 })
	v = h.visitor()
	v.submit(v.open(old), url.Values{"ticket_title": {long[:31]}}).expect(t, 422, "30")
}

func TestLandingsThatCannotBeHad(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"never kept":     {engine.Permanent(errors.New("version v1 was never kept")), 410, "no longer"},
		"none":           {nil, 410, "no longer"},
		"store is away":  {errors.New("database is locked"), 503, ""},
		"of another one": {nil, 410, "no longer"},
	} {
		t.Run(name, func(t *testing.T) {
			h, a, old := edited(t, func(*engine.Module, *engine.Landing) {})
			a.err, a.versions["v1"] = test.err, nil
			if name == "of another one" {
				a.versions["v1"] = &engine.Landing{Module: &engine.Module{Name: "Contacts"}}
			}
			h.visitor().send("POST", old, nil).expect(t, test.status, append(recordData, test.text)...)
		})
	}
}

// What a record holds is for its visitor, and never for a log.
func TestTitleThatFailsTellsTheLogNoValues(t *testing.T) {
	h := newHouse(t)
	h.book.Landings["ticket"].Title = map[string]engine.Template{"en": failing{}}
	_, address := h.mint("ticket")
	h.visitor().open(address).expect(t, 200, "Ticket 17x42")
	if log := h.log.String(); !strings.Contains(log, "title of a landing") || strings.Contains(log, "TT42") {
		t.Errorf("the log says %s", log)
	}
}

// A heading says no more of a record than the page does.
func TestHeadingNamesOnlyWhatIsShown(t *testing.T) {
	h := newHouse(t)
	page := h.book.Landings["look"]
	page.Module.Title = []string{"ticket_no", "ticket_title"}
	_, address := h.mint("look")
	h.visitor().open(address).expect(t, 200, "Ticket Printer on fire", "!17x42", "!TT42")
}

// failing is a title that cannot be written for the record.
type failing struct{ numbered }

func (failing) Render(_, _ string, env *engine.Env) (engine.Content, error) {
	return engine.Content{}, fmt.Errorf("expected a number, found %q", env.Record.Text("ticket_no"))
}
