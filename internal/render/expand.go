package render

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits of what a text is put together of.
const (
	maxNested = 8    // how deep partials may lie in one another
	maxCalls  = 1000 // how many layouts and partials there may be in all
)

// expansion puts a text together of its own file, its layout and their partials. What it makes is one template: the
// work is counted and HTML escaped across all of them as if they had been written in one file. An argument becomes a
// variable that is set before the partial's text begins, so it is evaluated where it was written.
type expansion struct {
	shelf     *Shelf
	part      string
	languages []string // that partials are looked for in, in this order
	out       patchwork
	calls     int      // so far: each has variables of its own
	within    []string // the paths of the partials around
	used      map[string]bool
	problems  []Problem
}

// call is one use of a layout or partial.
type call struct {
	number  int
	given   int     // arguments
	content *source // of a layout
}

// expand is a file with its layout and partials; nil after a problem. Used are the paths of those.
func (s *Shelf) expand(f *file, kind, channel, language, part string) (src *source, used []string, problems []Problem) {
	src = newSource(f)
	layout := s.defaultLayout(f.text, kind, channel, part)
	if layout == nil && !strings.Contains(f.text, "partial") && !strings.Contains(f.text, "layout") {
		return src, nil, nil
	}
	if wrong := checkSyntax(f); wrong != nil {
		return nil, nil, []Problem{*wrong}
	}
	e := &expansion{shelf: s, part: part, languages: s.Languages.After(language), used: map[string]bool{}}
	e.whole(src, layout)
	for path := range e.used {
		used = append(used, path)
	}
	slices.Sort(used)
	made := e.out.source(src)
	if len(e.problems) == 0 && len(made.text) > MaxSource {
		e.problems = append(e.problems, f.problem(0, "with its layout and partials the text is longer than %d kB",
			MaxSource>>10))
	}
	if len(e.problems) > 0 {
		return nil, used, e.problems
	}
	return made, used, nil
}

var wholeDocument = regexp.MustCompile(`(?i)^\s*<(!doctype|html)\b`)

// defaultLayout is what stands around a text that names no layout: that of the channel, or of its kind. A whole
// document needs none.
func (s *Shelf) defaultLayout(text, kind, channel, part string) *shape {
	if part != partHTML || wholeDocument.MatchString(text) {
		return nil
	}
	for _, name := range []string{channel, kind} {
		if found := s.shapes["layouts/"+name+"."+part]; found != nil && name != "" {
			return found
		}
	}
	return nil
}

// whole expands a file within its layout.
func (e *expansion) whole(src *source, layout *shape) {
	body := src
	all := actions(src.text)
	if len(all) > 0 && first(all[0].inner) == "layout" {
		a := all[0]
		if strings.TrimSpace(src.text[:a.begin]) != "" {
			e.wrong(src, a.at, "the layout is named first in the file")
			return
		}
		body = src.part(a.end, len(src.text))
		words := a.words()
		if name, ok := e.name(src, a, words, "layout"); ok && name != "none" {
			e.include(src, a, words, "layouts", name, include{content: body})
			return
		}
		if len(e.problems) > 0 {
			return
		}
		layout = nil
	}
	if layout == nil {
		e.text(body, nil)
		return
	}
	if layout.least > 0 {
		e.wrong(src, 0, "layout %s needs %s: begin with {{ layout %q … }}", layoutName(layout.file.path),
			counted(layout.least, "argument"), layoutName(layout.file.path))
		return
	}
	e.inner(layout, &call{number: e.next(), content: body})
}

func layoutName(path string) string {
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ".")
	return name
}

// part is a stretch of the source without the space around it.
func (s *source) part(begin, end int) *source {
	for begin < end && isSpace(s.text[begin]) {
		begin++
	}
	for begin < end && isSpace(s.text[end-1]) {
		end--
	}
	var p patchwork
	p.piece(s, begin, end)
	return p.source(s)
}

func (e *expansion) next() int {
	e.calls++
	return e.calls
}

// wrong notes a mistake at a byte of a source.
func (e *expansion) wrong(src *source, at int, format string, args ...any) {
	f, pos := src.origin(at)
	e.problems = append(e.problems, f.problem(pos, format, args...))
}

