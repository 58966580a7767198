package workflows

import (
	"fmt"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// triggerFile is one entry under on. It has exactly one of event, schedule, around and manual.
type triggerFile struct {
	// Event is the type of the event.
	Event *yamldoc.Node `yaml:"event" schema:"event"`
	// Schedule starts the workflow at times.
	Schedule *scheduleFile `yaml:"schedule"`
	// Around starts the workflow some time before or after a date of the record.
	Around *aroundFile `yaml:"around"`
	// Manual lets an operator, a button of the CRM or another workflow start this one.
	Manual *yamldoc.Node `yaml:"manual" schema:"yes"`
	// Module is the kind of record that the workflow is about.
	Module *yamldoc.Node `yaml:"module" schema:"module"`
	// Changed are fields: an update starts the workflow only if one of them has changed.
	Changed []*yamldoc.Node `yaml:"changed,one" schema:"text"`
	// Related is the module at the other end of a relation.
	Related *yamldoc.Node `yaml:"related" schema:"module"`

	at *yamldoc.Node
}

// UnmarshalYAMLDoc remembers where the trigger stands.
func (t *triggerFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	type plain triggerFile
	t.at = n
	return yamldoc.Decode(n, (*plain)(t))
}

// recordEvents are the types that tell a change of a record; saved is created or updated.
var recordEvents = map[string][]string{
	"record.created":   {engine.RecordCreated},
	"record.updated":   {engine.RecordUpdated},
	"record.saved":     {engine.RecordCreated, engine.RecordUpdated},
	"record.deleted":   {engine.RecordDeleted},
	"record.restored":  {engine.RecordRestored},
	"record.related":   {engine.RecordRelated},
	"record.unrelated": {engine.RecordUnrelated},
}

// eventNames are the types of events that Postern knows of, in the order of a suggestion.
func eventNames() []string {
	return append([]string{
		"record.created", "record.updated", "record.saved", "record.deleted", "record.restored", "record.related",
		"record.unrelated",
	}, engine.OwnEvents()...)
}

// trigger reads one entry under on.
func (l *loader) trigger(w *engine.Workflow, t triggerFile) {
	kinds := t.kinds()
	if len(kinds) != 1 {
		l.complain(t.at.Errorf("a trigger has one of event, schedule, around and manual: true, this one has %s",
			listed(kinds)))
		return
	}
	if t.Schedule != nil {
		l.scheduled(w, t)
		return
	}
	if !l.triggerModule(w, t) {
		return
	}
	if t.Manual != nil {
		l.byHand(w, t)
		return
	}
	if t.Around != nil {
		l.around(w, t)
		return
	}
	events := l.eventTypes(t.Event)
	for _, event := range events {
		trigger := engine.Trigger{Event: event, Module: w.Module.Name, Related: l.related(t)}
		if event == engine.RecordUpdated {
			trigger.Changed = l.changed(w, t)
		}
		w.Triggers = append(w.Triggers, trigger)
	}
	if len(events) > 0 && len(t.Changed) > 0 && !slices.Contains(events, engine.RecordUpdated) {
		l.complain(t.Changed[0].Errorf("%s has no changed fields", t.Event.Text()))
	}
}

func (t triggerFile) kinds() (kinds []string) {
	if t.Event != nil {
		kinds = append(kinds, "event")
	}
	if t.Schedule != nil {
		kinds = append(kinds, "schedule")
	}
	if t.Around != nil {
		kinds = append(kinds, "around")
	}
	if t.Manual != nil {
		kinds = append(kinds, "manual")
	}
	return kinds
}

// listed is what a complaint says of what there is.
func listed(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " and ")
}

// triggerModule finds the module that a trigger is on, the same for all of a workflow.
func (l *loader) triggerModule(w *engine.Workflow, t triggerFile) bool {
	if t.Module == nil {
		l.complain(t.at.Errorf("a trigger needs the module of the record: add module:"))
		return false
	}
	return l.sameModule(w, t.Module, l.knownModule(t.Module))
}

