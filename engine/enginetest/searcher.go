package enginetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"

	gocmp "github.com/google/go-cmp/cmp"
)

// SearchModules are the modules of the suite of searchers.
func SearchModules() map[string]*engine.Module {
	fields := func(name string, types map[string]engine.FieldType, to map[string][]string) *engine.Module {
		m := &engine.Module{Name: name, Fields: map[string]*engine.Field{}}
		for field, kind := range types {
			m.Fields[field] = &engine.Field{Name: field, Type: kind, To: to[field]}
		}
		return m
	}
	return map[string]*engine.Module{
		"HelpDesk": fields("HelpDesk", map[string]engine.FieldType{
			"ticket_title": engine.TypeText, "ticketstatus": engine.TypePicklist, "solution": engine.TypeText,
			"hours": engine.TypeDecimal, "days": engine.TypeInteger, "from_portal": engine.TypeBoolean,
			"parent_id": engine.TypeReference,
		}, map[string][]string{"parent_id": {"Accounts", "Contacts"}}),
		"Contacts": fields("Contacts", map[string]engine.FieldType{
			"lastname": engine.TypeText, "email": engine.TypeEmail, "account_id": engine.TypeReference,
			"support_end_date": engine.TypeDate, "portal": engine.TypeBoolean,
		}, map[string][]string{"account_id": {"Accounts"}}),
		"Accounts": fields("Accounts", map[string]engine.FieldType{"accountname": engine.TypeText}, nil),
	}
}

// hostileTexts are texts that a language of queries might take for its own.
var hostileTexts = []string{
	"O'Brien", "''", "'", `"`, `\`, `\'`, "a%b", "a_b", "%", "_", "x' or '1'='1",
	"x'; drop table records; --", "a\x00b", "[ticketstatus]", "select [ticket_title]", "/* */", "null", "1",
	"😀 order",
	"\u202eredro", "Straße", "STRASSE", "ſ", "<b>&amp;", "two\nlines", "not in ('a')", "related.x", "a.b(c)",
	"ORDER 1", "order 1",
	strings.Repeat("64 kB ", engine.MaxText/6),
}

// searchTrial is a searcher with what was put into it.
type searchTrial struct {
	engine.Searcher
	modules map[string]*engine.Module
	records []engine.Record // in the order they were made
	account engine.Ref
	zoe     engine.Ref
	bob     engine.Ref
}

// TestSearcher holds a searcher against what a portal relies on: of predicates that name the owner of the records, as
// those of portals do, it finds exactly what Predicate.Holds holds for. open gives an empty CRM and a way to put
// records into it, as for TestCRM; the modules are those of SearchModules. Numbers, dates and booleans are written
// as texts. ordered tells whether one id stands before another in the CRM's order.
func TestSearcher(t *testing.T, ordered func(a, b string) bool,
	open func(t *testing.T) (engine.Searcher, func(engine.Record) engine.Ref),
) {
	for name, test := range map[string]func(*testing.T, searchTrial){
		"every comparison finds what holds": searchComparisons,
		"hostile texts are only texts":      searchHostile,
		"pages are the sorted list":         searchPages,
		"a list goes on from its place":     searchChanges,
		"bounds are kept":                   searchBounds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			searcher, seed := open(t)
			s := searchTrial{Searcher: searcher, modules: SearchModules()}
			s.fill(seed)
			slices.SortFunc(s.records, func(a, b engine.Record) int {
				return map[bool]int{true: -1, false: 1}[ordered(a.ID, b.ID)]
			})
			test(t, s)
		})
	}
}

