package workflows

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
)

// evaluator is what expressions and texts of internal/exprsafe have in common.
type evaluator interface {
	EvalWithin(env map[string]any, limit int) (v any, work int, err error)
	Routes() []string
	Queries() []exprsafe.Query
	Uses() exprsafe.Uses
	Type() exprsafe.Type
}

// program joins a compiled expression to the environment of the engine.
type program struct {
	evaluator
	source  string
	modules map[string]*engine.Module
	uses    engine.Uses
	queries []engine.Query
	old     bool                    // whether it reads old
	events  bool                    // and events
	apart   func() []engine.Program // takes a condition apart; nil for other programs
}

func newProgram(e evaluator, source string, modules map[string]*engine.Module) *program {
	p := &program{evaluator: e, source: source, modules: modules}
	uses := e.Uses()
	p.uses = engine.Uses{
		Record: len(uses.Changes) > 0 || len(e.Routes()) > 0, Changes: uses.Changes, Now: uses.Now,
	}
	for _, name := range uses.Names {
		root, below, _ := strings.Cut(name, ".")
		switch root {
		case "record":
			p.uses.Record = true
		case "old":
			p.uses.Record, p.old = true, true
		case "events":
			p.events = true
		case "steps":
			p.uses.Steps = append(p.uses.Steps, below)
		}
	}
	for _, q := range e.Queries() {
		query := engine.Query{
			Key: q.Key, Module: q.Module, Field: q.Field, One: q.One, Value: newProgram(q.Value, q.Key, modules),
		}
		if q.Where != nil {
			query.Where = newProgram(q.Where, q.Where.Source(), modules)
		}
		p.queries = append(p.queries, query)
	}
	return p
}

// Parts are what stands between the operators of a condition.
func (p *program) Parts() []engine.Program {
	if p.apart == nil {
		return []engine.Program{p}
	}
	return p.apart()
}

// Queries are what must be asked of the CRM before Eval.
func (p *program) Queries() []engine.Query { return p.queries }

// Needs is a hint of what must hold of the record for the condition to be true.
func (p *program) Needs() (field, value string, ok bool) {
	if needing, has := p.evaluator.(engine.Needing); has {
		return needing.Needs()
	}
	return "", "", false
}

// Source is what the admin wrote.
func (p *program) Source() string { return p.source }

// Uses is what the value depends on.
func (p *program) Uses() engine.Uses { return p.uses }

