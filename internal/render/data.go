package render

import (
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
}

// Bind ties the template to the modules of its book and checks what it says of them: the record's
// fields and routes, the names of the links the message carries, and the vars. It must be called before
// Render.
func (t *Template) Bind(scope Scope) []Problem {
	t.modules, t.vars = scope.Modules, slices.Sorted(maps.Keys(scope.Vars))
	var problems []Problem
	for _, use := range t.uses {
		c := checker{Scope: scope}
		c.use(use.Path)
		if c.wrong != "" && len(problems) < maxTrouble {
			problems = append(problems, Problem{
				File: use.File, Line: use.Line, Column: use.Column + c.at,
				Message: c.wrong, Word: c.word, Choices: c.choices,
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

	routes  []string // that the path takes
	wrong   string   // what is wrong with it; "" for nothing
	at      int      // characters of the path before the name that is wrong
	word    string   // the misspelt word, if it is one
	choices []string // what could have been meant
}

func (c *checker) use(path []string) {
	switch path[0] {
	case "record":
		c.fields(path, []*engine.Module{c.Module})
	case "vars":
		c.value(path, exprsafe.ObjectOf("vars", c.Vars))
	case "recipient":
		c.oneOf(path, "part of recipient", []string{"name", "address", "language"})
	case "link":
		if len(c.Links) == 0 {
			c.wrong = "this message carries no link: add link: or links: to the step"
		}
	case "links":
		c.oneOf(path, "link", c.Links)
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
	c.at = before(path, 1)
	c.wrong, c.word, c.choices = fmt.Sprintf("unknown %s %q", what, word), word, choices
}

// fields walks a path of fields after the name record; where a reference is followed, the route is
// noted and the walk goes on in every module it may lead to.
func (c *checker) fields(path []string, from []*engine.Module) {
	for i := 1; i < len(path); i++ {
		name := path[i]
		c.at = before(path, i)
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
		c.routes = append(c.routes, strings.Join(path[1:i+1], "."))
	}
}

// value walks a path of names after the first one, which is of the type.
func (c *checker) value(path []string, typ exprsafe.Type) {
	for i := 1; i < len(path); i++ {
		name := path[i]
		c.at = before(path, i)
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
			c.at = before(path, i)
			return
		case exprsafe.List:
			c.wrong = fmt.Sprintf("%s is a list: write {{ range %[1]s }}{{ .%s }}{{ end }}", strings.Join(path[:i], "."), name)
			return
		default:
			c.wrong = fmt.Sprintf("%s is %s and has no field %q", strings.Join(path[:i], "."), typ.Kind, name)
			return
		}
	}
	if typ.Kind == exprsafe.Object {
		c.at = 0
		c.wrong = strings.Join(path, ".") + " holds several values; name one of them"
	}
}

// before is how many characters of a path stand before its i-th name.
func before(path []string, i int) int {
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
func (t *Template) data(env *engine.Env) map[string]any {
	outputs := map[string]any{}
	for id, values := range env.Outputs {
		outputs[id] = plain(values, "steps."+id, 0)
	}
	vars := make(map[string]any, len(t.vars))
	for _, name := range t.vars { // one that no step has set is empty
		vars[name] = ""
	}
	for name, value := range env.Vars {
		if value == nil {
			continue
		}
		vars[name] = plain(value, "vars."+name, 0)
	}
	return map[string]any{
		"vars":   vars,
		"record": t.fields(env, env.Module, env.Ref.ID, env.Record, ""),
		"recipient": map[string]any{
			"name": env.Recipient.Name, "address": env.Recipient.Address, "language": env.Recipient.Language,
		},
		"steps": outputs, "links": env.Links, "link": env.Links["link"], "now": moment{env.Now},
		budgetName: newBudget(),
	}
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
	return "record." + route + name
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
