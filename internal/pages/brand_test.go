package pages

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

const (
	svgLogo = `<?xml version="1.0"?><!-- Acme --><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"/>`
	pngLogo = "\x89PNG\r\n\x1a\n and so on"
)

func TestBrandIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		brand Brand
		want  string // "" for nothing
	}{
		"nothing":      {Brand{}, ""},
		"all of it":    {Brand{Name: "Acme", Logo: []byte(svgLogo), Accent: "#7A1FA2", AccentDark: "#e0b0ff"}, ""},
		"a PNG":        {Brand{Name: "Acme", Logo: []byte(pngLogo)}, ""},
		"no name":      {Brand{Logo: []byte(pngLogo)}, "name: a logo needs a name too"},
		"a page":       {Brand{Name: "Acme", Logo: []byte("<html><svg/></html>")}, "neither SVG nor PNG"},
		"an empty one": {Brand{Name: "Acme", Logo: []byte(" ")}, "neither SVG nor PNG"},
		"a large one":  {Brand{Name: "Acme", Logo: bytes.Repeat([]byte(pngLogo), 20000)}, "KiB, and 128 are the most"},
		"a word":       {Brand{Accent: "teal"}, `accent: "teal" is no colour such as "#1d5c56"`},
		"short":        {Brand{Accent: "#abc"}, "is no colour"},
		"signed":       {Brand{Accent: "#+12345"}, "is no colour"},
		"too light":    {Brand{Accent: "#ff9800"}, "its contrast is 1.9, and 4.5 is the least"},
		"nearly":       {Brand{Accent: "#777777"}, "contrast is 4.0"},
		"too dark":     {Brand{Accent: "#1d5c56", AccentDark: "#1d5c56"}, "accent_dark: #1d5c56 cannot be read well"},
		"dark alone":   {Brand{AccentDark: "#ffffff"}, "accent_dark: it goes with accent"},
		"a sheet":      {Brand{Accent: "#000000;}*{display:none}"}, "is no colour"},
	} {
		err := test.brand.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// Whatever the accent, what stands on it and its lighter sister can be read.
func TestAccentsCanBeRead(t *testing.T) {
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				c := colour{float64(r), float64(g), float64(b)}
				if got := c.contrast(c.on()); got < legible {
					t.Errorf("%s on %s: %.2f", c.on(), c, got)
				}
				dark := c.lighter(darkGrounds)
				if dark.least(darkGrounds) < pleasant || dark.contrast(dark.on()) < legible {
					t.Errorf("%s becomes %s on dark grounds", c, dark)
				}
			}
		}
	}
	black, white := colour{}, colour{255, 255, 255}
	if got := black.contrast(white); got < 20.99 || got > 21.01 {
		t.Errorf("the contrast of black and white is %f", got)
	}
}

// The grounds that brand.go holds accents against are those of the stylesheet, and its own accents are legible too.
func TestGroundsAreThoseOfTheStylesheet(t *testing.T) {
	sheet, err := os.ReadFile("files/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(sheet), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("the stylesheet has no dark colours")
	}
	for _, test := range []struct {
		sheet   string
		grounds []string
	}{{light, lightGrounds[:2]}, {dark, darkGrounds}} {
		for i, name := range []string{"paper", "card"} {
			if !strings.Contains(test.sheet, "--"+name+": "+test.grounds[i]+";") {
				t.Errorf("the stylesheet's --%s is not %s", name, test.grounds[i])
			}
		}
	}
	own := Brand{Accent: ownAccent, AccentDark: "#8ed1c6"}
	if err := own.Check(); err != nil {
		t.Error(err)
	}
	for _, accent := range []string{own.Accent, own.AccentDark} {
		if !strings.Contains(string(sheet), "--accent: "+accent+";") {
			t.Errorf("the stylesheet's --accent is not %s", accent)
		}
	}
}
