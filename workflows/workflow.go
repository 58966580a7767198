package workflows

import (
	"regexp"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// workflowFile is a workflow. The comments of its fields are what editors show, and the tags schema say what a node may
// be: see internal/generate.
type workflowFile struct {
	// Name is the workflow's name: small letters, digits and -.
	Name *yamldoc.Node `yaml:"name,required" schema:"name"`
	// Description says what the workflow is for, to people.
	Description string `yaml:"description"`
	// On is what starts the workflow: one trigger, or a list of them.
	On []triggerFile `yaml:"on,required,one"`
	// If is a condition; without it every event that fits a trigger starts a run.
	If *yamldoc.Node `yaml:"if" schema:"if"`
	// Concurrency says which runs of the workflow pass one at a time; by default those about one record.
	Concurrency concurrencyFile `yaml:"concurrency"`
	// Tasks are the steps, taken one after the other.
	Tasks []*yamldoc.Node `yaml:"tasks,required" schema:"step"`
}

type concurrencyFile struct {
	// Key is an expression: runs for which it gives the same pass one at a time. By default it is record.id.
	Key *yamldoc.Node `yaml:"key" schema:"if"`
	// Mode is what happens to a run whose turn it is not.
	Mode *yamldoc.Node `yaml:"mode" schema:"engine.ConcurrencyMode"`
	// Hold keeps the others out while a run waits, too.
	Hold bool `yaml:"hold"`
}

type triggerFile struct {
	// Event is the type of the event.
	Event *yamldoc.Node `yaml:"event,required" schema:"event"`
	// Module is the kind of record that the event is about.
	Module *yamldoc.Node `yaml:"module,required" schema:"text"`
	// Changed are fields: an update starts the workflow only if one of them has changed.
	Changed []*yamldoc.Node `yaml:"changed,one" schema:"text"`
}

var workflowName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// recordEvents are the event types a trigger may name; saved is created or updated.
var recordEvents = map[string][]string{
	"record.created":  {engine.RecordCreated},
	"record.updated":  {engine.RecordUpdated},
	"record.saved":    {engine.RecordCreated, engine.RecordUpdated},
	"record.deleted":  {engine.RecordDeleted},
	"record.restored": {engine.RecordRestored},
}

func eventNames() []string {
	return []string{"record.created", "record.updated", "record.saved", "record.deleted", "record.restored"}
}

func (l *loader) workflow(file string, root *yamldoc.Node) {
	var f workflowFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Name == nil || !l.claim("workflow", f.Name.Text(), file, f.Name) {
		return
	}
	w := &engine.Workflow{Name: f.Name.Text(), Description: f.Description, Templates: map[string]engine.Template{}}
	if !workflowName.MatchString(w.Name) {
		l.complain(f.Name.Errorf("a workflow's name may hold only small letters, digits and -, at most 64"))
	}
	for _, t := range f.On {
		l.trigger(w, t)
	}
	if w.Module == nil {
		return // without a module nothing below can be checked
	}
	b := &binder{
		loader: l, workflow: w, files: map[string]bool{file: true}, vars: map[string]exprsafe.Type{},
	}
	if f.If != nil {
		w.If = l.program(f.If, l.types.scope(w.Module, nil), exprsafe.Bool)
	}
	l.concurrency(w, f.Concurrency)
	b.steps(f.Tasks, root)
	l.moduleFiles(w.Module, b.files)
	w.Files = l.bundle(b.files)
	w.Version = versionOf(w.Files)
	l.book.Workflows = append(l.book.Workflows, w)
}

// concurrency reads which runs of the workflow pass one at a time; by default those about one record, in
// the order of their events.
func (l *loader) concurrency(w *engine.Workflow, f concurrencyFile) {
	w.Concurrency.Hold, w.Concurrency.Mode = f.Hold, engine.ConcurrencyQueue
	if f.Mode != nil {
		modes := []string{
			string(engine.ConcurrencyQueue), string(engine.ConcurrencySkip), string(engine.ConcurrencyCancelPrevious),
		}
		if w.Concurrency.Mode = engine.ConcurrencyMode(f.Mode.Text()); !slices.Contains(modes, f.Mode.Text()) {
			l.complain(f.Mode.Unknown("mode", modes))
		}
	}
	if f.Key != nil && f.Key.Text() != "record.id" {
		w.Concurrency.Key = l.program(f.Key, l.types.scope(w.Module, nil), exprsafe.Any)
	}
}

func (l *loader) trigger(w *engine.Workflow, t triggerFile) {
	if t.Event == nil || t.Module == nil {
		return
	}
	events := recordEvents[t.Event.Text()]
	if events == nil {
		l.complain(t.Event.Unknown("event", eventNames()))
	}
	module := l.knownModule(t.Module)
	if module == nil {
		return
	}
	if w.Module != nil && w.Module != module {
		l.complain(t.Module.Errorf("all triggers of a workflow are on one module; the first is on %s", w.Module.Name))
		return
	}
	w.Module = module
	var changed []string
	for _, field := range t.Changed {
		if l.knownField(field, module) {
			changed = append(changed, field.Text())
		}
	}
	if len(changed) > 0 && (t.Event.Text() == "record.created" || t.Event.Text() == "record.deleted") {
		l.complain(t.Changed[0].Errorf("%s has no changed fields", t.Event.Text()))
	}
	for _, event := range events {
		trigger := engine.Trigger{Event: event, Module: module.Name}
		if event == engine.RecordUpdated {
			trigger.Changed = changed
		}
		w.Triggers = append(w.Triggers, trigger)
	}
}

// program compiles a bare expression at a node; nil after a complaint.
func (l *loader) program(n *yamldoc.Node, scope *exprsafe.Scope, want exprsafe.Kind) engine.Program {
	if !n.IsScalar() || n.Kind() == yamldoc.Null {
		l.complain(n.Errorf("expected an expression, found %s", n.Kind()))
		return nil
	}
	steady := *scope
	steady.Steady = true // it is looked at more than once, and has to be the same each time
	p, fail := exprsafe.Compile(n.Text(), &steady, want)
	if fail != nil {
		l.complain(located(n, fail))
		return nil
	}
	return l.routed(n, p)
}

// routed is a compiled expression or text; nil, after a complaint, if it follows more references than the engine does.
func (l *loader) routed(n *yamldoc.Node, p evaluator) engine.Program {
	if slices.ContainsFunc(p.Routes(), func(route string) bool { return l.tooFar(n, route) }) {
		return nil
	}
	for _, name := range p.Uses().Secrets {
		if l.options.Secrets != nil && !slices.Contains(l.options.Secrets, name) {
			l.complain(unknown(n, "secret", name, l.options.Secrets))
		}
	}
	return newProgram(p, n.Text(), l.book.Modules)
}

// tooFar tells whether a route follows more references than the engine does, and complains if so.
func (l *loader) tooFar(n *yamldoc.Node, route string) bool {
	if strings.Count(route, ".") < engine.MaxHops {
		return false
	}
	l.complain(n.Errorf("a route follows %d references at most; record.%s follows more", engine.MaxHops, route))
	return true
}

// text compiles a value at a node: text with {{ … }}, or a plain value; nil after a complaint.
func (l *loader) text(n *yamldoc.Node, scope *exprsafe.Scope) engine.Program {
	if n.Kind() != yamldoc.Text {
		if deep := templateWithin(n); deep != nil {
			l.complain(deep.Errorf("{{ … }} is not filled in inside a list or a mapping"))
		}
		return constant{n.Plain()}
	}
	p, fail := exprsafe.CompileText(n.Text(), scope)
	if fail != nil {
		l.complain(located(n, fail))
		return nil
	}
	if text, ok := p.Const(); ok {
		return constant{text}
	}
	return l.routed(n, p)
}

// templateWithin finds a text with {{ in a list or a mapping.
func templateWithin(n *yamldoc.Node) *yamldoc.Node {
	if n.Kind() == yamldoc.Text && strings.Contains(n.Text(), "{{") {
		return n
	}
	for _, item := range n.Items() {
		if found := templateWithin(item); found != nil {
			return found
		}
	}
	for _, value := range n.Entries() {
		if found := templateWithin(value); found != nil {
			return found
		}
	}
	return nil
}

// located is a compiler's complaint at its place in the file.
func located(n *yamldoc.Node, fail *exprsafe.Error) yamldoc.Diagnostic {
	d := n.Errorf("%s", fail.Message)
	d.Line, d.Column = n.AtByte(fail.Offset)
	if fail.Hint != "" {
		d.Hint = "did you mean \"" + strings.ReplaceAll(fail.Hint, "\"", "'") + "\"?"
	}
	return d
}
