package enginetest

import (
	"fmt"
	"maps"
	"testing"

	"postern/engine"
)

func crmCreate(t *testing.T, crm crmTrial) {
	fields := engine.Fields{"ticket_title": "Order 7", "ticketstatus": "Open"}
	first, err := crm.Create(t.Context(), ticketCreate(1, "key-1", fields))
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(fields)
	want["cf_externalid"] = "key-1"
	crm.compare(t, first, first.Ref, want)
	crm.expect(t, first.Ref, want)

	edit := ticketWrite(2, first.Ref, engine.Fields{"ticketstatus": "Closed"})
	if err := crm.Update(t.Context(), edit); err != nil {
		t.Fatal(err)
	}
	want["ticketstatus"] = "Closed" // asking again undoes nothing
	for name, again := range map[string]engine.Create{
		"the same create":            ticketCreate(1, "key-1", fields),
		"another with the same key":  ticketCreate(3, "key-1", engine.Fields{"ticket_title": "Other"}),
		"the key among the fields":   ticketCreate(4, "key-1", want),
		"the same, written to since": ticketCreate(1, "key-1", want),
	} {
		got, err := crm.Create(t.Context(), again)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		crm.compare(t, got, first.Ref, want)
	}
	second, err := crm.Create(t.Context(), ticketCreate(5, "key-2", fields))
	if err != nil || second.Ref == first.Ref {
		t.Errorf("another key: made %s, %v", second.Ref, err)
	}
	if all := crm.found(t, "ticket_title", "Order 7", engine.MaxFound); len(all) != 2 {
		t.Errorf("the CRM has %v, want two records", all)
	}
}

func crmRecreate(t *testing.T, crm crmTrial) {
	gone := crm.seed(engine.Record{
		Ref: ticket("1", nil).Ref, Fields: engine.Fields{"cf_externalid": "key-1"}, Deleted: true,
	})
	made, err := crm.Create(t.Context(), ticketCreate(1, "key-1", engine.Fields{
		"ticket_title": "Order 7", "ticketstatus": "Open",
	}))
	if err != nil || made.Ref == gone {
		t.Fatalf("made %s, %v", made.Ref, err)
	}
	crm.expect(t, made.Ref, engine.Fields{
		"ticket_title": "Order 7", "ticketstatus": "Open", "cf_externalid": "key-1",
	})
}

func crmFind(t *testing.T, crm crmTrial) {
	values := []string{"ext-1", "ext-1", "O'Brien \"x\" <y> & [z]", "ext-1'; --", "ü % _"}
	var refs []engine.Ref
	for i, value := range values {
		fields := engine.Fields{"ticket_title": "Order", "cf_externalid": value, "hours": number("1.50")}
		refs = append(refs, crm.seed(ticket(fmt.Sprint(i), fields)))
	}
	crm.seed(engine.Record{
		Ref: ticket("9", nil).Ref, Fields: engine.Fields{"cf_externalid": "ext-1"}, Deleted: true,
	})
	for value, want := range map[string][]engine.Ref{
		"ext-1": refs[:2], values[2]: refs[2:3], values[3]: refs[3:4], values[4]: refs[4:],
		"ext": nil, "ext-_": nil, "": nil,
	} {
		if got := crm.found(t, "cf_externalid", value, engine.MaxFound); !sameRefs(got, want) {
			t.Errorf("value %q: found %v, want %v", value, got, want)
		}
	}
	for limit, want := range map[int]int{1: 1, 3: 3} {
		if got := crm.found(t, "ticket_title", "Order", limit); len(got) != want {
			t.Errorf("at most %d: found %v", limit, got)
		}
	}
	one, err := crm.Find(t.Context(), "HelpDesk", "cf_externalid", values[2], 1)
	if err != nil || len(one) != 1 {
		t.Fatalf("found %v, %v", one, err)
	}
	crm.compare(t, one[0], refs[2], engine.Fields{
		"ticket_title": "Order", "cf_externalid": values[2], "hours": number("1.50"),
	})
}

func crmFindBounds(t *testing.T, crm crmTrial) {
	for name, c := range map[string]struct {
		field string
		value any
		limit int
	}{
		"no limit":            {"cf_externalid", "x", 0},
		"too many":            {"cf_externalid", "x", engine.MaxFound + 1},
		"a list":              {"cf_externalid", []any{"x"}, 1},
		"a field with a sign": {`cf_externalid" = '' or "x`, "x", 1},
	} {
		if got, err := crm.Find(t.Context(), "HelpDesk", c.field, c.value, c.limit); !engine.IsPermanent(err) {
			t.Errorf("%s: found %v, %v", name, got, err)
		}
	}
	if got, err := crm.Find(t.Context(), "HelpDesk", "cf_externalid", nil, 1); err != nil || len(got) != 0 {
		t.Errorf("no value: found %v, %v", got, err)
	}
}

// found is which tickets have a value.
func (c crmTrial) found(t *testing.T, field, value string, limit int) []engine.Ref {
	t.Helper()
	records, err := c.Find(t.Context(), "HelpDesk", field, value, limit)
	if err != nil {
		t.Fatalf("find %s %q: %v", field, value, err)
	}
	var refs []engine.Ref
	for _, r := range records {
		refs = append(refs, r.Ref)
	}
	return refs
}

// sameRefs tells whether two lists hold the same records, in whatever order.
func sameRefs(got, want []engine.Ref) bool {
	count := map[engine.Ref]int{}
	for _, ref := range got {
		count[ref]++
	}
	for _, ref := range want {
		count[ref]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// ticketCreate is a create whose event id is made of n.
func ticketCreate(n byte, key string, fields engine.Fields) engine.Create {
	return engine.Create{
		Module: "HelpDesk", Fields: fields, KeyField: "cf_externalid", Key: key, Origin: engine.Origin{
			EventID: testID(n), Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: crmNow,
		},
	}
}
