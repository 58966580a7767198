package workflows

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/render"
	"postern/internal/yamldoc"
)

// stepScope is the engine.CheckScope of one step.
type stepScope struct {
	*binder
	node   *yamldoc.Node // the task's configuration
	routes map[string]bool
	awaits map[string]bool // modules of records that the step waits for
	hears  *stepScope      // what this is the later part of: expressions see response too; nil for the step itself

	queries []engine.Query
	opens   []opening // what the links of its message open
}

// opening is what a link opens, and the way to the record that it is about; nil for the workflow's own.
type opening struct {
	landing *engine.Landing
	about   *engine.Route
}

// at is the node of a key, or the nearest one around it.
func (s *stepScope) at(key string) *yamldoc.Node {
	n := s.node
	for key != "" && n.Kind() == yamldoc.Mapping {
		if whole := n.Get(key); whole != nil {
			return whole // a name may hold dots itself
		}
		first, rest, _ := strings.Cut(key, ".")
		next := n.Get(first)
		if next == nil {
			return n
		}
		n, key = next, rest
	}
	return n
}

// find is the node of a key; nil where there is none.
func (s *stepScope) find(key string) *yamldoc.Node {
	n := s.node
	for name := range strings.SplitSeq(key, ".") {
		if n == nil || n.Kind() != yamldoc.Mapping {
			return nil
		}
		n = n.Get(name)
	}
	return n
}

// reads notes what must be read before a program is evaluated.
func (s *stepScope) reads(p engine.Program) {
	if s.hears != nil {
		s.hears.readsLater(p)
		return
	}
	s.follow(p.Routes())
	s.queries = append(s.queries, engine.QueriesOf(p)...)
	s.asks(p)
}

func (s *stepScope) follow(routes []string) {
	for _, r := range routes {
		s.routes[r] = true
	}
}

// Module is the module of the triggering record.
func (s *stepScope) Module() *engine.Module { return s.workflow.Module }

// Modules are all modules of the book.
func (s *stepScope) Modules() map[string]*engine.Module { return s.book.Modules }

// Text compiles the value at a key.
func (s *stepScope) Text(key string) engine.Program {
	p := s.text(s.at(key), s.names())
	if p == nil {
		return nil
	}
	s.reads(p)
	return p
}

// Condition compiles the condition at a key.
func (s *stepScope) Condition(key string) engine.Program { return s.bare(key, exprsafe.Bool) }

// Moment compiles the expression for a time at a key.
func (s *stepScope) Moment(key string) engine.Program { return s.bare(key, exprsafe.Time) }

// Wording compiles the expression for a text at a key.
func (s *stepScope) Wording(key string) engine.Program { return s.bare(key, exprsafe.Text) }

// bare compiles the expression at a key; nil where there is nothing, or after a complaint.
func (s *stepScope) bare(key string, want exprsafe.Kind) engine.Program {
	n := s.find(key)
	if n == nil {
		return nil
	}
	p := s.program(n, s.names(), want)
	if p == nil {
		return nil
	}
	s.reads(p)
	return p
}

// Await notes the modules of the records on which a program's value depends.
func (s *stepScope) Await(p engine.Program) {
	uses, ok := p.(engine.Sensitive)
	if !ok || !uses.Uses().Record {
		return
	}
	if len(engine.QueriesOf(p)) > 0 {
		s.Complain("until", "a wait cannot be told when what lookup, related, records or exists find changes: "+
			"put the question into a step after it")
		return
	}
	s.awaits[s.workflow.Module.Name] = true
	for _, route := range p.Routes() {
		from := []*engine.Module{s.workflow.Module}
		for name := range strings.SplitSeq(route, ".") {
			field, _ := fieldOf(from, name)
			if field == nil {
				break
			}
			from = s.modulesOf(field)
			for _, m := range from {
				s.awaits[m.Name] = true
			}
		}
	}
}

func (l *loader) modulesOf(f *engine.Field) []*engine.Module {
	var all []*engine.Module
	for _, to := range f.To {
		if m := l.book.Modules[to]; m != nil {
			all = append(all, m)
		}
	}
	return all
}

func fieldOf(modules []*engine.Module, name string) (*engine.Field, []string) {
	var names []string
	for _, m := range modules {
		if f := m.Fields[name]; f != nil {
			return f, nil
		}
		names = append(names, m.Names...)
	}
	return nil, names
}

func namesOf(modules []*engine.Module) string {
	var names []string
	for _, m := range modules {
		names = append(names, spoken(m))
	}
	return strings.Join(names, " or ")
}

// Field finds a field of a module.
func (s *stepScope) Field(key string, module *engine.Module, name string) *engine.Field {
	s.moduleFiles(module, s.files)
	if f := module.Fields[name]; f != nil {
		return f
	}
	at := s.at(key)
	if parent, last := s.at(parentOf(key)), key[strings.LastIndexByte(key, '.')+1:]; last == name {
		if entry, ok := parent.Lookup(name); ok {
			at = entry.Key // the name is the key itself
		}
	}
	s.complain(unknown(at, "field", name, module.Names))
	return nil
}

func parentOf(key string) string { return key[:max(strings.LastIndexByte(key, '.'), 0)] }

