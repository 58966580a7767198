package workflows

import (
	"fmt"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// Route reads the route at a key.
func (s *stepScope) Route(key string) *engine.Route {
	n := s.at(key)
	names := strings.Split(n.Text(), ".")
	item := s.itemModule()
	var from []*engine.Module
	path := ""
	switch {
	case names[0] == "item" && item != nil:
		from, path = []*engine.Module{item}, engine.ItemRoute
		if len(names) == 1 {
			return &engine.Route{Path: path, Field: &engine.Field{
				Name: "item", Type: engine.TypeReference, To: []string{item.Name},
			}}
		}
	case names[0] == "item" && s.item != nil:
		if s.item.Name == unknownItem {
			return nil
		}
		s.complain(n.Errorf("the items of this list are not known to be records, so %q leads nowhere", n.Text()))
		return nil
	case names[0] == "item":
		s.complain(n.Errorf("item is known only in a step with for_each"))
		return nil
	case n.Text() == "record" && s.workflow.Module.Name != engine.ScheduleModule:
		return &engine.Route{Field: &engine.Field{
			Name: "record", Type: engine.TypeReference, To: []string{s.workflow.Module.Name},
		}}
	case names[0] == "record" && len(names) > 1:
		from = []*engine.Module{s.workflow.Module}
	default:
		s.complain(n.Errorf("expected a route such as record.parent_id or record.email, found %q", n.Text()))
		return nil
	}
	return s.walk(n, names, from, path)
}

// walk follows the names of a route after the first, which leads to a record of one of the modules, and notes what has
// to be read on the way.
func (s *stepScope) walk(n *yamldoc.Node, names []string, from []*engine.Module, path string) *engine.Route {
	route, read := s.loader.walk(n, names, from, path)
	s.follow(read)
	return route
}

// walk follows the names of a route after the first, which leads to a record of one of the modules; nil after a
// complaint. The paths are those of the references on the way.
func (l *loader) walk(
	n *yamldoc.Node, names []string, from []*engine.Module, path string,
) (route *engine.Route, read []string) {
	for i, name := range names[1:] {
		field, others := fieldOf(from, name)
		if field == nil {
			d := within(n, names[:i+1], "unknown field %q of %s", name, namesOf(from))
			if near, ok := yamldoc.Suggest(name, others); ok {
				d.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			l.complain(d)
			return nil, read
		}
		path = strings.TrimPrefix(path+"."+name, ".")
		if len(field.To) > 0 {
			if l.tooFar(n, path) {
				return nil, read
			}
			read = append(read, path)
		}
		if i == len(names)-2 {
			return &engine.Route{Path: path, Field: field}, read
		}
		if from = l.modulesOf(field); len(from) == 0 {
			l.complain(within(n, names[:i+1], "%s is no reference, so it leads no further", name))
			return nil, read
		}
	}
	return nil, read
}

// within is a complaint about the name that follows the given ones in a route.
func within(route *yamldoc.Node, before []string, format string, args ...any) yamldoc.Diagnostic {
	d := route.Errorf(format, args...)
	d.Line, d.Column = route.AtByte(len(strings.Join(before, ".")) + 1)
	return d
}

// itemModule is the module of the records that the step is taken for; nil if its items are no records, or it
// has none.
func (b *binder) itemModule() *engine.Module {
	if b.item == nil || b.item.Kind != exprsafe.Object {
		return nil
	}
	return b.book.Modules[b.item.Name]
}
