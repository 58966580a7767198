package yamldoc

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// excerptWidth is the longest piece of a source line that is shown, in characters.
const excerptWidth = 120

// Print writes the complaints, sorted, each with its line of the source and a caret under the column:
//
//	ticket.yaml:4:7: error: unknown key "templte" (did you mean "template"?)
//	  4 |       templte: ticket-created
//	    |       ^
//
// The sources are the texts of the files by name; a complaint about a file that is not among them has no excerpt.
// Print returns the error of the writer.
func Print(w io.Writer, diags Diagnostics, sources map[string][]byte) error {
	sorted := append(Diagnostics{}, diags...)
	sorted.Sort()
	lines := make(map[string][]string, len(sources))
	var out strings.Builder
	for _, d := range sorted {
		if _, split := lines[d.File]; !split {
			lines[d.File] = strings.Split(strings.TrimPrefix(string(sources[d.File]), byteOrderMark), "\n")
		}
		fmt.Fprintln(&out, d)
		if text := lines[d.File]; sources[d.File] != nil && d.Line >= 1 && d.Line <= len(text) {
			printExcerpt(&out, text[d.Line-1], d.Line, d.Column)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// PrintJSON writes the complaints, sorted, as a JSON array of objects with the keys file, line, column, severity,
// message and hint, all of them always there. It returns the error of the writer.
func PrintJSON(w io.Writer, diags Diagnostics) error {
	sorted := append(Diagnostics{}, diags...)
	sorted.Sort()
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sorted)
}

// printExcerpt writes a source line and the caret line under it.
func printExcerpt(out *strings.Builder, source string, line, column int) {
	runes := []rune(strings.TrimSuffix(source, "\r"))
	for i, r := range runes {
		runes[i] = harmless(r)
	}
	caret := min(max(column, 1), len(runes)+1) - 1
	shown, caret := cut(runes, caret)
	number := strconv.Itoa(line)
	gutter := strings.Repeat(" ", len(number))
	fmt.Fprintf(out, "  %s | %s\n", number, string(shown))
	fmt.Fprintf(out, "  %s | %s^\n", gutter, padding(shown[:caret]))
}

// cut shortens a long line to a window around the caret and marks the ends that are missing.
func cut(runes []rune, caret int) ([]rune, int) {
	if len(runes) <= excerptWidth {
		return runes, caret
	}
	from := min(max(caret-excerptWidth/2, 0), len(runes)-excerptWidth)
	window := append([]rune{}, runes[from:from+excerptWidth]...)
	if from+excerptWidth < len(runes) {
		window[len(window)-1] = '…'
	}
	if from > 0 {
		window[0] = '…'
	}
	return window, caret - from
}

// padding is white space as wide as the text. Tabs stay tabs, so the caret is right however wide they are shown.
func padding(text []rune) string {
	var pad strings.Builder
	for _, r := range text {
		if r == '\t' {
			pad.WriteRune(r)
			continue
		}
		pad.WriteString(strings.Repeat(" ", cells(r)))
	}
	return pad.String()
}

// cells is the width of a character on a terminal: none for marks that combine with the one before, two for East
// Asian characters and emoji.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		r >= 0x3000 && r <= 0x303e, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

// harmless replaces what could move the cursor of a terminal or turn the direction of the text.
func harmless(r rune) rune {
	if r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}
