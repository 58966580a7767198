package portal_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// ids lists what a question finds, in order.
func ids(t *testing.T, w *house.World, v portal.Viewer, q portal.Question) []string {
	t.Helper()
	listing, err := w.Desk.List(t.Context(), v, q)
	if err != nil {
		t.Fatalf("list %+v: %v", q, err)
	}
	return idsOf(listing)
}

func idsOf(listing portal.Listing) []string {
	found := []string{}
	for _, row := range listing.Rows {
		found = append(found, row.ID)
	}
	return found
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func leaf(op engine.PredicateOp, path string, values ...any) engine.Predicate {
	p := engine.Predicate{Op: op, Path: path}
	for _, value := range values {
		p.Values = append(p.Values, engine.Operand{Value: value})
	}
	return p
}

func not(p engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
}

func TestListsAreOfTheViewersOwn(t *testing.T) {
	w := house.New(t)
	for _, tc := range []struct {
		who  engine.Ref
		of   string
		want []string
	}{
		{house.Ana, "HelpDesk", []string{"17x1", "17x2", "17x5"}},
		{house.Alan, "HelpDesk", []string{"17x1", "17x5"}},
		{house.Bob, "HelpDesk", []string{"17x3", "17x6"}},
		{house.Eve, "HelpDesk", []string{}}, // neither an account nor a ticket without one is hers
		{house.Ana, "ModComments", []string{"29x1"}},
		{house.Ana, "ProjectTask", []string{"32x1"}},
		{house.Ana, "Documents", []string{"15x1"}},
		{house.Eve, "Documents", []string{}},
		{house.Ana, "Contacts", []string{"12x1"}},
	} {
		v := w.Viewer(house.Customers, tc.who)
		same(t, tc.who.String()+" lists "+tc.of, ids(t, w, v, portal.Question{Module: tc.of}), tc.want)
		count, err := w.Desk.Count(t.Context(), v, portal.Question{Module: tc.of})
		if err != nil || count != len(tc.want) {
			t.Errorf("%s counts %d of %s: %v", tc.who, count, tc.of, err)
		}
	}
	sam := w.Viewer(house.Staff, house.Sam)
	same(t, "salary slips", ids(t, w, sam, portal.Question{Module: "Salaries"}), []string{"41x1"})
}

func TestQuestions(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	tickets := func(q portal.Question) portal.Question {
		q.Module = "HelpDesk"
		return q
	}
	for name, tc := range map[string]struct {
		q    portal.Question
		want []string
	}{
		"filtered": {portal.Question{Where: leaf(engine.OpEqual, "ticketstatus", "Open")}, []string{"17x1"}},
		"either": {portal.Question{Where: engine.Predicate{Op: engine.OpOr, Of: []engine.Predicate{
			leaf(engine.OpEqual, "ticketstatus", "Closed"), leaf(engine.OpGreater, "hours", "2"),
		}}}, []string{"17x2", "17x5"}},
		"not": {
			portal.Question{Where: not(leaf(engine.OpIn, "ticketstatus", "Closed", "Open"))}, []string{"17x2"},
		},
		"by id":         {portal.Question{Where: leaf(engine.OpIn, "id", "17x1", "17x3")}, []string{"17x1"}},
		"by date":       {portal.Question{Where: leaf(engine.OpLess, "due", "2026-12-02")}, []string{"17x1"}},
		"words":         {portal.Question{Search: "PRINTER fire"}, []string{"17x1"}},
		"signs":         {portal.Question{Search: "%"}, []string{}},
		"more signs":    {portal.Question{Search: "p_inter"}, []string{}},
		"no such words": {portal.Question{Search: "printer globex"}, []string{}},
		"sorted": {
			portal.Question{Order: []engine.Sorting{{Field: "rank", Desc: true}}},
			[]string{"17x5", "17x2", "17x1"},
		},
		"passed over": {portal.Question{Offset: 1, Limit: 1}, []string{"17x2"}},
	} {
		same(t, name, ids(t, w, ana, tickets(tc.q)), tc.want)
	}
}

func TestPages(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	q := portal.Question{Module: "HelpDesk", Limit: 2, Order: []engine.Sorting{{Field: "ticket_title"}}, Total: true}
	first, err := w.Desk.List(t.Context(), ana, q)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "first page", idsOf(first), []string{"17x2", "17x5"})
	if first.Total != 3 || first.Next == "" || strings.Contains(first.Next, "Old") {
		t.Errorf("total %d, next %q", first.Total, first.Next)
	}
	q.After = first.Next
	second, err := w.Desk.List(t.Context(), ana, q)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "second page", idsOf(second), []string{"17x1"})
	if second.Next != "" {
		t.Errorf("it goes on at %q", second.Next)
	}
	// A cursor is the viewer's, and of that module.
	bob := w.Viewer(house.Customers, house.Bob)
	refused(t, "somebody else's cursor", func() error {
		_, err := w.Desk.List(t.Context(), bob, q)
		return err
	}, 400, portal.CodeQuestion, "")
	refused(t, "a cursor of another module", func() error {
		_, err := w.Desk.List(t.Context(), ana, portal.Question{Module: "Project", After: first.Next})
		return err
	}, 400, portal.CodeQuestion, "")
	refused(t, "a cursor that was made up", func() error {
		_, err := w.Desk.List(t.Context(), ana, portal.Question{Module: "HelpDesk", After: "MTA"})
		return err
	}, 400, portal.CodeQuestion, "")
}

