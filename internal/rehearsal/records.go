package rehearsal

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// source is the CloudEvents source of what a story tells.
const source = "story"

// records makes the events that tell of the records as they are before a case: those above all cases, and over them
// the case's own.
func (p *parser) records(all, own []yamldoc.Entry, now time.Time) []*engine.Event {
	fields := map[engine.Ref]engine.Fields{}
	var order []engine.Ref
	for _, entry := range slices.Concat(all, own) {
		ref, values, ok := p.record(entry)
		if !ok {
			continue
		}
		if fields[ref] == nil {
			fields[ref] = engine.Fields{}
			order = append(order, ref)
		}
		maps.Copy(fields[ref], values)
	}
	var events []*engine.Event
	for i, ref := range order {
		events = append(events, &engine.Event{
			ID: fmt.Sprint("before-", i+1), Source: source, Type: engine.RecordCreated, Subject: ref.String(),
			Time: now, Change: &engine.Change{Record: fields[ref]},
		})
	}
	return events
}

// record reads a record and its fields: "Contacts/12x1: { … }".
func (p *parser) record(entry yamldoc.Entry) (engine.Ref, engine.Fields, bool) {
	ref, ok := p.ref(entry.Key)
	if !ok {
		return ref, nil, false
	}
	if entry.Value.Kind() != yamldoc.Mapping {
		p.complain(entry.Value.Errorf("expected the fields of %s, found %s", ref, entry.Value.Kind()))
		return ref, nil, false
	}
	return ref, p.fields(entry.Value, p.book.Modules[ref.Module]), true
}

// ref reads which record is meant.
func (p *parser) ref(node *yamldoc.Node) (engine.Ref, bool) {
	ref, err := engine.ParseRef(node.Text())
	if err != nil {
		p.complain(node.Errorf("%q names no record", node.Text()).WithHint("write it like Contacts/12x1"))
		return ref, false
	}
	return ref, p.module(node, ref.Module)
}

// module tells whether there is a module of a name.
func (p *parser) module(node *yamldoc.Node, name string) bool {
	if p.book.Modules[name] != nil {
		return true
	}
	d := node.Errorf("module %q is not described under modules/", name)
	if near, ok := yamldoc.Suggest(name, slices.Sorted(maps.Keys(p.book.Modules))); ok {
		d = d.WithHint(fmt.Sprintf("did you mean %q?", near))
	}
	p.complain(d)
	return false
}

// fields reads values of a module's fields.
func (p *parser) fields(node *yamldoc.Node, module *engine.Module) engine.Fields {
	values := engine.Fields{}
	for key, value := range node.Entries() {
		if module.Fields[key.Text()] == nil && key.Text() != "id" {
			p.complain(key.Unknown("field of "+module.Name, module.Names))
			continue
		}
		values[key.Text()] = plain(value.Plain())
	}
	return values
}

// plain is a value of a YAML file as records keep values.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		values := make(map[string]any, len(v))
		for name := range v {
			values[name] = plain(v[name])
		}
		return values
	}
	return v
}