func (s *searchTrial) fill(seed func(engine.Record) engine.Ref) {
	put := func(module, id string, fields engine.Fields) engine.Ref {
		record := engine.Record{Ref: engine.Ref{Module: module, ID: id}, Fields: fields}
		record.Ref = seed(record)
		s.records = append(s.records, record)
		return record.Ref
	}
	s.account = put("Accounts", "11x1", engine.Fields{"accountname": "Acme"})
	other := put("Accounts", "11x2", engine.Fields{"accountname": "Emca"})
	s.zoe = put("Contacts", "12x3", engine.Fields{
		"lastname": "O'Brien", "email": "zoe@acme.example", "account_id": s.account.ID, "portal": "1",
		"support_end_date": "2027-01-31",
	})
	s.bob = put("Contacts", "12x4", engine.Fields{
		"lastname": "Builder", "email": "Bob@Acme.example", "account_id": other.ID, "portal": "0",
		"support_end_date": "",
	})
	owners := []string{s.zoe.ID, s.bob.ID, s.account.ID, ""}
	for i, title := range hostileTexts {
		put("HelpDesk", fmt.Sprintf("17x%d", 100+i), engine.Fields{
			"ticket_title": title, "ticketstatus": []string{"Open", "Closed", "open"}[i%3],
			"solution": []string{"", "Found"}[i%2], "hours": []string{"0.500000", "2.000000", "10.250000"}[i%3],
			"days": fmt.Sprint(i % 12), "from_portal": fmt.Sprint(i % 2), "parent_id": owners[i%4],
		})
	}
}

// mine is the predicate of who owns the tickets, as the policy of a portal has it.
func (s *searchTrial) mine() engine.Predicate {
	return engine.Predicate{Op: engine.OpIn, Path: "parent_id", Values: []engine.Operand{
		{Value: s.zoe.ID}, {Value: s.account.ID},
	}}
}

func compare(path string, op engine.PredicateOp, values ...any) engine.Predicate {
	p := engine.Predicate{Op: op, Path: path}
	for _, value := range values {
		p.Values = append(p.Values, engine.Operand{Value: value})
	}
	return p
}

func not(p engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
}

func either(of ...engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpOr, Of: of}
}

// want is the records of a module that a predicate holds for.
func (s *searchTrial) want(module string, p engine.Predicate) (want []engine.Record) {
	for _, record := range s.records {
		if record.Module == module && p.Holds(s.row(record, p)) {
			want = append(want, record)
		}
	}
	return want
}

func (s *searchTrial) row(record engine.Record, p engine.Predicate) engine.Row {
	row := engine.Row{Record: record, Routes: map[string]engine.Record{}, Modules: s.modules}
	for _, route := range p.Routes() {
		from, name := record, route
		if at := strings.LastIndexByte(route, '.'); at >= 0 {
			from, name = row.Routes[route[:at]], route[at+1:]
		}
		for _, to := range s.records {
			if id := from.Fields.Text(name); id != "" && to.ID == id {
				row.Routes[route] = to
			}
		}
	}
	return row
}

// found reads a list to its end.
func (s *searchTrial) found(t *testing.T, search engine.Search) (ids []string) {
	t.Helper()
	for range 100 {
		page, err := s.Search(t.Context(), search)
		if err != nil {
			t.Fatalf("%s: %v", search.Where, err)
		}
		if len(page.Records) > search.Limit {
			t.Fatalf("%s: %d records, %d were asked for", search.Where, len(page.Records), search.Limit)
		}
		for _, record := range page.Records {
			ids = append(ids, record.ID)
		}
		if search.After = page.Next; search.After == "" {
			return ids
		}
	}
	t.Fatalf("%s: the list does not end", search.Where)
	return nil
}

func idsOf(records []engine.Record) (ids []string) {
	for _, record := range records {
		ids = append(ids, record.ID)
	}
	return ids
}

// expect holds a search against what should come of it: in pages, and counted.
func (s *searchTrial) expect(t *testing.T, module string, p engine.Predicate) {
	t.Helper()
	search := engine.Search{Module: s.modules[module], Modules: s.modules, Where: p, Limit: 3}
	want := idsOf(s.want(module, p))
	if diff := gocmp.Diff(want, s.found(t, search)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", p, diff)
	}
	search.Limit, search.Total = 0, true
	count, err := s.Search(t.Context(), search)
	if err != nil || count.Total != len(want) || count.Uncounted || len(count.Records) > 0 {
		t.Errorf("count %s: %d, %v, want %d", p, count.Total, err, len(want))
	}
}

