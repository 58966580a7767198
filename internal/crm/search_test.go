package crm_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/crm/corebostest"
	"postern/internal/peer"

	"pgregory.net/rapid"
)

func TestMirrorSearches(t *testing.T) {
	ordered := func(a, b string) bool { return a < b }
	enginetest.TestSearcher(t, ordered, func(t *testing.T) (engine.Searcher, func(engine.Record) engine.Ref) {
		kept := open(t)
		return crm.NewMirror(kept), func(r engine.Record) engine.Ref {
			follow(t, kept, r)
			return r.Ref
		}
	})
}

func TestCorebosSearches(t *testing.T) {
	ordered := func(a, b string) bool { return numberOf(a) < numberOf(b) }
	enginetest.TestSearcher(t, ordered, func(t *testing.T) (engine.Searcher, func(engine.Record) engine.Ref) {
		played, connected := corebos(t)
		return connected, func(r engine.Record) engine.Ref { return seed(t, played, r) }
	})
}

func numberOf(id string) int {
	_, digits, _ := strings.Cut(id, "x")
	n, _ := strconv.Atoi(digits)
	return n
}

// heard keeps the queries that a played CRM is sent.
func heard(t *testing.T) (played *corebostest.Player, connected *crm.Corebos, queries func() []string) {
	t.Helper()
	played, err := corebostest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query().Get("query"); query != "" {
			mu.Lock()
			all = append(all, query)
			mu.Unlock()
		}
		played.ServeHTTP(w, r)
	}))
	connected = connect(t, server.URL)
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = connected.Close() })
	return played, connected, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// plainQuery is the one form that queries have: comparisons of a field with one literal, joined by and. Its literals
// hold no sign by which coreBOS would choose another parser.
var plainQuery = regexp.MustCompile(
	`^select \* from [A-Za-z]+( where ` + one + `( and ` + one + `)*)? order by id limit 100;$`)

const one = `[a-z_]+( is null|(=|>|<=|>=| like )'([^'\\.()\[\];]|'')+')`

func ticketsOf(owner string, p engine.Predicate) engine.Search {
	modules := enginetest.SearchModules()
	mine := engine.Predicate{Op: engine.OpEqual, Path: "parent_id", Values: []engine.Operand{{Value: owner}}}
	return engine.Search{Module: modules["HelpDesk"], Modules: modules, Where: mine.Both(p), Limit: 10}
}

func comparing(op engine.PredicateOp, path string, value any) engine.Predicate {
	return engine.Predicate{Op: op, Path: path, Values: []engine.Operand{{Value: value}}}
}

// Whatever a caller asks for, no query leaves its form, and nothing of a value stands outside of quotes.
func TestCorebosQueriesKeepTheirForm(t *testing.T) {
	peer.Cases(t, "100", "15")
	_, connected, queries := heard(t)
	rapid.Check(t, func(rt *rapid.T) {
		signs := rapid.StringMatching(`['\\;()\[\].%_ a-z=]{0,12}`)
		known := rapid.SampledFrom([]string{
			"' or '1'='1", "x' and id>'", "'; select * from Users; --", "not in", "not  null", "related.", "[a]", "''",
		})
		text := rapid.OneOf(rapid.String(), signs, known).Draw(rt, "text")
		op := rapid.SampledFrom([]engine.PredicateOp{
			engine.OpEqual, engine.OpFold, engine.OpLike, engine.OpContains, engine.OpMentions, engine.OpStarts,
			engine.OpEnds, engine.OpLess,
		}).Draw(rt, "op")
		path := rapid.SampledFrom([]string{
			"ticket_title", "ticketstatus", "parent_id", "id", "hours", "days", "from_portal", "parent_id.lastname",
		}).Draw(rt, "path")
		before := len(queries())
		found, err := connected.Search(rt.Context(), ticketsOf("12x1", comparing(op, path, text)))
		if err != nil || len(found.Records) > 0 {
			rt.Fatalf("%v, %v", found, err)
		}
		for _, query := range queries()[before:] {
			if !plainQuery.MatchString(query) || strings.Contains(query, "not in") {
				rt.Fatalf("asked %q", query)
			}
		}
	})
}

// What cannot be said to coreBOS is refused when a portal is loaded, and a mirror takes it.
func TestCanSearch(t *testing.T) {
	me := []engine.Operand{{From: engine.FromMe, Path: "account_id"}}
	by := func(op engine.PredicateOp, path string) engine.Predicate {
		return engine.Predicate{Op: op, Path: path, Values: me}
	}
	either := func(of ...engine.Predicate) engine.Predicate { return engine.Predicate{Op: engine.OpOr, Of: of} }
	not := func(p engine.Predicate) engine.Predicate {
		return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
	}
	related := engine.Predicate{Op: engine.OpRelated, Module: "Accounts", Values: me}
	several := engine.Predicate{Op: engine.OpIn, Path: "parent_id", Values: append(me, me...)}
	many := engine.Predicate{Op: engine.OpIn, Path: "parent_id"}
	for range 17 {
		many.Values = append(many.Values, me...)
	}
	for name, c := range map[string]struct {
		where engine.Predicate
		can   bool
	}{
		"everything":             {engine.Everything(), true},
		"a reference":            {by(engine.OpEqual, "parent_id"), true},
		"one of two":             {several, true},
		"a route":                {by(engine.OpEqual, "parent_id.account_id"), true},
		"a bound":                {by(engine.OpGreater, "days"), true},
		"a truth":                {comparing(engine.OpEqual, "from_portal", true), true},
		"another truth":          {not(comparing(engine.OpEqual, "from_portal", true)), true},
		"nothing but not":        {by(engine.OpNotEqual, "parent_id"), false},
		"not besides":            {by(engine.OpNotEqual, "ticketstatus").Both(by(engine.OpEqual, "parent_id")), true},
		"one way without words":  {either(by(engine.OpEqual, "parent_id"), by(engine.OpNotEqual, "days")), false},
		"the order of texts":     {by(engine.OpLess, "ticket_title"), false},
		"too many ways":          {many, false},
		"what the CRM relates":   {related, false},
		"related, and something": {related.Both(by(engine.OpEqual, "id")), false},
	} {
		search := ticketsOf("", engine.Everything())
		search.Where = c.where
		config := crm.Config{Kind: crm.KindCorebos}
		if err := config.CanSearch(search); (err == nil) != c.can || (err != nil && !engine.IsPermanent(err)) {
			t.Errorf("%s: %v", name, err)
		}
		if err := crm.Defaults().CanSearch(search); err != nil {
			t.Errorf("%s, of a mirror: %v", name, err)
		}
	}
}

