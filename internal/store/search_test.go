package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// ticketModules are the modules of what fillRecords keeps.
func ticketModules() map[string]*engine.Module {
	text := func(name string) *engine.Field { return &engine.Field{Name: name, Type: engine.TypeText} }
	return map[string]*engine.Module{"HelpDesk": {Name: "HelpDesk", Fields: map[string]*engine.Field{
		"ticket_title": text("ticket_title"), "ticketstatus": text("ticketstatus"), "description": text("description"),
		"parent_id": {Name: "parent_id", Type: engine.TypeReference, To: []string{"Contacts"}},
	}}, "Contacts": {Name: "Contacts", Fields: map[string]*engine.Field{
		"email":      {Name: "email", Type: engine.TypeEmail},
		"account_id": {Name: "account_id", Type: engine.TypeReference, To: []string{"Accounts"}},
	}}}
}

func ticketSearch(p engine.Predicate) engine.Search {
	modules := ticketModules()
	return engine.Search{Module: modules["HelpDesk"], Modules: modules, Where: p, Limit: 50}
}

func is(path string, values ...any) engine.Predicate {
	p := engine.Predicate{Op: engine.OpIn, Path: path}
	for _, value := range values {
		p.Values = append(p.Values, engine.Operand{Value: value})
	}
	return p
}

