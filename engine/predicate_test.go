package engine_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// office is a small CRM: an account with a contact, a ticket of the account and one of nobody.
func office() map[string]*engine.Module {
	field := func(name string, t engine.FieldType, to ...string) *engine.Field {
		return &engine.Field{Name: name, Type: t, To: to}
	}
	module := func(name string, fields ...*engine.Field) *engine.Module {
		m := &engine.Module{Name: name, Fields: map[string]*engine.Field{}}
		for _, f := range fields {
			m.Names, m.Fields[f.Name] = append(m.Names, f.Name), f
		}
		return m
	}
	return map[string]*engine.Module{
		"Accounts": module("Accounts", field("accountname", engine.TypeText), field("closed", engine.TypeBoolean)),
		"Contacts": module("Contacts",
			field("account_id", engine.TypeReference, "Accounts"), field("age", engine.TypeInteger),
			field("since", engine.TypeDate), field("regions", engine.TypeMultiPicklist)),
		"HelpDesk": module("HelpDesk",
			field("parent_id", engine.TypeReference, "Accounts", "Contacts"), field("title", engine.TypeText),
			field("hours", engine.TypeNumber), field("points", engine.TypeInteger), field("closed", engine.TypeBoolean),
			field("due", engine.TypeDate), field("tags", engine.TypeMultiPicklist)),
	}
}

func leaf(op engine.PredicateOp, path string, values ...any) engine.Predicate {
	p := engine.Predicate{Op: op, Path: path}
	for _, v := range values {
		if o, ok := v.(engine.Operand); ok {
			p.Values = append(p.Values, o)
			continue
		}
		p.Values = append(p.Values, engine.Operand{Value: v})
	}
	return p
}

func not(p engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
}

func either(of ...engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpOr, Of: of}
}

func me(path string) engine.Operand { return engine.Operand{From: engine.FromMe, Path: path} }

var noon = time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC)

func TestPredicateHolds(t *testing.T) {
	ticket := engine.Record{Ref: engine.Ref{Module: "HelpDesk", ID: "17x1"}, Fields: engine.Fields{
		"parent_id": "11x4", "title": "Straße 1", "hours": json.Number("2.50"), "points": "3", "closed": "1",
		"due": "2026-11-26", "tags": "a |##| b",
	}}
	account := engine.Record{
		Ref: engine.Ref{Module: "Accounts", ID: "11x4"}, Fields: engine.Fields{"accountname": "Acme"},
	}
	row := engine.Row{
		Record: ticket, Modules: office(), Routes: map[string]engine.Record{"parent_id": account},
		Related: func(ref engine.Ref) bool { return ref.String() == "Accounts/11x4" },
	}
	related := leaf(engine.OpRelated, "", "11x4")
	related.Module = "Accounts"
	tests := []struct {
		p    engine.Predicate
		want bool
	}{
		{engine.Everything(), true},
		{engine.Nothing(), false},
		{not(engine.Nothing()), true},
		{leaf(engine.OpEqual, "id", "17x1"), true},
		{leaf(engine.OpEqual, "parent_id", "11x4"), true},
		{leaf(engine.OpNotEqual, "parent_id", "11x4"), false},
		{leaf(engine.OpIn, "parent_id", "12x1", "11x4"), true},
		{leaf(engine.OpIn, "parent_id"), false},
		{leaf(engine.OpEqual, "hours", 2.5), true},
		{leaf(engine.OpEqual, "hours", "2.5"), true},
		{leaf(engine.OpLess, "points", 3.5), true},
		{leaf(engine.OpGreaterEqual, "points", json.Number("3")), true},
		{leaf(engine.OpEqual, "points", "three"), false},
		{not(leaf(engine.OpEqual, "points", "three")), false},
		{leaf(engine.OpEqual, "closed", true), true},
		{leaf(engine.OpLess, "closed", true), false},
		{not(leaf(engine.OpLess, "closed", true)), false},
		{leaf(engine.OpGreater, "due", "2026-11-25"), true},
		{leaf(engine.OpLessEqual, "due", noon), true},
		{leaf(engine.OpStarts, "title", "Str"), true},
		{leaf(engine.OpContains, "title", "RASSE"), false},
		{leaf(engine.OpEnds, "title", " 1"), true},
		{leaf(engine.OpFold, "title", "STRAßE 1"), true},
		{leaf(engine.OpMentions, "title", "STRAßE"), true},
		{leaf(engine.OpMentions, "title", "str_"), false},
		{leaf(engine.OpMentions, "title", "%"), false},
		{leaf(engine.OpMentions, "hours", "2"), false},
		{leaf(engine.OpLike, "title", "str_%1"), true},
		{leaf(engine.OpLike, "title", "str_1"), false},
		{leaf(engine.OpLike, "hours", "2%"), false},
		{leaf(engine.OpEqual, "tags", "a"), false},
		{not(leaf(engine.OpEqual, "tags", "a")), false},
		{leaf(engine.OpEqual, "parent_id.accountname", "Acme"), true},
		{leaf(engine.OpEqual, "parent_id.id", "11x4"), true},
		{leaf(engine.OpEqual, "parent_id.closed", false), true},
		{leaf(engine.OpEqual, "parent_id.age", nil), true}, // of a contact, which this parent is not
		{leaf(engine.OpEqual, "nobody.accountname", ""), true},
		{leaf(engine.OpLess, "nobody.accountname", "z"), true},
		{leaf(engine.OpLess, "nobody.age", 3), false},
		{leaf(engine.OpEqual, "nobody.closed", false), true},
		{leaf(engine.OpEqual, "unknown", ""), false},
		{not(leaf(engine.OpEqual, "unknown", "x")), false},
		{leaf(engine.OpEqual, "parent_id", me("account_id")), false},
		{not(leaf(engine.OpEqual, "parent_id", me("account_id"))), false},
		{related, true},
		{not(related), false},
		{engine.Predicate{Op: "regex", Path: "title", Values: []engine.Operand{{Value: "."}}}, false},
		{not(either(leaf(engine.OpEqual, "points", 1), leaf(engine.OpEqual, "points", "three"))), false},
		{not(engine.Predicate{Of: []engine.Predicate{leaf(engine.OpEqual, "points", 1)}}), true},
	}
	for _, test := range tests {
		if got := test.p.Holds(row); got != test.want {
			t.Errorf("%s: %t", test.p, got)
		}
	}
}

