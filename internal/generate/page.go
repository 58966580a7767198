package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// page is a page of Markdown in the making.
type page struct {
	strings.Builder
	listed bool
}

func newPage(title, intro string) *page {
	p := &page{}
	p.WriteString("<!-- Written by `make generate` from the comments in the source: change them there. -->\n\n")
	fmt.Fprintf(p, "# %s\n\n%s", title, intro)
	return p
}

// item adds a line to the list of what follows.
func (p *page) item(name, summary string) {
	fmt.Fprintf(p, "- [%s](#%s): %s\n", name, name, lower(strings.TrimSuffix(summary, ".")))
	p.listed = true
}

func (p *page) section(title, doc string) {
	if p.listed {
		p.WriteString("\n")
		p.listed = false
	}
	fmt.Fprintf(p, "## %s\n\n", title)
	if doc = strings.Join(strings.Fields(doc), " "); doc != "" {
		fmt.Fprintf(p, "%s\n\n", noHTML(doc))
	}
}

func (p *page) code(yaml string) {
	fmt.Fprintf(p, "```yaml\n%s\n```\n\n", strings.TrimRight(yaml, "\n"))
}

func (p *page) table(rows []row) {
	p.WriteString("| key | type | default | what |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(p, "| `%s` | %s | %s | %s |\n", r.key, cell(r.kind), cell(r.standard), cell(r.what))
	}
	p.WriteString("\n")
}

// String is the page, ending in one line break.
func (p *page) String() string { return strings.TrimRight(p.Builder.String(), "\n") + "\n" }

// cell escapes what would end the cell or pass for HTML, which inside `code` only the first does.
func cell(text string) string {
	text = strings.ReplaceAll(text, "|", `\|`)
	if strings.HasPrefix(text, "`") {
		return text
	}
	return noHTML(text)
}

func noHTML(text string) string { return strings.ReplaceAll(text, "<", `\<`) }

// lower makes the first letter small: a summary goes on after a colon.
func lower(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(first)) + text[size:]
}

// indent puts the lines of an example under a key, the first after the mark.
func indent(mark, text string) string {
	deeper := "\n  " + strings.Repeat(" ", len(mark))
	return "  " + mark + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", deeper)
}
