package pages

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxLogo is the largest logo in bytes: it is loaded on every first visit, often on a telephone.
const maxLogo = 128 << 10

// The grounds that the stylesheet puts the accent colour on, light and dark: those of files/style.css.
var (
	lightGrounds = []string{"#f6f3ec", "#fffdf9", "#ffffff"}
	darkGrounds  = []string{"#15191b", "#1e2427"}
)

// ownAccent is the accent colour of the stylesheet and the icon.
const ownAccent = "#1d5c56"

// legible is the least contrast of text with its ground (WCAG 2.2, 1.4.3), and pleasant what a dark accent that is made
// of the light one gets.
const (
	legible  = 4.5
	pleasant = 7
)

// Brand is whose pages they are, as visitors see it. Check tells whether it can be used.
type Brand struct {
	Name       string
	Logo       []byte // an SVG or PNG file, shown in place of the name; nil for none
	Accent     string // colour of buttons and links as #rrggbb; "" for our own
	AccentDark string // the same on dark screens; "" for a lighter one of Accent
}

// Check tells everything that is wrong with a brand.
func (b Brand) Check() error {
	var wrong []error
	if len(b.Logo) > 0 {
		if b.Name == "" {
			wrong = append(wrong, errors.New("name: a logo needs a name too, for those who do not see it"))
		}
		if _, err := logoType(b.Logo); err != nil {
			wrong = append(wrong, fmt.Errorf("logo: %w", err))
		}
	}
	if b.AccentDark != "" && b.Accent == "" {
		wrong = append(wrong, errors.New("accent_dark: it goes with accent"))
	}
	wrong = append(wrong, checkAccent("accent", b.Accent, lightGrounds, "darker"),
		checkAccent("accent_dark", b.AccentDark, darkGrounds, "lighter"))
	return errors.Join(wrong...)
}

// checkAccent sees that a colour can be read on each of the grounds it is put on.
func checkAccent(key, text string, grounds []string, way string) error {
	if text == "" {
		return nil
	}
	accent, err := parseColour(text)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if least := accent.least(grounds); least < legible {
		return fmt.Errorf("%s: %s cannot be read well on the pages: its contrast is %.1f, and 4.5 is the least "+
			"(WCAG 2.2, 1.4.3); take a %s one", key, text, math.Floor(least*10)/10, way)
	}
	return nil
}

// logoType is the media type of a logo, by what the file holds and not by its name.
func logoType(data []byte) (string, error) {
	if len(data) > maxLogo {
		return "", fmt.Errorf("it has %d KiB, and %d are the most", (len(data)+1023)>>10, maxLogo>>10)
	}
	if bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
		return "image/png", nil
	}
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if err != nil {
			return "", errors.New("it is neither SVG nor PNG")
		}
		if root, ok := token.(xml.StartElement); ok {
			if root.Name.Local != "svg" {
				return "", errors.New("it is neither SVG nor PNG")
			}
			return "image/svg+xml", nil
		}
	}
}

// icon is our own icon in the brand's colour.
func (b Brand) icon(own []byte) []byte {
	if b.Accent == "" {
		return own
	}
	return bytes.ReplaceAll(own, []byte(ownAccent), []byte(b.Accent))
}

// style are the rules that give the pages the brand's colours: values of the stylesheet's own names, nothing else.
func (b Brand) style() string {
	light, err := parseColour(b.Accent)
	if err != nil {
		return ""
	}
	dark, err := parseColour(b.AccentDark)
	if err != nil {
		dark = light.lighter(darkGrounds)
	}
	return fmt.Sprintf("\n:root { --accent: %s; --on-accent: %s; }\n"+
		"@media screen and (prefers-color-scheme: dark) { :root { --accent: %s; --on-accent: %s; } }\n",
		light, light.on(), dark, dark.on())
}

// Colours are the accent colour and what can be read on it, and both for dark screens, as #rrggbb.
func (b Brand) Colours() (accent, onIt, dark, onDark string) {
	light, err := parseColour(cmp.Or(b.Accent, ownAccent))
	if err != nil {
		light = colour{}
	}
	darker, err := parseColour(b.AccentDark)
	if err != nil {
		darker = light.lighter(darkGrounds)
	}
	return light.String(), light.on().String(), darker.String(), darker.on().String()
}

// LogoPath is where below the base address the door serves the logo, for messages; "" for none, or for one in SVG,
// which most programs for mail do not show.
func (b Brand) LogoPath() string {
	if media, err := logoType(b.Logo); err != nil || media != "image/png" {
		return ""
	}
	return assetPath(DoorAssets, b.Logo, "")
}

// colour is red, green and blue, each from 0 to 255.
type colour [3]float64

// parseColour reads #rrggbb.
func parseColour(text string) (c colour, err error) {
	digits, ok := strings.CutPrefix(text, "#")
	value, err := strconv.ParseUint(digits, 16, 32)
	if !ok || len(digits) != 6 || err != nil {
		return c, fmt.Errorf(`%q is no colour such as "#1d5c56"`, text)
	}
	return colour{float64(value >> 16), float64(value >> 8 & 255), float64(value & 255)}, nil
}

// String writes #rrggbb.
func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2]))
}

// luminance is how bright a colour is, from 0 to 1 (WCAG 2.2, relative luminance).
func (c colour) luminance() float64 {
	var sum float64
	for i, weight := range [3]float64{.2126, .7152, .0722} {
		part := c[i] / 255
		if part <= .04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}

// contrast is that of two colours, from 1 to 21 (WCAG 2.2, contrast ratio).
func (c colour) contrast(with colour) float64 {
	a, b := c.luminance(), with.luminance()
	return (max(a, b) + .05) / (min(a, b) + .05)
}

// least is the contrast with the ground that it differs least from.
func (c colour) least(grounds []string) float64 {
	least := math.Inf(1)
	for _, ground := range grounds {
		if g, err := parseColour(ground); err == nil {
			least = min(least, c.contrast(g))
		}
	}
	return least
}

// on is what can be read on the colour: white, or else near black. One of them always has a contrast of 4.5.
func (c colour) on() colour {
	white, black := colour{255, 255, 255}, colour{}
	if c.contrast(white) >= legible {
		return white
	}
	return black
}

// lighter is the colour with so much more light that it is pleasant to read on the grounds. Its hue and saturation, as
// HSL has them, stay.
func (c colour) lighter(grounds []string) colour {
	top, bottom := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	light, saturation := (top+bottom)/2, 0.0
	var place colour // of each channel between the least and the greatest one, from -1 to 1
	if top > bottom {
		saturation = (top - bottom) / min(top+bottom, 510-top-bottom)
		for i := range c {
			place[i] = 2*(c[i]-bottom)/(top-bottom) - 1
		}
	}
	for c.least(grounds) < pleasant {
		light = min(light+4, 255)
		for i := range c {
			c[i] = math.Round(light + place[i]*saturation*min(light, 255-light))
		}
	}
	return c
}
