package links

import (
	"fmt"

	"postern/engine"
)

// offers tells whether the landing offers an action for the record as it is now: whether its condition holds. One that
// cannot be decided is not offered; the log says so.
func (d *Door) offers(c *call, p passage, action *engine.Action, record engine.Record) (bool, error) {
	if action.If == nil {
		return true, nil
	}
	env := &engine.Env{
		Ref: record.Ref, Module: p.landing.Module, Modules: p.landing.Modules, Record: record.Fields, Now: c.now,
		Work: engine.NewWork(engine.QuickWork),
	}
	if routes := action.If.Routes(); len(routes) > 0 {
		if err := engine.Trace(c.Context(), d.with.CRM, env, routes); err != nil {
			return false, fmt.Errorf("read what %s of landing %s depends on: %w", action.Name, p.landing.Name, err)
		}
	}
	holds, err := engine.True(action.If, env)
	if err != nil {
		// The reason may quote what the record holds, which is nothing for a log.
		d.with.Logger.WarnContext(c.Context(), "condition of an action could not be decided for a record's values",
			"landing", p.landing.Name, "action", action.Name, "record", record.String())
		return false, nil //nolint:nilerr // it is told, and the page does without the action
	}
	return holds, nil
}

// lookedAt are the fields that an action's condition looks at, with the values that the record has: what must still
// stand when the action is done.
func lookedAt(action *engine.Action, record engine.Record) engine.Fields {
	fields := engine.Fields{}
	if reading, ok := action.If.(engine.Reading); ok {
		for _, name := range reading.Reads() {
			fields[name] = record.Fields[name]
		}
	}
	return fields
}
