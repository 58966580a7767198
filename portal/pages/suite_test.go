package pages

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"postern/engine"
	"postern/internal/peer"
	"postern/portal/portaltest/house"
)

// exhibit is a page in one of its states, as it was answered.
type exhibit struct {
	name string
	shown
}

// gallery leads people into every state that a page can have, in a language.
func gallery(t *testing.T, language string) (*stage, []exhibit) {
	t.Helper()
	s := newStage(t)
	for _, ref := range []engine.Ref{house.Ana, house.Mia} {
		s.Put(ref, engine.Fields{"template_language": language})
	}
	for n := range 30 {
		s.Put(engine.Ref{Module: "HelpDesk", ID: fmt.Sprintf("17x%d", 100+n)}, engine.Fields{
			"ticket_no": fmt.Sprintf("TT%d", 100+n), "ticket_title": "Lamp no. " + strconv.Itoa(n) + " flickers",
			"parent_id": house.Mia.ID, "ticketstatus": "Open", "due": "2026-12-24", "rank": 3,
		})
	}
	s.Put(house.Ref("HelpDesk/17x1"), engine.Fields{
		"description": "Smoke comes out of it.\nWe have pulled the plug.", "call": "2026-11-27T09:30:00Z",
		"reply_to": "ana.with.a.long.name@a-company-with-a-very-long-name.example", "colours": []any{"Black", "Cyan"},
	})
	g := &guide{stage: s, language: language}
	g.records()
	g.changes()
	g.reasons()
	g.signingIn()
	return s, g.shown
}

// guide walks people around.
type guide struct {
	*stage
	language string
	shown    []exhibit
}

// show keeps a page.
func (g *guide) show(name string, page shown, status int) shown {
	g.t.Helper()
	if page.status != status {
		g.t.Errorf("%s: status %d, want %d\n%s", name, page.status, status, page.text)
	}
	g.shown = append(g.shown, exhibit{name, page})
	return page
}

func (g *guide) records() {
	v := g.person(house.Customers, house.Mia)
	g.show("home", v.get("/portal/customers"), http.StatusOK)
	g.show("list", v.get(tickets+"?sort=-ticket_no&is.ticketstatus=Open&from.rank=x"), http.StatusOK)
	g.show("list-closed", v.get(tickets), http.StatusOK)
	g.show("list-nothing", v.get(tickets+"?q=elephant"), http.StatusOK)
	g.show("list-invoices", v.get("/portal/customers/records/Invoice"), http.StatusOK)
	g.Drop(house.Ref("Project/31x1"))
	g.show("list-empty", v.get("/portal/customers/records/Project"), http.StatusOK)
	g.show("record", v.get(ticket), http.StatusOK)
	g.show("related", v.get(ticket+"/ModComments"), http.StatusOK)
	g.show("record-brief", v.get("/portal/customers/records/Contacts/12x5"), http.StatusOK)
}

func (g *guide) changes() {
	v := g.person(house.Customers, house.Mia)
	page := g.show("edit", v.get(change), http.StatusOK)
	g.show("edit-unchanged", v.submit(page, nil), http.StatusOK)
	g.show("edit-faults", v.submit(page, url.Values{"ticket_title": {""}, "rank": {"x"}, "due": {"soon"}}),
		http.StatusUnprocessableEntity)
	g.Put(house.Ref("HelpDesk/17x1"), engine.Fields{"hours": 7})
	g.show("edit-conflict", v.submit(page, url.Values{"hours": {"3"}}), http.StatusConflict)
	g.show("saved", v.submit(v.get(change), url.Values{"rank": {"2"}}), http.StatusOK)
	page = g.show("new", v.get("/portal/customers/new/HelpDesk"), http.StatusOK)
	g.show("new-faults", v.submit(page, nil), http.StatusUnprocessableEntity)
	g.show("delete", v.get("/portal/customers/delete/HelpDesk/17x5"), http.StatusOK)
	g.Advance(engine.FreshSignIn)
	g.show("edit-fresh", v.get("/portal/customers/edit/Contacts/12x5"), http.StatusOK)
}

