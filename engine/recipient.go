package engine

import (
	"fmt"
	"strings"
)

// Route is a way from the record over references to a record or a field.
type Route struct {
	Path  string // "parent_id", "parent_id.email": the fields without the leading record; "" is the record itself
	Field *Field // the last field
}

// String is the route as it is written: record.parent_id.email, item.email.
func (r *Route) String() string { return RouteName(r.Path) }

// RouteName is a path as the route is written.
func RouteName(path string) string {
	if path == "" {
		return "record"
	}
	if below, ok := strings.CutPrefix(path, ItemRoute); ok {
		return "item" + below
	}
	return "record." + path
}

// Records tells whether the route ends at a record, not at a plain value.
func (r *Route) Records() bool { return len(r.Field.To) > 0 }

// Ref is the record the route ends at; zero where a reference is empty or dangling.
func (r *Route) Ref(env *Env) Ref { return r.Record(env).Ref }

// Record is the record the route ends at; zero where a reference is empty or dangling.
func (r *Route) Record(env *Env) Record {
	if r.Path == "" {
		return Record{Ref: env.Ref, Fields: env.Record}
	}
	return env.Routes[r.Path]
}

// Text is the value of the route's last field.
func (r *Route) Text(env *Env) string {
	from, name := env.Record, r.Path
	if at := strings.LastIndexByte(r.Path, '.'); at >= 0 {
		from, name = env.Routes[r.Path[:at]].Fields, r.Path[at+1:]
	}
	return from.Text(name)
}

// Recipient is who a message over a channel goes to: the record the route ends at with what reaches it by the channel,
// or, on a route to a field, the address in it. The error says what is missing, or what is wrong with the address.
func (r *Route) Recipient(env *Env, modules map[string]*Module, by Carrier) (Recipient, error) {
	owner := r.owner(env)
	if owner.IsZero() && r.Records() {
		return Recipient{}, fmt.Errorf("%s leads to no record", r)
	}
	to := Recipient{Ref: owner.Ref}
	module := env.Module
	if owner.Ref != env.Ref {
		module = modules[owner.Module]
	}
	if module != nil {
		to.Language = language(module, owner.Fields)
	}
	var err error
	if r.Records() {
		to.Name = module.TitleOf(owner)
		to.Address, err = by.find(owner, module)
	} else if to.Address = strings.TrimSpace(r.Text(env)); to.Address == "" {
		err = fmt.Errorf("%s is empty", r)
	}
	if err != nil {
		return Recipient{}, err
	}
	to.Address, err = by.proper(to.Address)
	return to, err
}

// owner is the record that the route ends at, or that has the field it ends at.
func (r *Route) owner(env *Env) Record {
	if r.Records() {
		return r.Record(env)
	}
	if at := strings.LastIndexByte(r.Path, '.'); at >= 0 {
		return env.Routes[r.Path[:at]]
	}
	return Record{Ref: env.Ref, Fields: env.Record}
}

func language(module *Module, fields Fields) string {
	if module.Language == "" {
		return ""
	}
	return fields.Text(module.Language)
}
