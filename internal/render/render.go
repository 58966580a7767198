// Package render turns the files of a message template into messages. A template is a folder of
// files <channel>.<language>.<part>, where the part is subject, txt or html; they are Go templates
// (text/template, html/template) over the names record, recipient, steps, vars, item, link,
// links and now,
// written without a dot: {{ record.ticket_no }}. A name or field that is not there is an error.
package render

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"slices"
	"strings"
	texttemplate "text/template"

	"postern/engine"
	"postern/internal/exprsafe"
)

// Template is the parsed files of one template.
type Template struct {
	name    string
	modules map[string]*engine.Module
	vars    map[string]exprsafe.Type    // that the texts may read
	steps   map[string]exprsafe.Type    // likewise
	texts   map[string]map[string]*text // by channel and language
	uses    []Use
	routes  []string
}

// text is one message: its parts for one channel in one language.
type text struct {
	language             string
	subject, plain, html executor

	file   string // the first of its files
	broken bool   // the plain part is there and has a mistake
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
}

// Parse reads the files of a template, by path. It returns all mistakes; the template can be used
// only if there are none.
func Parse(name string, files map[string]string) (*Template, []Problem) {
	t := &Template{name: name, texts: map[string]map[string]*text{}}
	var problems []Problem
	for _, path := range slices.Sorted(maps.Keys(files)) {
		problems = append(problems, t.add(path, files[path])...)
	}
	for _, channel := range slices.Sorted(maps.Keys(t.texts)) {
		for _, language := range slices.Sorted(maps.Keys(t.texts[channel])) {
			if entry := t.texts[channel][language]; entry.plain == nil && !entry.broken {
				problems = append(problems, Problem{
					File: entry.file, Line: 1,
					Message: fmt.Sprintf("template %s has no text for %s in %q: add %[2]s.%[3]s.txt",
						name, channel, language),
				})
			}
		}
	}
	if len(files) == 0 {
		problems = append(problems, Problem{File: name, Line: 1, Message: "the template has no files"})
	}
	return t, problems
}

// add parses one file into its place.
func (t *Template) add(path, source string) []Problem {
	base := path[strings.LastIndexByte(path, '/')+1:]
	parts := strings.Split(base, ".")
	if len(parts) != 3 || !slices.Contains([]string{"subject", "txt", "html"}, parts[2]) {
		return []Problem{{File: path, Line: 1, Message: fmt.Sprintf(
			"%s is not named <channel>.<language>.<part>, where the part is subject, txt or html", base)}}
	}
	if len(source) > MaxSource {
		return []Problem{{File: path, Line: 1, Message: fmt.Sprintf("the file is longer than %d kB", MaxSource>>10)}}
	}
	entry := t.entry(parts[0], parts[1], path)
	var err error
	var uses []Use
	switch parts[2] {
	case "subject":
		entry.subject, uses, err = parseText(path, strings.TrimSpace(source))
	case "txt":
		entry.plain, uses, err = parseText(path, source)
	case "html":
		entry.html, uses, err = parseHTML(path, source)
	}
	if err != nil {
		entry.broken = entry.broken || parts[2] == "txt"
		return []Problem{problem(path, source, err)}
	}
	t.uses = append(t.uses, uses...)
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

func parseText(path, source string) (executor, []Use, error) {
	t, err := texttemplate.New(path).Option("missingkey=error").Funcs(placeholders()).Parse(source)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(path, source, t.Root, false)
	return t, uses, err
}

func parseHTML(path, source string) (executor, []Use, error) {
	if err := checkStray(source); err != nil {
		return nil, nil, err
	}
	t, err := htmltemplate.New(path).Option("missingkey=error").Funcs(placeholders()).Parse(source)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(path, source, t.Tree.Root, true)
	if err != nil {
		return nil, nil, err
	}
	// Without data it fails; before that it is escaped, and what is wrong with that is to be known now.
	if wrong, ok := errors.AsType[*htmltemplate.Error](t.Execute(io.Discard, nil)); ok {
		return nil, nil, fmt.Errorf("%d:0: %s", wrong.Line, wrong.Description)
	}
	return t, uses, nil
}

// checkStray refuses more than maxStray signs < that begin neither a tag nor a comment.
func checkStray(source string) error {
	stray := 0
	for i := range len(source) {
		if source[i] != '<' {
			continue
		}
		after := strings.TrimPrefix(source[i+1:min(i+4, len(source))], "/")
		if after != "" && (isLetter(after[0]) || after == "!--") {
			continue
		}
		if stray++; stray > maxStray {
			line := strings.Count(source[:i], "\n") + 1
			return fmt.Errorf("%d:0: more than %d signs < begin no tag: write &lt;", line, maxStray)
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// Has tells whether the template has a text for the channel in any language.
func (t *Template) Has(channel string) bool { return len(t.texts[channel]) > 0 }

// WithoutSubject are the languages in which the template has a text for the channel and no subject.
func (t *Template) WithoutSubject(channel string) []string {
	var languages []string
	for _, language := range slices.Sorted(maps.Keys(t.texts[channel])) {
		if entry := t.texts[channel][language]; entry.subject == nil && !entry.broken {
			languages = append(languages, language)
		}
	}
	return languages
}

// SpeaksOfLinks tells whether any text shows a link.
func (t *Template) SpeaksOfLinks() bool {
	return slices.ContainsFunc(t.uses, func(u Use) bool { return u.Path[0] == "link" || u.Path[0] == "links" })
}

// Render writes the message for a channel in the recipient's language, or in the one that engine.InLanguage chooses.
func (t *Template) Render(channel, language string, env *engine.Env) (engine.Content, error) {
	chosen, ok := engine.InLanguage(t.texts[channel], language)
	if !ok {
		return engine.Content{}, fmt.Errorf("template %s has no text for channel %s", t.name, channel)
	}
	data := t.data(env)
	content := engine.Content{Language: chosen.language}
	parts := []struct {
		from executor
		to   *string
	}{{chosen.subject, &content.Subject}, {chosen.plain, &content.Text}, {chosen.html, &content.HTML}}
	for _, part := range parts {
		if part.from == nil {
			continue
		}
		var out limited
		if err := part.from.Execute(&out, data); err != nil {
			return engine.Content{}, fmt.Errorf("template %s: %w", t.name, explained(err))
		}
		*part.to = out.String()
	}
	content.Subject = strings.Join(strings.Fields(content.Subject), " ") // a field's line break ends no header
	return content, nil
}

// Routes are the routes over references that the texts take.
func (t *Template) Routes() []string { return t.routes }

var _ engine.Template = (*Template)(nil)
