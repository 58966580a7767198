// Package render turns the files of a message template into messages. A template is a folder of files
// <channel>.<language>.<part>, where the part is subject, txt, html, md or json, by the kind of the channel. They are
// Go templates (text/template, html/template) over the names record, recipient, steps, vars, item, link, links, now,
// brand, language and direction, written without a dot: {{ record.ticket_no }}. A name or field that is not there is an
// error. Layouts stand around texts and partials within them: see [Shelf].
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
)

// Template is the parsed files of one template.
type Template struct {
	name     string
	shelf    *Shelf
	brand    map[string]any
	scope    Scope                       // as Bind was given it
	modules  map[string]*engine.Module   // of the scope
	vars     map[string]exprsafe.Type    // that the texts may read
	steps    map[string]exprsafe.Type    // likewise
	texts    map[string]map[string]*text // by channel and language
	approved *Registry
	uses     []Use
	says     map[string]bool // the first names of the uses
	routes   []string
	files    map[string]bool // layouts and partials that it uses
}

// text is one message: its parts for one channel in one language.
type text struct {
	language string
	subject  *part
	body     *part // txt, md or json
	html     *part

	file   string // the first of its files
	broken bool   // a body is there and has a mistake
}

// part is a compiled part of a message.
type part struct {
	executor
	src     *source
	derived bool // from HTML
	json    bool
}

// executor is what text and HTML templates have in common.
type executor interface {
	Execute(w io.Writer, data any) error
}

// Problem is a mistake in a template file. Line and Column count from 1; a zero column means the line
// as a whole.
type Problem struct {
	File    string
	Line    int
	Column  int
	Message string
	Word    string   // the misspelt word, if it is one
	Choices []string // what could have been meant
	Listed  bool     // they are few and always the same
	Doubt   string   // a code, where it may be right all the same; "" for a mistake
}

// Parse reads the files of a template, by path, and what was approved of it; nil for nothing. It returns all mistakes;
// the template can be used only if there are none.
func (s *Shelf) Parse(name string, files map[string]string, approved *Registry) (*Template, []Problem) {
	t := &Template{
		name: name, shelf: s, brand: s.Brand.words(), texts: map[string]map[string]*text{}, files: map[string]bool{},
	}
	var problems []Problem
	for _, path := range slices.Sorted(maps.Keys(files)) {
		problems = append(problems, t.add(path, files)...)
	}
	if approved != nil {
		t.approved = approved
		problems = append(problems, t.addApproved()...)
	}
	problems = append(problems, t.missing()...)
	if len(files) == 0 && approved == nil {
		problems = append(problems, Problem{File: name, Line: 1, Message: "the template has no files"})
	}
	return t, slices.DeleteFunc(problems, func(p Problem) bool { return p.Message == "" })
}

// missing tells of texts that lack a body.
func (t *Template) missing() (problems []Problem) {
	for _, channel := range slices.Sorted(maps.Keys(t.texts)) {
		for _, language := range slices.Sorted(maps.Keys(t.texts[channel])) {
			if entry := t.texts[channel][language]; entry.body == nil && !entry.broken {
				problems = append(problems, Problem{
					File: entry.file, Line: 1,
					Message: fmt.Sprintf("template %s has no text for %s in %q: add %[2]s.%[4]s",
						t.name, channel, language, TextFor(t.shelf.kindOf(channel), language)),
				})
			}
		}
	}
	return problems
}

// add parses one file into its place.
func (t *Template) add(path string, files map[string]string) []Problem {
	source := files[path]
	channel, language, name, wrong := t.shelf.naming(path)
	if wrong != nil {
		return []Problem{*wrong}
	}
	if len(source) > MaxSource {
		return []Problem{{File: path, Line: 1, Message: fmt.Sprintf("the file is longer than %d kB", MaxSource>>10)}}
	}
	if name == partSubject {
		source = strings.TrimSpace(source)
	}
	entry, kind := t.entry(channel, language, path), t.shelf.kindOf(channel)
	src, used, problems := t.shelf.expand(&file{path, source}, kind, channel, language, name)
	for _, path := range used {
		t.files[path] = true
	}
	if len(problems) == 0 && name == partHTML {
		if src, wrong = inlineStyles(src); wrong != nil { // which also says what is not shown
			problems = []Problem{*wrong}
		}
	}
	if len(problems) == 0 {
		problems = t.compile(entry, src, mannerOf(kind, name), name)
	}
	_, written := files[strings.TrimSuffix(path, partHTML)+partText]
	if name == partHTML && len(problems) == 0 && !written {
		problems = t.derive(entry, src)
	}
	entry.broken = entry.broken || len(problems) > 0 && name != partSubject
	return problems
}

// compile puts a part into its place.
func (t *Template) compile(entry *text, src *source, how manner, name string) []Problem {
	made, uses, err := compile(src, how)
	if err != nil {
		return []Problem{problem(src, err)}
	}
	t.uses = append(t.uses, uses...)
	switch name {
	case partSubject:
		entry.subject = made
	case partHTML:
		entry.html = made
	default:
		entry.body = made
	}
	return nil
}

