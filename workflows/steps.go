package workflows

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// binder compiles the steps of one workflow.
type binder struct {
	*loader
	workflow *engine.Workflow
	files    map[string]bool          // that the workflow's version covers
	ids      []string                 // of the steps so far
	vars     map[string]exprsafe.Type // that they set
	outputs  map[string]exprsafe.Type // of the steps so far, by id
	item     *exprsafe.Type           // what the present step is taken for; nil without for_each
	count    int                      // of the steps so far
}

// stepFile is what may stand beside the kind in a step.
type stepFile struct {
	// ID is the name that the step's outputs have for later steps: steps.<id>.
	ID *yamldoc.Node `yaml:"id" schema:"id"`
	// Name says what the step does, to people.
	Name string `yaml:"name"`
	// If is a condition: where it does not hold the step is passed over.
	If *yamldoc.Node `yaml:"if" schema:"if"`
	// ForEach is an expression for a list: the step is taken for each of its items, at most 1,000, as item.
	ForEach *yamldoc.Node `yaml:"for_each" schema:"expression"`
	// Parallel is how many items' writes and calls are under way together, 1 to 32.
	Parallel *yamldoc.Node `yaml:"parallel" schema:"parallel"`
	// Retry says how often and for how long the step is tried.
	Retry retryFile `yaml:"retry"`
	// Timeout is the longest time for one try.
	Timeout time.Duration `yaml:"timeout"`
	// OnError says what follows when the step failed for good: fail, continue, or steps of its own.
	OnError *yamldoc.Node   `yaml:"on_error" schema:"'fail'|'continue'|handlerFile"`
	Kind    []yamldoc.Entry `yaml:",rest" schema:"tasks"`
}

type retryFile engine.Retry

// UnmarshalYAMLDoc keeps the defaults for what is not said.
func (r *retryFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	diags := yamldoc.Decode(n, (*engine.Retry)(r))
	if r.Attempts < 1 || r.Attempts > 100 {
		diags = append(diags, n.Get("attempts").Errorf("attempts counts all tries, from 1 to 100"))
	}
	if r.Backoff <= 0 {
		diags = append(diags, n.Get("backoff").Errorf("backoff is a duration above zero, such as 30s"))
	}
	if r.For <= 0 {
		diags = append(diags, n.Get("for").Errorf("for is a duration above zero, such as 24h"))
	}
	return diags
}

var stepID = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// step compiles one step, in a handler that lies so deep; nil if it is none.
func (b *binder) step(path string, n *yamldoc.Node, depth int) *plannedStep {
	f := stepFile{Retry: retryFile(engine.DefaultRetry())}
	b.complain(yamldoc.Decode(n, &f)...)
	if n.Kind() != yamldoc.Mapping {
		return nil
	}
	step := &engine.Step{Path: path, Name: f.Name, Retry: engine.Retry(f.Retry), Timeout: f.Timeout}
	b.forEach(step, &f)
	defer func() { b.item = nil }()
	if f.If != nil {
		step.If = b.program(f.If, b.scope(), exprsafe.Bool)
	}
	kind, config := b.kind(n, f.Kind)
	if kind == nil {
		return nil
	}
	step.Kind, step.Task = kind.Name, kind.New()
	config = unfold(kind, config)
	complaints := yamldoc.Decode(config, step.Task)
	b.complain(complaints...)
	scope := &stepScope{binder: b, node: config, routes: map[string]bool{}, awaits: map[string]bool{}}
	if checker, ok := step.Task.(engine.Checker); ok && complaints.Err() == nil {
		checker.Check(scope)
	}
	if step.If != nil {
		scope.reads(step.If)
	}
	step.Routes, step.Queries = slices.Sorted(maps.Keys(scope.routes)), scope.queries
	step.Awaits = slices.Sorted(maps.Keys(scope.awaits))
	b.checkItems(step, config)
	b.item = nil // a handler knows none
	b.claimID(step, f.ID)
	planned := &plannedStep{Step: step, node: n}
	b.onError(planned, f.OnError, depth)
	return planned
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
			b.complain(b.unknownKey(n, entry.Key))
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

// unknownKey is a misspelt task, or a misspelt key beside one.
func (b *binder) unknownKey(step, key *yamldoc.Node) yamldoc.Diagnostic {
	beside := []string{"id", "name", "if", "for_each", "parallel", "retry", "timeout", "on_error"}
	_, near := yamldoc.Suggest(key.Text(), beside)
	hasTask := slices.ContainsFunc(b.taskNames(), func(name string) bool { return step.Get(name) != nil })
	if near || hasTask {
		return key.Unknown("key", beside)
	}
	if name := elsewhere[key.Text()]; slices.Contains(b.taskNames(), name) {
		return key.Errorf("unknown task %q", key.Text()).WithHint(fmt.Sprintf("did you mean %q?", name))
	}
	return key.Unknown("task", b.taskNames())
}

// elsewhere are words by which other programs call a task, with ours.
var elsewhere = map[string]string{
	"email": "notify", "mail": "notify", "message": "notify", "send": "notify", "sms": "notify",
	"assign": "update", "set": "update", "write": "update", "insert": "create", "remove": "delete",
	"http": "call", "request": "call", "webhook": "call", "event": "emit", "publish": "emit",
	"delay": "wait", "sleep": "wait", "let": "vars", "variables": "vars",
	"exit": "stop", "return": "stop", "run": "start", "trigger": "start",
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
		b.outputs[step.ID] = outputsOf(step)
	}
}
