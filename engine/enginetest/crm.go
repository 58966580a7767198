package enginetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// crmNow is when everything in the suite of a CRM happens.
var crmNow = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// crmTrial is a CRM that a case of the suite works on.
type crmTrial struct {
	engine.CRM
	seed func(engine.Record)
}

// TestCRM holds a CRM against what the engine relies on. open gives an empty CRM and a way to put records into it that
// are not the engine's own writes; both live as long as the test.
func TestCRM(t *testing.T, open func(t *testing.T) (crm engine.CRM, seed func(engine.Record))) {
	for name, test := range map[string]func(*testing.T, crmTrial){
		"get reads what is there":               crmGet,
		"update sets fields and leaves others":  crmUpdate,
		"an update is done once":                crmOnce,
		"an update that changes nothing counts": crmNothing,
		"refusals are permanent":                crmRefusals,
		"unique values are kept apart":          crmUnique,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crm, seed := open(t)
			test(t, crmTrial{CRM: crm, seed: seed})
		})
	}
}

func crmGet(t *testing.T, crm crmTrial) {
	first := ticket("1", engine.Fields{"title": "Lost key", "hours": json.Number("1.50"), "closed": false})
	second := ticket("strange id/ü", engine.Fields{"title": "", "tags": []any{"a", "b"}})
	crm.seed(first)
	crm.seed(second)
	refs := []engine.Ref{second.Ref, {Module: "HelpDesk", ID: "none"}, {Module: "None", ID: "1"}, first.Ref}
	got, err := crm.Get(t.Context(), refs...)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[engine.Ref]engine.Fields{}
	for _, r := range got {
		fields[r.Ref] = r.Fields
	}
	want := map[engine.Ref]engine.Fields{first.Ref: first.Fields, second.Ref: second.Fields}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if none, err := crm.Get(t.Context()); err != nil || len(none) != 0 {
		t.Errorf("asked for nothing, got %v, %v", none, err)
	}
}

func crmUpdate(t *testing.T, crm crmTrial) {
	crm.seed(ticket("1", engine.Fields{"title": "Lost key", "status": "Open"}))
	w := ticketWrite(1, "1", engine.Fields{"status": "Closed", "solution": "Found"})
	w.Patch.Expect = engine.Fields{"status": "Open", "solution": nil}
	if err := crm.Update(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	crm.expect(t, "1", engine.Fields{"title": "Lost key", "status": "Closed", "solution": "Found"})
}

func crmOnce(t *testing.T, crm crmTrial) {
	crm.seed(ticket("1", engine.Fields{"status": "Open"}))
	first := ticketWrite(1, "1", engine.Fields{"status": "Waiting"})
	second := ticketWrite(2, "1", engine.Fields{"status": "Closed"})
	for _, w := range []engine.Write{first, second, first} {
		if err := crm.Update(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	crm.expect(t, "1", engine.Fields{"status": "Closed"})
}

// A repeat after a lost answer must not undo what somebody did in between.
func crmNothing(t *testing.T, crm crmTrial) {
	crm.seed(ticket("1", engine.Fields{"status": "Open"}))
	first := ticketWrite(1, "1", engine.Fields{"status": "Open"})
	second := ticketWrite(2, "1", engine.Fields{"status": "Closed"})
	for _, w := range []engine.Write{first, second, first} {
		if err := crm.Update(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	crm.expect(t, "1", engine.Fields{"status": "Closed"})
}

func crmRefusals(t *testing.T, crm crmTrial) {
	crm.seed(ticket("1", engine.Fields{"status": "Open"}))
	crm.seed(engine.Record{Ref: ticket("2", nil).Ref, Fields: engine.Fields{}, Deleted: true})
	stale := ticketWrite(1, "1", engine.Fields{"status": "Closed"})
	stale.Patch.Expect = engine.Fields{"status": "Waiting"}
	for name, c := range map[string]struct {
		write engine.Write
		want  error
	}{
		"changed meanwhile": {stale, engine.ErrConflict},
		"never there":       {ticketWrite(2, "none", engine.Fields{"status": "Closed"}), engine.ErrNoRecord},
		"deleted":           {ticketWrite(3, "2", engine.Fields{"status": "Closed"}), engine.ErrNoRecord},
	} {
		err := crm.Update(t.Context(), c.write)
		if !errors.Is(err, c.want) || !engine.IsPermanent(err) {
			t.Errorf("%s: got %v (permanent: %v), want %v, permanent", name, err, engine.IsPermanent(err), c.want)
		}
	}
	crm.expect(t, "1", engine.Fields{"status": "Open"})
}

func crmUnique(t *testing.T, crm crmTrial) {
	for _, id := range []string{"1", "2"} {
		crm.seed(ticket(id, engine.Fields{"title": "Lost key"}))
	}
	steps := []struct {
		id, value string
		want      error
	}{
		{"1", "a", nil},
		{"2", "a", engine.ErrTaken},
		{"1", "b", nil}, // gives "a" up
		{"2", "a", nil},
		{"2", "", nil}, // the empty value may be had by many
		{"1", "", nil},
	}
	for i, s := range steps {
		w := ticketWrite(byte(i+1), s.id, engine.Fields{"externalid": s.value})
		w.Unique = []string{"externalid"}
		err := crm.Update(t.Context(), w)
		if !errors.Is(err, s.want) || engine.IsPermanent(err) != (s.want != nil) {
			t.Fatalf("step %d, %s takes %q: got %v, want %v", i, s.id, s.value, err, s.want)
		}
	}
}

// expect reads one ticket and compares its fields.
func (c crmTrial) expect(t *testing.T, id string, want engine.Fields) {
	t.Helper()
	got, err := c.Get(t.Context(), engine.Ref{Module: "HelpDesk", ID: id})
	if err != nil || len(got) != 1 {
		t.Fatalf("read ticket %s: %v, %v", id, got, err)
	}
	if diff := cmp.Diff(want, got[0].Fields); diff != "" {
		t.Errorf("ticket %s (-want +got):\n%s", id, diff)
	}
}

func ticket(id string, fields engine.Fields) engine.Record {
	return engine.Record{Ref: engine.Ref{Module: "HelpDesk", ID: id}, Fields: fields}
}

// ticketWrite is a write whose event id is made of n.
func ticketWrite(n byte, id string, set engine.Fields) engine.Write {
	return engine.Write{
		Ref: engine.Ref{Module: "HelpDesk", ID: id}, Patch: engine.Patch{Set: set}, EventID: testID(n),
		Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: crmNow,
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
