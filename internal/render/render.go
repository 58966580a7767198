// Package render turns the files of a message template into messages. A template is a folder of
// files <channel>.<language>.<part>, where the part is subject, txt or html; they are Go templates
// (text/template, html/template) over the names record, recipient, steps, vars, link, links and now,
// written without a dot: {{ record.ticket_no }}. A name or field that is not there is an error.
package render

import (
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"slices"
	"strings"
	texttemplate "text/template"

	"postern/engine"
)

// MaxOutput is the longest part of a message, in bytes.
const MaxOutput = 256 << 10

// Template is the parsed files of one template.
type Template struct {
	name    string
	modules map[string]*engine.Module
	texts   map[key]*text
	uses    []Use
	routes  []string
}

type key struct{ channel, language string }

// text is one message: its parts for one channel in one language.
type text struct {
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
}

// Parse reads the files of a template, by path. It returns all mistakes; the template can be used
// only if there are none.
func Parse(name string, files map[string]string) (*Template, []Problem) {
	t := &Template{name: name, texts: map[key]*text{}}
	var problems []Problem
	for _, path := range slices.Sorted(maps.Keys(files)) {
		problems = append(problems, t.add(path, files[path])...)
	}
	for _, k := range t.keys() {
		if entry := t.texts[k]; entry.plain == nil && !entry.broken {
			problems = append(problems, Problem{
				File: entry.file, Line: 1,
				Message: fmt.Sprintf("template %s has no text for %s in %q: add %[2]s.%[3]s.txt",
					name, k.channel, k.language),
			})
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
	k := key{channel: parts[0], language: parts[1]}
	if t.texts[k] == nil {
		t.texts[k] = &text{file: path}
	}
	entry := t.texts[k]
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

func parseText(path, source string) (executor, []Use, error) {
	t, err := texttemplate.New(path).Option("missingkey=error").Funcs(placeholders()).Parse(source)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(path, source, t.Root)
	return t, uses, err
}

func parseHTML(path, source string) (executor, []Use, error) {
	t, err := htmltemplate.New(path).Option("missingkey=error").Funcs(placeholders()).Parse(source)
	if err != nil {
		return nil, nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, nil, errNested
	}
	uses, err := rewrite(path, source, t.Tree.Root)
	return t, uses, err
}

// keys are the channels and languages the template has, sorted.
func (t *Template) keys() []key {
	return slices.SortedFunc(maps.Keys(t.texts), func(a, b key) int {
		return strings.Compare(a.channel+"."+a.language, b.channel+"."+b.language)
	})
}

// Has tells whether the template has a text for the channel in any language.
func (t *Template) Has(channel string) bool {
	return slices.ContainsFunc(t.keys(), func(k key) bool { return k.channel == channel })
}

// choose finds the text for a language: that language, its plain form without a region, English, or
// the first there is.
func (t *Template) choose(channel, language string) (key, bool) {
	base, _, _ := strings.Cut(language, "-")
	for _, l := range []string{language, base, "en"} {
		if k := (key{channel, l}); t.texts[k] != nil {
			return k, true
		}
	}
	for _, k := range t.keys() {
		if k.channel == channel {
			return k, true
		}
	}
	return key{}, false
}

// Render writes the message for a channel in the recipient's language.
func (t *Template) Render(channel, language string, env *engine.Env) (engine.Content, error) {
	k, ok := t.choose(channel, language)
	if !ok {
		return engine.Content{}, fmt.Errorf("template %s has no text for channel %s", t.name, channel)
	}
	data := t.data(env)
	content := engine.Content{Language: k.language}
	parts := []struct {
		from executor
		to   *string
	}{{t.texts[k].subject, &content.Subject}, {t.texts[k].plain, &content.Text}, {t.texts[k].html, &content.HTML}}
	for _, part := range parts {
		if part.from == nil {
			continue
		}
		var out limited
		if err := part.from.Execute(&out, data); err != nil {
			return engine.Content{}, fmt.Errorf("template %s: %w", t.name, err)
		}
		*part.to = out.String()
	}
	content.Subject = strings.Join(strings.Fields(content.Subject), " ") // a field's line break ends no header
	return content, nil
}

// Routes are the routes over references that the texts take.
func (t *Template) Routes() []string { return t.routes }

// limited refuses more than MaxOutput bytes.
type limited struct{ strings.Builder }

// Write fails once the output is too long.
func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxOutput {
		return 0, fmt.Errorf("the message is longer than %d bytes", MaxOutput)
	}
	return l.Builder.Write(p)
}

var _ engine.Template = (*Template)(nil)
