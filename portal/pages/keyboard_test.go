package pages

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/internal/typist"
	"postern/portal/portaltest/house"
)

// T87: with scripts switched off, on a phone, by the keyboard alone: signing in, from the list to a record, a change of
// it, and signing out.
func TestT87PortalByKeyboard(t *testing.T) {
	s := newStage(t)
	p := typist.New(typist.Start(t), t, 360)
	s.signIn(house.Customers, house.Ana) // so that she has a password
	p.Reads(chromedp.Navigate(s.url+"/portal/customers"), "Sign in")
	p.Types("#name", "ana@acme.example")
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), "Welcome, Ana Ort")
	p.Tabs(".skip")
	p.Tabs(".folds summary") // on a telephone what there is is folded away
	p.Keys("\r")
	p.Presses(`nav details a[href$="/HelpDesk"]`, "Ticket")
	p.Types("#q", "fire")
	p.Reads(chromedp.KeyEvent("\r"), "Ticket")
	p.Presses(`a[href$="/17x1"]`, "TT1 Printer on fire")
	p.Presses(`a[href$="/edit/HelpDesk/17x1"]`, "Change: TT1")
	p.Types(`textarea[name="description"]`, " It still smokes.")
	p.Presses(`main button[type="submit"]`, "TT1 Printer on fire")
	notice, err := chromedp.Run(p.Ctx, chromedp.Text(".notice"))
	if err != nil || !strings.Contains(notice, "Saved") {
		t.Errorf("the page says %q, %v", notice, err)
	}
	if got := s.Fields(house.Ref("HelpDesk/17x1")).Text("description"); !strings.Contains(got, "It still smokes.") {
		t.Errorf("the description is %q", got)
	}
	// What is folded away opens by the keyboard, too, and closes nothing off.
	p.Tabs(".account summary")
	p.Keys("\r")
	p.Presses(`.account button`, "Sign in")
}

// T87: without scripts, on a phone, whatever can be used on any page of the portal is come to by the tab key, and seen
// to be.
func TestT87EveryControlIsReached(t *testing.T) {
	once := func(e exhibit) bool { return !e.alike }
	tour(t, typist.Start(t), "en", once, func(ctx context.Context, e typist.Exhibit) error {
		wrong, err := typist.Unreached(ctx)
		for _, complaint := range wrong {
			t.Errorf("%s: %s", e.Name, complaint)
		}
		return err
	})
}