// derive makes the text part of a message of its HTML.
func (t *Template) derive(entry *text, src *source) []Problem {
	text, wrong := derive(src)
	if wrong != nil {
		return []Problem{*wrong}
	}
	made, _, err := compile(text, inText)
	if err != nil {
		return []Problem{problem(text, err)}
	}
	made.derived, entry.body = true, made
	return nil
}

// entry is the place of a channel's text in a language; path is where it was first heard of.
func (t *Template) entry(channel, language, path string) *text {
	if t.texts[channel] == nil {
		t.texts[channel] = map[string]*text{}
	}
	if t.texts[channel][language] == nil {
		t.texts[channel][language] = &text{language: language, file: path}
	}
	return t.texts[channel][language]
}

// Has tells whether the template has a text for the channel in any language.
func (t *Template) Has(channel string) bool {
	return len(t.of(channel)) > 0 || t.approved != nil && t.shelf.kindOf(channel) == t.approved.kind()
}

// of are the texts for a channel by their languages: its own, or those of its kind, or for a kind that puts any text
// into a document of its own those of the fullest other kind.
func (t *Template) of(channel string) map[string]*text {
	if own := t.texts[channel]; len(own) > 0 {
		return own
	}
	kind := t.shelf.kindOf(channel)
	if own := t.texts[kind]; len(own) > 0 || kind != "webhook" {
		return own
	}
	for _, lender := range lenders {
		for _, other := range slices.Sorted(maps.Keys(t.texts)) {
			if t.shelf.kindOf(other) == lender {
				return t.texts[other]
			}
		}
	}
	return nil
}

// WithoutSubject are the languages in which the template has a text for the channel and no subject, which its kind
// shows.
func (t *Template) WithoutSubject(channel string) []string {
	if kind, ok := kindParts[t.shelf.kindOf(channel)]; !ok || !slices.Contains(kind.all, partSubject) {
		return nil
	}
	var languages []string
	for _, language := range slices.Sorted(maps.Keys(t.of(channel))) {
		if entry := t.of(channel)[language]; entry.subject == nil && !entry.broken {
			languages = append(languages, language)
		}
	}
	return languages
}

// SpeaksOfLinks tells whether any text shows a link.
func (t *Template) SpeaksOfLinks() bool {
	return slices.ContainsFunc(t.uses, func(u Use) bool { return u.Path[0] == "link" || u.Path[0] == "links" })
}

// Render writes the message for a channel, or its kind, in the recipient's language, or in the one that the book's
// chain of languages leads to.
func (t *Template) Render(channel, language string, env *engine.Env) (engine.Content, error) {
	texts, kind := t.of(channel), t.shelf.kindOf(channel)
	chosen := t.shelf.Languages.choose(texts, language)
	content := engine.Content{Language: language, Link: env.Links["link"]}
	converses := t.approved != nil && t.approved.kind() == kind
	if chosen == nil && !converses {
		return engine.Content{}, fmt.Errorf("template %s has no text for channel %s", t.name, channel)
	}
	if chosen != nil {
		content.Language = chosen.language
	} else if converses {
		content.Language = t.approved.language(t.shelf.Languages, language)
	}
	data := t.data(env, content.Language)
	if converses {
		var err error
		if content.Approved, err = t.approve(language, data); err != nil {
			return engine.Content{}, err
		}
	}
	if chosen == nil {
		return content, nil
	}
	for _, p := range []struct {
		from *part
		to   *string
	}{{chosen.subject, &content.Subject}, {chosen.body, &content.Text}, {chosen.html, &content.HTML}} {
		if err := t.write(p.from, p.to, data); err != nil {
			return engine.Content{}, err
		}
	}
	content.Subject = strings.Join(strings.Fields(content.Subject), " ") // a field's line break ends no header
	if content.JSON = chosen.body.json; content.JSON && !json.Valid([]byte(content.Text)) {
		return engine.Content{}, fmt.Errorf("template %s: %s: what it makes is not valid JSON", t.name, chosen.file)
	}
	return content, nil
}

// write writes a part of a message, if there is one.
func (t *Template) write(from *part, to *string, data map[string]any) error {
	if from == nil {
		return nil
	}
	var out limited
	if err := from.Execute(&out, data); err != nil {
		return fmt.Errorf("template %s: %w", t.name, explained(from.src, err))
	}
	if *to = out.String(); from.derived {
		*to = tidy(*to)
	}
	return nil
}

// Routes are the routes over references that the texts take.
func (t *Template) Routes() []string { return t.routes }

// Files are the layouts and partials that the texts use, by path.
func (t *Template) Files() []string { return slices.Sorted(maps.Keys(t.files)) }

var _ engine.Template = (*Template)(nil)