func TestEmptyValuesOfTheSubjectMatchNothing(t *testing.T) {
	env := &engine.Env{
		Ref: engine.Ref{Module: "Contacts", ID: "12x7"}, Modules: office(),
		Record: engine.Fields{"account_id": "", "age": "old", "regions": "north |##| south"},
		Routes: map[string]engine.Record{},
	}
	id, empty, malformed := leaf(engine.OpEqual, "parent_id", me("id")), leaf(engine.OpEqual, "parent_id",
		me("account_id")), leaf(engine.OpLess, "points", me("age"))
	tests := []struct {
		p    engine.Predicate
		want string
	}{
		{id, `parent_id is "12x7"`},
		{not(id), `parent_id is not "12x7"`},
		{empty, "no record"},
		{not(empty), "no record"},
		{not(not(empty)), "no record"},
		{malformed, "no record"},
		{not(malformed), "no record"},
		{leaf(engine.OpNotEqual, "parent_id", me("account_id")), "no record"},
		{leaf(engine.OpEqual, "title", me("account_id.accountname")), "no record"},
		{leaf(engine.OpEqual, "title", me("nothing")), "no record"},
		{leaf(engine.OpEqual, "title", me("regions")), "no record"},
		{leaf(engine.OpEqual, "title", ""), "title is empty"},
		{leaf(engine.OpIn, "parent_id", me("id"), me("account_id")), `parent_id is "12x7"`},
		{not(leaf(engine.OpIn, "parent_id", me("id"), me("account_id"))), "no record"},
		{leaf(engine.OpIn, "parent_id", me("account_id")), "no record"},
		{leaf(engine.OpIn, "title", me("regions")), `title is one of "north", "south"`},
		{leaf(engine.OpIn, "title"), "no record"},
		{not(leaf(engine.OpIn, "title")), "every record"},
		{either(id, empty), `parent_id is "12x7"`},
		{
			not(either(id, leaf(engine.OpContains, "title", "x"))),
			`parent_id is not "12x7" and title does not contain "x"`,
		},
		{either(id, leaf(engine.OpEqual, "closed", true), engine.Everything()), "every record"},
		{
			not(engine.Predicate{Of: []engine.Predicate{id, leaf(engine.OpLess, "points", 3)}}),
			`parent_id is not "12x7" or points is not less than 3`,
		},
		{leaf(engine.OpGreater, "due", engine.Operand{From: engine.FromToday}), "due is after 2026-11-27"},
		{leaf(engine.OpLess, "due", engine.Operand{From: engine.FromNow}), "due is before 2026-11-26T23:30:00Z"},
	}
	madrid := time.FixedZone("Europe/Madrid", 3600)
	for _, test := range tests {
		if got := test.p.Bind(env, noon, madrid).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.p, got, test.want)
		}
	}
}

func TestPredicatePaths(t *testing.T) {
	p := engine.Predicate{Of: []engine.Predicate{
		leaf(engine.OpEqual, "project_id.account_id.id", me("account_id.parent_id.id")),
		not(either(leaf(engine.OpEqual, "title", "x"), leaf(engine.OpIn, "id", me("id")))),
	}}
	for _, test := range []struct {
		what      string
		got, want []string
	}{
		{"routes", p.Routes(), []string{"project_id", "project_id.account_id"}},
		{"fields", p.Fields(), []string{"project_id", "title"}},
		{"routes of me", p.MeRoutes(), []string{"account_id", "account_id.parent_id"}},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v", test.what, test.got)
		}
	}
}

func TestFoldForgetsCase(t *testing.T) {
	for _, same := range [][2]string{{"ÁÉ", "áé"}, {"K", "k"}, {"ΣΣ", "σς"}, {"a@B.example", "A@b.example"}} {
		if engine.Fold(same[0]) != engine.Fold(same[1]) {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
	if engine.Fold("ı") == engine.Fold("i") {
		t.Error("two letters are one")
	}
}
