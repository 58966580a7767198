package portal_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
)

// The oracle of the desk. It has its own idea of what a policy means and of what is there: maps of texts and numbers,
// looked through from the first to the last. It shares no code with the predicates that it is held against.

// entry is a record as the oracle knows it.
type entry struct {
	ref    engine.Ref
	texts  map[string]string // references among them, by id
	number *int              // its field n
}

// oracle is all that is there.
type oracle struct {
	entries map[engine.Ref]*entry
	related map[[2]engine.Ref]bool
	leads   map[string]string // modules that references lead to, by field
}

// clause is a condition of a policy or of a caller.
type clause struct {
	kind    string // and, or, not, is, differs, less, more, has, folds, word, related
	of      []clause
	path    string
	operand []operand // of which one must fit
}

// operand is a text or number, or where the viewer's own record has it.
type operand struct {
	me     string
	text   string
	number *int
	gone   bool // the viewer's own record had nothing there
}

// at is what a path of a record comes to: "" where it leads nowhere, and nil for a number that is not there.
func (o *oracle) at(e *entry, path string) (string, *int) {
	name, rest, further := strings.Cut(path, ".")
	switch {
	case e == nil:
		return "", nil
	case further:
		return o.at(o.entries[engine.Ref{Module: o.leads[name], ID: e.texts[name]}], rest)
	case name == "id":
		return e.ref.ID, nil
	case name == "n":
		return "", e.number
	}
	return e.texts[name], nil
}

// holds tells whether a clause holds for a record, or with denied whether its contrary does. Where the viewer's record
// has nothing, neither does.
func (o *oracle) holds(c clause, e, me *entry, denied bool) bool {
	switch c.kind {
	case "not":
		return o.holds(c.of[0], e, me, !denied)
	case "and", "or":
		every := (c.kind == "and") != denied
		for _, part := range c.of {
			if o.holds(part, e, me, denied) != every {
				return !every
			}
		}
		return every
	}
	any := false
	for _, with := range c.operand {
		if with = o.known(with, me); with.gone {
			if denied {
				return false
			}
			continue
		}
		fits := o.fits(c, e, with.text, with.number)
		if fits && denied {
			return false
		}
		any = any || fits
	}
	return any || denied
}

// known is what an operand stands for, to a viewer as they are.
func (o *oracle) known(with operand, me *entry) operand {
	if with.me == "" {
		return with
	}
	text, number := o.at(me, with.me)
	return operand{text: text, number: number, gone: text == "" && number == nil}
}

// bound is a clause with what its operands stand for to a viewer as they are.
func (o *oracle) bound(c clause, me *entry) clause {
	c.of, c.operand = slices.Clone(c.of), slices.Clone(c.operand)
	for i := range c.of {
		c.of[i] = o.bound(c.of[i], me)
	}
	for i := range c.operand {
		c.operand[i] = o.known(c.operand[i], me)
	}
	return c
}

func (o *oracle) fits(c clause, e *entry, text string, number *int) bool {
	if c.kind == "related" {
		return o.related[[2]engine.Ref{e.ref, {Module: "Groups", ID: text}}]
	}
	have, count := o.at(e, c.path)
	if path := c.path[strings.LastIndexByte(c.path, '.')+1:]; path == "n" {
		return fitsNumber(c.kind, count, number)
	}
	switch c.kind {
	case "is":
		return have == text
	case "differs":
		return have != text
	case "less":
		return have < text
	case "more":
		return have > text
	case "has":
		return strings.Contains(have, text)
	case "word":
		return strings.Contains(strings.ToLower(have), strings.ToLower(text))
	}
	return strings.EqualFold(have, text)
}

func fitsNumber(kind string, have, with *int) bool {
	if have == nil || with == nil {
		return (kind == "is" && have == with) || (kind == "differs" && have != with)
	}
	return map[string]bool{
		"is": *have == *with, "differs": *have != *with, "less": *have < *with, "more": *have > *with,
	}[kind]
}

// names are the fields that a clause looks at.
func (c clause) names() (all []string) {
	if c.path != "" {
		all = []string{c.path}
	}
	for _, part := range c.of {
		all = append(all, part.names()...)
	}
	return all
}

// predicate is the clause as policies and callers write it.
func (c clause) predicate() engine.Predicate {
	ops := map[string]engine.PredicateOp{
		"and": engine.OpAnd, "or": engine.OpOr, "not": engine.OpNot, "is": engine.OpEqual, "differs": engine.OpNotEqual,
		"less": engine.OpLess, "more": engine.OpGreater, "has": engine.OpContains, "folds": engine.OpFold,
		"related": engine.OpRelated,
	}
	p := engine.Predicate{Op: ops[c.kind], Path: c.path}
	if c.kind == "related" {
		p.Module = "Groups"
	}
	if len(c.operand) > 1 {
		p.Op = engine.OpIn
	}
	for _, part := range c.of {
		p.Of = append(p.Of, part.predicate())
	}
	for _, o := range c.operand {
		switch {
		case o.me != "":
			p.Values = append(p.Values, engine.Operand{From: engine.FromMe, Path: o.me})
		case o.number != nil:
			p.Values = append(p.Values, engine.Operand{Value: json.Number(strconv.Itoa(*o.number))})
		default:
			p.Values = append(p.Values, engine.Operand{Value: o.text})
		}
	}
	return p
}

// permit is what a role may do with a module, as the oracle knows it.
type permit struct {
	rows, open                         clause // open: which of them may be changed
	read, filter, sort, update, create []string
	set                                map[string]operand
	creates, deletes                   bool
	related                            map[string]string // reference by module, "" for what the CRM relates
}

// mine are the records of a module that the viewer may see, by id.
func (o *oracle) mine(module string, p *permit, me *entry, besides ...clause) (mine []*entry) {
	for ref, e := range o.entries {
		if ref.Module != module || !o.holds(p.rows, e, me, false) {
			continue
		}
		if !slices.ContainsFunc(besides, func(c clause) bool { return !o.holds(c, e, me, false) }) {
			mine = append(mine, e)
		}
	}
	slices.SortFunc(mine, func(a, b *entry) int { return cmp.Compare(a.ref.ID, b.ref.ID) })
	return mine
}

// sorted sorts records as lists are: what has no value comes first.
func sorted(list []*entry, order []engine.Sorting) []*entry {
	slices.SortStableFunc(list, func(a, b *entry) int {
		for _, by := range order {
			c := cmp.Compare(a.texts[by.Field], b.texts[by.Field])
			switch {
			case by.Field == "id":
				c = cmp.Compare(a.ref.ID, b.ref.ID)
			case by.Field == "n" && a.number != nil && b.number != nil:
				c = cmp.Compare(*a.number, *b.number)
			case by.Field == "n" && (a.number != nil || b.number != nil):
				c = map[bool]int{true: 1, false: -1}[a.number != nil]
			}
			if by.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return list
}
