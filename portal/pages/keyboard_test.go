package pages

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/portal/portaltest/house"
)

// typist is somebody at a browser with scripts switched off, used by its keyboard alone.
type typist struct {
	t   *testing.T
	ctx context.Context
}

func newTypist(t *testing.T, width int64) *typist {
	t.Helper()
	tab, closeTab := chromedp.NewContext(startBrowser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	// The first call opens the tab; a deadline on it would close it again.
	err := chromedp.Do(tab, chromedp.EmulateViewport(width, 740),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			off := emulation.SetScriptExecutionDisabledParams{Value: true}
			if _, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, off); err != nil {
				return err
			}
			focus := emulation.SetFocusEmulationEnabledParams{Enabled: true}
			_, err := cdp.Call(ctx, target, emulation.SetFocusEmulationEnabled, focus)
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	return &typist{t, ctx}
}

// reads takes a step and waits until the page's heading is the one that should follow.
func (p *typist) reads(step chromedp.Action[chromedp.Void], heading string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, step); err != nil {
		p.t.Fatalf("on the way to %q: %v", heading, err)
	}
	for {
		got, err := chromedp.Run(p.ctx, chromedp.Text("h1"))
		if strings.Contains(got, heading) {
			return
		}
		if p.ctx.Err() != nil {
			p.t.Fatalf("the page says %q, want %q: %v", got, heading, err)
		}
	}
}

// tabs presses the tab key until the focus is on what a selector names, and sees that it can be seen on the way.
func (p *typist) tabs(selector string) {
	p.t.Helper()
	for range 60 {
		if err := chromedp.Do(p.ctx, chromedp.KeyEvent("\t")); err != nil {
			p.t.Fatal(err)
		}
		at, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`(at => at === document.body ? "" :
			getComputedStyle(at).outlineStyle === "none" ? at.outerHTML :
			at.matches(`+"`"+selector+"`"+`) ? "there" : "")(document.activeElement)`))
		switch {
		case err != nil:
			p.t.Fatal(err)
		case at == "there":
			return
		case at != "":
			p.t.Errorf("on the way to %s the focus cannot be seen on %s", selector, at)
		}
	}
	p.t.Fatalf("the tab key never comes to %s", selector)
}

// presses goes to a button or link with the tab key and presses the enter key.
func (p *typist) presses(selector, heading string) {
	p.t.Helper()
	p.tabs(selector)
	p.reads(chromedp.KeyEvent("\r"), heading)
}

// types goes to a field and types.
func (p *typist) types(selector, keys string) {
	p.t.Helper()
	p.tabs(selector)
	p.keys(keys)
}

func (p *typist) keys(keys string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(keys)); err != nil {
		p.t.Fatal(err)
	}
}

// T87: with scripts switched off, on a phone, by the keyboard alone: signing in, from the list to a record, a change of
// it, and signing out.
func TestT87PortalByKeyboard(t *testing.T) {
	s := newStage(t)
	p := newTypist(t, 360)
	s.signIn(house.Customers, house.Ana) // so that she has a password
	p.reads(chromedp.Navigate(s.url+"/portal/customers"), "Sign in")
	p.types("#name", "ana@acme.example")
	p.types("#password", password)
	p.reads(chromedp.KeyEvent("\r"), "Welcome, Ana Ort")
	p.tabs(".skip")
	p.presses(`nav a[href$="/HelpDesk"]`, "Ticket")
	p.types("#q", "fire")
	p.reads(chromedp.KeyEvent("\r"), "Ticket")
	p.presses(`a[href$="/17x1"]`, "TT1 Printer on fire")
	p.presses(`a[href$="/edit/HelpDesk/17x1"]`, "Change: TT1")
	p.types(`textarea[name="description"]`, " It still smokes.")
	p.presses(`main button[type="submit"]`, "TT1 Printer on fire")
	notice, err := chromedp.Run(p.ctx, chromedp.Text(".notice"))
	if err != nil || !strings.Contains(notice, "Saved") {
		t.Errorf("the page says %q, %v", notice, err)
	}
	if got := s.Fields(house.Ref("HelpDesk/17x1")).Text("description"); !strings.Contains(got, "It still smokes.") {
		t.Errorf("the description is %q", got)
	}
	// What is folded away opens by the keyboard, too, and closes nothing off.
	p.tabs(".account summary")
	p.keys("\r")
	p.presses(`.account button`, "Sign in")
}