func searchComparisons(t *testing.T, s searchTrial) {
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, p := range []engine.Predicate{
		engine.Everything(), compare("ticketstatus", engine.OpEqual, "Open"),
		compare("ticketstatus", engine.OpNotEqual, "Open"), not(compare("ticketstatus", engine.OpEqual, "Open")),
		compare("ticketstatus", engine.OpIn, "Open", "Closed"), compare("ticketstatus", engine.OpFold, "OPEN"),
		compare("solution", engine.OpEqual, ""), compare("solution", engine.OpNotEqual, ""),
		compare("hours", engine.OpEqual, "2"), compare("hours", engine.OpGreater, 2.0),
		compare("hours", engine.OpGreaterEqual, 0.5), compare("hours", engine.OpLess, "10.25"),
		compare("hours", engine.OpLessEqual, 10), compare("hours", engine.OpNotEqual, 2),
		compare("days", engine.OpGreater, 9), compare("days", engine.OpEqual, "10"),
		compare("days", engine.OpLess, 2.5),
		compare("from_portal", engine.OpEqual, true), compare("from_portal", engine.OpEqual, false),
		not(compare("from_portal", engine.OpEqual, true)), compare("id", engine.OpNotEqual, s.zoe.ID),
		compare("ticket_title", engine.OpLess, "a"), compare("ticket_title", engine.OpGreaterEqual, "a"),
		compare("ticket_title", engine.OpLike, "%order%"), compare("ticket_title", engine.OpLike, "_b"),
		compare("ticket_title", engine.OpMentions, "ORDER"), compare("ticket_title", engine.OpMentions, "_b"),
		compare("ticket_title", engine.OpMentions, "%"), not(compare("ticket_title", engine.OpMentions, "_")),
		compare("parent_id.account_id", engine.OpEqual, s.account.ID),
		compare("parent_id.lastname", engine.OpNotEqual, "x"), compare("parent_id.lastname", engine.OpContains, "'"),
		compare("parent_id.account_id.accountname", engine.OpEqual, "Acme"),
		compare("parent_id.portal", engine.OpEqual, true), compare("parent_id.support_end_date", engine.OpEqual, day),
		compare("parent_id.support_end_date", engine.OpGreater, day),
		compare("none", engine.OpEqual, "x"), not(compare("none", engine.OpEqual, "x")),
		either(compare("days", engine.OpEqual, 4), compare("parent_id.account_id", engine.OpEqual, s.account.ID)),
		either(), not(engine.Everything()),
	} {
		s.expect(t, "HelpDesk", s.mine().Both(p))
	}
	for _, p := range []engine.Predicate{
		s.mine(), engine.Everything(), engine.Nothing(), compare("parent_id", engine.OpEqual, ""),
		compare("parent_id.account_id", engine.OpEqual, s.account.ID),
		either(
			compare("parent_id", engine.OpEqual, s.bob.ID),
			compare("parent_id.account_id", engine.OpEqual, s.account.ID),
		),
	} {
		s.expect(t, "HelpDesk", p)
	}
	for _, p := range []engine.Predicate{
		compare("email", engine.OpFold, "BOB@acme.EXAMPLE"), compare("email", engine.OpEqual, "bob@acme.example"),
		compare("support_end_date", engine.OpLessEqual, "2027-01-31"), compare("support_end_date", engine.OpEqual, ""),
		compare("id", engine.OpEqual, s.zoe.ID), compare("id", engine.OpIn, s.zoe.ID, "12x' or '1'='1", ""),
	} {
		s.expect(t, "Contacts", p)
	}
}

func searchHostile(t *testing.T, s searchTrial) {
	ops := []engine.PredicateOp{engine.OpEqual, engine.OpFold, engine.OpContains, engine.OpMentions, engine.OpLike}
	for _, text := range hostileTexts[:len(hostileTexts)-1] {
		for _, op := range ops {
			s.expect(t, "HelpDesk", s.mine().Both(compare("ticket_title", op, text)))
		}
		s.expect(t, "HelpDesk", s.mine().Both(compare("parent_id", engine.OpEqual, text)))
		s.expect(t, "HelpDesk", compare("parent_id", engine.OpIn, text, s.zoe.ID))
	}
	s.expect(t, "HelpDesk", s.mine().Both(compare("ticket_title", engine.OpEqual, hostileTexts[len(hostileTexts)-1])))
}