// planOf is how SQLite would answer a page.
func planOf(t *testing.T, s *Store, search engine.Search) string {
	t.Helper()
	query, args, err := s.newQuestion(search).page()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := s.reading.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var n int // only a statement that runs notices that an index was made
	if err := conn.QueryRowContext(t.Context(), "SELECT count(*) FROM relations").Scan(&n); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// What an index can find it finds: the value of a field, one of several, a name in whatever case, what a route leads
// to, and what a record is related to.
func TestSearchUsesIndexes(t *testing.T) {
	s := fresh(t)
	for _, at := range []place{{"HelpDesk", "parent_id"}, {"Contacts", "account_id"}} {
		if err := s.Index(t.Context(), at.module, at.field); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.IndexFolded(t.Context(), "Contacts", "email"); err != nil {
		t.Fatal(err)
	}
	contacts := ticketSearch(engine.Predicate{
		Op: engine.OpFold, Path: "email", Values: []engine.Operand{{Value: "Zoe@acme.example"}},
	})
	contacts.Module = contacts.Modules["Contacts"]
	related := engine.Predicate{
		Op: engine.OpRelated, Module: "Contacts", Values: []engine.Operand{{Value: "12x1"}},
	}
	sorted := ticketSearch(is("parent_id", "12x1").Both(is("ticketstatus", "Open")))
	sorted.Order = []engine.Sorting{{Field: "ticket_title", Desc: true}}
	const byParent = "records of HelpDesk by parent_id (<expr>=?)"
	for name, c := range map[string]struct {
		search engine.Search
		uses   []string
	}{
		"a value":  {ticketSearch(is("parent_id", "12x1")), []string{byParent}},
		"several":  {ticketSearch(is("parent_id", "12x1", "11x2")), []string{byParent}},
		"and more": {sorted, []string{byParent}},
		"a route": {ticketSearch(is("parent_id.account_id", "11x2")), []string{
			byParent, "records of Contacts by account_id (<expr>=?)",
		}},
		"a name": {contacts, []string{"records of Contacts by email without case (<expr>=?)"}},
		"relation": {ticketSearch(related), []string{
			"(module=? AND id=?)", "relations_other (other_module=? AND other_id=?",
		}},
		"one record": {ticketSearch(is("parent_id", "12x1").Both(is("id", "17x1"))), []string{"(module=? AND id=?)"}},
		"any of some": {ticketSearch(engine.Predicate{Op: engine.OpOr, Of: []engine.Predicate{
			is("parent_id", "12x1"), related,
		}}), []string{byParent, "relations_other (other_module=? AND other_id=?"}},
	} {
		plan := planOf(t, s, c.search)
		for _, index := range c.uses {
			if !strings.Contains(plan, index) || strings.Contains(plan, "SCAN r") {
				t.Errorf("%s: the plan does not use %q:\n%s", name, index, plan)
			}
		}
	}
}

// A place that was not given for this list is refused, whatever it is made of.
func TestSearchRefusesPlaces(t *testing.T) {
	s := fresh(t)
	fillRecords(t, s, 10)
	search := ticketSearch(engine.Everything())
	search.Limit = 2
	search.Order = []engine.Sorting{{Field: "ticketstatus"}}
	page, err := s.Search(t.Context(), search)
	if err != nil || page.Next == "" {
		t.Fatal(page, err)
	}
	other := search
	other.Order = []engine.Sorting{{Field: "ticket_title"}}
	written := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, after := range []string{
		"x", "' OR 1=1 --", written("{}"), written("null"), written(`[["HelpDesk","+ticketstatus"],[],"17x1"]`),
		written(`[["HelpDesk","+ticketstatus"],[["a"]],"17x1"]`), written(`[["HelpDesk","+ticketstatus"],["a"],""]`),
		written(`[["HelpDesk","+ticketstatus"],["a"],"1"]garbage`),
		written(`[["HelpDesk","+ticketstatus"],[{"a":1}],"1"]`),
		page.Next + "A", page.Next + "\n", strings.Repeat("A", 1<<20),
	} {
		search.After = after
		if found, err := s.Search(t.Context(), search); !errors.Is(err, engine.ErrNoPlace) || !engine.IsPermanent(err) {
			t.Errorf("after %.40q: %d records, %v", after, len(found.Records), err)
		}
	}
	other.After = page.Next
	if _, err := s.Search(t.Context(), other); !errors.Is(err, engine.ErrNoPlace) {
		t.Errorf("the place of another list: %v", err)
	}
	search.After = written(`[["HelpDesk","+ticketstatus"],["a' OR '1'='1"],"17x1' OR '1'='1"]`)
	if found, err := s.Search(t.Context(), search); err != nil || len(found.Records) != 0 {
		t.Errorf("a place made up, behind all others: %v, %v", found, err)
	}
}

// Bounds are kept before anything is read.
func TestSearchHasBounds(t *testing.T) {
	s := fresh(t)
	deep := is("ticketstatus", "Open")
	for range engine.MaxNested {
		deep = engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{deep}}
	}
	wide := engine.Predicate{Op: engine.OpOr}
	for range engine.MaxComparisons + 1 {
		wide.Of = append(wide.Of, is("ticketstatus", "Open"))
	}
	edit := func(change func(*engine.Search)) engine.Search {
		search := ticketSearch(engine.Everything())
		change(&search)
		return search
	}
	for name, search := range map[string]engine.Search{
		"deep":             ticketSearch(deep),
		"wide":             ticketSearch(wide),
		"many values":      ticketSearch(is("ticketstatus", make([]any, engine.MaxAmong+1)...)),
		"limit":            edit(func(s *engine.Search) { s.Limit = engine.MaxListed + 1 }),
		"negative limit":   edit(func(s *engine.Search) { s.Limit = -1 }),
		"negative offset":  edit(func(s *engine.Search) { s.Offset = -1 }),
		"offset and place": edit(func(s *engine.Search) { s.Offset, s.After = 1, "x" }),
		"no module":        edit(func(s *engine.Search) { s.Module = nil }),
		"unknown sorting":  edit(func(s *engine.Search) { s.Order = []engine.Sorting{{Field: `x" OR 1=1`}} }),
		"many sortings":    edit(func(s *engine.Search) { s.Order = make([]engine.Sorting, engine.MaxSortings+1) }),
	} {
		if _, err := s.Search(t.Context(), search); !engine.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	largest := ticketSearch(engine.Predicate{Op: engine.OpOr, Of: wide.Of[1:]})
	if _, err := s.Search(t.Context(), largest); err != nil {
		t.Errorf("as many comparisons as there may be: %v", err)
	}
}

// A name that is no field of the module compares with nothing, whatever stands in it.
func TestSearchKnowsNoOtherNames(t *testing.T) {
	s := fresh(t)
	fillRecords(t, s, 10)
	for _, path := range []string{
		"", "x", `x"`, `ticketstatus" OR 1=1 --`, "$", "ticketstatus[0]", "fields", "r0.id", "'", "\x00",
		"parent_id.x'\"", "..",
	} {
		for _, not := range []bool{false, true} {
			p := is(path, "Open")
			if not {
				p = engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
			}
			found, err := s.Search(t.Context(), ticketSearch(p))
			row := engine.Row{Modules: ticketModules()}
			row.Record.Ref = engine.Ref{Module: "HelpDesk", ID: "17x1"}
			if holds := p.Holds(row); err != nil || (len(found.Records) > 0) != holds {
				t.Errorf("%q, not %v: %d records, %v; Holds says %v", path, not, len(found.Records), err, holds)
			}
		}
	}
}

// A search that takes too long ends with what that means, and one that finds no room says so; both leave the others be.
func TestSearchEndsInTime(t *testing.T) {
	s := fresh(t)
	fillRecords(t, s, 20_000)
	p := engine.Predicate{Op: engine.OpOr}
	for range engine.MaxComparisons {
		p.Of = append(p.Of, engine.Predicate{Op: engine.OpLike, Path: "description", Values: []engine.Operand{
			{Value: strings.Repeat("%x", 150) + "y"},
		}})
	}
	began := time.Now()
	_, err := s.Search(t.Context(), ticketSearch(p))
	took := time.Since(began)
	if !errors.Is(err, engine.ErrTooWide) || !engine.IsPermanent(err) || took > 3*searchTimeout {
		t.Errorf("a search without an end: %v after %s", err, took)
	}
	for range searchers() {
		s.searching <- struct{}{}
	}
	if _, err := s.Search(t.Context(), ticketSearch(is("id", "17x1"))); !engine.IsBusy(err) {
		t.Errorf("without room: %v", err)
	}
	if _, err := s.Records(t.Context(), []engine.Ref{{Module: "HelpDesk", ID: "17x00000001"}}); err != nil {
		t.Errorf("another read beside: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Search(ctx, ticketSearch(is("id", "17x1"))); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
}
