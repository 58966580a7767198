package tasks

import (
	"context"

	"postern/engine"
)

// Relate joins two records, as a CRM lists them under each other; no field of either changes. What is
// joined already is left as it is.
type Relate struct {
	// To is a route to the record at the far end, such as record.parent_id.
	To string `yaml:"to,required"`
	// Record is a route to the record at the near end, if that is not the one the run is about.
	Record string `yaml:"record"`

	ends ends
}

func relateKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "relate",
		Summary: "joins the record with another one",
		Example: "relate: { to: record.parent_id }",
		New:     func() engine.Task { return &Relate{} },
	}
}

// Check finds both ends.
func (r *Relate) Check(scope engine.CheckScope) { r.ends = checkEnds(scope, r.Record, r.To) }

// Run asks for the relation.
func (r *Relate) Run(_ context.Context, step *engine.StepContext) error {
	near, far, ok := r.ends.refs(step, "related")
	if !ok {
		return nil
	}
	return step.Relate(near, far, false)
}

// ends are the routes to the records at both ends of a relation; near is nil for the run's own.
type ends struct{ near, far *engine.Route }

func checkEnds(scope engine.CheckScope, record, to string) ends {
	e := ends{far: checkRecord(scope, "to", to)}
	if record != "" {
		e.near = checkRecord(scope, "record", record)
	}
	return e
}

// refs are the records at both ends. Where there are not two of them, that is noted.
func (e ends) refs(step *engine.StepContext, done string) (near, far engine.Ref, ok bool) {
	near, far = step.Ref, e.far.Ref(step.Env)
	if e.near != nil {
		near = e.near.Ref(step.Env)
	}
	switch {
	case near.IsZero() || far.IsZero():
		route := e.far
		if near.IsZero() {
			route = e.near
		}
		step.Note("nothing %s: %s leads to no record", done, route)
	case near == far:
		step.Note("nothing %s: %s is at both ends", done, near)
	default:
		return near, far, true
	}
	return near, far, false
}

// checkRecord finds the route at a key, which must lead to a record; nil after a complaint.
func checkRecord(scope engine.CheckScope, key, path string) *engine.Route {
	route := scope.Route(key)
	if route != nil && !route.Records() {
		scope.Complain(key, path+" is a field, not a record")
		return nil
	}
	return route
}

var (
	_ engine.Task    = (*Relate)(nil)
	_ engine.Checker = (*Relate)(nil)
)
