package crm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
)

// wordFields are texts of a contact, more of them than a search may become queries.
var wordFields = []string{
	"firstname", "lastname", "phone", "mobile", "homephone", "otherphone", "fax", "email", "secondaryemail", "title",
	"department", "assistant", "assistantphone", "mailingcity", "mailingstate", "mailingzip", "mailingcountry",
}

// wordModules are the modules of the suite, with these texts.
func wordModules() map[string]*engine.Module {
	modules := enginetest.SearchModules()
	for _, name := range wordFields {
		modules["Contacts"].Fields[name] = &engine.Field{Name: name, Type: engine.TypeText}
	}
	return modules
}

// words is a search for words as a desk asks it: each in one of the first n texts.
func words(n int, all ...string) engine.Predicate {
	every := engine.Predicate{Op: engine.OpAnd}
	for _, word := range all {
		some := engine.Predicate{Op: engine.OpOr}
		for _, name := range wordFields[:n] {
			some.Of = append(some.Of, comparing(engine.OpMentions, name, word))
		}
		every.Of = append(every.Of, some)
	}
	return every
}

// Words are looked for in as many texts as there are: what does not fit into the queries is held against what they find.
func TestCorebosLooksForWords(t *testing.T) {
	played, connected, queries := heard(t)
	account := seed(t, played, engine.Record{
		Ref: engine.Ref{Module: "Accounts"}, Fields: engine.Fields{"accountname": "Acme"},
	})
	names := map[string]string{}
	for i, texts := range []map[string]string{
		{"firstname": "Ana", "department": "Coffee kitchen"},
		{"firstname": "Bob", "department": "Coffee", "mailingcountry": "Ana"},
		{"firstname": "Eve", "department": "coffee", "title": "50% of ANA"},
		{"firstname": "Ana", "department": "Tea", "title": "related to coffee"},
		{"firstname": "Cid", "department": "a_b"},
	} {
		fields := engine.Fields{"lastname": fmt.Sprint("L", i), "account_id": account.ID}
		for name, text := range texts {
			fields[name] = text
		}
		ref := seed(t, played, engine.Record{Ref: engine.Ref{Module: "Contacts"}, Fields: fields})
		names[ref.ID] = fmt.Sprint(i)
	}
	mine := comparing(engine.OpEqual, "account_id", account.ID)
	theirs := comparing(engine.OpEqual, "account_id.accountname", "Acme")
	options := engine.Predicate{Op: engine.OpIn, Path: "firstname"}
	for _, name := range []string{"Ana", "Bob"} {
		options.Values = append(options.Values, engine.Operand{Value: name})
	}
	for i := range 20 {
		options.Values = append(options.Values, engine.Operand{Value: fmt.Sprint("other ", i)})
	}
	for name, c := range map[string]struct {
		where   engine.Predicate
		want    string
		queries int // at most
	}{
		"one word":                  {mine.Both(words(12, "coffee")), "0 1 2 3", 12},
		"two words":                 {mine.Both(words(12, "coffee", "ana")), "0 2 3", 12},
		"eight words":               {mine.Both(words(12, strings.Fields("a n na an co ff ee e")...)), "0 2 3", 12},
		"in more texts":             {mine.Both(words(17, "coffee", "ana")), "0 1 2 3", 1},
		"of whoever":                {words(12, "coffee", "ana"), "0 2 3", 12},
		"of whoever, in more texts": {words(17, "coffee", "ana"), "0 1 2 3", 1},
		"by a route":                {theirs.Both(words(12, "coffee", "ana")), "0 2 3", 13},
		"what coreBOS mistakes":     {mine.Both(words(12, "related")), "3", 1},
		"and nothing else":          {words(12, "related"), "3", 1},
		"a sign for any":            {mine.Both(words(12, "50%")), "2", 12},
		"a sign alone":              {mine.Both(words(12, "%")), "2", 1},
		"a sign for one":            {mine.Both(words(12, "_")), "4", 1},
		"a sign between":            {mine.Both(words(12, "a_b")), "4", 12},
		"a sign that is not there":  {mine.Both(words(12, "A_a")), "", 12},
		"many options":              {mine.Both(options), "0 1 3", 1},
		"many options and words":    {mine.Both(options).Both(words(12, "ana")), "0 3", 12},
	} {
		modules := wordModules()
		search := engine.Search{Module: modules["Contacts"], Modules: modules, Where: c.where, Limit: 10, Total: true}
		before := len(queries())
		found, err := connected.Search(t.Context(), search)
		var got []string
		for _, record := range found.Records {
			got = append(got, names[record.ID])
		}
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != c.want || found.Total != len(got) || found.Uncounted {
			t.Errorf("%s: %v of %d, want %s: %v", name, got, found.Total, c.want, err)
		}
		for _, query := range queries()[before:] {
			if !plainQuery.MatchString(query) {
				t.Errorf("%s: asked %q", name, query)
			}
		}
		if n := len(queries()) - before; n > c.queries {
			t.Errorf("%s: %d queries, at most %d", name, n, c.queries)
		}
	}
}

