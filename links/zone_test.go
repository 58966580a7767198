package links_test

import (
	"net/url"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// inZone makes a house whose visitors read and write the clocks of a zone.
func inZone(t *testing.T, name string) func(*links.DoorConfig) {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *links.DoorConfig) { c.Zone = zone }
}

// A house in Madrid: what is shown, what the form holds, what is written, and when, are all by its clocks; the record
// stays in UTC.
func TestVisitorsHaveTheClocksOfTheirZone(t *testing.T) {
	h := newHouse(t, inZone(t, "Europe/Madrid"))
	h.book.Landings["look"].Show = append(h.book.Landings["look"].Show, "call")
	h.put(engine.Fields{"call": "2026-07-01T10:00:00Z"})
	_, look := h.mint("look")
	h.visitor().open(look).expect(t, 200, "1 July 2026 at 12:00 CEST", "!UTC")
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, `value="2026-07-01T12:00"`, "Time in CET/CEST.", "!UTC")
	v.submit(page, url.Values{"call": {"2026-07-01T12:00"}}).expect(t, 200, "Nothing was saved")
	v.submit(page, url.Values{"call": {"2026-12-24T18:00"}}).expect(t, 200,
		"24 December 2026 at 18:00 CET", "22 November 2026 at 11:00 CET", "!UTC")
	h.holds(map[string]string{"call": "2026-12-24T17:00:00Z"})

	arabic := func(terms *engine.LinkTerms) { terms.Language = "ar" }
	_, address = h.mint("ticket", arabic)
	h.visitor().open(address).expect(t, 200, "\u2068CET/CEST\u2069", "!UTC")
	_, look = h.mint("look", arabic)
	h.visitor().open(look).expect(t, 200, "\u206818:00\u2069 \u2068CET\u2069", "!UTC")
}

// Somebody else's change is told by the same clocks, beside what the visitor had typed.
func TestMeanwhileIsToldInTheZone(t *testing.T) {
	h := newHouse(t, inZone(t, "Asia/Riyadh"))
	h.put(engine.Fields{"call": "2026-12-01T10:00:00Z"})
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, `value="2026-12-01T13:00"`, "Time in &#43;03.")
	h.put(engine.Fields{"call": "2026-12-02T10:00:00Z"})
	v.submit(page, url.Values{"call": {"2026-12-03T13:00"}}).expect(t, 409,
		"Meanwhile changed to: 2 December 2026 at 13:00 &#43;03", `value="2026-12-03T13:00"`)
}

// On the days on which the clocks change, what is written is kept as the next page shows it, and stays when it is sent
// once more.
func TestFormsOnTheDaysOfTheClocks(t *testing.T) {
	for _, test := range []struct{ name, typed, kept, shown, again string }{
		{"skipped", "2026-03-29T02:30", "2026-03-29T01:30:00Z", "29 March 2026 at 03:30 CEST", "2026-03-29T03:30"},
		{"twice", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "25 October 2026 at 02:30 CEST", "2026-10-25T02:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, inZone(t, "Europe/Madrid"))
			_, address := h.mint("ticket")
			v := h.visitor()
			page := v.open(address)
			v.submit(page, url.Values{"call": {test.typed}}).expect(t, 200, test.shown)
			h.holds(map[string]string{"call": test.kept})
			page = v.get(page.path)
			page.expect(t, 200, `value="`+test.again+`"`)
			v.submit(page, url.Values{"call": {test.again}}).expect(t, 200, "Nothing was saved")
			h.holds(map[string]string{"call": test.kept})
		})
	}
	t.Run("the second of both stays", func(t *testing.T) {
		h := newHouse(t, inZone(t, "Europe/Madrid"))
		h.put(engine.Fields{"call": "2026-10-25T01:30:00Z"})
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.open(address)
		page.expect(t, 200, `value="2026-10-25T02:30"`)
		v.submit(page, url.Values{"call": {"2026-10-25T02:30"}, "ticket_title": {"Smoke"}}).expect(t, 200, "Saved")
		h.holds(map[string]string{"call": "2026-10-25T01:30:00Z", "ticket_title": "Smoke"})
	})
}

// Until when something works is said by the clocks that stand on the wall then, with the day where it is another there.
func TestTimesToComeAreToldInTheZone(t *testing.T) {
	for _, test := range []struct {
		now  time.Time
		want string
	}{
		{time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), "until 11:10 CET."},
		{time.Date(2026, 11, 22, 22, 55, 0, 0, time.UTC), "until 23 November 2026 at 00:05 CET."},
		{time.Date(2026, 11, 22, 23, 55, 0, 0, time.UTC), "until 01:05 CET."}, // another day in UTC alone
		{time.Date(2027, 3, 28, 0, 55, 0, 0, time.UTC), "until 03:05 CEST."},  // ten minutes after 01:55 CET
		{time.Date(2027, 10, 31, 0, 55, 0, 0, time.UTC), "until 02:05 CET."},  // ten minutes after 02:55 CEST
	} {
		h := factorHouse(t, bySMS, inZone(t, "Europe/Madrid"))
		h.clock.Advance(test.now.Sub(h.clock.Now()))
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		page.expect(t, 200, test.want, "!UTC")
	}
	h := kindsHouse(t, inZone(t, "Europe/Madrid"))
	_, address := h.mint("kinds")
	v := h.visitor()
	v.submit(v.get(v.open(address).path+"/resolve"), nil).expect(t, 200, "until 11:15 CET", "!UTC")
}

// The receipt tells a moment of which a record was made by the clocks too.
func TestReceiptsTellMadeMomentsInTheZone(t *testing.T) {
	h := kindsHouse(t, inZone(t, "Europe/Madrid"))
	landing := h.book.Landings["kinds"]
	creation := landing.Edit[1].Creates
	landing.Edit = []*engine.Edit{{Field: field("visit", engine.TypeDateTime, "Visit"), Creates: creation}}
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	v.submit(page, url.Values{"visit": {"2026-12-24T18:00"}}).expect(t, 200, "24 December 2026 at 18:00 CET", "!UTC")
}
