package render

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
)

// sampleLink is an address as long as one of ours.
const sampleLink = "https://go.acme.example/l/abcdefghijklmnopqrstuvwxyz2"

// Sample is an environment with an example for everything that the texts may speak of, for people and checks. It must
// not be called before Bind. Given are fields of the record that are known; nil for none.
func (t *Template) Sample(language string, given engine.Fields) *engine.Env {
	env := &engine.Env{
		Ref: engine.Ref{Module: t.scope.Module.Name, ID: "1x1"}, Module: t.scope.Module, Modules: t.modules,
		Record: sampleFields(t.scope.Module, language), Routes: map[string]engine.Record{},
		Outputs: map[string]engine.Fields{}, Vars: engine.Values{}, Links: map[string]string{},
		Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Recipient: engine.Recipient{
			Name: "Zoë O'Brien", Address: "zoe@acme.example", Language: language,
		},
	}
	maps.Copy(env.Record, given)
	for _, route := range t.routes {
		t.sampleRoute(env, route, language)
	}
	for name, typ := range t.vars {
		env.Vars[name] = t.sampleOf(typ, name, 0)
	}
	for id, typ := range t.steps {
		outputs := engine.Fields{}
		for name, of := range typ.Fields {
			outputs[name] = t.sampleOf(of, name, 0)
		}
		env.Outputs[id] = outputs
	}
	for i, name := range slices.Sorted(slices.Values(t.scope.Links)) {
		env.Links[name] = sampleLink
		if i == 0 {
			env.Links["link"] = sampleLink
		}
	}
	if t.scope.Item != nil {
		env.Item = t.sampleOf(*t.scope.Item, "item", 0)
	}
	return env
}

// sampleRoute puts a record there that a route leads to.
func (t *Template) sampleRoute(env *engine.Env, route, language string) {
	from := []*engine.Module{t.scope.Module}
	for i, name := range strings.Split(route, ".") {
		if i == 0 && name == engine.ItemRoute {
			from = nil
			if t.scope.Item != nil && t.modules[t.scope.Item.Name] != nil {
				from = []*engine.Module{t.modules[t.scope.Item.Name]}
			}
			continue
		}
		field := fieldIn(from, name)
		if from = nil; field == nil {
			return
		}
		for _, to := range field.To {
			if m := t.modules[to]; m != nil {
				from = append(from, m)
			}
		}
	}
	if len(from) > 0 {
		env.Routes[route] = engine.Record{
			Ref: engine.Ref{Module: from[0].Name, ID: "2x1"}, Fields: sampleFields(from[0], language),
		}
	}
}

// known are examples for fields that most houses have.
var known = map[string]string{
	"firstname": "Zoë", "lastname": "O'Brien", "first_name": "Pilar", "last_name": "Núñez", "accountname": "Globex",
}

func sampleFields(m *engine.Module, language string) engine.Fields {
	fields := engine.Fields{}
	for name, field := range m.Fields {
		fields[name] = sampleField(field, language)
	}
	return fields
}

func sampleField(f *engine.Field, language string) any {
	switch f.Type {
	case engine.TypeNumber, engine.TypeInteger:
		return json.Number("3")
	case engine.TypeDecimal, engine.TypeCurrency:
		return json.Number("1250.50")
	case engine.TypeBoolean:
		return true
	case engine.TypeDate:
		return "2026-03-16"
	case engine.TypeDateTime:
		return "2026-03-16 09:30:00"
	case engine.TypeEmail:
		return "zoe@acme.example"
	case engine.TypePhone:
		return "+34600123456"
	case engine.TypeURL:
		return "https://acme.example/"
	case engine.TypeReference, engine.TypeOwner:
		return "2x1"
	case engine.TypeMultiPicklist:
		return []any{sampleText(f, language)}
	}
	return sampleText(f, language)
}

func sampleText(f *engine.Field, language string) string {
	text := cmp.Or(known[f.Name], f.Label.In(language), f.Name)
	if len(f.Options) > 0 {
		text = f.Options[0]
	}
	if runes := []rune(text); f.Max > 0 && len(runes) > f.Max {
		text = string(runes[:f.Max])
	}
	return text
}

// sampleOf is an example of a type. A name says what a text is of.
func (t *Template) sampleOf(typ exprsafe.Type, name string, depth int) any {
	if depth > maxDepth/2 {
		return nil
	}
	switch typ.Kind {
	case exprsafe.Number:
		return json.Number("3")
	case exprsafe.Bool:
		return true
	case exprsafe.Time:
		return time.Date(2026, 3, 16, 9, 30, 0, 0, time.UTC)
	case exprsafe.Duration:
		return 48 * time.Hour
	case exprsafe.List:
		return []any{t.sampleOf(typ.Item(), name, depth+1), t.sampleOf(typ.Item(), name, depth+1)}
	case exprsafe.Object, exprsafe.Map:
		all := map[string]any{}
		if m := t.modules[typ.Name]; m != nil {
			maps.Copy(all, sampleFields(m, "en"))
			return all
		}
		for field, of := range typ.Fields {
			all[field] = t.sampleOf(of, field, depth+1)
		}
		return all
	}
	if len(typ.Options) > 0 {
		return typ.Options[0]
	}
	return cmp.Or(known[name], name)
}

// Channels are those that the template has texts for, sorted; kinds of channels among them.
func (t *Template) Channels() []string {
	all := slices.Collect(maps.Keys(t.texts))
	if t.approved != nil && !slices.Contains(all, t.approved.kind()) {
		all = append(all, t.approved.kind())
	}
	slices.Sort(all)
	return all
}

// Languages are those that there is a text for a channel in, sorted.
func (t *Template) Languages(channel string) []string {
	if texts := t.of(channel); len(texts) > 0 {
		return slices.Sorted(maps.Keys(texts))
	}
	if t.approved == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.approved.IDs))
}

// Kind is the kind of a channel; its name, if no kind is known.
func (t *Template) Kind(channel string) string { return cmp.Or(t.shelf.kindOf(channel), channel) }

// Module is the one of the records that the texts are about.
func (t *Template) Module() *engine.Module { return t.scope.Module }
