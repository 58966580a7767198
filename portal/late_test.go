package portal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// What was asked for before a long outage sends nothing after it: no link may come when nobody waits for one.
func TestAskingsThatWaitedForTooLongAreDropped(t *testing.T) {
	w := house.New(t)
	book := w.Book()
	book.Landings = map[string]*engine.Landing{
		"sign-in": {
			Expires: time.Hour, Opens: &engine.Opens{Portal: house.Customers, What: engine.OpensSignIn},
		},
		"elsewhere": {Expires: 24 * time.Hour, Opens: &engine.Opens{Portal: "others", What: engine.OpensPassword}},
	}
	gate := w.OpenGate(func(c *portal.GateConfig) { c.Book = func() *engine.Book { return book } })
	for _, test := range []struct {
		what   engine.OpensWhat
		waits  time.Duration
		told   int
		logged string
	}{
		{engine.OpensPassword, engine.UsualOpens - time.Millisecond, 1, ""},
		{engine.OpensPassword, engine.UsualOpens, 0, "askings=2"},
		{engine.OpensSignIn, time.Hour - time.Millisecond, 1, ""},
		{engine.OpensSignIn, 24 * time.Hour, 0, "askings=2"},
	} {
		w.Advance(24 * time.Hour)
		before, deeds, logged := len(w.Events()), len(w.Deeds()), len(w.Log.String())
		for _, name := range []string{w.Fields(house.Ana).Text("email"), "nobody@acme.example"} {
			if err := gate.Ask(t.Context(), house.Customers, name, test.what, portal.Caller{}); err != nil {
				t.Fatal(err)
			}
		}
		w.Advance(test.waits)
		for range 2 { // the second time there is nothing left
			if err := gate.AnswerAskings(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if told := len(w.Events()) - before; told != test.told {
			t.Errorf("%s after %v: %d are told", test.what, test.waits, told)
		}
		late := slices.ContainsFunc(w.Deeds()[deeds:], func(d engine.Deed) bool {
			return strings.HasSuffix(d.Detail, ": too long ago") && d.Subject == "portal:"+house.Customers
		})
		if noted := len(w.Deeds()) - deeds; noted != 2 || late != (test.told == 0) {
			t.Errorf("%s after %v: %d deeds, %v", test.what, test.waits, noted, w.Deeds()[deeds:])
		}
		if log := w.Log.String()[logged:]; strings.Count(log, "so long ago") != min(1, len(test.logged)) ||
			!strings.Contains(log, test.logged) || strings.Contains(log, "@") {
			t.Errorf("%s after %v: the log says %s", test.what, test.waits, log)
		}
	}
}
