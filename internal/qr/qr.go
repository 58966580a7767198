// Package qr draws QR codes (ISO/IEC 18004), on a terminal and for a page.
package qr

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is how many light modules stand around a code: readers need four.
const quiet = 4

// The colours of the two kinds of modules, whatever those of the terminal are: black on white.
const (
	colours = "\x1b[38;5;16;48;5;231m"
	plain   = "\x1b[0m"
)

// Draw returns a code as lines for a terminal with 256 colours, two rows of modules in each. A text of capitals,
// digits and " $%*+-./:" alone makes a smaller code. It fails on a text of more than about 2,000 characters.
func Draw(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw QR code: %w", err)
	}
	halves := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	var out strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		out.WriteString(colours)
		for x := -quiet; x < code.Size+quiet; x++ {
			out.WriteString(halves[[2]bool{code.Black(x, y), code.Black(x, y+1)}])
		}
		out.WriteString(plain + "\n")
	}
	return out.String(), nil
}

// Path returns a code as the path of an SVG picture that is size units wide and high, its quiet zone included: each
// dark module is a square of one unit. It fails as Draw does.
func Path(text string) (path string, size int, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", 0, fmt.Errorf("draw QR code: %w", err)
	}
	var out strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return out.String(), code.Size + 2*quiet, nil
}