// Landing finds a landing for a link about a record.
func (s *stepScope) Landing(key, name string, about *engine.Route) *engine.Landing {
	landing := s.book.Landings[name]
	if lacks := s.left["landing "+name]; lacks != "" {
		s.lack(lacks)
		return nil
	}
	if landing == nil {
		s.complain(unknown(s.at(key), "landing", name, slices.Sorted(maps.Keys(s.book.Landings))))
		return nil
	}
	switch module := landing.Module.Name; {
	case about == nil && landing.Module != s.workflow.Module:
		s.complain(s.at(key).Errorf("landing %s shows a record of %s, this workflow is about %s",
			name, module, s.workflow.Module.Name))
	case about != nil && !slices.Contains(about.Field.To, module):
		s.complain(s.at(key).Errorf("landing %s shows a record of %s, which %s never leads to", name, module, about))
	}
	for file := range landing.Files {
		s.files[file] = true
	}
	s.opens = append(s.opens, opening{landing, about})
	s.warnElsewhere(s.at(key), s.workflow, landing)
	return landing
}

// Template parses the message template of a name and holds it against the record and the links.
func (s *stepScope) Template(key, name string, channels, links []string) engine.Template {
	files := s.templates[name]
	if files == nil {
		s.complain(unknown(s.at(key), "template", name, slices.Sorted(maps.Keys(s.templates))))
		return nil
	}
	t, problems := s.message(name, files)
	for _, p := range problems {
		s.complain(fromTemplate(p))
	}
	for _, p := range t.Bind(render.Scope{
		Module: s.workflow.Module, Modules: s.book.Modules, Links: links, Vars: s.vars, Item: s.item, Steps: s.outputs,
	}) {
		d := fromTemplate(p)
		if d.Hint == "" { // the text may be right and the step that uses it wrong
			d.Hint = fmt.Sprintf("used at %s:%d", s.node.File(), s.at(key).Line())
		}
		s.complain(d)
	}
	for _, channel := range channels {
		if !t.Has(channel) {
			s.Complain(key, s.without(name, channel))
		}
	}
	if len(problems) == 0 {
		s.warn(key, name, t, channels, links)
		s.checkTexts(t, channels)
	}
	s.follow(t.Routes())
	s.workflow.Templates[name] = t
	return t
}

// warn tells what a template probably forgot.
func (s *stepScope) warn(key, name string, t *render.Template, channels, links []string) {
	for _, channel := range channels {
		for _, language := range t.WithoutSubject(channel) {
			s.complain(s.at(key).Warningf("no-subject", "template %s has no subject for %s in %q: add %s.%[3]s.subject",
				name, channel, language, s.carries(channel)))
		}
	}
	leads := slices.Contains(links, "link") &&
		!slices.ContainsFunc(channels, func(channel string) bool { return !s.Carrier(channel).Leads })
	if len(links) > 0 && !leads && !t.SpeaksOfLinks() {
		s.complain(s.at(key).Warningf("no-link",
			"no text of template %s shows the link that the message carries", name))
	}
	for _, o := range s.opens {
		s.warnOfCodes(key, name, o)
	}
}

// warnOfCodes tells of a message that holds what its link asks for.
func (s *stepScope) warnOfCodes(key, name string, o opening) {
	for _, factor := range o.landing.Factors() {
		if factor.Kind != engine.FactorSecurityCode || factor.Field == nil {
			continue
		}
		path := factor.Field.Path
		if o.about != nil {
			path = strings.TrimPrefix(o.about.Path+"."+path, ".")
		}
		spoken := regexp.MustCompile(`\b` + regexp.QuoteMeta(engine.RouteName(path)) + `\b`)
		for _, text := range s.templates[name] {
			if spoken.MatchString(text) {
				s.complain(s.at(key).Warningf("code-in-message",
					"template %s says %s, which factor %s of landing %s asks for: "+
						"whoever has the message needs no more",
					name, engine.RouteName(path), factor.Name, o.landing.Name))
				break
			}
		}
	}
}

func fromTemplate(p render.Problem) yamldoc.Diagnostic {
	d := yamldoc.Diagnostic{
		File: p.File, Line: p.Line, Column: max(p.Column, 1), Severity: yamldoc.Error, Message: p.Message,
	}
	near, ok := yamldoc.Suggest(p.Word, p.Choices)
	switch {
	case p.Word == "":
	case ok:
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	case p.Listed && len(p.Choices) > 0:
		d.Hint = "one of: " + strings.Join(p.Choices, ", ")
	}
	return d
}

// Choice tells whether word is among the choices, and complains if not. In a list, the place is the
// word's own.
func (s *stepScope) Choice(key, what, word string, choices []string) bool {
	if slices.Contains(choices, word) {
		return true
	}
	at := s.at(key)
	for _, item := range at.Items() {
		if item.Text() == word {
			at = item
			break
		}
	}
	s.complain(unknown(at, what, word, choices))
	return false
}

// Complain reports a mistake at a key.
func (s *stepScope) Complain(key, message string) { s.complain(s.at(key).Errorf("%s", message)) }

func unknown(at *yamldoc.Node, what, word string, choices []string) yamldoc.Diagnostic {
	d := at.Errorf("unknown %s %q", what, word)
	near, ok := yamldoc.Suggest(word, choices)
	switch {
	case ok:
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	case len(choices) == 0:
		d.Hint = "there is none"
	default:
		d.Hint = "one of: " + strings.Join(choices, ", ")
	}
	return d
}

var _ engine.CheckScope = (*stepScope)(nil)
