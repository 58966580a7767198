package portal_test

import (
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestExplanationSaysWhatSomebodyMay(t *testing.T) {
	w := house.New(t)
	now := w.Clock.Now()
	customers := w.Portals[house.Customers]
	said, verdict, err := portal.ExplainFrom(t.Context(), w.CRM, customers, house.Ana, engine.Ref{}, now)
	if err != nil || verdict != nil {
		t.Fatalf("%v, %v", verdict, err)
	}
	if said.Subject != house.Ana.String() || said.Role == "" || len(said.Refused) > 0 || len(said.Modules) == 0 {
		t.Errorf("%+v", said)
	}
	for _, m := range said.Modules {
		if m.Rows == "" || strings.Contains(m.Rows, "me.") || len(m.Read) == 0 {
			t.Errorf("%+v", m)
		}
	}
}

// What an explanation says of a record is what the desk does with it.
func TestVerdictIsTheDesks(t *testing.T) {
	w := house.New(t)
	seen := map[bool]int{}
	for _, who := range []engine.Ref{house.Ana, house.Bob, house.Eve} {
		v := w.Viewer(house.Customers, who)
		for _, access := range v.Role.Modules {
			found, err := w.CRM.Search(t.Context(), engine.Search{
				Module: access.Module, Modules: v.Portal.Modules, Limit: engine.MaxListed,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range found.Records {
				_, err := w.Desk.Get(t.Context(), v, record.Ref)
				_, verdict, fail := portal.ExplainFrom(t.Context(), w.CRM, v.Portal, who, record.Ref, w.Clock.Now())
				if fail != nil || verdict.Seen != (err == nil) || len(verdict.By) == 0 {
					t.Errorf("%s, %s: the desk says %v, the explanation %+v, %v", who, record.Ref, err, verdict, fail)
				}
				seen[err == nil]++
			}
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%d records were seen and %d not", seen[true], seen[false])
	}
}

func TestVerdictNamesWhatDecides(t *testing.T) {
	module := &engine.Module{Name: "Bills", Fields: map[string]*engine.Field{
		"firm":  {Name: "firm", Type: engine.TypeText},
		"state": {Name: "state", Type: engine.TypeText},
	}}
	person := &engine.Module{Name: "People", Fields: map[string]*engine.Field{
		"firm": {Name: "firm", Type: engine.TypeText}, "email": {Name: "email", Type: engine.TypeEmail},
	}}
	rows := engine.Predicate{Of: []engine.Predicate{
		{Op: engine.OpEqual, Path: "firm", Values: []engine.Operand{{From: engine.FromMe, Path: "firm"}}},
		leaf(engine.OpEqual, "state", "Sent"),
	}}
	p := &engine.Portal{
		Name: "p", Modules: map[string]*engine.Module{"Bills": module, "People": person},
		Subject: engine.Subject{Module: person, Zone: time.UTC, Login: "email"},
		Roles: map[string]*engine.Role{engine.RoleDefault: {
			Name: engine.RoleDefault, Modules: map[string]*engine.Access{"Bills": {Module: module, Rows: rows}},
		}},
	}
	for _, test := range []struct {
		me, record engine.Fields
		module     string
		seen       bool
		by         string
	}{
		{
			engine.Fields{"firm": "f"},
			engine.Fields{"firm": "f", "state": "Sent"},
			"Bills", true,
			`firm is "f" | state is "Sent"`,
		},
		{engine.Fields{"firm": "f"}, engine.Fields{"firm": "f"}, "Bills", false, `state is "Sent": that is not so`},
		{engine.Fields{"firm": "f"}, engine.Fields{"firm": "g"}, "Bills", false, `firm is "f": that is not so`},
		{
			engine.Fields{},
			engine.Fields{"firm": ""},
			"Bills", false,
			`rows compares with values that People/1 does not have: firm is me.firm and state is "Sent"`,
		},
		{engine.Fields{}, engine.Fields{}, "People", false, "role default has no access to People"},
	} {
		me := &engine.Env{
			Ref: engine.Ref{Module: "People", ID: "1"}, Module: person, Modules: p.Modules, Record: test.me,
		}
		row := engine.Row{
			Record:  engine.Record{Ref: engine.Ref{Module: test.module, ID: "2"}, Fields: test.record},
			Modules: p.Modules,
		}
		v := portal.Judge(p, me, row, time.Time{})
		if got := strings.Join(v.By, " | "); v.Seen != test.seen || got != test.by {
			t.Errorf("%v, %v: %t, %s", test.me, test.record, v.Seen, got)
		}
	}
}
