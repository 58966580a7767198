package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"postern/channels"
	"postern/internal/peer"
	"postern/internal/render"
	"postern/tasks"
	"postern/workflows"
)

// gallery is where the pictures of the guide lie. `go test ./cmd/postern -run Pictures -update` takes them again.
const gallery = "../../docs/guide/pictures"

// startBrowser starts Chromium, which ends with the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.Flag("disable-quic", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	// The first call starts the browser; a deadline on it would end the browser with it.
	if err := chromedp.Do(browser, chromedp.EmulateViewport(600, 400)); err != nil {
		t.Fatal(err)
	}
	return browser
}

// The shipped mails fit a telephone and a screen, light and dark, as a browser shows them.
func TestMailsInPictures(t *testing.T) {
	browser := startBrowser(t)
	tab, cancel := context.WithTimeout(browser, time.Minute)
	t.Cleanup(cancel)
	mails := map[string]string{"ticket-created": "en", "quote-sent": "es", "contract-expiry-owner": "en"}
	for name, language := range mails {
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, []byte(mailHTML(t, name, language)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, light := range []string{"light", "dark"} {
			for _, width := range []int64{320, 600} {
				shot, looks := photograph(t, tab, "file://"+file, light, width)
				want := fmt.Sprint(width, map[string]string{"light": " rgb(246, 243, 236)", "dark": " rgb(21, 25, 27)"}[light])
				if looks != want {
					t.Errorf("%s, %s: the page is %s, want %s", name, light, looks, want)
				}
				if *update {
					picture := filepath.Join(gallery, fmt.Sprintf("mail-%s-%s-%d.webp", name, light, width))
					if err := os.WriteFile(picture, shot, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// mailHTML is a shipped mail with examples for its values.
func mailHTML(t *testing.T, name, language string) string {
	t.Helper()
	book, diags, _ := workflows.Load(workflows.Shipped, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: channels.Carriers(), Brand: render.Brand{Name: "Acme Support"},
	})
	if book == nil {
		t.Fatal(diags)
	}
	template, err := templateOf(book, name, "")
	if err != nil {
		t.Fatal(err)
	}
	env := template.Sample(language, map[string]any{
		"ticket_no": "TT-1024", "ticket_title": "No power on the second floor", "quote_no": "QUO-88",
		"contract_no": "SER-7", "subject": "Lamps for the new hall", "days": 14,
	})
	content, err := template.Render("email", language, env)
	if err != nil {
		t.Fatal(err)
	}
	return content.HTML
}

// photograph takes a picture of a whole page, and tells how wide it is and on what ground it stands.
func photograph(t *testing.T, tab context.Context, address, light string, width int64) (shot []byte, looks string) {
	t.Helper()
	err := chromedp.Do(tab, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 400, DeviceScaleFactor: 1, Mobile: width < 600,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}},
		})
		return err
	}), chromedp.Navigate(address), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		beyond, quality := true, int64(80)
		taken, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: "webp", Quality: &quality, CaptureBeyondViewport: &beyond,
		})
		if err == nil {
			shot = taken.Data
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	looks, err = chromedp.Run(tab, chromedp.Evaluate[string](
		`document.documentElement.scrollWidth + ' ' + getComputedStyle(document.body).backgroundColor`))
	if err != nil {
		t.Fatal(err)
	}
	return shot, looks
}
