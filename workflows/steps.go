package workflows

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/render"
	"postern/internal/yamldoc"
)

// binder compiles the steps of one workflow.
type binder struct {
	*loader
	workflow *engine.Workflow
	files    map[string]bool // that the workflow's version covers
	ids      []string        // of the steps so far
}

// stepFile is what may stand beside the kind in a step.
type stepFile struct {
	ID      *yamldoc.Node   `yaml:"id"`
	Name    string          `yaml:"name"`
	If      *yamldoc.Node   `yaml:"if"`
	Retry   retryFile       `yaml:"retry"`
	Timeout time.Duration   `yaml:"timeout"`
	Kind    []yamldoc.Entry `yaml:",rest"`
}

type retryFile engine.Retry

// UnmarshalYAMLDoc keeps the defaults for what is not said.
func (r *retryFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	diags := yamldoc.Decode(n, (*engine.Retry)(r))
	if r.Attempts < 1 || r.Attempts > 100 {
		diags = append(diags, n.Errorf("retry.attempts counts all tries, from 1 to 100"))
	}
	if r.Backoff <= 0 || r.For <= 0 {
		diags = append(diags, n.Errorf("retry.backoff and retry.for are durations above zero, such as 30s and 24h"))
	}
	return diags
}

var stepID = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (b *binder) steps(nodes []*yamldoc.Node, root *yamldoc.Node) {
	if len(nodes) == 0 {
		b.complain(root.Errorf("a workflow needs at least one entry under tasks"))
	}
	if len(nodes) > MaxSteps {
		b.complain(nodes[MaxSteps].Errorf("a workflow has at most %d steps", MaxSteps))
		return
	}
	for i, n := range nodes {
		if n.Kind() == yamldoc.Invalid {
			continue
		}
		b.step(strconv.Itoa(i+1), n)
	}
}

func (b *binder) step(path string, n *yamldoc.Node) {
	f := stepFile{Retry: retryFile(engine.DefaultRetry())}
	b.complain(yamldoc.Decode(n, &f)...)
	if n.Kind() != yamldoc.Mapping {
		return
	}
	step := &engine.Step{Path: path, Name: f.Name, Retry: engine.Retry(f.Retry), Timeout: f.Timeout}
	if f.If != nil {
		step.If = b.program(f.If, b.types.scope(b.workflow.Module, b.ids), exprsafe.Bool)
	}
	kind, config := b.kind(n, f.Kind)
	if kind == nil {
		return
	}
	step.Kind, step.Task = kind.Name, kind.New()
	complaints := yamldoc.Decode(config, step.Task)
	b.complain(complaints...)
	scope := &stepScope{binder: b, node: config, routes: map[string]bool{}}
	if checker, ok := step.Task.(engine.Checker); ok && complaints.Err() == nil {
		checker.Check(scope)
	}
	if step.If != nil {
		scope.follow(step.If.Routes())
	}
	step.Routes = slices.Sorted(maps.Keys(scope.routes))
	b.claimID(step, f.ID)
	b.workflow.Tasks = append(b.workflow.Tasks, step)
}

// kind finds the one key of a step that says what it does.
func (b *binder) kind(n *yamldoc.Node, rest []yamldoc.Entry) (*engine.TaskKind, *yamldoc.Node) {
	var found *engine.TaskKind
	var config *yamldoc.Node
	known := true
	for _, entry := range rest {
		i := slices.IndexFunc(b.options.Tasks, func(k engine.TaskKind) bool { return k.Name == entry.Key.Text() })
		switch {
		case i < 0:
			b.complain(entry.Key.Unknown("task", append(b.taskNames(), "id", "name", "if", "retry", "timeout")))
			known = false
		case found != nil:
			b.complain(entry.Key.Errorf("a step does one thing; %s and %s are two steps", found.Name, entry.Key.Text()))
		default:
			found, config = &b.options.Tasks[i], entry.Value
		}
	}
	if found == nil && known {
		b.complain(n.Errorf("a step needs one of %s", strings.Join(b.taskNames(), ", ")))
	}
	return found, config
}

func (b *binder) taskNames() []string {
	var names []string
	for _, k := range b.options.Tasks {
		names = append(names, k.Name)
	}
	return names
}

func (b *binder) claimID(step *engine.Step, id *yamldoc.Node) {
	switch {
	case id == nil:
		return
	case !stepID.MatchString(id.Text()):
		b.complain(id.Errorf("an id may hold only small letters, digits and _, and begins with a letter"))
	case slices.Contains(b.ids, id.Text()):
		b.complain(id.Errorf("there is a step with the id %s already", id.Text()))
	default:
		step.ID = id.Text()
		b.ids = append(b.ids, step.ID)
	}
}

// stepScope is the engine.CheckScope of one step.
type stepScope struct {
	*binder
	node   *yamldoc.Node // the task's configuration
	routes map[string]bool
}