// Where routes lead back from many records, what is besides them is left out of the queries.
func TestCorebosLooksForWordsByRoutes(t *testing.T) {
	played, connected, queries := heard(t)
	account := seed(t, played, engine.Record{
		Ref: engine.Ref{Module: "Accounts"}, Fields: engine.Fields{"accountname": "Acme"},
	})
	for i := range 20 {
		contact := seed(t, played, engine.Record{Ref: engine.Ref{Module: "Contacts"}, Fields: engine.Fields{
			"lastname": fmt.Sprint("L", i), "account_id": account.ID,
		}})
		seed(t, played, engine.Record{Ref: engine.Ref{Module: "HelpDesk"}, Fields: engine.Fields{
			"ticket_title": "order", "solution": []string{"paper", "Paper jam"}[i%2], "parent_id": contact.ID,
		}})
	}
	modules := wordModules()
	where := comparing(engine.OpEqual, "parent_id.account_id", account.ID)
	for _, word := range []string{"order", "jam"} {
		where = where.Both(engine.Predicate{Op: engine.OpOr, Of: []engine.Predicate{
			comparing(engine.OpMentions, "ticket_title", word), comparing(engine.OpMentions, "solution", word),
			comparing(engine.OpMentions, "ticketstatus", word),
		}})
	}
	found, err := connected.Search(t.Context(), engine.Search{
		Module: modules["HelpDesk"], Modules: modules, Where: where, Limit: 20, Total: true,
	})
	if err != nil || len(found.Records) != 10 || found.Total != 10 {
		t.Errorf("found %d of %d: %v", len(found.Records), found.Total, err)
	}
	if n := len(queries()); n > 21 {
		t.Errorf("%d queries", n)
	}
}

// A word for which more records have to be looked through than one search reads is found page by page, uncounted.
func TestCorebosLooksThroughManyForWords(t *testing.T) {
	played, connected, queries := heard(t)
	var want []string
	for i := range 1_150 {
		title := "order"
		if i%400 == 399 || i == 1_149 {
			title = "a related order"
		}
		ref := seed(t, played, engine.Record{Ref: engine.Ref{Module: "Contacts"}, Fields: engine.Fields{
			"lastname": "L", "title": title,
		}})
		if title != "order" {
			want = append(want, ref.ID)
		}
	}
	modules := wordModules()
	search := engine.Search{
		Module: modules["Contacts"], Modules: modules, Where: words(12, "related"), Limit: 10, Total: true,
	}
	var got []string
	for pages := 1; ; pages++ {
		before := len(queries())
		found, err := connected.Search(t.Context(), search)
		if err != nil || found.Uncounted != search.Total || found.Total != 0 || pages > 4 {
			t.Fatalf("page %d: %d of %d, uncounted: %v, %v", pages, len(found.Records), found.Total, found.Uncounted, err)
		}
		if n := len(queries()) - before; n > 15 {
			t.Errorf("page %d by %d queries", pages, n)
		}
		for _, record := range found.Records {
			got = append(got, record.ID)
		}
		if search.After, search.Total = found.Next, false; found.Next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
