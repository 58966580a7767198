package links

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"postern/engine"
)

// narrow is the landing as it is now without what it did not allow then. What does not widen it, such as its title or
// where it leads afterwards, is as it is now. A proof that was asked for then and is not now is asked for all the same;
// where both ask for one, the present one counts.
func narrow(now, then *engine.Landing) *engine.Landing {
	both := *now
	both.Show, both.Actions = nil, nil
	for _, name := range now.Show {
		if slices.Contains(then.Show, name) {
			both.Show = append(both.Show, name)
		}
	}
	both.Edit = narrowEdits(now.Edit, then.Edit)
	for _, action := range now.Actions {
		if common := narrowAction(action, then.Action(action.Name)); common != nil {
			both.Actions = append(both.Actions, common)
		}
	}
	both.Factor = cmp.Or(now.Factor, then.Factor)
	both.ByExternalID = now.ByExternalID && then.ByExternalID
	both.Bind = now.Bind || then.Bind
	both.HandOver = narrowHandOver(now.HandOver, then.HandOver)
	return &both
}

// narrowAction is an action with what both allow; nil if that is nothing.
func narrowAction(now, then *engine.Action) *engine.Action {
	if then == nil || !maps.EqualFunc(now.Set, then.Set, engine.Same) {
		return nil
	}
	both := *now
	both.If = bothHold(now.If, then.If)
	both.Ask = narrowEdits(now.Ask, then.Ask)
	// Whatever one of the two insists on being typed, the other must let be typed.
	for _, ask := range slices.Concat(now.Ask, then.Ask) {
		if ask.Field.Required && editOf(both.Ask, ask.Field.Name) == nil {
			return nil
		}
	}
	both.Undo = min(now.Undo, then.Undo)
	both.Factor = cmp.Or(now.Factor, then.Factor)
	both.Within = shorter(now.Within, then.Within)
	return &both
}

// shorter is the shorter of two limits, of which zero is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// narrowHandOver is a hand-over that tells what both tell, for no longer than both; nil unless there are two.
func narrowHandOver(now, then *engine.HandOver) *engine.HandOver {
	if now == nil || then == nil {
		return nil
	}
	both := *now
	both.Life = min(now.Life, then.Life)
	both.Fields = common(now.Fields, then.Fields)
	return &both
}

func editOf(edits []*engine.Edit, name string) *engine.Edit {
	i := slices.IndexFunc(edits, func(e *engine.Edit) bool { return e.Field.Name == name })
	if i < 0 {
		return nil
	}
	return edits[i]
}

// narrowEdits are the entries that both have, with what both allow.
func narrowEdits(now, then []*engine.Edit) (both []*engine.Edit) {
	for _, edit := range now {
		old := editOf(then, edit.Field.Name)
		if old == nil {
			continue
		}
		if edit := narrowEdit(edit, old); edit != nil {
			both = append(both, edit)
		}
	}
	return both
}

// narrowEdit is a field with what both allow to be entered; nil if that is nothing, or if the field is another kind of
// field now, or becomes another kind of record.
func narrowEdit(now, then *engine.Edit) *engine.Edit {
	both, old := now.Allowed(), then.Allowed()
	if both.Type != old.Type || !sameCreation(now.Creates, then.Creates) {
		return nil
	}
	edit := &engine.Edit{Field: both, Creates: now.Creates}
	both.Required = both.Required || old.Required
	if old.Max > 0 && (both.Max == 0 || old.Max < both.Max) {
		both.Max = old.Max
	}
	switch {
	case len(old.Options) == 0: // any
	case len(both.Options) == 0:
		both.Options = old.Options
	default:
		if both.Options = common(both.Options, old.Options); len(both.Options) == 0 {
			return nil
		}
	}
	var numbers, files bool
	edit.Scale, numbers = narrowScale(now.Scale, then.Scale)
	edit.Upload, files = narrowUpload(now.Upload, then.Upload)
	if !numbers || !files {
		return nil
	}
	return edit
}

// sameCreation tells whether two entries make the same of what is typed.
func sameCreation(now, then *engine.Creation) bool {
	if now == nil || then == nil {
		return now == then
	}
	return now.Module.Name == then.Module.Name && now.Field == then.Field && now.By == then.By &&
		maps.EqualFunc(now.Set, then.Set, engine.Same)
}

// narrowScale is the part that two rows have in common; false if there is none.
func narrowScale(now, then *engine.Scale) (*engine.Scale, bool) {
	if now == nil || then == nil {
		return cmp.Or(now, then), true
	}
	both := engine.Scale{From: max(now.From, then.From), To: min(now.To, then.To)}
	return &both, both.From <= both.To
}

// narrowUpload is what both take; false if that is nothing.
func narrowUpload(now, then *engine.Upload) (*engine.Upload, bool) {
	if now == nil || then == nil {
		return nil, now == then
	}
	both := engine.Upload{Max: min(now.Max, then.Max), Types: common(now.Types, then.Types)}
	return &both, len(both.Types) > 0
}

// common are the items of one list that are in another too.
func common(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(item string) bool { return !slices.Contains(other, item) })
}

// bothHold is a condition that holds while two do; nil for always.
func bothHold(now, then engine.Program) engine.Program {
	switch {
	case then == nil || (now != nil && now.Source() == then.Source()):
		return now
	case now == nil:
		return then
	}
	return both{now, then}
}

// both is the condition that each of two programs holds.
type both [2]engine.Program

// Eval tells whether each holds.
func (b both) Eval(env *engine.Env) (any, error) {
	for _, p := range b {
		if holds, err := engine.True(p, env); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

// Routes are those of each.
func (b both) Routes() []string {
	routes := slices.Concat(b[0].Routes(), b[1].Routes())
	slices.Sort(routes)
	return slices.Compact(routes)
}

// Source is what was written at each time.
func (b both) Source() string { return "(" + b[0].Source() + ") and (" + b[1].Source() + ")" }

// Reads are the fields that one of them reads.
func (b both) Reads() (names []string) {
	for _, p := range b {
		if reading, ok := p.(engine.Reading); ok {
			names = append(names, reading.Reads()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
