package engine_test

import (
	"testing"

	"postern/engine"
)

// What a record may refer to is told by the records themselves: with all else known, Target holds of exactly those by
// which the predicate holds, and with nothing known of all of those.
func TestTargetIsWhatFits(t *testing.T) {
	modules := map[string]*engine.Module{
		"Comments": moduleOf("Comments", map[string][]string{"about": {"Tickets", "Bills"}, "state": nil}),
		"Tickets":  moduleOf("Tickets", map[string][]string{"parent": {"Firms"}, "state": nil}),
		"Bills":    moduleOf("Bills", map[string][]string{"state": nil}),
		"Firms":    moduleOf("Firms", map[string][]string{"name": nil}),
	}
	firm := engine.Record{Ref: engine.Ref{Module: "Firms", ID: "f1"}, Fields: engine.Fields{"name": "Acme"}}
	farther := []engine.Record{
		{Ref: engine.Ref{Module: "Tickets", ID: "t1"}, Fields: engine.Fields{"parent": "f1", "state": "x"}},
		{Ref: engine.Ref{Module: "Tickets", ID: "t2"}, Fields: engine.Fields{"parent": "", "state": ""}},
		{Ref: engine.Ref{Module: "Bills", ID: "b1"}, Fields: engine.Fields{"state": "x"}},
	}
	leaves := []engine.Predicate{
		leaf(engine.OpEqual, "about", "t1"), leaf(engine.OpIn, "about.id", "t2", "b1"),
		leaf(engine.OpEqual, "about.parent", "f1"), leaf(engine.OpNotEqual, "about.parent", "f1"),
		leaf(engine.OpEqual, "about.parent.name", "Acme"), leaf(engine.OpEqual, "about.state", "x"),
		leaf(engine.OpEqual, "state", "x"), leaf(engine.OpEqual, "state", ""), engine.Everything(), engine.Nothing(),
	}
	for _, p := range joinedPairs(leaves) {
		for _, to := range farther {
			routes := map[string]engine.Record{}
			if to.Fields.Text("parent") == "f1" {
				routes["parent"] = firm
			}
			for _, state := range []any{"x", "", nil} {
				from := engine.Row{Modules: modules, Routes: map[string]engine.Record{"about": to}, Record: engine.Record{
					Ref:    engine.Ref{Module: "Comments", ID: "c1"},
					Fields: engine.Fields{"about": to.ID, "state": state},
				}}
				if routes["parent"].ID != "" {
					from.Routes["about.parent"] = firm
				}
				holds := p.Holds(from)
				row := engine.Row{Record: to, Routes: routes, Modules: modules}
				fits := p.Target(modules["Comments"], "about", modules[to.Module], engine.Fields{"state": state})
				if got := fits.Holds(row); got != holds {
					t.Errorf("%s of %s with state %v: %t, by %s", p, to.Ref, state, got, fits)
				}
				may := p.Target(modules["Comments"], "about", modules[to.Module], nil)
				if holds && !may.Holds(row) {
					t.Errorf("%s of %s: left out by %s", p, to.Ref, may)
				}
			}
		}
	}
}

// joinedPairs are some predicates and what joins two of them, and their negations.
func joinedPairs(leaves []engine.Predicate) (all []engine.Predicate) {
	for _, a := range leaves {
		for _, b := range leaves {
			all = append(all, either(a, b), not(either(a, not(b))), a.Both(b), not(a.Both(b)))
		}
	}
	return all
}

func moduleOf(name string, fields map[string][]string) *engine.Module {
	m := &engine.Module{Name: name, Fields: map[string]*engine.Field{}}
	for field, to := range fields {
		f := &engine.Field{Name: field, Type: engine.TypeText, To: to}
		if to != nil {
			f.Type = engine.TypeReference
		}
		m.Fields[field] = f
	}
	return m
}

func TestTargetKnowsWhenNothingFits(t *testing.T) {
	tickets := moduleOf("Tickets", map[string][]string{"parent": {"Firms"}})
	bills := moduleOf("Bills", map[string][]string{"state": nil})
	comments := moduleOf("Comments", map[string][]string{"about": {"Tickets", "Bills"}, "open": nil})
	rows := leaf(engine.OpEqual, "open", "yes").Both(leaf(engine.OpIn, "about.parent", "f1", "f2"))
	for _, test := range []struct {
		to    *engine.Module
		known engine.Fields
		want  string
	}{
		{tickets, engine.Fields{"open": "yes"}, `parent is one of "f1", "f2"`},
		{tickets, nil, `parent is one of "f1", "f2"`},
		{tickets, engine.Fields{"open": nil}, "no record"},
		{bills, engine.Fields{"open": "yes"}, "no record"},
	} {
		if got := rows.Target(comments, "about", test.to, test.known).String(); got != test.want {
			t.Errorf("%s with %v: %s, want %s", test.to.Name, test.known, got, test.want)
		}
	}
	related := engine.Predicate{Op: engine.OpRelated, Module: "Firms", Values: []engine.Operand{{Value: "f1"}}}
	if got := not(related).Target(comments, "about", bills, nil); !got.IsEverything() {
		t.Errorf("what the CRM relates: %s", got)
	}
}
