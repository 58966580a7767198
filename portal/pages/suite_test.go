package pages

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"postern/internal/peer"
	"postern/internal/typist"
)

// screens are a phone, and a desk by day and by night. A desk at 200 % has half as many pixels.
var screens = []typist.Screen{
	{Light: "light", Width: 360}, {Light: "dark", Width: 1280}, {Light: "light", Width: 1280, Zoom: 2},
}

// T87: nothing on any page of the portal in any state keeps people with disabilities from using it, as far as a program
// can tell, and nothing is wider than the window.
func TestT87PortalAxeFindsNothing(t *testing.T) {
	axe, browser := typist.ReadAxe(t), typist.Start(t)
	for language, on := range map[string][]typist.Screen{"en": screens, "ar": {screens[0], screens[2]}} {
		t.Run(language, func(t *testing.T) {
			once := func(e exhibit) bool { return !e.alike }
			tour(t, browser, language, once, func(ctx context.Context, e typist.Exhibit) error {
				if err := axe.Load(ctx); err != nil {
					return err
				}
				for _, screen := range on {
					check := typist.Usable
					switch {
					case screen.Zoom != 0, language != "en" && peer.Race:
						check = typist.TooWide // what axe looks at is the same as on a phone, and in English
					case screen.Light == "dark":
						check = typist.Contrast // and only that is another by night
					}
					wrong, err := typist.Wrong(ctx, screen, check)
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
	browser := typist.Start(t)
	desk := typist.Screen{Light: "light", Width: 1280}
	for language, on := range map[string][]typist.Screen{
		"en": {screens[0], {Light: "dark", Width: 360}, desk, screens[1], screens[2]},
		"ar": {screens[0], desk}, "es": {screens[0], desk}, "nl": {screens[0], desk},
	} {
		wanted := func(e exhibit) bool { return of.MatchString(e.name + "-" + language) }
		tour(t, browser, language, wanted, func(ctx context.Context, e typist.Exhibit) error {
			for _, screen := range on {
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

var update = flag.Bool("update", false, "take the pictures of the guide again")

// The pictures of the guide. `go test ./portal/pages -run Pictures -update` takes them again.
func TestPicturesOfTheGuide(t *testing.T) {
	const folder = "../../docs/guide/pictures"
	pictures := map[string][]typist.Screen{
		"list": {screens[0], {Light: "light", Width: 1280}}, "edit": {{Light: "dark", Width: 360}},
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
	tour(t, typist.Start(t), "en", asked, func(ctx context.Context, e typist.Exhibit) error {
		for _, screen := range pictures[strings.TrimSuffix(e.Name, "-closed")] {
			name := fmt.Sprintf("portal-%s-%s.webp", strings.TrimSuffix(e.Name, "-closed"), screen)
			err := chromedp.Do(ctx, chromedp.Func(screen.Show), photograph(filepath.Join(folder, name)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// photograph writes what is in the window as a picture of the guide.
func photograph(path string) chromedp.Action[chromedp.Void] {
	quality := int64(80)
	return typist.Photograph(path, page.CaptureScreenshotParams{Format: "webp", Quality: &quality})
}

// tour opens every exhibit of the gallery that is wanted in a tab.
func tour(
	t *testing.T, browser context.Context, language string, wanted func(exhibit) bool,
	look func(context.Context, typist.Exhibit) error,
) {
	t.Helper()
	s, exhibits := gallery(t, language)
	var shown []typist.Exhibit
	for _, e := range exhibits {
		if wanted(e) {
			shown = append(shown, typist.Exhibit{Name: e.name, Status: e.status, Header: e.header, Text: e.text})
		}
	}
	typist.Tour(browser, t, s.pages, shown, look)
}
