package engine

import "slices"

// Trigger is what starts a workflow: an event type on a module, a time, or somebody who starts it by hand.
type Trigger struct {
	Event   string   // its type; record.saved is two triggers; "" where no event starts it
	Module  string   // of the record
	Changed []string // of record.updated: one of these fields changed; none for any
	Related string   // of record.related and record.unrelated: the module at the other end; "" for any
	Manual  bool     // by hand: an operator, the API, or the start task

	Schedule *Schedule // at its ticks
	Around   *Around   // around a date of the record
}

// Matches tells whether the trigger's event type, module and fields fit the event.
func (t Trigger) Matches(event *Event) bool {
	switch {
	case t.Event == "" || t.Event != event.Type || t.Module != event.Ref().Module:
		return false
	case event.Change == nil:
		return true
	case t.Related != "":
		other, err := ParseRef(event.Change.Related)
		return err == nil && other.Module == t.Related
	case len(t.Changed) == 0:
		return true
	}
	return slices.ContainsFunc(t.Changed, func(field string) bool {
		return slices.Contains(event.Change.Changed, field)
	})
}
