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
	var shown excerpt
	for _, d := range sorted {
		if _, split := lines[d.File]; !split {
			lines[d.File] = strings.Split(strings.TrimPrefix(string(sources[d.File]), byteOrderMark), "\n")
		}
		fmt.Fprintln(&out, d)
		if text := lines[d.File]; sources[d.File] != nil && d.Line >= 1 && d.Line <= len(text) {
			shown.load(d.File, d.Line, text[d.Line-1])
			shown.print(&out, d.Column)
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

// excerpt is a source line that is shown. A file may be one long line with thousands of mistakes, so it is taken apart
// only once.
type excerpt struct {
	file string
	line int
	text []rune
}

func (e *excerpt) load(file string, line int, source string) {
	if e.file == file && e.line == line {
		return
	}
	e.file, e.line, e.text = file, line, []rune(strings.TrimSuffix(source, "\r"))
	for i, r := range e.text {
		e.text[i] = harmless(r)
	}
}

// print writes the line, or the part of it around the column, and the caret line under it.
func (e *excerpt) print(out *strings.Builder, column int) {
	caret := min(max(column, 1), len(e.text)+1) - 1
	shown, caret := cut(e.text, caret)
	number := strconv.Itoa(e.line)
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
