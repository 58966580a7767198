package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/exprsafe"
)

// Scope is what the messages of a step may speak of.
type Scope struct {
	Module  *engine.Module // of the record
	Modules map[string]*engine.Module
	Links   []string                 // names of those that the message carries
	Vars    map[string]exprsafe.Type // that the steps before set
	Steps   map[string]exprsafe.Type // what those with an id gave
	Item    *exprsafe.Type           // what the step is taken for; nil for nothing
}

// Bind ties the template to the modules of its book and checks what it says of them: the record's
// fields and routes, the names of the links the message carries, and the vars. It must be called before
// Render.
func (t *Template) Bind(scope Scope) []Problem {
	t.scope = scope
	t.modules, t.vars, t.steps = scope.Modules, maps.Clone(scope.Vars), maps.Clone(scope.Steps)
	var problems []Problem
	t.says = map[string]bool{}
	for _, use := range t.uses {
		t.says[use.Path[0]] = true
		c := checker{Scope: scope, dot: use.dot}
		c.use(use.Path)
		if c.wrong != "" && len(problems) < maxTrouble {
			problems = append(problems, Problem{
				File: use.File, Line: use.Line, Column: use.Column + c.at,
				Message: c.wrong, Word: c.word, Choices: c.choices, Listed: c.listed,
			})
		}
		t.routes = append(t.routes, c.routes...)
	}
	slices.Sort(t.routes)
	t.routes = slices.Compact(t.routes)
	return problems
}

// checker holds one path against the book.
type checker struct {
	Scope
	dot int // how many names of the path stand for the dot

	routes  []string // that the path takes
	wrong   string   // what is wrong with it; "" for nothing
	at      int      // characters of the path before the name that is wrong
	word    string   // the misspelt word, if it is one
	choices []string // what could have been meant
	listed  bool     // they are few and always the same
}

func (c *checker) use(path []string) {
	switch path[0] {
	case "record":
		c.fields(path, "", []*engine.Module{c.Module})
	case "vars":
		c.value(path, exprsafe.ObjectOf("vars", c.Vars))
	case "steps":
		if c.Steps == nil || len(path) == 1 {
			return
		}
		c.value(path, exprsafe.ObjectOf("steps", c.Steps))
	case "item":
		c.item(path)
	case "recipient":
		c.listed = true
		c.oneOf(path, "part of recipient", []string{"name", "address", "language"})
	case "link":
		if len(c.Links) == 0 {
			c.wrong = "this message carries no link: add link: or links: to the step"
		}
	case "links":
		c.oneOf(path, "link", c.Links)
	case "brand":
		c.listed = true
		c.oneOf(path, "part of brand", slices.Sorted(maps.Keys(Brand{}.words())))
	case "language", "direction", "unsubscribe":
		if len(path) > 1 {
			c.at = c.before(path, 1)
			c.wrong = fmt.Sprintf("%s is a text and has no field %q", path[0], path[1])
		}
	case "now":
		if len(path) > 1 {
			c.oneOf(path[:2], "part of now", moments)
		}
	}
}

func (c *checker) oneOf(path []string, what string, choices []string) {
	word := strings.Join(path[1:], ".")
	if slices.Contains(choices, word) {
		return
	}
	c.at = c.before(path, 1)
	c.wrong, c.word, c.choices = fmt.Sprintf("unknown %s %q", what, word), word, choices
}

// fields walks a path of fields after the name record; where a reference is followed, the route is
// noted and the walk goes on in every module it may lead to.
func (c *checker) fields(path []string, route string, from []*engine.Module) {
	for i := 1; i < len(path); i++ {
		name := path[i]
		c.at = c.before(path, i)
		field := fieldIn(from, name)
		if field == nil && name != "id" {
			c.wrong = fmt.Sprintf("unknown field %q of %s", name, nameOf(from))
			c.word, c.choices = name, fieldsOf(from)
			return
		}
		if i == len(path)-1 {
			return
		}
		if field == nil || len(field.To) == 0 {
			c.wrong = fmt.Sprintf("%s is no reference, so %s.%s leads nowhere", name, name, path[i+1])
			return
		}
		if i > engine.MaxHops {
			c.wrong = fmt.Sprintf("a route may have at most %d hops", engine.MaxHops)
			return
		}
		from = nil
		for _, to := range field.To {
			if m := c.Modules[to]; m != nil {
				from = append(from, m)
			}
		}
		route = strings.TrimPrefix(route+"."+name, ".")
		c.routes = append(c.routes, route)
	}
}

