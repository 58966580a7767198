package render

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
)

// Shelf is what the templates of a book have in common.
type Shelf struct {
	Layouts   map[string]string // by path: layouts/email.html; they stand around texts
	Partials  map[string]string // by path: partials/button.html, partials/footer.es.html; they stand within
	Kinds     map[string]string // the kinds of channels whose names are others
	Segments  map[string]int    // how many an SMS has at most, by channel
	Languages Languages
	Brand     Brand

	shapes map[string]*shape // of layouts and partials, by path
}

// Brand is whose messages they are, in the words brand.name and so on.
type Brand struct {
	Name   string
	Logo   string // address of a picture; "" for none
	Color  string // of buttons and links, as #rrggbb
	OnIt   string // of text on it
	Dark   string // the colour on dark screens
	OnDark string // of text on that
}

// shape is what is known of a layout or partial.
type shape struct {
	file    *file
	least   int  // how many arguments it needs
	most    int  // and takes
	content bool // it has a place for what stands within
	broken  bool
}

// Check reads the layouts and partials and tells what is wrong with each of them. It must be called before Parse.
func (s *Shelf) Check() (problems []Problem) {
	s.shapes = map[string]*shape{}
	for _, path := range slices.Sorted(maps.Keys(s.Partials)) {
		problems = append(problems, s.shelve(path, s.Partials[path], "partial")...)
	}
	for _, path := range slices.Sorted(maps.Keys(s.Layouts)) {
		problems = append(problems, s.shelve(path, s.Layouts[path], "layout")...)
	}
	return problems
}

var shelfName = regexp.MustCompile(`^[^./]+(\.[A-Za-z0-9-]+)?\.(html|txt)$`)

// shelve reads one layout or partial.
func (s *Shelf) shelve(path, text, what string) []Problem {
	made := &shape{file: &file{path, text}, broken: true}
	s.shapes[path] = made
	base := path[strings.LastIndexByte(path, '/')+1:]
	if !shelfName.MatchString(base) {
		return []Problem{{File: path, Line: 1, Message: fmt.Sprintf(
			"%s is not named <%s>.html or .txt, maybe with a language before the ending", base, what)}}
	}
	if wrong := checkSyntax(made.file); wrong != nil {
		return []Problem{*wrong}
	}
	for _, a := range actions(text) {
		switch words := a.words(); {
		case a.inner == "content":
			if made.content || what == "partial" {
				return []Problem{made.file.problem(a.at, "a %s has %s", what,
					map[bool]string{true: "one place for its content", false: "no content"}[what == "layout"])}
			}
			made.content = true
		case len(words) > 0 && words[0].text == "layout":
			return []Problem{made.file.problem(a.at, "a %s has no layout", what)}
		}
		for _, use := range argsOf(a.inner) {
			made.most = max(made.most, use.n)
			if !use.optional {
				made.least = max(made.least, use.n)
			}
		}
	}
	if what == "layout" && !made.content {
		return []Problem{{
			File: path, Line: 1, Message: "the layout has no place for the text: write {{ content }} there",
		}}
	}
	made.broken = false
	return nil
}

// problem is a mistake at a byte of the file.
func (f *file) problem(pos int, format string, args ...any) Problem {
	line, column := place(f.text, pos)
	return Problem{File: f.path, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// checkSyntax parses one file for itself: what it opens it also closes.
func checkSyntax(f *file) *Problem {
	if len(f.text) > MaxSource {
		return &Problem{File: f.path, Line: 1, Message: fmt.Sprintf("the file is longer than %d kB", MaxSource>>10)}
	}
	t, err := texttemplate.New(f.path).Funcs(placeholders()).Parse(f.text)
	if err == nil && len(t.Templates()) > 1 {
		err = errNested
	}
	if err == nil {
		return nil
	}
	wrong := problem(newSource(f), err)
	return &wrong
}

// argUse is one {{ arg 2 }} within an action; one with a text after it, {{ arg 2 "" }}, may be left out.
type argUse struct {
	begin, end int // in the action's inner text
	n          int
	optional   bool
	otherwise  string // what stands for it, with its quotes
}

var argWords = regexp.MustCompile(`^arg[ \t]+([1-9][0-9]?)([ \t]+("(?:[^"\\]|\\.)*"))?`)

// argsOf finds the arguments that an action speaks of.
func argsOf(inner string) (all []argUse) {
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '"' || c == '`' || c == '\'':
			i += max(quoted(inner[i:])-1, 0)
		case c == 'a' && (i == 0 || strings.IndexByte(" \t\n(|", inner[i-1]) >= 0):
			m := argWords.FindStringSubmatch(inner[i:])
			if m == nil {
				continue
			}
			n, _ := strconv.Atoi(m[1])
			all = append(all, argUse{begin: i, end: i + len(m[0]), n: n, optional: m[2] != "", otherwise: m[3]})
			i += len(m[0]) - 1
		}
	}
	return all
}

// find is the layout or partial of a name for a part, in the first of the languages that there is one in, else without
// a language. It also tells the names that there are.
func (s *Shelf) find(folder, name, part string, languages []string) (found *shape, names []string) {
	for _, language := range languages {
		if found = s.shapes[folder+"/"+name+"."+language+"."+part]; found != nil {
			return found, nil
		}
	}
	if found = s.shapes[folder+"/"+name+"."+part]; found != nil {
		return found, nil
	}
	for path := range s.shapes {
		base, inFolder := strings.CutPrefix(path, folder+"/")
		if parts := strings.Split(base, "."); inFolder && parts[len(parts)-1] == part {
			names = append(names, parts[0])
		}
	}
	slices.Sort(names)
	return nil, slices.Compact(names)
}