// refused wants a refusal.
func refused(t *testing.T, what string, do func() error, status int, code, field string) {
	t.Helper()
	err := do()
	refusal, ok := errors.AsType[*portal.Refusal](err)
	if !ok {
		t.Errorf("%s: %v, want a refusal", what, err)
		return
	}
	if refusal.Status != status || refusal.Code != code || refusal.Field != field {
		t.Errorf("%s: %+v, want %d %s of %q", what, refusal, status, code, field)
	}
}

func TestQuestionsBeyondTheLimits(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	deep := leaf(engine.OpEqual, "ticketstatus", "Open")
	for range portal.MaxNesting + 1 {
		deep = not(deep)
	}
	many := engine.Predicate{Op: engine.OpOr}
	for range portal.MaxConditions + 1 {
		many.Of = append(many.Of, leaf(engine.OpEqual, "ticketstatus", "Open"))
	}
	long := leaf(engine.OpEqual, "ticketstatus", strings.Repeat("x", portal.MaxValueBytes+1))
	for name, tc := range map[string]struct {
		q    portal.Question
		code string
	}{
		"too deep":         {portal.Question{Where: deep}, portal.CodeQuestion},
		"too many":         {portal.Question{Where: many}, portal.CodeQuestion},
		"too long":         {portal.Question{Where: long}, portal.CodeValue},
		"too large a page": {portal.Question{Limit: portal.MaxPage + 1}, portal.CodeQuestion},
		"backwards":        {portal.Question{Offset: -1}, portal.CodeQuestion},
		"too many words":   {portal.Question{Search: strings.Repeat("a ", portal.MaxWords+1)}, portal.CodeQuestion},
		"no date":          {portal.Question{Where: leaf(engine.OpLess, "due", "soon")}, portal.CodeValue},
		"a list":           {portal.Question{Where: leaf(engine.OpEqual, "due", []any{"a"})}, portal.CodeValue},
		"text of a number": {portal.Question{Where: leaf(engine.OpContains, "hours", "1")}, portal.CodeFilter},
		"several options":  {portal.Question{Where: leaf(engine.OpEqual, "colours", "Cyan")}, portal.CodeFilter},
		"of me": {portal.Question{Where: engine.Predicate{
			Op: engine.OpEqual, Path: "parent_id", Values: []engine.Operand{{From: engine.FromMe, Path: "id"}},
		}}, portal.CodeValue},
		"unknown operation": {portal.Question{Where: leaf("=~", "ticketstatus", "x")}, portal.CodeFilter},
	} {
		tc.q.Module = "HelpDesk"
		_, err := w.Desk.List(t.Context(), ana, tc.q)
		if r, ok := errors.AsType[*portal.Refusal](err); !ok || r.Status != 400 || r.Code != tc.code {
			t.Errorf("%s: %v, want 400 %s", name, err, tc.code)
		}
	}
}