// spoken is a path as people say it.
func spoken(path []string) string {
	if last := len(path) - 1; path[last] == eachItem {
		return "an item of " + spoken(path[:last])
	}
	return strings.Join(path, ".")
}

// item walks a path from what the step is taken for.
func (c *checker) item(path []string) {
	switch {
	case c.Item == nil:
		c.wrong = "item is known only in a step with for_each"
	case c.Item.Kind == exprsafe.Object && c.Modules[c.Item.Name] != nil:
		c.fields(path, engine.ItemRoute, []*engine.Module{c.Modules[c.Item.Name]})
	default:
		c.value(path, *c.Item)
	}
}

// value walks a path of names after the first one, which is of the type.
func (c *checker) value(path []string, typ exprsafe.Type) {
	for i := 1; i < len(path); i++ {
		name := path[i]
		c.at = c.before(path, i)
		switch typ.Kind {
		case exprsafe.Any, exprsafe.Map:
			return
		case exprsafe.Object:
			field, ok := typ.Fields[name]
			if !ok {
				c.wrong, c.word = fmt.Sprintf("unknown field %q of %s", name, typ.Name), name
				c.choices = slices.Sorted(maps.Keys(typ.Fields))
				return
			}
			typ = field
		case exprsafe.Time:
			c.oneOf(path[i-1:i+1], "part of a time", moments)
			c.at = c.before(path, i)
			return
		case exprsafe.List:
			if name == eachItem {
				typ = typ.Item()
				continue
			}
			c.wrong = fmt.Sprintf("%s is a list: write {{ range %[1]s }}{{ .%s }}{{ end }}", spoken(path[:i]), name)
			return
		default:
			c.wrong = fmt.Sprintf("%s is %s and has no field %q", spoken(path[:i]), typ.Kind, name)
			return
		}
	}
	if typ.Kind == exprsafe.Object && path[len(path)-1] != eachItem && len(path) > c.dot {
		c.at = 0
		c.wrong = strings.Join(path, ".") + " holds several values; name one of them"
	}
}

// before is how many characters of a path stand before its i-th name, as it is written.
func (c *checker) before(path []string, i int) int {
	if c.dot > 0 {
		return utf8.RuneCountInString(strings.Join(path[c.dot:max(i, c.dot)], ".")) + 1 + min(i-c.dot, 1)
	}
	return utf8.RuneCountInString(strings.Join(path[:i], ".")) + min(i, 1)
}

func fieldIn(modules []*engine.Module, name string) *engine.Field {
	for _, m := range modules {
		if m.Fields[name] != nil {
			return m.Fields[name]
		}
	}
	return nil
}

func fieldsOf(modules []*engine.Module) []string {
	var all []string
	for _, m := range modules {
		all = append(all, m.Names...)
	}
	return all
}

func nameOf(modules []*engine.Module) string {
	var all []string
	for _, m := range modules {
		all = append(all, m.Name)
	}
	return strings.Join(all, " or ")
}

// routed is a followed reference in a template: its fields by name, and the id when printed itself.
type routed map[string]any

// String is the id of the record.
func (r routed) String() string {
	id, _ := r["id"].(string)
	return id
}

// MarshalText is the id too: it is what stands in a script.
func (r routed) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// data is what the rewritten templates look into.
func (t *Template) data(env *engine.Env, language string) map[string]any {
	outputs := t.outputs(env)
	vars := make(map[string]any, len(t.vars))
	for name, typ := range t.vars { // one that no step has set is empty
		vars[name] = empty(typ)
	}
	for name, value := range env.Vars {
		if value == nil {
			continue
		}
		vars[name] = plain(value, "vars."+name, 0)
	}
	data := map[string]any{
		"vars": vars, "item": t.item(env),
		"record": t.fields(env, env.Module, env.Ref.ID, env.Record, ""),
		"recipient": map[string]any{
			"name": env.Recipient.Name, "address": env.Recipient.Address, "language": env.Recipient.Language,
		},
		"steps": outputs, "now": moment{env.Now}, budgetName: newBudget(),
	}
	for name := range t.says { // the others are cheap to have, or bound to be used
		switch name {
		case "link", "unsubscribe":
			data[name] = address(env.Links[name])
		case "links":
			data[name] = links(env)
		case "brand":
			data[name] = t.brand
		case "language":
			data[name] = language
		case "direction":
			data[name] = direction(language)
		}
	}
	return data
}

