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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/engine"
	"postern/internal/typist"
)

// phoneWidth is that of a narrow telephone, in pixels.
const phoneWidth = 360

// T87: every kind of flow by keyboard alone, with scripts switched off.
func TestT87KeyboardWithoutScripts(t *testing.T) {
	browser := typist.Start(t)
	t.Run("action and undo", func(t *testing.T) {
		h := newHouse(t)
		h.book.Landings["ticket"].Actions[0].Undo = 15 * time.Minute
		_, address := h.mint("ticket")
		p := typist.New(browser, t, phoneWidth)
		p.Opens(address, "Is this for you?")
		p.Presses("button", "Ticket TT42: Printer on fire")
		p.Presses(`a[href$="/resolve"]`, "Mark as resolved")
		if used := h.eventsOf(engine.LinkUsed); len(used) != 0 {
			t.Errorf("looking at the action used the link %d times", len(used))
		}
		p.Presses("button.primary", "Saved")
		h.holds(map[string]string{"ticketstatus": "Resolved"})
		if text := p.Says("main"); !strings.Contains(text, "until 10:15 UTC") {
			t.Errorf("the receipt does not say until when it can be taken back:\n%s", text)
		}
		p.Presses("form button", "Taken back")
		h.holds(map[string]string{"ticketstatus": "Open"})
	})
	t.Run("form", func(t *testing.T) {
		h := newHouse(t)
		_, address := h.mint("ticket")
		p := typist.New(browser, t, phoneWidth)
		p.Opens(address, "Is this for you?")
		p.Presses("button", "Ticket TT42: Printer on fire")
		p.Types("#field-ticketstatus-0", kb.ArrowDown)
		p.Tabs("#field-ticket_title")
		p.Edits("selectAll")
		p.Keys("Printer out")
		p.Types("#field-urgent", " ")
		p.Presses("form button", "Saved")
		h.holds(map[string]string{"ticketstatus": "Resolved", "ticket_title": "Printer out"})
		if h.fields()["urgent"] == true {
			t.Error("the box stays pages.Ticked")
		}
	})
	t.Run("survey", func(t *testing.T) {
		g := &guide{house: newHouse(t), language: "en"}
		g.survey()
		p := typist.New(browser, t, phoneWidth)
		p.Opens(g.link("survey"), "Is this for you?")
		p.Presses("button", "Ticket TT42")
		p.Types(`[name="score"]:checked`, kb.ArrowLeft+kb.ArrowLeft) // somebody chose 9 before
		p.Types("#field-comment", "More of it")
		p.Presses("form button", "Saved")
		g.holds(map[string]string{"score": "7"})
	})
	t.Run("code, pasted", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket", h.delivered)
		p := typist.New(browser, t, phoneWidth)
		p.Opens(address, "Is this for you?")
		p.Presses("button", "We send you a code")
		p.Presses("button", "Please enter the code")
		h.settle()
		text := p.Says("main")
		if !strings.Contains(text, "until 10:10 UTC") || !strings.Contains(text, "another one sent") {
			t.Errorf("the page does not tell of the time limit and how to get more time:\n%s", text)
		}
		code := h.lastCode("sms")
		p.Types("#code", code[:3]+" "+code[3:]+" ") // as some phones copy it
		p.Edits("selectAll", "cut", "paste")
		p.Reads(chromedp.KeyEvent(kb.Enter), "Ticket TT42: Printer on fire")
	})
	t.Run("security code", func(t *testing.T) {
		h := factorHouse(t, pin)
		_, address := h.mint("ticket")
		p := typist.New(browser, t, phoneWidth)
		p.Opens(address, "Is this for you?")
		p.Presses("button", "Please enter your security code")
		p.Types("#code", "red whale")
		p.Presses("button", "Please enter your security code")
		if text := p.Says("#code-problem"); !strings.Contains(text, "Tries left: 4") {
			t.Errorf("the page says %q of a wrong code", text)
		}
		p.Types("#code", "blue whale 42")
		p.Presses("button", "Ticket TT42: Printer on fire")
	})
	t.Run("second link on another device", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		p, phone := typist.New(browser, t, phoneWidth), typist.New(browser, t, phoneWidth)
		p.Opens(address, "Is this for you?")
		p.Presses("button", "We send you an email")
		p.Presses("button", "Please look at your email")
		h.settle()
		phone.Opens(h.lastMail(), "Is it you?")
		phone.Presses("button", "Enter this code on the other page")
		p.Types("#code", phone.Says("strong.code"))
		p.Presses("form.card button", "Ticket TT42: Printer on fire")
	})
}

// T87: at 200 % zoom, and with letters of twice the size in a window of 640 pixels, everything is there and nothing is
// to be scrolled sideways (WCAG 2.2, 1.4.4 and 1.4.10).
func TestT87Zoom(t *testing.T) {
	tour(t, typist.Start(t), "en", func(ctx context.Context, e typist.Exhibit) error {
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
				t.Errorf("%s with letters of %s is %d pixels wide in a window of 640", e.Name, size, wide)
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
	p := typist.New(typist.Start(t, chromedp.Flag("disable-features", "BackForwardCache")), t, phoneWidth)
	p.Opens(address, "Is this for you?")
	p.Presses("button", "Ticket TT42: Printer on fire")
	p.Presses(`a[href^="http://localhost"]`, "Elsewhere")
	if len(told) > 0 {
		t.Errorf("the other site is told %q", told)
	}
	history, err := chromedp.Call(p.Ctx, page.GetNavigationHistory, cdp.Empty{})
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
	if _, err := chromedp.Call(p.Ctx, page.NavigateToHistoryEntry, back); err != nil {
		t.Fatal(err)
	}
	p.Reads(chromedp.Steps(), "Ticket TT42: Printer on fire")
	if at, err := chromedp.Run(p.Ctx, chromedp.Location()); err != nil || at != places[record] {
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
	p := typist.New(typist.Start(t, chromedp.UserDataDir(profile)), t, phoneWidth)
	inApp := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 [FBAN/FB4A;FBAV/500.0.0;]"}
	if _, err := chromedp.Call(p.Ctx, emulation.SetUserAgentOverride, inApp); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.Opens(address, "Is this for you?")
		p.Presses("button", "Your browser keeps nothing of this visit")
		text := p.Says("main")
		if !strings.Contains(text, "Open in browser") || !strings.Contains(text, "allow cookies") {
			t.Errorf("the page does not say how to go on:\n%s", text)
		}
	}
	usual := typist.New(typist.Start(t), t, phoneWidth)
	usual.Opens(address, "Is this for you?")
	usual.Presses("button", "Ticket 17x42")
	usual.Presses(`a[href$="/close"]`, "close")
	usual.Presses("button.primary", "Saved")
}
