package enginetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"postern/engine"
)

// crmNow is when everything in the suite of a CRM happens.
var crmNow = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// crmTrial is a CRM that a case of the suite works on.
type crmTrial struct {
	engine.CRM
	seed func(engine.Record) engine.Ref
}

// TestCRM holds a CRM against what the engine relies on. open gives an empty CRM and a way to put records into it that
// are not the engine's own writes; both live as long as the test. The suite's records are tickets of module HelpDesk
// with the fields ticket_title, ticketstatus, solution, hours and cf_externalid. A CRM that numbers its records itself
// returns from seed what it made of the id; others return the record's own. A CRM that is not local may give records
// further fields, and write a value in another way as long as it is engine.Same.
func TestCRM(t *testing.T, open func(t *testing.T) (crm engine.CRM, seed func(engine.Record) engine.Ref)) {
	for name, test := range map[string]func(*testing.T, crmTrial){
		"get reads what is there":               crmGet,
		"update sets fields and leaves others":  crmUpdate,
		"an update is done once":                crmOnce,
		"an update that changes nothing counts": crmNothing,
		"refusals are permanent":                crmRefusals,
		"unique values are kept apart":          crmUnique,
		"create makes a record once for a key":  crmCreate,
		"a key that was deleted is free":        crmRecreate,
		"find reads by value":                   crmFind,
		"find has bounds":                       crmFindBounds,
		"delete removes a record":               crmDelete,
		"delete looks first":                    crmDeleteExpected,
		"relate joins and parts":                crmRelate,
		"list gives every record once":          crmList,
		"list looks a value up":                 crmListValue,
		"a list goes on through changes":        crmListChanges,
		"list has bounds":                       crmListBounds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crm, seed := open(t)
			test(t, crmTrial{CRM: crm, seed: seed})
		})
	}
}

func crmGet(t *testing.T, crm crmTrial) {
	fields := engine.Fields{"ticket_title": "Lost <key> & \"more\" \\ ü’s", "hours": number("1.50"), "solution": ""}
	first := crm.seed(ticket("1", fields))
	second := crm.seed(ticket("2", engine.Fields{"ticket_title": "Order", "ticketstatus": "Open"}))
	gone := crm.seed(engine.Record{Ref: ticket("3", nil).Ref, Fields: engine.Fields{}, Deleted: true})
	refs := []engine.Ref{second, {Module: "HelpDesk", ID: "none"}, {Module: "Contacts", ID: first.ID}, gone, first}
	got, err := crm.Get(t.Context(), refs...)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v, want two records", got, err)
	}
	crm.expect(t, first, fields)
	crm.expect(t, second, engine.Fields{"ticket_title": "Order", "ticketstatus": "Open"})
	if none, err := crm.Get(t.Context()); err != nil || len(none) != 0 {
		t.Errorf("asked for nothing, got %v, %v", none, err)
	}
}