// links are the addresses by their names.
func links(env *engine.Env) map[string]address {
	all := make(map[string]address, len(env.Links))
	for name, url := range env.Links {
		all[name] = address(url)
	}
	return all
}

// words are what a template may say of the brand.
func (b Brand) words() map[string]any {
	return map[string]any{
		"name": b.Name, "logo": b.Logo, "color": cmp.Or(b.Color, ownColor), "on_it": cmp.Or(b.OnIt, "#ffffff"),
		"dark": cmp.Or(b.Dark, ownDark), "on_dark": cmp.Or(b.OnDark, "#000000"),
	}
}

// The colours of a house that has none of its own: those of the door's pages.
const (
	ownColor = "#1d5c56"
	ownDark  = "#7fc4bb"
)

// outputs are what the steps gave. What the texts speak of is there, whether or not a step gave it.
func (t *Template) outputs(env *engine.Env) map[string]any {
	all := map[string]any{}
	for id, values := range env.Outputs {
		all[id] = plain(values, "steps."+id, 0)
	}
	for _, use := range t.uses {
		if use.Path[0] != "steps" || len(use.Path) < 2 {
			continue
		}
		of, ok := all[use.Path[1]].(map[string]any)
		if !ok {
			of = map[string]any{}
			all[use.Path[1]] = of
		}
		if len(use.Path) < 3 {
			continue
		}
		if _, given := of[use.Path[2]]; !given {
			of[use.Path[2]] = empty(t.steps[use.Path[1]].Fields[use.Path[2]])
		}
	}
	return all
}

// empty is what stands for a missing value of a type.
func empty(typ exprsafe.Type) any {
	switch typ.Kind {
	case exprsafe.List:
		return []any{}
	case exprsafe.Bool:
		return false
	}
	return ""
}

// item is what the step is taken for.
func (t *Template) item(env *engine.Env) any {
	record, ok := env.Routes[engine.ItemRoute]
	if !ok || t.modules[record.Module] == nil {
		return plain(env.Item, "item", 0)
	}
	return t.fields(env, t.modules[record.Module], record.ID, record.Fields, engine.ItemRoute)
}

// fields are a record's values with every described field there, and followed references in place of
// their ids.
func (t *Template) fields(env *engine.Env, module *engine.Module, id string, values engine.Fields, at string) routed {
	all := make(routed, len(values)+4)
	for name := range module.Fields {
		all[name] = ""
	}
	for name, value := range values {
		if value != nil {
			all[name] = plain(value, fieldName(at, name), 0)
		}
	}
	for _, route := range t.routes {
		parent, name := "", route
		if i := strings.LastIndexByte(route, '.'); i >= 0 {
			parent, name = route[:i], route[i+1:]
		}
		if parent == at && module.Fields[name] != nil {
			all[name] = t.follow(env, module.Fields[name], route)
		}
	}
	all["id"] = id
	return all
}

// fieldName is a field behind a route, "" for none, as a template writes it.
func fieldName(route, name string) string {
	if route != "" {
		route += "."
	}
	return engine.RouteName(route + name)
}

func (t *Template) follow(env *engine.Env, field *engine.Field, route string) routed {
	all := routed{"id": ""}
	for _, to := range field.To {
		if m := t.modules[to]; m != nil {
			for name := range m.Fields {
				all[name] = ""
			}
		}
	}
	record, ok := env.Routes[route]
	if ok && t.modules[record.Module] != nil {
		maps.Copy(all, t.fields(env, t.modules[record.Module], record.ID, record.Fields, route))
	}
	return all
}
