package pages

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"postern/internal/peer"
)

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
	for language, on := range map[string][]screen{"en": screens, "ar": {screens[2], screens[0]}} {
		t.Run(language, func(t *testing.T) {
			once := func(e exhibit) bool { return !e.alike }
			tour(t, browser, language, once, func(ctx context.Context, e exhibit) error {
				// What axe looks at is the same at 200 % as on a phone, and in Arabic as in English.
				widthAlone := func(s screen) bool {
					return s.zoom != 1 || peer.Race && (language != "en" || s.light == "dark")
				}
				if !widthAlone(on[0]) || !widthAlone(on[1]) {
					if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(script)+";0")); err != nil {
						return fmt.Errorf("load axe: %w", err)
					}
				}
				for _, screen := range on {
					if err := chromedp.Do(ctx, chromedp.Func(screen.show)); err != nil {
						return err
					}
					check := axeRun
					switch {
					case widthAlone(screen):
						check = tooWide
					case screen.light == "dark":
						check = contrast // and only that is another by night
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
axe.run(document, {resultTypes: ["violations"]}).then(` + axeFound

// contrast asks for what colours alone decide.
const contrast = `(axe.run(document, {runOnly: ["color-contrast"], resultTypes: ["violations"]}).then(` + axeFound

// axeFound answers with what axe has against the page.
const axeFound = `found => {
	let list = found.violations.flatMap(v => v.nodes.map(n =>
		v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary));
	return list.concat(` + tooWide + `);
}))`

// tooWide answers with what is wider than the window.
const tooWide = `(wide => wide > innerWidth ? ["it is " + wide + " pixels wide in a window of " + innerWidth] : [])(
	document.documentElement.scrollWidth)`

// POSTERN_SHOTS=folder writes every page in every state and language as it looks on every screen, or those alone that
// POSTERN_SHOTS_OF fits as a regular expression: home-en.
func TestShots(t *testing.T) {
	folder := os.Getenv("POSTERN_SHOTS")
	if folder == "" {
		t.Skip("POSTERN_SHOTS names no folder for the pictures")
	}
	of, err := regexp.Compile(os.Getenv("POSTERN_SHOTS_OF"))
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t)
	desk := screen{"light", 1280, 1}
	for language, on := range map[string][]screen{
		"en": {{"light", 360, 1}, {"dark", 360, 1}, desk, {"dark", 1280, 1}, {"light", 1280, 2}},
		"ar": {screens[0], desk}, "es": {screens[0], desk}, "nl": {screens[0], desk},
	} {
		wanted := func(e exhibit) bool { return of.MatchString(e.name + "-" + language) }
		tour(t, browser, language, wanted, func(ctx context.Context, e exhibit) error {
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
	asked := func(e exhibit) bool { return e.name == "list-closed" || e.name == "edit" } // its filters folded away
	tour(t, startBrowser(t), "en", asked, func(ctx context.Context, e exhibit) error {
		for _, screen := range pictures[strings.TrimSuffix(e.name, "-closed")] {
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

// tour opens every exhibit of the gallery that is wanted in a tab, with the headers that were sent with it.
func tour(
	t *testing.T, browser context.Context, language string, wanted func(exhibit) bool,
	look func(context.Context, exhibit) error,
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
		if !wanted(e) {
			continue
		}
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