func TestRows(t *testing.T) {
	w := house.New(t)
	ana := w.Viewer(house.Customers, house.Ana)
	row, err := w.Desk.Get(t.Context(), ana, house.Ref("HelpDesk/17x1"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for name := range row.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	want := slices.Sorted(slices.Values(ana.Access("HelpDesk").Read))
	same(t, "fields", names, want)
	same(t, "titles", row.Titles, map[string]string{"parent_id": "Acme"})
	if row.Title != "TT1 Printer on fire" || !row.Update || row.Delete {
		t.Errorf("row %+v", row)
	}
	// What a reference leads to is named only where the viewer may see it: neither Globex nor its ticket is Ana's.
	w.Put(house.Ref("ModComments/29x1"), engine.Fields{"related_to": "17x1"})
	comment, err := w.Desk.Get(t.Context(), ana, house.Ref("ModComments/29x1"))
	if err != nil || comment.Titles["related_to"] != "TT1 Printer on fire" || comment.Title != "29x1" {
		t.Errorf("comment %+v: %v", comment, err)
	}
	w.Put(house.Ref("ProjectTask/32x1"), engine.Fields{"projectid": "31x1"})
	w.Put(house.Ref("HelpDesk/17x2"), engine.Fields{"parent_id": "12x1"})
	alan := w.Viewer(house.Customers, house.Alan)
	listing, err := w.Desk.List(t.Context(), alan, portal.Question{Module: "HelpDesk", Fields: []string{"parent_id"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range listing.Rows {
		if len(row.Fields) != 1 || row.Titles["parent_id"] != "Acme" {
			t.Errorf("row %+v", row)
		}
	}
}

func TestTitlesOfOthersAreNotTold(t *testing.T) {
	w := house.New(t)
	// Alan may see tickets of his account; one names a contact who is not him.
	role := w.Portals[house.Customers].Roles[engine.RoleDefault]
	role.Modules["HelpDesk"].Rows = leaf(engine.OpEqual, "parent_id", "12x1")
	alan := w.Viewer(house.Customers, house.Alan)
	row, err := w.Desk.Get(t.Context(), alan, house.Ref("HelpDesk/17x2"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "titles", row.Titles, map[string]string{})
}

func TestETagIsOfWhatIsRead(t *testing.T) {
	w := house.New(t)
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	tag := func() string {
		row, err := w.Desk.Get(t.Context(), ana, ref)
		if err != nil {
			t.Fatal(err)
		}
		return row.ETag
	}
	before := tag()
	w.Put(ref, engine.Fields{"secret": "another"})
	if tag() != before {
		t.Error("a change of a hidden field shows")
	}
	w.Put(ref, engine.Fields{"hours": json.Number("7")})
	if tag() == before {
		t.Error("a change of a field does not show")
	}
}

func TestRelatedLists(t *testing.T) {
	w := house.New(t)
	ana, bob := w.Viewer(house.Customers, house.Ana), w.Viewer(house.Customers, house.Bob)
	related := func(v portal.Viewer, of, module string) ([]string, error) {
		listing, err := w.Desk.Related(t.Context(), v, house.Ref(of), portal.Question{Module: module})
		return idsOf(listing), err
	}
	got, err := related(ana, "HelpDesk/17x1", "ModComments")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "comments", got, []string{"29x1"})
	// The CRM relates both documents to the ticket; one of them is not Ana's.
	if got, err = related(ana, "HelpDesk/17x1", "Documents"); err != nil {
		t.Fatal(err)
	}
	same(t, "documents", got, []string{"15x1"})
	if _, err := related(bob, "HelpDesk/17x1", "ModComments"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("comments of a ticket that is not his: %v", err)
	}
	for _, of := range []string{"HelpDesk/17x1", "Assets/34x1"} {
		if _, err := related(ana, of, "Invoice"); !errors.Is(err, portal.ErrForbidden) {
			t.Errorf("invoices of %s: %v", of, err)
		}
	}
}
