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
	// Inputs are what a start by hand hands over, written like the fields of a module.
	Inputs []yamldoc.Entry `yaml:"inputs" schema:"engine.FieldType|fieldFile"`
	// Class says what recipients may refuse: nothing of what is transactional, which they must hear of and is the
	// default;
	// a notice and marketing carry a way to end the messages of this workflow.
	Class *yamldoc.Node `yaml:"class" schema:"engine.Class"`
	// If is a condition; without it every event that fits a trigger starts a run.
	If *yamldoc.Node `yaml:"if" schema:"if"`
	// Active are the days on which the workflow starts runs; both belong to it.
	Active activeFile `yaml:"active"`
	// First lets the workflow succeed once for a record, or once for each value of a key.
	First *yamldoc.Node `yaml:"first" schema:"first"`
	// OnlyOnChange are fields: a run begins only if one of them differs from when the last one began for the record.
	OnlyOnChange []*yamldoc.Node `yaml:"only_on_change,one" schema:"text"`
	// Debounce gathers the events of a burst into one run, on the last of them.
	Debounce *debounceFile `yaml:"debounce"`
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

var workflowName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// PlainName tells whether a workflow or a landing may have a name.
func PlainName(name string) bool { return workflowName.MatchString(name) }

func (l *loader) workflow(file string, root *yamldoc.Node) {
	var f workflowFile
	l.complain(yamldoc.Decode(root, &f)...)
	if f.Name == nil || !l.claim("workflow", f.Name.Text(), file, f.Name) {
		return
	}
	w := &engine.Workflow{
		Name: f.Name.Text(), Description: f.Description, Modules: l.book.Modules,
		Templates: map[string]engine.Template{},
	}
	if !workflowName.MatchString(w.Name) {
		l.complain(f.Name.Errorf("a workflow's name may hold only small letters, digits and -, at most 64"))
	}
	for _, t := range f.On {
		if t.at != nil { // what is no YAML has been complained about
			l.trigger(w, t)
		}
	}
	if w.Module == nil {
		return // without a module nothing below can be checked
	}
	b := &binder{
		loader: l, workflow: w, files: map[string]bool{file: true},
		vars: map[string]exprsafe.Type{}, outputs: map[string]exprsafe.Type{},
	}
	lacks := l.leavable("workflow", w.Name, func() {
		l.debounce(w, f.Debounce)
		l.class(w, f.Class)
		b.start(f, root)
		l.concurrency(w, f.Concurrency)
		b.steps(f.Tasks, root)
	})
	if lacks != "" {
		l.book.LeftOut[w.Name] = lacks
		l.out = append(l.out, w)
		return
	}
	l.moduleFiles(w.Module, b.files)
	w.Files = l.bundle(b.files)
	w.Version = versionOf(w.Files)
	l.book.Workflows = append(l.book.Workflows, w)
}

// start reads what beside the triggers decides whether a run begins.
func (b *binder) start(f workflowFile, root *yamldoc.Node) {
	w := b.workflow
	b.inputs(w, f.Inputs, root.Get("inputs"))
	if f.If != nil {
		w.If = b.program(f.If, b.types.asking(b.types.scope(w, nil), w), exprsafe.Bool)
		b.asks(w.If)
	}
	b.checkChanges(w, f)
	b.active(w, f.Active)
	b.first(w, f.First)
	b.checkFirst(w, f)
	b.onlyOnChange(w, f.OnlyOnChange)
}

// class reads what recipients may refuse of the workflow's messages.
func (l *loader) class(w *engine.Workflow, n *yamldoc.Node) {
	w.Class = engine.ClassTransactional
	if n == nil {
		return
	}
	var classes []string
	for _, class := range engine.Classes() {
		classes = append(classes, string(class))
	}
	if w.Class = engine.Class(n.Text()); !slices.Contains(classes, n.Text()) {
		l.complain(n.Unknown("class", classes))
	}
}

// concurrency reads which runs of the workflow pass one at a time; by default those about one record, in
// the order of their events.
func (l *loader) concurrency(w *engine.Workflow, f concurrencyFile) {
	w.Concurrency.Hold = f.Hold || w.First != nil // one that waits may still be the first
	w.Concurrency.Mode = engine.ConcurrencyQueue
	if f.Mode != nil {
		modes := []string{
			string(engine.ConcurrencyQueue), string(engine.ConcurrencySkip), string(engine.ConcurrencyCancelPrevious),
		}
		if w.Concurrency.Mode = engine.ConcurrencyMode(f.Mode.Text()); !slices.Contains(modes, f.Mode.Text()) {
			l.complain(f.Mode.Unknown("mode", modes))
		}
	}
	if f.Key != nil && f.Key.Text() != "record.id" {
		w.Concurrency.Key = l.program(f.Key, l.types.scope(w, nil), exprsafe.Any)
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
		d := located(n, fail)
		if l.cutShort(n) {
			d.Hint = "in YAML a # after a space begins a comment: write .name in place of #.name, or quote it all"
		}
		l.complain(d)
		return nil
	}
	for _, doubt := range p.Doubts() {
		d := located(n, doubt)
		d.Severity, d.Code = yamldoc.Warning, "option"
		l.complain(d)
	}
	routed := l.routed(n, p)
	if whole, ok := routed.(*program); ok && want == exprsafe.Bool {
		whole.apart = func() []engine.Program { return parts(whole, &steady) }
	}
	return routed
}

// parts are what stands between the operators of a condition, each compiled as the whole is.
func parts(whole *program, scope *exprsafe.Scope) (all []engine.Program) {
	for _, source := range exprsafe.Operands(whole.source) {
		p, fail := exprsafe.Compile(source, scope, exprsafe.Any)
		if fail != nil {
			return []engine.Program{whole}
		}
		all = append(all, newProgram(p, source, whole.modules))
	}
	return all
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
	l.complain(n.Errorf("a route follows %d references at most; %s follows more",
		engine.MaxHops, engine.RouteName(route)))
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

// cutShort tells whether a comment follows a text that stands without quotes on one line: it may have been meant as a
// part of it.
func (l *loader) cutShort(n *yamldoc.Node) bool {
	if n.IsQuoted() {
		return false
	}
	lines := strings.Split(string(l.sources[n.File()]), "\n")
	return n.Line() <= len(lines) && strings.Contains(lines[n.Line()-1], " #.")
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
