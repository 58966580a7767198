package links_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	light string // light or dark, as the device is set
	width int64  // of the window, in pixels
}

func (s screen) String() string { return s.light + "-" + strconv.FormatInt(s.width, 10) }

// screens are a small phone and a desk, by day and by night.
var screens = []screen{{"light", 320}, {"dark", 320}, {"light", 1280}, {"dark", 1280}}

// T87: nothing on any page in any state keeps people with disabilities from using it, as far as a program can tell, and
// nothing is wider than the window. In a language that runs from right to left one screen is enough: the rest is the same.
func TestT87AxeFindsNothing(t *testing.T) {
	script, err := os.ReadFile(peer.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t)
	for language, on := range map[string][]screen{"en": screens, "ar": screens[:1]} {
		t.Run(language, func(t *testing.T) {
			tour(t, browser, language, func(ctx context.Context, t *testing.T, e exhibit) error {
				if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(script)+";0")); err != nil {
					return fmt.Errorf("load axe: %w", err)
				}
				for _, screen := range on {
					if err := chromedp.Do(ctx, chromedp.Func(screen.show)); err != nil {
						return err
					}
					complaints, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise))
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

// axeRun answers with what is wrong: the rules of WCAG 2.2 AA and those of good practice.
const axeRun = `axe.run(document, {resultTypes: ["violations"]}).then(found => {
	let list = found.violations.flatMap(v => v.nodes.map(n =>
		v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary));
	const wide = document.documentElement.scrollWidth;
	if (wide > innerWidth) list.push("the page is " + wide + " pixels wide in a window of " + innerWidth);
	return list;
})`

// POSTERN_SHOTS=folder writes every page in every state and language as it looks on every screen, and receipts as they
// are printed.
func TestShots(t *testing.T) {
	folder := os.Getenv("POSTERN_SHOTS")
	if folder == "" {
		t.Skip("POSTERN_SHOTS names no folder for the pictures")
	}
	browser := startBrowser(t)
	for _, language := range []string{"en", "ar", "es", "nl"} {
		tour(t, browser, language, func(ctx context.Context, _ *testing.T, e exhibit) error {
			for _, screen := range screens {
				if language != "en" && screen != screens[0] {
					continue
				}
				name := fmt.Sprintf("%s-%s-%s.png", e.name, language, screen)
				err := chromedp.Do(ctx, chromedp.Func(screen.show), shoot(filepath.Join(folder, name)))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// shoot writes the whole page as a picture.
func shoot(path string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		beyond := true
		shot, err := cdp.Call(ctx, tab, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
		if err != nil {
			return err
		}
		return os.WriteFile(path, shot.Data, 0o600)
	})
}

// show makes a tab's window such a screen.
func (s screen) show(ctx context.Context, tab *chromedp.Target) error {
	metrics := emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: 720, DeviceScaleFactor: 1, Mobile: s.width < 600,
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

// tour opens every exhibit of the gallery, some of them at the same time, each in a tab with the headers that the door
// sent with it.
func tour(
	t *testing.T, browser context.Context, language string,
	look func(context.Context, *testing.T, exhibit) error,
) {
	t.Helper()
	h, exhibits := gallery(t, language)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/exhibit/"))
		if err != nil {
			h.door.ServeHTTP(w, r) // the stylesheet and the like
			return
		}
		e := exhibits[number]
		w.Header().Set("Content-Type", "text/html; charset=utf-8") // of a mail, which has no headers of its own
		maps.Copy(w.Header(), e.head)
		w.WriteHeader(e.status)
		_, _ = w.Write([]byte(e.text))
	}))
	defer server.Close()
	next := make(chan int)
	var tabs sync.WaitGroup
	for range 2 {
		tabs.Go(func() {
			tab, closeTab := chromedp.NewContext(browser)
			defer closeTab()
			// The first call opens the tab; a deadline on it would close it again.
			if err := chromedp.Do(tab, chromedp.Func(screens[0].show)); err != nil {
				t.Error(err)
			}
			for number := range next {
				ctx, cancel := context.WithTimeout(tab, 30*time.Second)
				err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/exhibit/"+strconv.Itoa(number)))
				if err == nil {
					err = look(ctx, t, exhibits[number])
				}
				if err != nil {
					t.Errorf("%s: %v", exhibits[number].name, err)
				}
				cancel()
			}
		})
	}
	for number := range exhibits {
		next <- number
	}
	close(next)
	tabs.Wait()
}

// startBrowser starts Chromium with an empty tab that keeps it until the test ends.
func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-quic", true))
	options = append(options, more...)
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
