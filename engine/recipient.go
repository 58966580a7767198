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

// Recipient is who a message over a channel goes to: the record the route ends at with its first
// address of the channel's type, or, on a route to a field, the address in it. The error says what is
// missing.
func (r *Route) Recipient(env *Env, modules map[string]*Module, channel string) (Recipient, error) {
	if !r.Records() {
		address := strings.TrimSpace(r.Text(env))
		if address == "" {
			return Recipient{}, fmt.Errorf("%s is empty", r)
		}
		owner, module := Record{Ref: env.Ref, Fields: env.Record}, env.Module
		if at := strings.LastIndexByte(r.Path, '.'); at >= 0 {
			owner = env.Routes[r.Path[:at]]
			module = modules[owner.Module]
		}
		return Recipient{Ref: owner.Ref, Address: address, Language: language(module, owner.Fields)}, nil
	}
	record := r.Record(env)
	if record.IsZero() {
		return Recipient{}, fmt.Errorf("%s leads to no record", r)
	}
	module := modules[record.Module]
	for _, name := range module.Names {
		address := strings.TrimSpace(record.Fields.Text(name))
		if module.Fields[name].Type == AddressType(channel) && address != "" {
			return Recipient{
				Ref: record.Ref, Name: module.TitleOf(record), Address: address,
				Language: language(module, record.Fields),
			}, nil
		}
	}
	return Recipient{}, fmt.Errorf("%s has no %s", record.Ref, AddressType(channel))
}

// AddressType is the type of field that holds the address a channel needs.
func AddressType(channel string) FieldType {
	if channel == "sms" || channel == "whatsapp" {
		return TypePhone
	}
	return TypeEmail
}

func language(module *Module, fields Fields) string {
	if module.Language == "" {
		return ""
	}
	return fields.Text(module.Language)
}
