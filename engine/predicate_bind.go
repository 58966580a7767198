package engine

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Bind puts constants in the place of all operands: what the subject's record, with the routes of MeRoutes, holds now.
// Nothing may turn on a value that is not there, or an account without a number would see all records without one. So
// what compares with a value of the subject that is empty, missing or not of its type becomes Nothing, and its negation
// does too.
//
// What Bind gives is simple: not stands over single comparisons only, and there is no Everything or Nothing but for the
// whole.
func (p Predicate) Bind(me *Env, now time.Time, zone *time.Location) Predicate {
	return (&binding{me, now, zone}).bind(p, false)
}

// binding is what operands are taken from.
type binding struct {
	me   *Env
	now  time.Time
	zone *time.Location
}

// bind carries a negation down to the comparisons.
func (b *binding) bind(p Predicate, negated bool) Predicate {
	switch p.Op {
	case OpNot:
		if len(p.Of) != 1 {
			return Nothing()
		}
		return b.bind(p.Of[0], !negated)
	case OpAnd, OpOr:
		of := make([]Predicate, len(p.Of))
		for i, part := range p.Of {
			of[i] = b.bind(part, negated)
		}
		if (p.Op == OpAnd) != negated {
			return all(of)
		}
		return some(of)
	}
	return b.leaf(p, negated)
}

// leaf binds one comparison. Of in, a value that is not there is left out, as in is an or of comparisons; not in is an
// and of them.
func (b *binding) leaf(p Predicate, negated bool) Predicate {
	values := make([]Operand, 0, len(p.Values))
	for _, operand := range p.Values {
		constants, known := b.constants(operand, p.Op == OpIn)
		if !known && (negated || p.Op != OpIn) {
			return Nothing()
		}
		values = append(values, constants...)
	}
	switch {
	case len(values) == 0 && negated && len(p.Values) == 0: // not in an empty list
		return Everything()
	case len(values) == 0:
		return Nothing()
	}
	p.Values = values
	if negated {
		return Predicate{Op: OpNot, Of: []Predicate{p}}
	}
	return p
}

// constants are what an operand stands for; several only where a list may stand. It is not known if the subject's
// record has nothing there.
func (b *binding) constants(o Operand, list bool) (values []Operand, known bool) {
	value := b.value(o)
	items, several := value.([]any)
	switch {
	case !several && o.From != FromConstant && isBlank(value):
		return nil, false
	case !several:
		return []Operand{{Value: value}}, true
	case !list || len(items) == 0:
		return nil, false
	}
	for _, item := range items {
		values = append(values, Operand{Value: item})
	}
	return values, true
}

// value is what an operand stands for, as expressions see it; nil if the subject's record has nothing there, or
// something else than it should.
func (b *binding) value(o Operand) any {
	switch o.From {
	case FromConstant:
		return o.Value
	case FromNow:
		return b.now
	case FromToday:
		year, month, day := b.now.In(b.zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	case FromMe:
		me := Row{
			Record: Record{Ref: b.me.Ref, Fields: b.me.Record}, Routes: b.me.Routes, Modules: b.me.Modules,
		}
		if value, ok := me.at(o.Path); ok && value.field != nil {
			if view, err := value.field.view(value.plain); err == nil {
				return view
			}
		}
	}
	return nil
}

// Plain is what an operand stands for to a subject, in the plain form that a field keeps: what a new record is set to.
// The empty text where the subject's record has nothing there. The error is a sentence about the field.
func (o Operand) Plain(field *Field, me *Env, now time.Time, zone *time.Location) (any, error) {
	return field.Plain((&binding{me, now, zone}).value(o))
}

// Routes are the references that must be followed from a record before Holds, sorted: "project_id",
// "project_id.account_id", each after those it begins with.
func (p Predicate) Routes() []string {
	routes := map[string]bool{}
	p.each(func(leaf Predicate) { addRoutes(routes, leaf.Path) })
	return slices.Sorted(maps.Keys(routes))
}

// Fields are the fields of the record itself that Holds looks at, those that routes begin with among them; sorted.
func (p Predicate) Fields() []string {
	fields := map[string]bool{}
	p.each(func(leaf Predicate) {
		if first, _, _ := strings.Cut(leaf.Path, "."); first != "" && first != "id" {
			fields[first] = true
		}
	})
	return slices.Sorted(maps.Keys(fields))
}

// MeRoutes are the references that must be followed from the subject's record before Bind, sorted.
func (p Predicate) MeRoutes() []string {
	routes := map[string]bool{}
	p.each(func(leaf Predicate) {
		for _, operand := range leaf.Values {
			if operand.From == FromMe {
				addRoutes(routes, operand.Path)
			}
		}
	})
	return slices.Sorted(maps.Keys(routes))
}

// Relations are the records of which Holds asks whether the CRM relates the record to them, once all is bound.
func (p Predicate) Relations() (refs []Ref) {
	p.each(func(leaf Predicate) {
		if ref, ok := leaf.relation(); ok {
			refs = append(refs, ref)
		}
	})
	return refs
}

// AsksRelations tells whether a predicate asks which records the CRM relates.
func (p Predicate) AsksRelations() (asks bool) {
	p.each(func(leaf Predicate) { asks = asks || leaf.Op == OpRelated })
	return asks
}

// relation is the record at the other end of a relation that a bound comparison asks for.
func (p Predicate) relation() (Ref, bool) {
	if p.Op != OpRelated || len(p.Values) != 1 || p.Values[0].From != FromConstant {
		return Ref{}, false
	}
	id, ok := p.Values[0].Value.(string)
	return Ref{Module: p.Module, ID: id}, ok && id != ""
}

// each visits all comparisons.
func (p Predicate) each(visit func(leaf Predicate)) {
	if !p.isJoint() {
		visit(p)
	}
	for _, part := range p.Of {
		part.each(visit)
	}
}

func addRoutes(routes map[string]bool, path string) {
	for i, c := range path {
		if c == '.' {
			routes[path[:i]] = true
		}
	}
}
