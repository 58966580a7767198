// Package typist plays somebody who uses pages without scripts by the keyboard alone, in a real browser, and looks at
// pages on screens of every kind, for tests.
package typist

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Typist is somebody at a browser with scripts switched off, used by its keyboard alone.
type Typist struct {
	t   *testing.T
	Ctx context.Context // of the tab; it ends after a minute
}

// New opens a tab of a browser, so many pixels wide; each with a profile of its own is another browser to the pages.
func New(browser context.Context, t *testing.T, width int64) *Typist {
	t.Helper()
	tab, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	// The first call opens the tab; a deadline on it would close it again.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(width, 740), chromedp.Func(NoScripts)); err != nil {
		t.Fatal(err)
	}
	// Several tabs have no focus at the same time otherwise.
	if _, err := chromedp.Call(tab, emulation.SetFocusEmulationEnabled,
		emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	return &Typist{t, ctx}
}

// NoScripts switches scripts off in a tab.
func NoScripts(ctx context.Context, tab *chromedp.Target) error {
	off := emulation.SetScriptExecutionDisabledParams{Value: true}
	_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, off)
	return err
}

// Reads takes a step and waits until the page's heading is the one that should follow.
func (p *Typist) Reads(step chromedp.Action[chromedp.Void], heading string) {
	p.t.Helper()
	Say(p.Ctx, p.t, step, heading)
}

// Say takes a step and waits until the page's heading is the one that should follow.
func Say(ctx context.Context, t *testing.T, step chromedp.Action[chromedp.Void], heading string) {
	t.Helper()
	if err := chromedp.Do(ctx, step); err != nil {
		t.Fatalf("on the way to %q: %v", heading, err)
	}
	for {
		got, err := chromedp.Run(ctx, chromedp.Text("h1"))
		if strings.Contains(got, heading) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the page says %q, want %q: %v", got, heading, err)
		}
	}
}

// Opens goes to an address.
func (p *Typist) Opens(address, heading string) {
	p.t.Helper()
	p.Reads(chromedp.Navigate(address), heading)
}

// Tabs presses the tab key until the focus is on what a selector names, and sees that the focus is seen on the way.
func (p *Typist) Tabs(selector string) {
	p.t.Helper()
	for range 60 {
		if err := chromedp.Do(p.Ctx, chromedp.KeyEvent("\t")); err != nil {
			p.t.Fatal(err)
		}
		at, err := chromedp.Run(p.Ctx, chromedp.Evaluate[string](`(at => at === document.body ? "" :
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

// Presses goes to a button or link with the tab key and presses the enter key.
func (p *Typist) Presses(selector, heading string) {
	p.t.Helper()
	p.Tabs(selector)
	p.Reads(chromedp.KeyEvent("\r"), heading)
}

// Types goes to a field and types.
func (p *Typist) Types(selector, keys string) {
	p.t.Helper()
	p.Tabs(selector)
	p.Keys(keys)
}

// Keys types where the focus is.
func (p *Typist) Keys(keys string) {
	p.t.Helper()
	if err := chromedp.Do(p.Ctx, chromedp.KeyEvent(keys)); err != nil {
		p.t.Fatal(err)
	}
}

// Edits does what an editing command of the browser does: selectAll, cut, paste.
func (p *Typist) Edits(commands ...string) {
	p.t.Helper()
	for _, command := range commands {
		key := input.DispatchKeyEventParams{Type: "keyDown", Commands: []string{command}}
		_, err := chromedp.Call(p.Ctx, input.DispatchKeyEvent, key)
		if err != nil {
			p.t.Fatalf("%s: %v", command, err)
		}
	}
}

// Says is the text of what a selector names.
func (p *Typist) Says(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.Ctx, chromedp.Text(selector))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}
