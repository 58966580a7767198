package enginetest

import (
	"fmt"
	"slices"
	"testing"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// tickets seeds as many tickets and returns them in the order of their ids.
func (c crmTrial) tickets(t *testing.T, n int, status func(i int) string) []engine.Ref {
	t.Helper()
	var refs []engine.Ref
	for i := range n {
		refs = append(refs, c.seed(ticket(fmt.Sprintf("t%03d", i), engine.Fields{
			"ticket_title": fmt.Sprint("Order ", i), "ticketstatus": status(i),
		})))
	}
	return refs
}

func always(status string) func(int) string { return func(int) string { return status } }

// listed reads a list to its end and returns its records.
func (c crmTrial) listed(t *testing.T, l engine.Listing, between func(page int)) []engine.Ref {
	t.Helper()
	var refs []engine.Ref
	for n := 1; ; n++ {
		page, err := c.List(t.Context(), l)
		switch {
		case err != nil:
			t.Fatalf("page %d: %v", n, err)
		case len(page.Records) > l.Limit:
			t.Fatalf("page %d has %d records, %d were asked for", n, len(page.Records), l.Limit)
		case n > 100:
			t.Fatal("the list does not end")
		}
		for _, record := range page.Records {
			refs = append(refs, record.Ref)
		}
		if page.Next == "" {
			return refs
		}
		l.After = page.Next
		between(n)
	}
}

func nothing(int) {}

func crmList(t *testing.T, crm crmTrial) {
	if got := crm.listed(t, engine.Listing{Module: "HelpDesk", Limit: 5}, nothing); len(got) != 0 {
		t.Errorf("an empty module has %v", got)
	}
	want := crm.tickets(t, 12, always("Open"))
	crm.seed(contact("t005"))
	for _, limit := range []int{1, 5, 12, engine.MaxListed} {
		got := crm.listed(t, engine.Listing{Module: "HelpDesk", Limit: limit}, nothing)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d at a time (-want +got):\n%s", limit, diff)
		}
	}
	page, err := crm.List(t.Context(), engine.Listing{Module: "HelpDesk", Limit: 2})
	if err != nil || len(page.Records) != 2 {
		t.Fatalf("got %v, %v", page, err)
	}
	crm.compare(t, page.Records[1], want[1], engine.Fields{"ticket_title": "Order 1", "ticketstatus": "Open"})
}

func crmListValue(t *testing.T, crm crmTrial) {
	refs := crm.tickets(t, 9, func(i int) string { return []string{"Open", "Closed", "open"}[i%3] })
	for value, want := range map[any][]engine.Ref{
		"Open": {refs[0], refs[3], refs[6]}, "Closed": {refs[1], refs[4], refs[7]}, "open": {refs[2], refs[5], refs[8]},
		"O'Brien": nil, "": nil, nil: nil,
	} {
		l := engine.Listing{Module: "HelpDesk", Field: "ticketstatus", Value: value, Limit: 2}
		if diff := cmp.Diff(want, crm.listed(t, l, nothing)); diff != "" {
			t.Errorf("with %v (-want +got):\n%s", value, diff)
		}
	}
}

// What is there all the time comes once, whatever happens to the others between two pages.
func crmListChanges(t *testing.T, crm crmTrial) {
	refs := crm.tickets(t, 8, always("Open"))
	l := engine.Listing{Module: "HelpDesk", Field: "ticketstatus", Value: "Open", Limit: 3}
	got := crm.listed(t, l, func(page int) {
		if page != 1 {
			return
		}
		for i, ref := range []engine.Ref{refs[0], refs[4]} { // one that came already, one that would have come
			w := ticketWrite(byte(i+1), ref, engine.Fields{"ticketstatus": "Closed"})
			if err := crm.Update(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		edit := ticketWrite(9, refs[5], engine.Fields{"ticket_title": "Changed"})
		if err := crm.Update(t.Context(), edit); err != nil {
			t.Fatal(err)
		}
		crm.seed(ticket("t000a", engine.Fields{"ticket_title": "New", "ticketstatus": "Open"}))
	})
	want := slices.Delete(slices.Clone(refs), 4, 5)
	got = slices.DeleteFunc(got, func(r engine.Ref) bool { return !slices.Contains(refs, r) }) // the new one may come
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func crmListBounds(t *testing.T, crm crmTrial) {
	for name, l := range map[string]engine.Listing{
		"no limit":            {Module: "HelpDesk"},
		"too many":            {Module: "HelpDesk", Limit: engine.MaxListed + 1},
		"a list":              {Module: "HelpDesk", Field: "ticketstatus", Value: []any{"Open"}, Limit: 1},
		"a field with a sign": {Module: "HelpDesk", Field: `x" = 'x' or "x`, Value: "x", Limit: 1},
	} {
		if page, err := crm.List(t.Context(), l); !engine.IsPermanent(err) {
			t.Errorf("%s: got %v, %v", name, page, err)
		}
	}
}
