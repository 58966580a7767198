package links_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/internal/typist"
)

// screens are a small phone and a desk, by day and by night.
var screens = []typist.Screen{
	{Light: "light", Width: 320}, {Light: "dark", Width: 320}, {Light: "light", Width: 1280}, {Light: "dark", Width: 1280},
}

// T87: nothing on any page in any state keeps people with disabilities from using it, as far as a program can tell, and
// nothing is wider than the window. In a language that runs from right to left one screen is enough: the rest is the same.
func TestT87AxeFindsNothing(t *testing.T) {
	axe, browser := typist.ReadAxe(t), typist.Start(t)
	for language, on := range map[string][]typist.Screen{"en": screens, "ar": screens[:1]} {
		t.Run(language, func(t *testing.T) {
			tour(t, browser, language, func(ctx context.Context, e typist.Exhibit) error {
				if err := axe.Load(ctx); err != nil {
					return err
				}
				for _, screen := range on {
					wrong, err := typist.Wrong(ctx, screen, typist.Usable)
					if err != nil {
						return err
					}
					for _, complaint := range wrong {
						t.Errorf("%s on %s: %s", e.Name, screen, complaint)
					}
				}
				return nil
			})
		})
	}
}

// POSTERN_SHOTS=folder writes every page in every state and language as it looks on every screen, and receipts as they
// are printed.
func TestShots(t *testing.T) {
	folder := os.Getenv("POSTERN_SHOTS")
	if folder == "" {
		t.Skip("POSTERN_SHOTS names no folder for the pictures")
	}
	browser := typist.Start(t)
	for _, language := range []string{"en", "ar", "es", "nl"} {
		tour(t, browser, language, func(ctx context.Context, e typist.Exhibit) error {
			for _, screen := range screens {
				if language != "en" && screen != screens[0] {
					continue
				}
				name := fmt.Sprintf("%s-%s-%s.png", e.Name, language, screen)
				err := chromedp.Do(ctx, chromedp.Func(screen.Show), typist.Shoot(filepath.Join(folder, name)))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// tour opens every exhibit of the gallery in a tab.
func tour(
	t *testing.T, browser context.Context, language string, look func(context.Context, typist.Exhibit) error,
) {
	t.Helper()
	h, exhibits := gallery(t, language)
	shown := make([]typist.Exhibit, len(exhibits))
	for i, e := range exhibits {
		header := http.Header{"Content-Type": {"text/html; charset=utf-8"}} // a mail has no headers of its own
		maps.Copy(header, e.head)
		shown[i] = typist.Exhibit{Name: e.name, Status: e.status, Header: header, Text: e.text}
	}
	typist.Tour(browser, t, h.door, shown, look)
}