// Reads are the fields of the record that the program looks at.
func (p *program) Reads() []string {
	uses := p.evaluator.Uses()
	names := slices.Clone(uses.Changes)
	for _, name := range uses.Names {
		if root, field, _ := strings.Cut(name, "."); root == "record" && field != "" {
			names = append(names, field)
		}
	}
	for _, route := range p.Routes() {
		first, _, _ := strings.Cut(route, ".")
		names = append(names, first)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Eval evaluates the expression for a run.
func (p *program) Eval(env *engine.Env) (any, error) {
	values, err := env.Memo("expression", func() (map[string]any, error) { return p.values(env) })
	if err != nil {
		return nil, err
	}
	if env.Baseline != nil && len(p.uses.Changes) > 0 {
		if values, err = p.since(values, env); err != nil {
			return nil, err
		}
	}
	if _, have := values["old"]; !have && p.old {
		old, err := env.OldView()
		if err != nil {
			return nil, fmt.Errorf("old: %w", err)
		}
		values["old"] = old
	}
	if _, have := values["events"]; !have && p.events {
		if values["events"], err = gathered(env); err != nil {
			return nil, err
		}
	}
	v, spent, err := p.EvalWithin(values, env.Work.Left())
	env.Work.Spend(spent)
	if fail := (*exprsafe.Error)(nil); errors.As(err, &fail) && fail.TooMuch {
		return nil, tooMuch{fail}
	}
	return v, err
}

// tooMuch is an engine.ErrWork in the words of the expression's own error.
type tooMuch struct{ error }

// Is tells that it is one.
func (tooMuch) Is(target error) bool { return target == engine.ErrWork }

// values lays the environment out as expressions see it.
func (p *program) values(env *engine.Env) (map[string]any, error) {
	record, err := env.View()
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	routes, err := env.RouteViews(p.modules)
	if err != nil {
		return nil, err
	}
	steps := map[string]any{}
	for id, outputs := range env.Outputs {
		steps[id] = map[string]any(outputs)
	}
	values := map[string]any{
		"record": record, "steps": steps, "vars": map[string]any(env.Vars), "actor": "", "inputs": env.Inputs,
		exprsafe.EnvRoutes: routes, exprsafe.EnvFound: env.Found(), exprsafe.EnvNow: env.Now,
		exprsafe.EnvSecret: exprsafe.Secrets(env.Secret),
	}
	if item, ok := routes[engine.ItemRoute]; ok {
		values[exprsafe.ItemName] = item
	} else if env.Item != nil {
		values[exprsafe.ItemName] = env.Item
	}
	if env.Random != nil {
		values[exprsafe.EnvRandom] = env.Random
	}
	if env.Response != nil {
		values["response"] = env.Response
	}
	if env.Event == nil {
		return values, nil
	}
	return values, p.addEvent(values, record, env)
}

func (p *program) addEvent(values, record map[string]any, env *engine.Env) error {
	snapshot, err := env.EventView()
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	event, change := env.Event, env.Event.Change
	told := map[string]any{
		"id": event.ID, "source": event.Source, "type": event.Type, "time": event.Time, "record": snapshot,
		"related": "", "data": map[string]any{},
	}
	values["actor"], values["event"] = event.Actor(), told
	if change == nil {
		told["data"], err = event.DataView()
		return err
	}
	old, err := env.Module.ViewOf(change.Old)
	if err != nil {
		return fmt.Errorf("old: %w", err)
	}
	changed := make(map[string]bool, len(change.Changed))
	for _, name := range change.Changed {
		changed[name] = true
	}
	told["related"] = change.Related
	values[exprsafe.EnvChange] = exprsafe.Change{
		New: event.Type == engine.RecordCreated, Changed: changed, Old: old, Now: record,
	}
	return nil
}

// since is the environment in which the change words compare with the baseline.
func (p *program) since(values map[string]any, env *engine.Env) (map[string]any, error) {
	record, err := env.View()
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	old, err := env.Module.ViewOf(env.Baseline)
	if err != nil {
		return nil, fmt.Errorf("the record when the wait began: %w", err)
	}
	changed := map[string]bool{}
	for _, name := range p.uses.Changes {
		changed[name] = !engine.Same(env.Record[name], env.Baseline[name])
	}
	values = maps.Clone(values) // what is kept for other expressions speaks of the event
	values[exprsafe.EnvChange] = exprsafe.Change{Changed: changed, Old: old, Now: record}
	return values, nil
}

// constant is a value that is no text.
type constant struct{ value any }

// Eval gives the value.
func (c constant) Eval(*engine.Env) (any, error) { return c.value, nil }

// Routes of a constant are none.
func (constant) Routes() []string { return nil }

// Uses of a constant are none.
func (constant) Uses() engine.Uses { return engine.Uses{} }

// Source is the value as text.
func (c constant) Source() string { return fmt.Sprint(c.value) }

// types makes the scopes of expressions from the descriptions of modules.
type types struct {
	modules map[string]*engine.Module
	objects map[string]exprsafe.Type
}

// scope is what an expression of a workflow may see; steps are the ids of the steps before it.
func (t *types) scope(w *engine.Workflow, steps []string) *exprsafe.Scope {
	record, inputs := t.object(w.Module), exprsafe.ObjectOf("inputs", nil)
	if w.Inputs != nil {
		inputs = exprsafe.ObjectOf("inputs", t.fields(w.Inputs))
	}
	outputs := map[string]exprsafe.Type{}
	for _, id := range steps {
		outputs[id] = exprsafe.Type{Kind: exprsafe.Map}
	}
	text, at := exprsafe.Type{Kind: exprsafe.Text}, exprsafe.Type{Kind: exprsafe.Time}
	scope := &exprsafe.Scope{Names: map[string]exprsafe.Type{
		"record": record, "old": record, "actor": text,
		"event": exprsafe.ObjectOf("event", map[string]exprsafe.Type{
			"id": text, "source": text, "type": text, "time": at, "record": record, "related": text,
			"data": t.data(w),
		}),
		"inputs": inputs,
		"steps":  exprsafe.ObjectOf("steps", outputs),
	}}
	if w.Debounce != nil {
		scope.Names["events"] = exprsafe.ListOf(exprsafe.ObjectOf("event", map[string]exprsafe.Type{
			"id": text, "source": text, "type": text, "time": at, "actor": text, "record": record, "old": record,
			"changed": exprsafe.ListOf(text),
		}))
	}
	return scope
}

// data is what the event's data may hold: what the events of a portal tell is known, and of others anything.
func (t *types) data(w *engine.Workflow) exprsafe.Type {
	known := map[string]exprsafe.Type{}
	for _, trigger := range w.Triggers {
		values := engine.PortalData(trigger.Event)
		if values == nil {
			return exprsafe.Type{Kind: exprsafe.Map}
		}
		for name, kind := range values {
			known[name] = t.field(&engine.Field{Type: kind})
		}
	}
	data := exprsafe.MapOf(known)
	data.Only = len(known) > 0
	return data
}

// outputsOf is the type of what a step gives: what is so of every step, and more by its kind. Of a step that
// was not taken all of it is null.
func outputsOf(step *engine.Step) exprsafe.Type {
	known := map[string]exprsafe.Type{"failed": {Kind: exprsafe.Bool}, "error": {Kind: exprsafe.Text}}
	if step.ForEach == nil {
		return exprsafe.MapOf(known)
	}
	known["count"], known["failures"] = exprsafe.Type{Kind: exprsafe.Number}, exprsafe.Type{Kind: exprsafe.Number}
	known["items"] = exprsafe.ListOf(exprsafe.Type{Kind: exprsafe.Map})
	for _, ofMessages := range []string{"acted", "state", "channel"} {
		known[ofMessages] = exprsafe.Type{}
	}
	return exprsafe.ObjectOf("steps."+step.ID, known)
}

// titleScope is what the title of a landing may see: the record that the page shows. No event has led to it.
func (t *types) titleScope(module *engine.Module) *exprsafe.Scope {
	return &exprsafe.Scope{Names: map[string]exprsafe.Type{"record": t.object(module)}, Steady: true}
}

func (t *types) object(module *engine.Module) exprsafe.Type {
	if o, ok := t.objects[module.Name]; ok {
		return o
	}
	fields := t.fields(module)
	fields["id"] = exprsafe.Type{Kind: exprsafe.Text}
	if t.objects == nil {
		t.objects = map[string]exprsafe.Type{}
	}
	t.objects[module.Name] = exprsafe.ObjectOf(spoken(module), fields)
	return t.objects[module.Name]
}

// spoken is what complaints call a module.
func spoken(m *engine.Module) string {
	if m.Name == engine.ScheduleModule {
		return "a schedule without each, which is about no record"
	}
	return m.Name
}

func (t *types) fields(module *engine.Module) map[string]exprsafe.Type {
	fields := make(map[string]exprsafe.Type, len(module.Fields)+1)
	for name, field := range module.Fields {
		fields[name] = t.field(field)
	}
	return fields
}

func (t *types) field(f *engine.Field) exprsafe.Type {
	switch f.Type {
	case engine.TypeNumber, engine.TypeInteger, engine.TypeDecimal, engine.TypeCurrency:
		return exprsafe.Type{Kind: exprsafe.Number}
	case engine.TypeBoolean:
		return exprsafe.Type{Kind: exprsafe.Bool}
	case engine.TypeDate, engine.TypeDateTime:
		return exprsafe.Type{Kind: exprsafe.Time}
	case engine.TypeMultiPicklist:
		return exprsafe.ListOf(exprsafe.Type{Kind: exprsafe.Text})
	case engine.TypeReference, engine.TypeOwner:
		if len(f.To) == 0 {
			return exprsafe.Type{Kind: exprsafe.Text} // the id of somebody whom the book does not describe
		}
		return exprsafe.ReferenceTo(func() exprsafe.Type { return t.union(f.To) })
	}
	return exprsafe.Type{Kind: exprsafe.Text, Options: f.Options}
}

// union is what a reference to several modules shows: every field of any; one that they type
// differently may be anything.
func (t *types) union(modules []string) exprsafe.Type {
	fields := map[string]exprsafe.Type{}
	name := ""
	for _, m := range modules {
		if t.modules[m] == nil {
			continue
		}
		object := t.object(t.modules[m])
		if name != "" {
			name += " or "
		}
		name += object.Name
		for field, typ := range object.Fields {
			if known, ok := fields[field]; ok && known.Kind != typ.Kind {
				typ = exprsafe.Type{}
			} else if ok && !slices.Equal(known.Options, typ.Options) {
				typ.Options = nil
			}
			fields[field] = typ
		}
	}
	return exprsafe.ObjectOf(name, fields)
}