func (g *guide) reasons() {
	v := g.person(house.Customers, house.Mia)
	g.show("reason-missing", v.get(tickets+"/17x99"), http.StatusNotFound)
	g.show("reason-forbidden", v.get("/portal/customers/records/Assets"), http.StatusForbidden)
	g.show("reason-malformed", v.send(http.MethodPost, "/portal/customers/new/HelpDesk", nil), http.StatusBadRequest)
	g.show("reason-method", v.send(http.MethodDelete, ticket, nil), http.StatusMethodNotAllowed)
	g.show("reason-out", g.stranger().in(g.language).send(http.MethodPost, change, nil), http.StatusUnauthorized)
}

// signingIn shows the pages for those who are not signed in, and those about being signed in.
func (g *guide) signingIn() {
	v := g.stranger().in(g.language)
	g.show("forgot", v.get("/portal/customers/forgot"), http.StatusOK)
	asked := v.send(http.MethodPost, "/portal/customers/forgot", url.Values{"name": {"mia@acme.example"}})
	g.show("forgot-asked", asked, http.StatusAccepted)
	g.show("mail-link", v.get("/portal/customers/mail-link"), http.StatusOK)
	g.show("sign-in", v.get("/portal/customers/sign-in?out=1"), http.StatusOK)
	wrong := url.Values{"name": {"mia@acme.example"}, "password": {"not this one at all"}}
	g.show("sign-in-refused", v.send(http.MethodPost, "/portal/customers/sign-in", wrong), http.StatusUnauthorized)
	v = g.person(house.Customers, house.Mia)
	g.show("sessions", v.get("/portal/customers/sessions"), http.StatusOK)
	g.show("security", v.get("/portal/customers/security"), http.StatusOK)
	g.show("change-password", v.get("/portal/customers/password"), http.StatusOK)
	short := url.Values{"password": {password}, "next": {"short"}, "again": {"short"}}
	g.show("change-password-short", v.send(http.MethodPost, "/portal/customers/password", short),
		http.StatusUnprocessableEntity)
}

// screen is what a page is looked at on.
type screen struct {
	light string  // light or dark, as the device is set
	width int64   // of the window, in pixels
	zoom  float64 // 2 is a page at 200 %
}

func (s screen) String() string {
	name := s.light + "-" + strconv.FormatInt(s.width, 10)
	if s.zoom != 1 {
		name += fmt.Sprintf("-zoom%g", s.zoom)
	}
	return name
}

// screens are a phone, and a desk by day and by night. A desk at 200 % has half as many pixels.
var screens = []screen{{"light", 360, 1}, {"dark", 1280, 1}, {"light", 1280, 2}}

// T87: nothing on any page of the portal in any state keeps people with disabilities from using it, as far as a program
// can tell, and nothing is wider than the window.
func TestT87PortalAxeFindsNothing(t *testing.T) {
	script, err := os.ReadFile(peer.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t)
	for language, on := range map[string][]screen{"en": screens, "ar": screens[:1]} {
		t.Run(language, func(t *testing.T) {
			tour(t, browser, language, func(ctx context.Context, e exhibit) error {
				if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(script)+";0")); err != nil {
					return fmt.Errorf("load axe: %w", err)
				}
				for _, screen := range on {
					if err := chromedp.Do(ctx, chromedp.Func(screen.show)); err != nil {
						return err
					}
					check := axeRun
					if screen.zoom != 1 {
						check = tooWide // what axe looks at is the same as on a phone
					}
					complaints, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](check, chromedp.EvalAwaitPromise))
					if err != nil {
						return fmt.Errorf("run axe: %w", err)
					}
					for _, complaint := range complaints {
						t.Errorf("%s on %s: %s", e.name, screen, complaint)
					}
				}
				return nil
			})
		})
	}
}

// axeRun opens what is folded away and answers with what is wrong: the rules of WCAG 2.2 AA and those of good practice.
const axeRun = `(document.querySelectorAll("details").forEach(d => d.open = true),
axe.run(document, {resultTypes: ["violations"]}).then(found => {
	let list = found.violations.flatMap(v => v.nodes.map(n =>
		v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary));
	return list.concat(` + tooWide + `);
}))`

// tooWide answers with what is wider than the window.
const tooWide = `(wide => wide > innerWidth ? ["it is " + wide + " pixels wide in a window of " + innerWidth] : [])(
	document.documentElement.scrollWidth)`