func crmUpdate(t *testing.T, crm crmTrial) {
	ref := crm.seed(ticket("1", engine.Fields{"ticket_title": "Lost key", "ticketstatus": "Open"}))
	w := ticketWrite(1, ref, engine.Fields{"ticketstatus": "Closed", "solution": "Found"})
	w.Patch.Expect = engine.Fields{"ticketstatus": "Open", "solution": nil}
	if err := crm.Update(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	crm.expect(t, ref, engine.Fields{"ticket_title": "Lost key", "ticketstatus": "Closed", "solution": "Found"})
}

// A repeat after a lost answer must not undo what somebody did in between: a local CRM knows the write, any other
// finds that what it expected no longer stands.
func crmOnce(t *testing.T, crm crmTrial) {
	ref := crm.seed(ticket("1", engine.Fields{"ticketstatus": "Open"}))
	first := ticketWrite(1, ref, engine.Fields{"ticketstatus": "Wait For Response"})
	first.Patch.Expect = engine.Fields{"ticketstatus": "Open"}
	second := ticketWrite(2, ref, engine.Fields{"ticketstatus": "Closed"})
	for i, w := range []engine.Write{first, first, second} {
		if err := crm.Update(t.Context(), w); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	err := crm.Update(t.Context(), first)
	if local := crm.Traits().Local; local && err != nil || !local && !errors.Is(err, engine.ErrConflict) {
		t.Errorf("asked again after somebody else's change (local: %v): %v", local, err)
	}
	crm.expect(t, ref, engine.Fields{"ticketstatus": "Closed"})
}

func crmNothing(t *testing.T, crm crmTrial) {
	ref := crm.seed(ticket("1", engine.Fields{"ticketstatus": "Open"}))
	first := ticketWrite(1, ref, engine.Fields{"ticketstatus": "Open"})
	first.Patch.Expect = engine.Fields{"ticketstatus": "Open"}
	second := ticketWrite(2, ref, engine.Fields{"ticketstatus": "Closed"})
	for _, w := range []engine.Write{first, second} {
		if err := crm.Update(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if err := crm.Update(t.Context(), first); err != nil && !errors.Is(err, engine.ErrConflict) {
		t.Fatal(err)
	}
	crm.expect(t, ref, engine.Fields{"ticketstatus": "Closed"})
}

func crmRefusals(t *testing.T, crm crmTrial) {
	ref := crm.seed(ticket("1", engine.Fields{"ticketstatus": "Open"}))
	gone := crm.seed(engine.Record{Ref: ticket("2", nil).Ref, Fields: engine.Fields{}, Deleted: true})
	stale := ticketWrite(1, ref, engine.Fields{"ticketstatus": "Closed"})
	stale.Patch.Expect = engine.Fields{"ticketstatus": "Wait For Response"}
	none := engine.Ref{Module: "HelpDesk", ID: "none"}
	for name, c := range map[string]struct {
		write engine.Write
		want  error
	}{
		"changed meanwhile": {stale, engine.ErrConflict},
		"never there":       {ticketWrite(2, none, engine.Fields{"ticketstatus": "Closed"}), engine.ErrNoRecord},
		"deleted":           {ticketWrite(3, gone, engine.Fields{"ticketstatus": "Closed"}), engine.ErrNoRecord},
	} {
		err := crm.Update(t.Context(), c.write)
		if !errors.Is(err, c.want) || !engine.IsPermanent(err) {
			t.Errorf("%s: got %v (permanent: %v), want %v, permanent", name, err, engine.IsPermanent(err), c.want)
		}
	}
	crm.expect(t, ref, engine.Fields{"ticketstatus": "Open"})
}

func crmUnique(t *testing.T, crm crmTrial) {
	one := crm.seed(ticket("1", engine.Fields{"ticket_title": "Lost key"}))
	two := crm.seed(ticket("2", engine.Fields{"ticket_title": "Lost key"}))
	steps := []struct {
		ref   engine.Ref
		value string
		want  error
	}{
		{one, "a", nil},
		{two, "a", engine.ErrTaken},
		{one, "b", nil}, // gives "a" up
		{two, "a", nil},
		{two, "", nil}, // the empty value may be had by many
		{one, "", nil},
	}
	for i, s := range steps {
		w := ticketWrite(byte(i+1), s.ref, engine.Fields{"cf_externalid": s.value})
		w.Unique = []string{"cf_externalid"}
		err := crm.Update(t.Context(), w)
		if !errors.Is(err, s.want) || engine.IsPermanent(err) != (s.want != nil) {
			t.Fatalf("step %d, %s takes %q: got %v, want %v", i, s.ref, s.value, err, s.want)
		}
	}
}

// expect reads one ticket and compares its fields.
func (c crmTrial) expect(t *testing.T, ref engine.Ref, want engine.Fields) {
	t.Helper()
	got, err := c.Get(t.Context(), ref)
	if err != nil || len(got) != 1 {
		t.Fatalf("read %s: %v, %v", ref, got, err)
	}
	c.compare(t, got[0], ref, want)
}

// compare holds a record against what it should be.
func (c crmTrial) compare(t *testing.T, got engine.Record, ref engine.Ref, want engine.Fields) {
	t.Helper()
	if got.Ref != ref {
		t.Errorf("got record %s, want %s", got.Ref, ref)
	}
	for name, value := range want {
		if !engine.Same(got.Fields[name], value) {
			t.Errorf("%s: field %s is %#v, want %#v", ref, name, got.Fields[name], value)
		}
	}
	if c.Traits().Local && len(got.Fields) != len(want) {
		t.Errorf("%s: got the fields %v, want only %v", ref, got.Fields, want)
	}
}

func ticket(id string, fields engine.Fields) engine.Record {
	return engine.Record{Ref: engine.Ref{Module: "HelpDesk", ID: id}, Fields: fields}
}

// ticketWrite is a write whose event id is made of n.
func ticketWrite(n byte, ref engine.Ref, set engine.Fields) engine.Write {
	return engine.Write{
		Ref: ref, Patch: engine.Patch{Set: set}, Origin: engine.Origin{
			EventID: testID(n), Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: crmNow,
		},
	}
}

// testID is a version 7 id made of one byte.
func testID(n byte) engine.ID {
	id, err := engine.NewID(crmNow, bytes.NewReader(bytes.Repeat([]byte{n}, 10)))
	if err != nil {
		panic(err) // ten bytes are all it reads
	}
	return id
}