// text writes a source with all that it includes. Within a layout or partial, of is its call.
func (e *expansion) text(src *source, of *call) {
	at := 0
	for _, a := range actions(src.text) {
		words := a.words()
		if len(words) == 0 {
			continue
		}
		switch words[0].text {
		case "partial":
			e.out.piece(src, at, a.begin)
			if name, ok := e.name(src, a, words, "partial"); ok {
				e.include(src, a, words, "partials", name, include{of: of})
			}
		case "content":
			if of == nil || of.content == nil || len(words) > 1 {
				e.wrong(src, a.at, "{{ content }} is for layouts: it is where the text stands in them")
				continue
			}
			e.out.piece(src, at, a.begin)
			e.text(of.content, nil)
		case "layout":
			e.wrong(src, a.at, "the layout is named first in the file")
			continue
		default:
			uses := argsOf(a.inner)
			if len(uses) == 0 {
				continue
			}
			e.out.piece(src, at, a.at)
			e.args(src, a.at, a.at+len(a.inner), uses, of)
			e.out.piece(src, a.at+len(a.inner), a.end)
		}
		at = a.end
	}
	e.out.piece(src, at, len(src.text))
}

// args writes a stretch of a source, with variables in place of the arguments that it speaks of.
func (e *expansion) args(src *source, begin, end int, uses []argUse, of *call) {
	at := begin
	for _, use := range uses {
		e.out.piece(src, at, begin+use.begin)
		switch {
		case of == nil:
			e.wrong(src, begin+use.begin, "arg is for layouts and partials: it is what they were given")
		case use.n <= of.given:
			e.out.insert(variableOf(of, use.n), src, begin+use.begin)
		default: // one that is needed was complained about
			e.out.insert(use.otherwise, src, begin+use.begin)
		}
		at = begin + use.end
	}
	e.out.piece(src, at, end)
}

func variableOf(of *call, n int) string { return fmt.Sprintf("$p%d_%d", of.number, n) }

// name is the name that a layout or partial is included by.
func (e *expansion) name(src *source, a action, words []word, what string) (string, bool) {
	if len(words) > 1 {
		if name, err := strconv.Unquote(words[1].text); err == nil {
			return name, true
		}
	}
	e.wrong(src, a.at, "a %s is named by a text: {{ %[1]s \"name\" … }}", what)
	return "", false
}

// include is what a layout or partial is included with.
type include struct {
	of      *call   // in whose text it is named; nil for a template's own
	content *source // of a layout
}

// include writes a layout or partial where an action names it.
func (e *expansion) include(src *source, a action, words []word, folder, name string, with include) {
	what := strings.TrimSuffix(folder, "s")
	found, names := e.shelf.find(folder, name, e.part, e.languages)
	if found == nil {
		f, pos := src.origin(a.at + words[1].at)
		p := f.problem(pos, "unknown %s %q for %s", what, name, e.part)
		p.Word, p.Choices, p.Listed = name, names, len(names) > 0
		e.problems = append(e.problems, p)
		return
	}
	given := joined(words[2:])
	if !found.broken && (len(given) < found.least || len(given) > found.most) {
		e.wrong(src, a.at, "%s %s takes %s, found %d", what, name, found.takes(), len(given))
		return
	}
	if slices.Contains(e.within, found.file.path) || len(e.within) == maxNested {
		e.wrong(src, a.at, "%s %s is within itself, or %d are within one another", what, name, maxNested)
		return
	}
	if e.calls == maxCalls || e.out.text.Len() > MaxSource {
		if len(e.problems) == 0 {
			e.wrong(src, a.at, "a text has %d layouts and partials at most, and %d kB with them",
				maxCalls, MaxSource>>10)
		}
		return
	}
	of := &call{number: e.next(), given: len(given), content: with.content}
	if a.trimLeft {
		e.out.insert("{{- /**/}}", src, a.begin)
	}
	for i, arg := range given {
		e.out.insert("{{ "+variableOf(of, i+1)+" := ", src, a.at+arg.at)
		e.args(src, a.at+arg.at, a.at+arg.at+len(arg.text), argsOf(arg.text), with.of)
		e.out.insert(" }}", src, a.at+arg.at)
	}
	e.inner(found, of)
	if a.trimRight {
		e.out.insert("{{/**/ -}}", src, a.begin)
	}
}

// joined are the arguments of a partial, arg 1 being one of them.
func joined(words []word) (all []word) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.text == "arg" && i+1 < len(words) {
			i++
			w.text = "arg " + words[i].text
		}
		all = append(all, w)
	}
	return all
}

// takes tells how many arguments there may be.
func (s *shape) takes() string {
	if s.least == s.most {
		return counted(s.most, "argument")
	}
	return fmt.Sprintf("%d to %d arguments", s.least, s.most)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// inner writes the text of a layout or partial.
func (e *expansion) inner(found *shape, of *call) {
	e.used[found.file.path] = true
	if found.broken { // which has been told
		e.problems = append(e.problems, Problem{})
		return
	}
	e.within = append(e.within, found.file.path)
	whole := newSource(found.file)
	if of.content == nil {
		whole = whole.part(0, len(whole.text))
	}
	e.text(whole, of)
	e.within = e.within[:len(e.within)-1]
}
