package workflows

import (
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// maxUndo is the longest time for which an action can be taken back.
const maxUndo = 7 * 24 * time.Hour

type actionFile struct {
	// Label is what stands on the button: a text, or one for each language.
	Label labels `yaml:"label"`
	// Set are the values that the button gives to fields.
	Set []yamldoc.Entry `yaml:"set,required"`
	// If is a condition on the record: the button is there while it holds.
	If *yamldoc.Node `yaml:"if" schema:"if"`
	// Ask is what a visitor fills in before they confirm, written like edit; it is required unless it says otherwise.
	Ask []yamldoc.Entry `yaml:"ask" schema:"nothing|editFile"`
	// Undo is for how long the visitor may take it back, at most 7d.
	Undo *yamldoc.Node `yaml:"undo" schema:"duration"`
	// Factor names what a visitor has to prove for this beside the landing's own: a file under factors/.
	Factor *yamldoc.Node `yaml:"factor" schema:"factor"`
	// Within is how old the proof may be, at most 8h: an older one is asked for again.
	Within *yamldoc.Node `yaml:"within" schema:"duration"`
}

// action reads one entry under actions.
func (p *page) action(entry yamldoc.Entry) {
	var f actionFile
	p.complain(yamldoc.Decode(entry.Value, &f)...)
	if !workflowName.MatchString(entry.Key.Text()) || entry.Key.Text() == "edit" {
		p.complain(entry.Key.Errorf("an action's name may hold only small letters, digits and -, and is not edit"))
		return
	}
	if len(f.Set) == 0 && entry.Value.Get("set") != nil {
		p.complain(entry.Value.Get("set").Errorf("set names at least one field"))
	}
	action := &engine.Action{
		Name: entry.Key.Text(), Label: engine.Labels(f.Label), Set: p.plainValues(f.Set, p.landing.Module),
		Factor: p.factorFor(f.Factor, p.landing.Module, p.files),
	}
	if f.If != nil {
		action.If = p.condition(f.If)
	}
	for _, ask := range f.Ask {
		action.Ask = append(action.Ask, p.ask(ask, action)...)
	}
	if f.Undo != nil {
		diags := yamldoc.Decode(f.Undo, &action.Undo)
		p.complain(diags...)
		if diags.Err() == nil && (action.Undo <= 0 || action.Undo > maxUndo) {
			p.complain(f.Undo.Errorf("undo is a duration above zero, at most %s", yamldoc.FormatDuration(maxUndo)))
		}
	}
	p.checkWithin(f.Within, action, p.landing)
	p.landing.Actions = append(p.landing.Actions, action)
}

// condition compiles the condition of an action, which speaks of the record on the page alone.
func (p *page) condition(at *yamldoc.Node) engine.Program {
	compiled := p.program(at, p.types.titleScope(p.landing.Module), exprsafe.Bool)
	if compiled != nil && len(compiled.Routes()) > 0 {
		p.complain(at.Errorf("the condition of an action speaks of its own record only"))
		return nil
	}
	return compiled
}

// ask reads one thing that is filled in before an action is confirmed. It is required unless it says otherwise: a
// scanner that clicks types nothing.
func (p *page) ask(entry yamldoc.Entry, action *engine.Action) []*engine.Edit {
	found := p.edit(entry, action.Ask)
	for _, edit := range found {
		if _, set := action.Set[edit.Field.Name]; set && edit.Creates == nil {
			p.complain(entry.Key.Errorf("%s is set by the action itself, so there is nothing to ask", edit.Field.Name))
		}
		if entry.Value.Get("required") == nil {
			field := *edit.Field
			field.Required = true
			edit.Field = &field
		}
	}
	return found
}

// plainValues are values for fields of a module, as a record keeps them.
func (p *page) plainValues(set []yamldoc.Entry, module *engine.Module) engine.Fields {
	values := engine.Fields{}
	for _, entry := range set {
		if !p.knownField(entry.Key, module) {
			continue
		}
		plain, err := module.Fields[entry.Key.Text()].Plain(entry.Value.Plain())
		if err != nil {
			p.complain(entry.Value.Errorf("%v", err))
			continue
		}
		values[entry.Key.Text()] = plain
	}
	return values
}
