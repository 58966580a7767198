package engine

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"time"
)

// Env is what expressions and templates see.
type Env struct {
	Event   *Event
	Ref     Ref                // of Record
	Module  *Module            // describes Record
	Modules map[string]*Module // all that the run's version knows
	Record  Fields             // the event's record overlaid with the run's own writes
	Routes  map[string]Record  // what the routes lead to, by path; absent where a reference is empty
	Outputs map[string]Fields  // outputs of steps, by id
	Vars    Values             // what vars steps have set so far
	Item    any                // what a step with for_each is taken for; a record is in Routes, under ItemRoute
	Inputs  map[string]any     // what was handed over when the workflow was started by hand, as expressions see it
	Now     time.Time          // the step's start
	Random  io.Reader          // what is random in a value comes from here; nil where nothing may be
	Secret  SecretSource       // what the keys of hashes come from; nil where there are none

	// Baseline are the fields as they were when a wait began, at least those of Uses.Changes. Where it
	// is set, the change words compare Record with it and not with what the event says; old stays the
	// event's.
	Baseline Fields

	Response map[string]any // what a web service answered, for the task that asked; nil everywhere else

	Work *Work // what expressions may still cost here; nil for no limit beside that of each

	Recipient Recipient         // in templates
	Links     map[string]string // in templates: URLs by name; "link" is the only or first one

	views   map[string]map[string]any
	found   map[string][]any // what queries gave, by their keys
	answers map[string][]any // and by what they asked
	asks    *asks            // of the run so far, which are not stored yet; nil for none
}

// View is the record as expressions see it, computed once. The error names the field that does not
// fit its type.
func (e *Env) View() (map[string]any, error) { return e.view("", e.Module, e.Ref.ID, e.Record) }

// OldView is the previous values of the changed fields, the others as they are.
func (e *Env) OldView() (map[string]any, error) {
	if e.Event == nil || e.Event.Change == nil {
		return map[string]any{}, nil
	}
	old := make(Fields, len(e.Event.Change.Record))
	maps.Copy(old, e.Event.Change.Record)
	maps.Copy(old, e.Event.Change.Old)
	return e.view("old", e.Module, e.Ref.ID, old)
}

// EventView is the record as it was when the event was taken in.
func (e *Env) EventView() (map[string]any, error) {
	if e.Event == nil || e.Event.Change == nil {
		return map[string]any{}, nil
	}
	return e.view("event", e.Module, e.Ref.ID, e.Event.Change.Record)
}

// RouteViews are the records that the routes lead to, by path, as expressions see them; a route that
// leads nowhere is left out.
func (e *Env) RouteViews(modules map[string]*Module) (map[string]map[string]any, error) {
	views := make(map[string]map[string]any, len(e.Routes))
	for path, record := range e.Routes {
		module := modules[record.Module]
		if module == nil {
			continue
		}
		view, err := e.view("route:"+path, module, record.ID, record.Fields)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", path, e.Module.Name, err)
		}
		views[path] = view
	}
	return views, nil
}

// Memo keeps what build computes from the environment until the record is written to or the next step
// begins; evaluators keep their own form of it there.
func (e *Env) Memo(name string, build func() (map[string]any, error)) (map[string]any, error) {
	if v, ok := e.views[name]; ok {
		return v, nil
	}
	v, err := build()
	if err != nil {
		return nil, err
	}
	if e.views == nil {
		e.views = map[string]map[string]any{}
	}
	e.views[name] = v
	return v, nil
}

// Write lays values over the record, for what is evaluated from now on; the map that was there stays
// as it is, for those who hold it.
func (e *Env) Write(set Fields) {
	e.Record = maps.Clone(e.Record)
	maps.Copy(e.Record, set)
	routes := maps.Clone(e.Routes)
	for path := range routes { // what a reference leads to that was set is read anew
		if first, _, _ := strings.Cut(path, "."); has(set, first) {
			delete(routes, path)
		}
	}
	e.Routes, e.views = routes, nil
}

func has(fields Fields, name string) bool {
	_, there := fields[name]
	return there
}

// WriteRoutes lays values over a record wherever routes lead to it.
func (e *Env) WriteRoutes(ref Ref, set Fields) {
	routes := maps.Clone(e.Routes)
	for path, record := range routes {
		if record.Ref != ref {
			continue
		}
		record.Fields = maps.Clone(record.Fields)
		maps.Copy(record.Fields, set)
		routes[path] = record
		for name := range set {
			maps.DeleteFunc(routes, func(p string, _ Record) bool {
				onward := path + "." + name
				return p == onward || strings.HasPrefix(p, onward+".")
			})
		}
	}
	e.Routes, e.views = routes, nil
}

func (e *Env) view(key string, module *Module, id string, fields Fields) (map[string]any, error) {
	return e.Memo(key, func() (map[string]any, error) {
		view, err := module.View(fields)
		if err != nil {
			return nil, err
		}
		view["id"] = id
		return view, nil
	})
}