// A list of more than a thousand records goes on in the order of ids, and is neither sorted nor counted.
func TestCorebosSearchesManyRecords(t *testing.T) {
	played, connected, queries := heard(t)
	owner := seed(t, played, engine.Record{Ref: engine.Ref{Module: "Contacts"}, Fields: engine.Fields{"lastname": "Z"}})
	for i := range 1_150 {
		seed(t, played, engine.Record{Ref: engine.Ref{Module: "HelpDesk"}, Fields: engine.Fields{
			"ticket_title": strconv.Itoa(i), "parent_id": owner.ID, "ticketstatus": []string{"Open", "Closed"}[i%2],
		}})
	}
	search := ticketsOf(owner.ID, engine.Everything())
	search.Limit, search.Total = 400, true
	found, err := connected.Search(t.Context(), search)
	if err != nil || len(found.Records) != 400 || !found.Uncounted || found.Next == "" {
		t.Fatalf("%d records, uncounted: %v, %v", len(found.Records), found.Uncounted, err)
	}
	search.Total = false
	asked, seen := len(queries()), 0
	for {
		if found, err = connected.Search(t.Context(), search); err != nil {
			t.Fatal(err)
		}
		seen += len(found.Records)
		if search.After = found.Next; search.After == "" {
			break
		}
	}
	if n := len(queries()) - asked; seen != 1_150 || n > 15 {
		t.Errorf("%d records by %d queries", seen, n)
	}
	search.Order = []engine.Sorting{{Field: "ticket_title"}}
	if _, err := connected.Search(t.Context(), search); !errors.Is(err, engine.ErrTooWide) || !engine.IsPermanent(err) {
		t.Errorf("sorted: %v", err)
	}
	search.Where = search.Where.Both(comparing(engine.OpEqual, "ticketstatus", "Open"))
	search.Total = true
	if found, err := connected.Search(t.Context(), search); err != nil || found.Total != 575 || found.Uncounted {
		t.Errorf("half of them: %d, %v", found.Total, err)
	}
}

// The titles of a page are asked for by many ids at once, more than there are ways in which a search may hold.
func TestCorebosFindsManyByTheirIDs(t *testing.T) {
	played, connected, queries := heard(t)
	contact := engine.Record{Ref: engine.Ref{Module: "Contacts"}, Fields: engine.Fields{"lastname": "Z"}}
	owners := []string{seed(t, played, contact).ID, seed(t, played, contact).ID}
	var ids []engine.Operand
	var mine []string
	for i := range 40 {
		owner := owners[i%2]
		ref := seed(t, played, engine.Record{Ref: engine.Ref{Module: "HelpDesk"}, Fields: engine.Fields{
			"ticket_title": strconv.Itoa(i), "parent_id": owner,
		}})
		if ids = append(ids, engine.Operand{Value: ref.ID}); owner == owners[0] {
			mine = append(mine, ref.ID)
		}
	}
	among := engine.Predicate{
		Op: engine.OpIn, Path: "id", Values: append(ids, engine.Operand{Value: "17x9"}, engine.Operand{Value: "none"}),
	}
	search := ticketsOf(owners[0], among)
	search.Total, search.Limit = true, 15
	var got []string
	for {
		found, err := connected.Search(t.Context(), search)
		if err != nil || (search.Total && found.Total != len(mine)) {
			t.Fatalf("total %d: %v", found.Total, err)
		}
		for _, record := range found.Records {
			got = append(got, record.ID)
		}
		if found.Next == "" {
			break
		}
		search.Total, search.After = false, found.Next
	}
	if strings.Join(got, " ") != strings.Join(mine, " ") || len(queries()) > 0 {
		t.Errorf("found %v, want %v, by %d queries", got, mine, len(queries()))
	}
}

// A record that the CRM keeps from Postern's user is not there for a search, and takes the others from nobody.
func TestCorebosPassesOverWhatIsDenied(t *testing.T) {
	played, connected, _ := heard(t)
	contact := seed(t, played, engine.Record{
		Ref: engine.Ref{Module: "Contacts"}, Fields: engine.Fields{"lastname": "Z"},
	})
	among := engine.Predicate{Op: engine.OpIn, Path: "id"}
	for range 3 {
		ref := seed(t, played, engine.Record{
			Ref: engine.Ref{Module: "HelpDesk"}, Fields: engine.Fields{"ticket_title": "x", "parent_id": contact.ID},
		})
		among.Values = append(among.Values, engine.Operand{Value: ref.ID})
	}
	search := ticketsOf(contact.ID, among)
	search.Limit = 10
	played.Break(read(refusal("ACCESS_DENIED")))
	found, err := connected.Search(t.Context(), search)
	if err != nil || len(found.Records) != 2 {
		t.Errorf("found %d of 3 with one denied: %v", len(found.Records), err)
	}
}