// POSTERN_SHOTS=folder writes every page in every state and language as it looks on every screen.
func TestShots(t *testing.T) {
	folder := os.Getenv("POSTERN_SHOTS")
	if folder == "" {
		t.Skip("POSTERN_SHOTS names no folder for the pictures")
	}
	browser := startBrowser(t)
	for language, on := range map[string][]screen{
		"en": {{"light", 360, 1}, {"light", 1280, 1}, {"dark", 1280, 1}, {"light", 1280, 2}}, "ar": screens[:1],
		"es": screens[:1], "nl": screens[:1],
	} {
		tour(t, browser, language, func(ctx context.Context, e exhibit) error {
			for _, screen := range on {
				name := fmt.Sprintf("%s-%s-%s.png", e.name, language, screen)
				if err := chromedp.Do(ctx, chromedp.Func(screen.show), shoot(filepath.Join(folder, name))); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

var update = flag.Bool("update", false, "take the pictures of the guide again")

// The pictures of the guide. `go test ./portal/pages -run Pictures -update` takes them again.
func TestPicturesOfTheGuide(t *testing.T) {
	const folder = "../../docs/guide/pictures"
	pictures := map[string][]screen{
		"list": {{"light", 360, 1}, {"light", 1280, 1}}, "edit": {{"dark", 360, 1}},
	}
	if !*update {
		for name, on := range pictures {
			for _, screen := range on {
				picture := fmt.Sprintf("portal-%s-%s.webp", name, screen)
				if _, err := os.Stat(filepath.Join(folder, picture)); err != nil {
					t.Error(err)
				}
			}
		}
		return
	}
	tour(t, startBrowser(t), "en", func(ctx context.Context, e exhibit) error {
		for _, screen := range pictures[strings.TrimSuffix(e.name, "-closed")] {
			if e.name == "list" {
				continue // the guide shows it with its filters folded away
			}
			name := fmt.Sprintf("portal-%s-%s.webp", strings.TrimSuffix(e.name, "-closed"), screen)
			err := chromedp.Do(ctx, chromedp.Func(screen.show), photograph(filepath.Join(folder, name)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// photograph writes what is in the window as a picture of the guide.
func photograph(path string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		quality := int64(80)
		params := page.CaptureScreenshotParams{Format: "webp", Quality: &quality}
		shot, err := cdp.Call(ctx, tab, page.CaptureScreenshot, params)
		if err != nil {
			return err
		}
		return os.WriteFile(path, shot.Data, 0o600)
	})
}

// shoot writes the whole page as a picture.
func shoot(path string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		beyond := true
		params := page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond}
		shot, err := cdp.Call(ctx, tab, page.CaptureScreenshot, params)
		if err != nil {
			return err
		}
		return os.WriteFile(path, shot.Data, 0o600)
	})
}

// show makes a tab's window such a screen.
func (s screen) show(ctx context.Context, tab *chromedp.Target) error {
	metrics := emulation.SetDeviceMetricsOverrideParams{
		Width: int64(float64(s.width) / s.zoom), Height: 720, DeviceScaleFactor: s.zoom, Mobile: s.width < 600,
	}
	if _, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		return err
	}
	media := emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.light}},
	}
	_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, media)
	return err
}

// tour opens every exhibit of the gallery in a tab with the headers that were sent with it.
func tour(
	t *testing.T, browser context.Context, language string, look func(context.Context, exhibit) error,
) {
	t.Helper()
	s, exhibits := gallery(t, language)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/exhibit/"))
		if err != nil {
			s.pages.ServeHTTP(w, r) // the stylesheet and the like
			return
		}
		maps.Copy(w.Header(), exhibits[number].header)
		w.WriteHeader(exhibits[number].status)
		_, _ = w.Write([]byte(exhibits[number].text))
	}))
	defer server.Close()
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	// The first call opens the tab; a deadline on it would close it again.
	if err := chromedp.Do(tab, chromedp.Func(screens[0].show)); err != nil {
		t.Fatal(err)
	}
	for number, e := range exhibits {
		ctx, cancel := context.WithTimeout(tab, 30*time.Second)
		err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/exhibit/"+strconv.Itoa(number)))
		if err == nil {
			err = look(ctx, e)
		}
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		cancel()
	}
}

// startBrowser starts Chromium with an empty tab that keeps it until the test ends.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-quic", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	// The first call starts the browser; a deadline on it would end the browser with it.
	if err := chromedp.Do(browser, chromedp.EmulateViewport(360, 740)); err != nil {
		t.Fatal(err)
	}
	return browser
}