// at is the node of a key, or the nearest one around it.
func (s *stepScope) at(key string) *yamldoc.Node {
	n := s.node
	for key != "" && n.Kind() == yamldoc.Mapping {
		first, rest, _ := strings.Cut(key, ".")
		next := n.Get(first)
		if next == nil {
			return n
		}
		n, key = next, rest
	}
	return n
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

// Channels are the names a workflow may use.
func (s *stepScope) Channels() []string { return s.options.Channels }

// Text compiles the value at a key.
func (s *stepScope) Text(key string) engine.Program {
	p := s.text(s.at(key), s.types.scope(s.workflow.Module, s.ids))
	if p == nil {
		return nil
	}
	s.follow(p.Routes())
	return p
}

// Route reads the route at a key.
func (s *stepScope) Route(key string) *engine.Route {
	n := s.at(key)
	names := strings.Split(n.Text(), ".")
	if len(names) < 2 || names[0] != "record" {
		s.complain(n.Errorf("expected a route such as record.parent_id or record.email, found %q", n.Text()))
		return nil
	}
	from := []*engine.Module{s.workflow.Module}
	for i, name := range names[1:] {
		field, others := fieldOf(from, name)
		if field == nil {
			d := n.Errorf("unknown field %q of %s", name, namesOf(from))
			if near, ok := yamldoc.Suggest(name, others); ok {
				d.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			s.complain(d)
			return nil
		}
		path := strings.Join(names[1:i+2], ".")
		if len(field.To) > 0 {
			s.routes[path] = true
		}
		if i == len(names)-2 {
			return &engine.Route{Path: path, Field: field}
		}
		from = s.modulesOf(field)
		if len(from) == 0 || i == engine.MaxHops {
			s.complain(n.Errorf("%s is no reference, so it leads no further", name))
			return nil
		}
	}
	return nil
}

func (s *stepScope) modulesOf(f *engine.Field) []*engine.Module {
	var all []*engine.Module
	for _, to := range f.To {
		if m := s.book.Modules[to]; m != nil {
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
		names = append(names, m.Name)
	}
	return strings.Join(names, " or ")
}

// Field finds a field of a module.
func (s *stepScope) Field(key string, module *engine.Module, name string) *engine.Field {
	if f := module.Fields[name]; f != nil {
		return f
	}
	s.unknown(key, "field", name, module.Names)
	return nil
}

// Landing finds a landing.
func (s *stepScope) Landing(key, name string) *engine.Landing {
	landing := s.book.Landings[name]
	if landing == nil {
		s.unknown(key, "landing", name, slices.Sorted(maps.Keys(s.book.Landings)))
		return nil
	}
	if landing.Module != s.workflow.Module {
		s.complain(s.at(key).Errorf("landing %s shows a record of %s, this workflow is about %s",
			name, landing.Module.Name, s.workflow.Module.Name))
	}
	s.files[s.origin["landing "+name]] = true
	s.moduleFiles(landing.Module, s.files)
	return landing
}

// Template parses the message template of a name and holds it against the record and the links.
func (s *stepScope) Template(key, name string, channels, links []string) engine.Template {
	files := map[string]string{}
	for path, text := range s.loader.files {
		if strings.HasPrefix(path, "templates/"+name+"/") {
			files[path] = text
			s.files[path] = true
		}
	}
	if len(files) == 0 {
		s.unknown(key, "template", name, s.templateNames())
		return nil
	}
	t, problems := render.Parse(name, files)
	problems = append(problems, t.Bind(s.workflow.Module, s.book.Modules, links)...)
	for _, p := range problems {
		s.complain(fromTemplate(p))
	}
	for _, channel := range channels {
		if !t.Has(channel) {
			s.Complain(key, fmt.Sprintf("template %s has no text for %s: add %s.en.txt", name, channel, channel))
		}
	}
	s.follow(t.Routes())
	s.workflow.Templates[name] = t
	return t
}

func (s *stepScope) templateNames() []string {
	names := map[string]bool{}
	for path := range s.loader.files {
		if parts := strings.Split(path, "/"); parts[0] == "templates" && len(parts) == 3 {
			names[parts[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func fromTemplate(p render.Problem) yamldoc.Diagnostic {
	d := yamldoc.Diagnostic{
		File: p.File, Line: p.Line, Column: max(p.Column, 1), Severity: yamldoc.Error, Message: p.Message,
	}
	if near, ok := yamldoc.Suggest(p.Word, p.Choices); ok && p.Word != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return d
}

// Choice complains unless word is among the choices.
func (s *stepScope) Choice(key, what, word string, choices []string) {
	if !slices.Contains(choices, word) {
		s.unknown(key, what, word, choices)
	}
}

// Complain reports a mistake at a key.
func (s *stepScope) Complain(key, message string) { s.complain(s.at(key).Errorf("%s", message)) }

func (s *stepScope) unknown(key, what, word string, choices []string) {
	d := s.at(key).Errorf("unknown %s %q", what, word)
	if near, ok := yamldoc.Suggest(word, choices); ok {
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(choices) > 0 {
		d.Hint = "there is " + strings.Join(choices, ", ")
	}
	s.complain(d)
}

var _ engine.CheckScope = (*stepScope)(nil)
