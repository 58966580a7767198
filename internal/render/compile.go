package render

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"
)

// compile parses a source, for values that are written in a manner.
func compile(src *source, how manner) (*part, []Use, error) {
	if how == inHTML {
		return compileHTML(src)
	}
	t, err := texttemplate.New(src.path()).Option("missingkey=error").Funcs(placeholders()).Parse(src.text)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(src, t.Root, how)
	return &part{executor: t, src: src, json: how == inJSON}, uses, err
}

// path is the file that the source begins with.
func (s *source) path() string { return s.from[0].file.path }

func compileHTML(src *source) (*part, []Use, error) {
	if err := checkStray(src); err != nil {
		return nil, nil, err
	}
	src, comments, err := keepComments(src)
	if err != nil {
		return nil, nil, err
	}
	t, err := htmltemplate.New(src.path()).Option("missingkey=error").Funcs(placeholders()).
		Funcs(htmltemplate.FuncMap{commentName: comments.at}).Parse(src.text)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(src, t.Tree.Root, inHTML)
	if err != nil {
		return nil, nil, err
	}
	// Without data it fails; before that it is escaped, and what is wrong with that is to be known now.
	if wrong, ok := errors.AsType[*htmltemplate.Error](t.Execute(io.Discard, nil)); ok {
		at := src.offset(wrong.Line, 0)
		if wrong.Node != nil {
			at = int(wrong.Node.Position())
		}
		f, pos := src.origin(min(at, len(src.text)))
		p := f.problem(pos, "%s", wrong.Description)
		if p.Column = 0; wrong.Line == 0 { // it ends in the wrong place
			p.Line = max(strings.Count(strings.TrimRight(f.text, "\n"), "\n"), 0) + 1
		}
		return nil, nil, placed{p}
	}
	return &part{executor: t, src: src}, uses, nil
}

// comments are conditional comments, which some programs for mail follow. html/template takes all comments out, so
// these are written as values.
type comments []htmltemplate.HTML

func (c comments) at(i int) htmltemplate.HTML { return c[i] }

// keepComments puts actions in place of the conditional comments of a source.
func keepComments(src *source) (*source, comments, error) {
	var kept comments
	var edits []edit
	if !strings.Contains(src.text, "[if ") {
		return src, nil, nil
	}
	for _, m := range markup(src.text) {
		text := src.text[m.begin:m.end]
		if m.kind != markComment || !strings.Contains(text, "[if ") && !strings.Contains(text, "[endif]") {
			continue
		}
		if strings.Contains(text, "{{") {
			f, pos := src.origin(m.begin)
			return nil, nil, placed{f.problem(pos, "a conditional comment holds no {{ … }}")}
		}
		call := fmt.Sprintf("{{ %s %d }}", commentName, len(kept))
		edits = append(edits, edit{begin: m.begin, end: m.end, text: call})
		kept = append(kept, htmltemplate.HTML(text)) //nolint:gosec // from the book, without any value
	}
	return src.with(edits), kept, nil
}

// checkStray refuses more than maxStray signs < that begin neither a tag nor a comment.
func checkStray(src *source) error {
	stray, text := 0, src.text
	for i := range len(text) {
		if text[i] != '<' {
			continue
		}
		after := strings.TrimPrefix(text[i+1:min(i+4, len(text))], "/")
		if after != "" && (isLetter(after[0]) || after == "!--") {
			continue
		}
		if stray++; stray > maxStray {
			f, pos := src.origin(i)
			p := f.problem(pos, "more than %d signs < begin no tag: write &lt;", maxStray)
			p.Column = 0
			return placed{p}
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
