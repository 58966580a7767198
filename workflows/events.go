package workflows

import (
	"fmt"
	"maps"

	"postern/engine"
)

// gathered are the events of a run's window as expressions see them, the oldest first; of a run without one, its own.
func gathered(env *engine.Env) ([]any, error) {
	if env.Event == nil {
		return []any{}, nil
	}
	if len(env.Event.Gathered) == 0 {
		view, err := eventView(env, env.Event)
		return []any{view}, err
	}
	views := make([]any, len(env.Event.Gathered))
	for i, written := range env.Event.Gathered {
		event, err := engine.RestoreEvent(written)
		if err == nil {
			views[i], err = eventView(env, event)
		}
		if err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
	}
	return views, nil
}

func eventView(env *engine.Env, event *engine.Event) (map[string]any, error) {
	view := map[string]any{
		"id": event.ID, "source": event.Source, "type": event.Type, "time": event.Time, "actor": event.Actor(),
		"record": map[string]any{}, "old": map[string]any{}, "changed": []any{},
	}
	if event.Change == nil {
		return view, nil
	}
	record, err := env.Module.View(event.Change.Record)
	if err != nil {
		return nil, err
	}
	before := maps.Clone(event.Change.Record)
	maps.Copy(before, event.Change.Old)
	old, err := env.Module.View(before)
	if err != nil {
		return nil, err
	}
	record["id"], old["id"] = event.Ref().ID, event.Ref().ID
	changed := make([]any, len(event.Change.Changed))
	for i, name := range event.Change.Changed {
		changed[i] = name
	}
	view["record"], view["old"], view["changed"] = record, old, changed
	return view, nil
}
