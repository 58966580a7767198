package enginetest

import (
	"errors"
	"testing"

	"postern/engine"
)

// ticketOrigin is that of an event whose id is made of n.
func ticketOrigin(n byte) engine.Origin {
	return engine.Origin{
		EventID: testID(n), Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: crmNow,
	}
}

func contact(id string) engine.Record {
	return engine.Record{Ref: engine.Ref{Module: "Contacts", ID: id}, Fields: engine.Fields{"lastname": "O'Brien"}}
}

func crmDelete(t *testing.T, crm crmTrial) {
	fields := engine.Fields{"ticket_title": "Lost key", "ticketstatus": "Open"}
	ref, other := crm.seed(ticket("1", fields)), crm.seed(ticket("2", fields))
	last, err := crm.Delete(t.Context(), engine.Delete{Ref: ref, Origin: ticketOrigin(1)})
	if err != nil {
		t.Fatal(err)
	}
	crm.compare(t, last, ref, fields)
	if got, err := crm.Get(t.Context(), ref); err != nil || len(got) != 0 {
		t.Errorf("after it was deleted: %v, %v", got, err)
	}
	write := ticketWrite(2, ref, engine.Fields{"ticketstatus": "Closed"})
	if err := crm.Update(t.Context(), write); !errors.Is(err, engine.ErrNoRecord) {
		t.Errorf("it was written to: %v", err)
	}
	if got := crm.found(t, "ticket_title", "Lost key", 9); !sameRefs(got, []engine.Ref{other}) {
		t.Errorf("found %v", got)
	}
	all := engine.Listing{Module: "HelpDesk", Limit: 9}
	if got := crm.listed(t, all, nothing); !sameRefs(got, []engine.Ref{other}) {
		t.Errorf("listed %v", got)
	}
	for name, d := range map[string]engine.Delete{
		"the same":       {Ref: ref, Origin: ticketOrigin(1)},
		"another":        {Ref: ref, Origin: ticketOrigin(3)},
		"never there":    {Ref: engine.Ref{Module: "HelpDesk", ID: "none"}, Origin: ticketOrigin(4)},
		"another module": {Ref: engine.Ref{Module: "Contacts", ID: other.ID}, Origin: ticketOrigin(5)},
	} {
		if last, err := crm.Delete(t.Context(), d); err != nil || !last.IsZero() {
			t.Errorf("%s: deleted %v, %v", name, last, err)
		}
	}
	crm.expect(t, other, fields)
}

// A deletion looks first whether the record still is what somebody wanted to be rid of.
func crmDeleteExpected(t *testing.T, crm crmTrial) {
	fields := engine.Fields{"ticket_title": "Lost key", "ticketstatus": "Open"}
	ref := crm.seed(ticket("1", fields))
	for n, stale := range []engine.Fields{
		{"ticketstatus": "Closed"},
		{"ticket_title": "Lost key", "ticketstatus": "open"},
		{"ticket_title": ""},
		{"ticket_title": "Lost key", "description": "none yet"},
	} {
		last, err := crm.Delete(t.Context(), engine.Delete{Ref: ref, Expect: stale, Origin: ticketOrigin(byte(n + 1))})
		if !errors.Is(err, engine.ErrConflict) || !engine.IsPermanent(err) || !last.IsZero() {
			t.Errorf("expecting %v: deleted %v, %v", stale, last, err)
		}
	}
	crm.expect(t, ref, fields)
	expect := engine.Fields{"ticketstatus": "Open", "description": nil}
	for n := range 2 { // what is gone need not be as expected
		last, err := crm.Delete(t.Context(), engine.Delete{Ref: ref, Expect: expect, Origin: ticketOrigin(byte(9 + n))})
		if err != nil || last.IsZero() != (n == 1) {
			t.Errorf("deletion %d: %v, %v", n+1, last, err)
		}
		expect = engine.Fields{"ticketstatus": "Closed"}
	}
}

func crmRelate(t *testing.T, crm crmTrial) {
	one := crm.seed(ticket("1", engine.Fields{"ticket_title": "Lost key"}))
	two := crm.seed(contact("2"))
	gone := crm.seed(engine.Record{Ref: ticket("3", nil).Ref, Fields: engine.Fields{}, Deleted: true})
	none := engine.Ref{Module: "HelpDesk", ID: "none"}
	relate := func(n byte, from, to engine.Ref, part bool) (bool, error) {
		return crm.Relate(t.Context(), engine.Relate{From: from, To: to, Part: part, Origin: ticketOrigin(n)})
	}
	for i, c := range []struct {
		event    byte
		from, to engine.Ref
		part     bool
		changes  bool
	}{
		{1, one, two, true, false}, // parted already
		{2, one, two, false, true},
		{2, one, two, false, false}, // the same again
		{3, one, two, false, false},
		{4, two, one, false, false}, // from the other end
		{5, two, one, true, true},
		{6, one, two, true, false},
		{7, one, two, false, true},
		{8, one, two, true, true},
		{9, one, gone, true, false},
		{10, none, two, true, false},
	} {
		changed, err := relate(c.event, c.from, c.to, c.part)
		if err != nil || (crm.Traits().Local && changed != c.changes) || (c.changes && !changed) {
			t.Fatalf("step %d: changed %v, %v; want %v", i+1, changed, err, c.changes)
		}
	}
	for _, ends := range [][2]engine.Ref{{one, gone}, {gone, two}, {none, two}, {two, none}} {
		_, err := relate(11, ends[0], ends[1], false)
		if !errors.Is(err, engine.ErrNoRecord) || !engine.IsPermanent(err) {
			t.Errorf("%s and %s are joined: %v", ends[0], ends[1], err)
		}
	}
}
