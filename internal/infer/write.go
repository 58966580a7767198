package infer

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/yamldoc"
)

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// line is one line under fields with what is said beside it.
type line struct{ text, why string }

// File writes the file of a module that was seen. A reference to a module that is not described, as known says, would
// be a mistake in the book, so such a field is text, and the comment says what it could be.
func (s *Seen) File(name string, known func(module string) bool) []byte {
	m := s.modules[name]
	prefixes := s.prefixes()
	var lines []line
	kinds := map[string]engine.FieldType{}
	language := ""
	for _, field := range m.names {
		sh := s.shapeOf(m, field, prefixes)
		g := sh.guess()
		g.describe(known)
		if fieldName.MatchString(field) {
			kinds[field] = g.kind
		} else {
			g.useless = "a name with other characters than letters, digits and _ cannot be said in a book"
		}
		if sh.values > 0 && sh.all("language") && sh.named("lang", "locale") {
			language = field
		}
		lines = append(lines, g.line(field))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Guessed by `postern module infer` from %d %s about %d %s: read it, correct it, add labels.\n",
		m.events, plural(m.events, "event"), len(m.records), plural(len(m.records), "record"))
	fmt.Fprintf(&b, "module: %s\n", yamldoc.Word(name))
	if title := titles(m.names, kinds); len(title) > 0 {
		fmt.Fprintf(&b, "title: %s   # by their names\n", list(title))
	}
	if language != "" {
		fmt.Fprintf(&b, "language: %s\n", language)
	}
	if m.partial {
		b.WriteString("keep: true   # some events hold only a part of the record\n")
	}
	writeLines(&b, lines)
	return b.Bytes()
}

// writeLines writes the fields with the comments below one another, where they have room.
func writeLines(b *bytes.Buffer, lines []line) {
	if !slices.ContainsFunc(lines, func(l line) bool { return !strings.HasPrefix(l.text, "#") }) {
		b.WriteString("fields: {}\n")
	} else {
		b.WriteString("fields:\n")
	}
	const room = 60
	width := 0
	for _, l := range lines {
		if n := utf8.RuneCountInString(l.text); n <= room {
			width = max(width, n)
		}
	}
	for _, l := range lines {
		pad := max(width-utf8.RuneCountInString(l.text), 0)
		fmt.Fprintf(b, "  %s%s   # %s\n", l.text, strings.Repeat(" ", pad), l.why)
	}
}

// describe keeps the guess within what the book describes.
func (g *guess) describe(known func(string) bool) {
	if g.kind != engine.TypeReference {
		return
	}
	if unknown := slices.DeleteFunc(slices.Clone(g.to), known); len(unknown) > 0 {
		g.why = append(g.why, "describe "+strings.Join(unknown, " and ")+" too to make it a reference")
		g.kind, g.to = engine.TypeText, nil
	}
}

// line writes a field as an admin would.
func (g *guess) line(field string) line {
	why := strings.Join(g.why, ", ")
	if g.useless != "" {
		return line{"# " + short(yamldoc.Quoted(field)) + ":", g.useless}
	}
	switch {
	case len(g.to) > 0:
		return line{fmt.Sprintf("%s: { type: reference, to: %s }", field, list(g.to)), why}
	case len(g.options) > 0:
		return line{fmt.Sprintf("%s: { type: %s, options: [%s] }", field, g.kind, words(g.options)), why}
	}
	return line{field + ": " + string(g.kind), why}
}

// list is one word, or several in brackets.
func list(items []string) string {
	if len(items) == 1 {
		return yamldoc.Word(items[0])
	}
	return "[" + words(items) + "]"
}

func words(items []string) string {
	written := make([]string, len(items))
	for i, item := range items {
		written[i] = yamldoc.Word(item)
	}
	return strings.Join(written, ", ")
}
