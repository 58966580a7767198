package facade

import (
	"context"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/portal"
	"postern/portal/facade/query"
)

// maxNeighbours is how many records of another module a condition on it may be true for.
const maxNeighbours = portal.MaxPage

// neighbours answers for the columns of a query that are of other modules: Contacts.lastname. They are read as the
// viewer may read that module, so what is not theirs is as good as not there.
type neighbours struct {
	facade *Facade
	viewer portal.Viewer
	of     portal.ModuleView
	seen   map[engine.Ref]portal.Row // what is the viewer's
}

// reference is the first field of the query's module that leads to another and may be read.
func (n *neighbours) reference(c query.Column) (field string, m portal.ModuleView, err error) {
	m, err = n.facade.module(n.viewer, c.Module)
	if err != nil {
		return "", m, &query.DeniedError{Attribute: c.String()}
	}
	for _, name := range n.of.Access.Read {
		f := n.of.Fields[name]
		if f != nil && f.Type == engine.TypeReference && slices.Contains(f.To, c.Module) {
			return name, m, nil
		}
	}
	return "", m, &query.DeniedError{Attribute: c.String()}
}

// where turns a condition on another module into one on the reference that leads there: that it holds one of the
// viewer's records there that the condition is true for.
func (n *neighbours) where(ctx context.Context, c *query.Condition) (engine.Predicate, error) {
	field, m, err := n.reference(c.Column)
	if err != nil {
		return engine.Predicate{}, err
	}
	if !slices.Contains(n.of.Access.Filter, field) {
		return engine.Predicate{}, &query.DeniedError{Attribute: c.Column.String()}
	}
	there := *c
	there.Column.Module = ""
	where, err := query.Scope{Access: m.Access}.Where(&there)
	if err != nil {
		return engine.Predicate{}, err
	}
	asked := portal.Question{Module: m.Name, Where: where, Limit: maxNeighbours}
	list, err := n.facade.with.Records.List(ctx, n.viewer, asked)
	switch {
	case err != nil:
		return engine.Predicate{}, err
	case list.Next != "":
		return engine.Predicate{}, fault(codeSyntax,
			"the condition on "+c.Column.String()+" is true for too many records")
	case len(list.Rows) == 0:
		return engine.Predicate{Op: engine.OpOr}, nil
	}
	in := engine.Predicate{Op: engine.OpIn, Path: field}
	for _, r := range list.Rows {
		in.Values = append(in.Values, engine.Operand{Value: r.ID})
	}
	return in, nil
}

// columns checks those of other modules.
func (n *neighbours) columns(columns []query.Column) ([]query.Column, error) {
	for _, c := range columns {
		if c.Module == "" {
			continue
		}
		_, m, err := n.reference(c)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(m.Access.Read, c.Field) && c.Field != "id" {
			return nil, &query.DeniedError{Attribute: "'." + c.String() + ".'"}
		}
	}
	return columns, nil
}

// read reads the neighbours of rows, as many at once as one question may be for.
func (n *neighbours) read(ctx context.Context, rows []portal.Row, columns []query.Column) error {
	asked := map[string]bool{}
	for _, c := range columns {
		if c.Module == "" || asked[c.Module] {
			continue
		}
		asked[c.Module] = true
		field, m, err := n.reference(c)
		if err != nil {
			return err
		}
		ids := map[string]bool{}
		for _, r := range rows {
			if id := r.Fields.Text(field); id != "" && len(id) <= maxID && !strings.ContainsRune(id, 0) {
				ids[id] = true
			}
		}
		for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), maxNeighbours) {
			if err := n.readSome(ctx, m, some); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *neighbours) readSome(ctx context.Context, m portal.ModuleView, ids []string) error {
	among := engine.Predicate{Op: engine.OpIn, Path: "id"}
	for _, id := range ids {
		among.Values = append(among.Values, engine.Operand{Value: id})
	}
	asked := portal.Question{Module: m.Name, Where: among, Limit: len(ids)}
	list, err := n.facade.with.Records.List(ctx, n.viewer, asked)
	if err != nil {
		return err
	}
	for _, r := range list.Rows {
		n.seen[r.Ref] = r
	}
	return nil
}

// row is a row as queries answer it: the columns, then the id.
func (n *neighbours) row(r portal.Row, columns []query.Column) (row, error) {
	shown := row{}
	for _, c := range columns {
		if c.Module == "" {
			shown = shown.with(c.Name(), plain(r.Fields[c.Field], n.of.Fields[c.Field]))
			continue
		}
		field, m, err := n.reference(c)
		if err != nil {
			return nil, err
		}
		value := ""
		other, theirs := n.seen[engine.Ref{Module: m.Name, ID: r.Fields.Text(field)}]
		if theirs && c.Field == "id" {
			value = other.ID
		} else if theirs {
			value = plain(other.Fields[c.Field], m.Fields[c.Field])
		}
		shown = shown.with(c.Name(), value)
	}
	return shown.with("id", r.ID), nil
}