// sameModule makes a module that of a workflow, unless a trigger before is on another one.
func (l *loader) sameModule(w *engine.Workflow, at *yamldoc.Node, module *engine.Module) bool {
	switch {
	case module == nil:
		return false
	case w.Module != nil && w.Module.Name != module.Name && engine.ScheduleModule == module.Name:
		l.complain(at.Errorf("the triggers before are about a record of %s, and this schedule is about none: "+
			"add each: { module: %[1]s }, or make two workflows", w.Module.Name))
		return false
	case w.Module != nil && w.Module.Name != module.Name:
		l.complain(at.Errorf("all triggers of a workflow are on one module; the first is on %s", w.Module.Name))
		return false
	}
	w.Module = module
	return true
}

// eventTypes are the types that an event name stands for; none after a complaint. A name that is nearly one that we
// know is taken for a slip of the pen.
func (l *loader) eventTypes(n *yamldoc.Node) []string {
	name := n.Text()
	if events := recordEvents[name]; events != nil {
		return events
	}
	if slices.Contains(engine.OwnEvents(), name) {
		return []string{name}
	}
	noun, verb, _ := strings.Cut(name, ".")
	_, near := yamldoc.Suggest(name, eventNames())
	switch {
	case near || noun == "record" || engine.OwnNoun(noun):
		l.complain(n.Unknown("event", eventNames()))
	case name == engine.WorkflowStart:
		l.complain(n.Errorf("a start by hand is the trigger { manual: true }"))
	case !engine.PlainToken(noun) || !engine.PlainToken(verb):
		l.complain(n.Errorf(
			"an event's type is <noun>.<verb>, such as record.created or ticket.escalated, found %q", name))
	default:
		return []string{name}
	}
	return nil
}

// changed are the fields one of which must have changed.
func (l *loader) changed(w *engine.Workflow, t triggerFile) (fields []string) {
	for _, field := range t.Changed {
		if l.knownField(field, w.Module) {
			fields = append(fields, field.Text())
		}
	}
	return fields
}

// related is the module that must be at the other end.
func (l *loader) related(t triggerFile) string {
	if t.Related == nil {
		return ""
	}
	if event := t.Event.Text(); event != "record.related" && event != "record.unrelated" {
		l.complain(t.Related.Errorf("related goes with record.related and record.unrelated, not with %s", event))
		return ""
	}
	if module := l.knownModule(t.Related); module != nil {
		return module.Name
	}
	return ""
}

// byHand reads a trigger that stands for an operator, a button or another workflow.
func (l *loader) byHand(w *engine.Workflow, t triggerFile) {
	var yes bool
	l.complain(yamldoc.Decode(t.Manual, &yes)...)
	if !yes {
		l.complain(t.Manual.Errorf("manual is true, or the trigger is left out"))
	}
	for key, n := range map[string]bool{"changed": len(t.Changed) > 0, "related": t.Related != nil} {
		if n {
			l.complain(t.at.Get(key).Errorf("%s does not go with manual", key))
		}
	}
	w.Triggers = append(w.Triggers, engine.Trigger{Manual: true, Module: w.Module.Name})
}

// checkChanges refuses questions for a change where no trigger tells one: the answer would always be no.
func (l *loader) checkChanges(w *engine.Workflow, f workflowFile) {
	sensitive, ok := w.If.(engine.Sensitive)
	if !ok || len(sensitive.Uses().Changes) == 0 || f.If == nil {
		return
	}
	tells := func(t engine.Trigger) bool { return t.Event == engine.RecordUpdated }
	if len(w.Triggers) > 0 && !slices.ContainsFunc(w.Triggers, tells) {
		l.complain(f.If.Errorf("%s asks what changed, but no trigger is record.updated or record.saved",
			fmt.Sprintf("the condition about %s", strings.Join(sensitive.Uses().Changes, ", "))))
	}
}
