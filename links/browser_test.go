package links_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"postern/internal/peer"
)

// The whole way on a phone with scripts switched off: what a visitor sees, and that the token is gone from the
// address bar and the history once the door is passed.
func TestT87PhoneWithoutScripts(t *testing.T) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-quic", true))
	browser, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	// The first call starts the browser; a deadline on it would end the browser with it.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(360, 740), chromedp.Func(noScripts)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()

	h := newHouse(t)
	_, address := h.mint("ticket")
	say(t, ctx, chromedp.Navigate(address), "Is this for you?")
	say(t, ctx, chromedp.Click("button"), "Ticket TT42: Printer on fire")
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || !strings.HasPrefix(at, h.url+"/f/") {
		t.Errorf("after the door the address bar says %q, %v", at, err)
	}
	say(t, ctx, chromedp.Click(`a[href$="/resolve"]`), "Mark as resolved")
	if events := h.events(); len(events) != 0 {
		t.Errorf("looking at the action sent %d events", len(events))
	}
	say(t, ctx, chromedp.Click("button"), "Saved")
	if status := h.fields().Text("ticketstatus"); status != "Resolved" {
		t.Errorf("status %q", status)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth"))
	if err != nil || wide > 360 {
		t.Errorf("the receipt is %d pixels wide on a phone of 360, %v", wide, err)
	}
	say(t, ctx, chromedp.Click(`a[href^="/f/"]`), "Ticket TT42: Printer on fire")
	say(t, ctx, chromedp.Steps(
		chromedp.SetValue("#field-ticket_title", "Printer out"), chromedp.Click("form button")), "Saved")
	if title := h.fields().Text("ticket_title"); title != "Printer out" {
		t.Errorf("title %q", title)
	}
}

func noScripts(ctx context.Context, tab *chromedp.Target) error {
	off := emulation.SetScriptExecutionDisabledParams{Value: true}
	_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, off)
	return err
}

// say takes a step and waits until the page's heading is the one that should follow.
func say(t *testing.T, ctx context.Context, step chromedp.Action[chromedp.Void], heading string) {
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
