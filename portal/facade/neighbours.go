package facade

import (
	"context"
	"errors"
	"slices"

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
	seen   map[engine.Ref]*portal.Row // nil for what is not the viewer's
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

// row is a row as queries answer it: the columns, then the id.
func (n *neighbours) row(ctx context.Context, r portal.Row, columns []query.Column) (row, error) {
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
		other, err := n.get(ctx, engine.Ref{Module: m.Name, ID: r.Fields.Text(field)})
		if err != nil {
			return nil, err
		}
		value := ""
		if other != nil && c.Field == "id" {
			value = other.ID
		} else if other != nil {
			value = plain(other.Fields[c.Field], m.Fields[c.Field])
		}
		shown = shown.with(c.Name(), value)
	}
	return shown.with("id", r.ID), nil
}

// get reads a neighbour, once.
func (n *neighbours) get(ctx context.Context, ref engine.Ref) (*portal.Row, error) {
	if ref.ID == "" {
		return nil, nil
	}
	if known, there := n.seen[ref]; there {
		return known, nil
	}
	read, err := n.facade.with.Records.Get(ctx, n.viewer, ref)
	if errors.Is(err, portal.ErrNotFound) {
		n.seen[ref] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n.seen[ref] = &read
	return &read, nil
}
