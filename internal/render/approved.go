package render

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
)

// Registry is what of a template was approved beforehand, by a channel that converses: whatsapp.yaml.
type Registry struct {
	Kind      string            // of the channel
	IDs       map[string]string // the provider's names for it, by language
	Texts     map[string]Quote  // as they were approved, with {{1}} for the variables; for people and checks only
	Variables []Variable        // sorted by number
}

// Quote is a text with its place in a file of the book.
type Quote struct {
	File, Source string // the file and all it holds
	At           int    // the byte of it where the text begins
	Text         string
}

// Variable is one of an approved text.
type Variable struct {
	Number int // from 1
	Quote

	part *part
}

func (r *Registry) kind() string { return r.Kind }

func (q Quote) source() *source {
	return &source{text: q.Text, from: []stretch{{file: &file{q.File, q.Source}, pos: q.At}}}
}

var hole = regexp.MustCompile(`\{\{\s*(\d+)\s*\}\}`)

// addApproved compiles the variables and holds the approved texts against them.
func (t *Template) addApproved() (problems []Problem) {
	numbers := map[string]bool{}
	for i := range t.approved.Variables {
		v := &t.approved.Variables[i]
		numbers[strconv.Itoa(v.Number)] = true
		if v.Number != i+1 {
			return append(problems, v.problem(0, "variables are numbered from 1 on without a gap; %d is missing", i+1))
		}
		made, uses, err := compile(v.source(), inLine)
		if err != nil {
			problems = append(problems, problem(v.source(), err))
			continue
		}
		v.part = made
		t.uses = append(t.uses, uses...)
	}
	for _, language := range slices.Sorted(maps.Keys(t.approved.Texts)) {
		problems = append(problems, t.approved.Texts[language].against(numbers)...)
	}
	return problems
}

func (q Quote) problem(at int, format string, args ...any) Problem {
	return (&file{q.File, q.Source}).problem(q.At+at, format, args...)
}

// against holds an approved text against the variables that it is given.
func (q Quote) against(numbers map[string]bool) (problems []Problem) {
	spoken := map[string]bool{}
	for _, m := range hole.FindAllStringSubmatchIndex(q.Text, -1) {
		number := q.Text[m[2]:m[3]]
		if spoken[number] = true; !numbers[number] {
			problems = append(problems,
				q.problem(m[0], "the approved text has {{%s}}, for which there is no variable", number))
		}
	}
	for _, number := range slices.Sorted(maps.Keys(numbers)) {
		if !spoken[number] {
			problems = append(problems, q.problem(0, "variable %s stands nowhere in the approved text", number))
		}
	}
	return problems
}

// language is the one of the approved texts that somebody gets.
func (r *Registry) language(languages Languages, language string) string {
	for _, tag := range languages.After(language) {
		if r.IDs[tag] != "" {
			return tag
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(r.IDs)) {
		return tag
	}
	return ""
}

// approve writes the variables of the approved text.
func (t *Template) approve(language string, data map[string]any) (*engine.Approved, error) {
	tag := t.approved.language(t.shelf.Languages, language)
	if tag == "" {
		return nil, fmt.Errorf("template %s: no language has an approved text", t.name)
	}
	approved := &engine.Approved{ID: t.approved.IDs[tag], Variables: map[string]string{}}
	for _, v := range t.approved.Variables {
		var text string
		if err := t.write(v.part, &text, data); err != nil {
			return nil, err
		}
		// A provider refuses a variable with line breaks or rows of spaces.
		approved.Variables[strconv.Itoa(v.Number)] = strings.Join(strings.Fields(text), " ")
	}
	return approved, nil
}

// ApprovedText is the approved text in the language that somebody gets, with its variables filled in; "" where the book
// does not hold it.
func (t *Template) ApprovedText(language string, approved *engine.Approved) string {
	if t.approved == nil || approved == nil {
		return ""
	}
	quote := t.approved.Texts[t.approved.language(t.shelf.Languages, language)]
	return hole.ReplaceAllStringFunc(quote.Text, func(found string) string {
		return approved.Variables[hole.FindStringSubmatch(found)[1]]
	})
}
