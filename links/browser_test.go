package links_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/engine"
)

// person is somebody at a browser: a phone with scripts switched off, used by its keyboard alone.
type person struct {
	t   *testing.T
	ctx context.Context
}

// person opens a tab; each with another profile is another browser to the door.
func newPerson(t *testing.T, browser context.Context) *person {
	t.Helper()
	tab, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	// The first call opens the tab; a deadline on it would close it again.
	if err := chromedp.Do(tab, chromedp.EmulateViewport(360, 740), chromedp.Func(noScripts)); err != nil {
		t.Fatal(err)
	}
	// Several tabs have no focus at the same time otherwise.
	if _, err := chromedp.Call(tab, emulation.SetFocusEmulationEnabled,
		emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	return &person{t, ctx}
}

func noScripts(ctx context.Context, tab *chromedp.Target) error {
	off := emulation.SetScriptExecutionDisabledParams{Value: true}
	_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, off)
	return err
}

// reads takes a step and waits until the page's heading is the one that should follow.
func (p *person) reads(step chromedp.Action[chromedp.Void], heading string) {
	p.t.Helper()
	say(p.t, p.ctx, step, heading)
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

func (p *person) opens(address, heading string) {
	p.t.Helper()
	p.reads(chromedp.Navigate(address), heading)
}

// tabs presses the tab key until the focus is on what a selector names, and sees that the focus is seen on the way.
func (p *person) tabs(selector string) {
	p.t.Helper()
	for range 40 {
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
func (p *person) presses(selector, heading string) {
	p.t.Helper()
	p.tabs(selector)
	p.reads(chromedp.KeyEvent("\r"), heading)
}

// types goes to a field and types.
func (p *person) types(selector, keys string) {
	p.t.Helper()
	p.tabs(selector)
	p.keys(keys)
}

func (p *person) keys(keys string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(keys)); err != nil {
		p.t.Fatal(err)
	}
}

// edits does what an editing command of the browser does: selectAll, cut, paste.
func (p *person) edits(commands ...string) {
	p.t.Helper()
	for _, command := range commands {
		key := input.DispatchKeyEventParams{Type: "keyDown", Commands: []string{command}}
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, key)
		if err != nil {
			p.t.Fatalf("%s: %v", command, err)
		}
	}
}

func (p *person) says(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Text(selector))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// T87: every kind of flow by keyboard alone, with scripts switched off.
func TestT87KeyboardWithoutScripts(t *testing.T) {
	browser := startBrowser(t)
	t.Run("action and undo", func(t *testing.T) {
		h := newHouse(t)
		h.book.Landings["ticket"].Actions[0].Undo = 15 * time.Minute
		_, address := h.mint("ticket")
		p := newPerson(t, browser)
		p.opens(address, "Is this for you?")
		p.presses("button", "Ticket TT42: Printer on fire")
		p.presses(`a[href$="/resolve"]`, "Mark as resolved")
		if used := h.eventsOf(engine.LinkUsed); len(used) != 0 {
			t.Errorf("looking at the action used the link %d times", len(used))
		}
		p.presses("button.primary", "Saved")
		h.holds(map[string]string{"ticketstatus": "Resolved"})
		if text := p.says("main"); !strings.Contains(text, "until 10:15 UTC") {
			t.Errorf("the receipt does not say until when it can be taken back:\n%s", text)
		}
		p.presses("form button", "Taken back")
		h.holds(map[string]string{"ticketstatus": "Open"})
	})
	t.Run("form", func(t *testing.T) {
		h := newHouse(t)
		_, address := h.mint("ticket")
		p := newPerson(t, browser)
		p.opens(address, "Is this for you?")
		p.presses("button", "Ticket TT42: Printer on fire")
		p.types("#field-ticketstatus-0", kb.ArrowDown)
		p.tabs("#field-ticket_title")
		p.edits("selectAll")
		p.keys("Printer out")
		p.types("#field-urgent", " ")
		p.presses("form button", "Saved")
		h.holds(map[string]string{"ticketstatus": "Resolved", "ticket_title": "Printer out"})
		if h.fields()["urgent"] == true {
			t.Error("the box stays pages.Ticked")
		}
	})
	t.Run("survey", func(t *testing.T) {
		g := &guide{house: newHouse(t), language: "en"}
		g.survey()
		p := newPerson(t, browser)
		p.opens(g.link("survey"), "Is this for you?")
		p.presses("button", "Ticket TT42")
		p.types(`[name="score"]:checked`, kb.ArrowLeft+kb.ArrowLeft) // somebody chose 9 before
		p.types("#field-comment", "More of it")
		p.presses("form button", "Saved")
		g.holds(map[string]string{"score": "7"})
	})
	t.Run("code, pasted", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket", h.delivered)
		p := newPerson(t, browser)
		p.opens(address, "Is this for you?")
		p.presses("button", "We send you a code")
		p.presses("button", "Please enter the code")
		h.settle()
		text := p.says("main")
		if !strings.Contains(text, "until 10:10 UTC") || !strings.Contains(text, "another one sent") {
			t.Errorf("the page does not tell of the time limit and how to get more time:\n%s", text)
		}
		code := h.lastCode("sms")
		p.types("#code", code[:3]+" "+code[3:]+" ") // as some phones copy it
		p.edits("selectAll", "cut", "paste")
		p.reads(chromedp.KeyEvent(kb.Enter), "Ticket TT42: Printer on fire")
	})
	t.Run("security code", func(t *testing.T) {
		h := factorHouse(t, pin)
		_, address := h.mint("ticket")
		p := newPerson(t, browser)
		p.opens(address, "Is this for you?")
		p.presses("button", "Please enter your security code")
		p.types("#code", "red whale")
		p.presses("button", "Please enter your security code")
		if text := p.says("#code-problem"); !strings.Contains(text, "Tries left: 4") {
			t.Errorf("the page says %q of a wrong code", text)
		}
		p.types("#code", "blue whale 42")
		p.presses("button", "Ticket TT42: Printer on fire")
	})
	t.Run("second link on another device", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		p, phone := newPerson(t, browser), newPerson(t, browser)
		p.opens(address, "Is this for you?")
		p.presses("button", "We send you an email")
		p.presses("button", "Please look at your email")
		h.settle()
		phone.opens(h.lastMail(), "Is it you?")
		phone.presses("button", "Enter this code on the other page")
		p.types("#code", phone.says("strong.code"))
		p.presses("form.card button", "Ticket TT42: Printer on fire")
	})
}