// sorted is what a list should hold in its order.
func (s *searchTrial) sorted(search engine.Search) []string {
	want := s.want(search.Module.Name, search.Where)
	slices.SortStableFunc(want, func(a, b engine.Record) int { // s.records are in the order of ids
		for _, by := range search.Order {
			order := cmp.Compare(a.Fields.Text(by.Field), b.Fields.Text(by.Field))
			if by.Desc {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return idsOf(want)
}

func searchPages(t *testing.T, s searchTrial) {
	for _, order := range [][]engine.Sorting{
		nil,
		{{Field: "ticketstatus"}},
		{{Field: "ticketstatus", Desc: true}, {Field: "solution"}},
		{{Field: "solution", Desc: true}},
	} {
		search := engine.Search{
			Module: s.modules["HelpDesk"], Modules: s.modules, Where: s.mine(), Order: order, Limit: 4, Total: true,
		}
		want := s.sorted(search)
		if diff := gocmp.Diff(want, s.found(t, search)); diff != "" {
			t.Errorf("by %v (-want +got):\n%s", order, diff)
		}
		for offset := range len(want) + 2 {
			search.Offset = offset
			page, err := s.Search(t.Context(), search)
			left := want[min(offset, len(want)):]
			if err != nil || page.Total != len(want) || !slices.Equal(idsOf(page.Records), left[:min(4, len(left))]) {
				t.Errorf("by %v from %d: %v of %d, %v, want %v", order, offset, idsOf(page.Records), page.Total, err,
					left)
			}
		}
	}
	search := engine.Search{Module: s.modules["HelpDesk"], Modules: s.modules, Where: s.mine(), Limit: 100}
	search.Order = []engine.Sorting{{Field: "days", Desc: true}}
	page, err := s.Search(t.Context(), search)
	if err != nil || len(page.Records) == 0 {
		t.Fatal(page, err)
	}
	if days := page.Records[0].Fields.Text("days"); days != "10" { // not 9: numbers are sorted as such
		t.Errorf("sorted by a number the first has %s", days)
	}
}

// A place is one of a record, which need not be there any more.
func searchChanges(t *testing.T, s searchTrial) {
	search := engine.Search{Module: s.modules["HelpDesk"], Modules: s.modules, Where: s.mine(), Limit: 4}
	search.Order = []engine.Sorting{{Field: "ticket_title", Desc: true}}
	all := s.want("HelpDesk", s.mine())
	first, err := s.Search(t.Context(), search)
	if err != nil || len(first.Records) != 4 {
		t.Fatal(first, err)
	}
	search.After = first.Next
	rest := s.found(t, search)
	if len(rest) != len(all)-4 || slices.Contains(rest, first.Records[3].ID) {
		t.Errorf("after 4 of %d come %v", len(all), rest)
	}
	search.Where = search.Where.Both(compare("id", engine.OpNotEqual, first.Records[3].ID)) // as if it were gone
	if got := s.found(t, search); !slices.Equal(got, rest) {
		t.Errorf("without the record at the place come %v, want %v", got, rest)
	}
}

func searchBounds(t *testing.T, s searchTrial) {
	search := engine.Search{Module: s.modules["HelpDesk"], Modules: s.modules, Where: s.mine(), Limit: 1}
	for name, change := range map[string]func(*engine.Search){
		"limit":     func(s *engine.Search) { s.Limit = engine.MaxListed + 1 },
		"offset":    func(s *engine.Search) { s.Offset = -1 },
		"sorting":   func(s *engine.Search) { s.Order = []engine.Sorting{{Field: "accesskey"}} },
		"no module": func(s *engine.Search) { s.Module = nil },
	} {
		bad := search
		change(&bad)
		if _, err := s.Search(t.Context(), bad); !engine.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	search.After = "' or '1'='1"
	if _, err := s.Search(t.Context(), search); !errors.Is(err, engine.ErrNoPlace) {
		t.Errorf("a place that is none: %v", err)
	}
}
