package typist

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"postern/internal/peer"
)

// Start starts Chromium with an empty tab that keeps it until the test ends.
func Start(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
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

// Screen is what a page is looked at on.
type Screen struct {
	Light string  // light or dark, as the device is set
	Width int64   // of the window, in pixels
	Zoom  float64 // 2 is a page at 200 %; 0 for 1
}

// String names a screen, as in the names of pictures: light-1280-zoom2.
func (s Screen) String() string {
	name := s.Light + "-" + strconv.FormatInt(s.Width, 10)
	if s.Zoom != 0 {
		name += "-zoom" + strconv.FormatFloat(s.Zoom, 'g', -1, 64)
	}
	return name
}

// Show makes a tab's window such a screen.
func (s Screen) Show(ctx context.Context, tab *chromedp.Target) error {
	zoom := s.Zoom
	if zoom == 0 {
		zoom = 1
	}
	metrics := emulation.SetDeviceMetricsOverrideParams{
		Width: int64(float64(s.Width) / zoom), Height: 720, DeviceScaleFactor: zoom, Mobile: s.Width < 600,
	}
	if _, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, metrics); err != nil {
		return err
	}
	media := emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.Light}},
	}
	_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, media)
	return err
}

// Shoot writes the whole page as a picture in PNG.
func Shoot(path string) chromedp.Action[chromedp.Void] {
	beyond := true
	return Photograph(path, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
}

// Photograph writes a picture of the page.
func Photograph(path string, how page.CaptureScreenshotParams) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		shot, err := cdp.Call(ctx, tab, page.CaptureScreenshot, how)
		if err != nil {
			return err
		}
		return os.WriteFile(path, shot.Data, 0o600)
	})
}