// T87: at 200 % zoom, and with letters of twice the size in a window of 640 pixels, everything is there and nothing is
// to be scrolled sideways (WCAG 2.2, 1.4.4 and 1.4.10).
func TestT87Zoom(t *testing.T) {
	tour(t, startBrowser(t), "en", func(ctx context.Context, t *testing.T, e exhibit) error {
		zoomed := emulation.SetDeviceMetricsOverrideParams{Width: 640, Height: 360, DeviceScaleFactor: 2}
		if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, zoomed); err != nil {
			return err
		}
		for _, size := range []string{"100%", "200%"} {
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](
				`document.documentElement.style.fontSize = "`+size+`", document.documentElement.scrollWidth`))
			if err != nil {
				return err
			}
			if wide > 640 {
				t.Errorf("%s with letters of %s is %d pixels wide in a window of 640", e.name, size, wide)
			}
		}
		return nil
	})
}

// T82: what other sites and the back button are told of a link.
func TestT82RefererAndHistory(t *testing.T) {
	var told []string
	elsewhere := askedServer(t, "localhost", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/42" { // and not what that page itself asks for
			told = append(told, r.Header["Referer"]...)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<h1>Elsewhere</h1>"))
	}))
	h := newHouse(t)
	h.put(engine.Fields{"web": elsewhere.url + "/42"})
	_, address := h.mint("ticket")
	token := address[strings.LastIndex(address, "/")+1:]
	// Pages that a browser keeps as they were are asked for by nobody, and out of the test's reach.
	p := newPerson(t, startBrowser(t, chromedp.Flag("disable-features", "BackForwardCache")))
	p.opens(address, "Is this for you?")
	p.presses("button", "Ticket TT42: Printer on fire")
	p.presses(`a[href^="http://localhost"]`, "Elsewhere")
	if len(told) > 0 {
		t.Errorf("the other site is told %q", told)
	}
	history, err := chromedp.Call(p.ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, entry := range history.Entries {
		places = append(places, entry.URL)
		// The address that was opened is the browser's own to keep: no page behind it has the token.
		if entry.URL != address && strings.Contains(entry.URL+entry.Title, token) {
			t.Errorf("the history has the token: %s, %s", entry.URL, entry.Title)
		}
	}
	record := len(places) - 2
	if record < 1 || !strings.HasPrefix(places[record], h.url+"/f/") {
		t.Fatalf("the history is %q", places)
	}
	back := page.NavigateToHistoryEntryParams{EntryID: history.Entries[record].ID}
	if _, err := chromedp.Call(p.ctx, page.NavigateToHistoryEntry, back); err != nil {
		t.Fatal(err)
	}
	p.reads(chromedp.Steps(), "Ticket TT42: Printer on fire")
	if at, err := chromedp.Run(p.ctx, chromedp.Location()); err != nil || at != places[record] {
		t.Errorf("the back button leads to %s, %v", at, err)
	}
}

// T89: a browser inside of an app, which keeps no cookies: the visitor is told so and how to go on, and the link is as
// good as before.
func TestT89CookiesBlocked(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("once")
	profile := t.TempDir()
	blocked := []byte(`{"profile": {"default_content_setting_values": {"cookies": 2}}}`)
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), blocked, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPerson(t, startBrowser(t, chromedp.UserDataDir(profile)))
	inApp := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 [FBAN/FB4A;FBAV/500.0.0;]"}
	if _, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride, inApp); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.opens(address, "Is this for you?")
		p.presses("button", "Your browser keeps nothing of this visit")
		text := p.says("main")
		if !strings.Contains(text, "Open in browser") || !strings.Contains(text, "allow cookies") {
			t.Errorf("the page does not say how to go on:\n%s", text)
		}
	}
	usual := newPerson(t, startBrowser(t))
	usual.opens(address, "Is this for you?")
	usual.presses("button", "Ticket 17x42")
	usual.presses(`a[href$="/close"]`, "close")
	usual.presses("button.primary", "Saved")
}
