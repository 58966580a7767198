package facade

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/facade/query"
	"postern/portal/portaltest/house"
)

// anas are all records that are Ana's to see, by module.
var anas = map[string][]string{
	"HelpDesk": {"17x1", "17x2", "17x5"}, "ModComments": {"29x1"}, "Invoice": {"7x1"}, "Project": {"31x1"},
	"ProjectTask": {"32x1"}, "Documents": {"15x1"}, "Contacts": {"12x1"}, "Accounts": {"11x1"},
}

// others stand in fields that are hidden from her, or in records of others.
var others = []string{
	"secret of", "Globex", "hidden", "only for the staff", "Of nobody", "Bob's own", "Rebuild", "INV2",
}

// besieged is Ana before a façade on a real store.
type besieged struct {
	facade *Facade
	viewer portal.Viewer
	book   *engine.Portal
}

func besiege(t testing.TB) besieged {
	w := house.New(t)
	facade := New(Config{Records: w.Desk, Clock: w.Clock, Logger: w.Logger})
	return besieged{facade: facade, viewer: w.Viewer(house.Customers, house.Ana), book: w.Portals[house.Customers]}
}

// try asks and looks whether the answer holds anything that is not Ana's. It tells how many rows there were.
func (b besieged) try(t *testing.T, text string) (rows int, err error) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/webservice.php", nil)
	c := &call{request: request, portal: b.book, operation: "query", values: map[string]string{"query": text}}
	got, err := b.facade.query(c, b.viewer)
	if err != nil {
		if said := b.facade.said(err); said.code == codeInternal {
			t.Errorf("%q: %v", text, err)
		}
		return 0, err
	}
	q, err := query.Parse(text)
	if err != nil {
		t.Fatalf("%q was answered and cannot be read: %v", text, err)
	}
	body, err := marshal(got.result)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		if strings.Contains(string(body), other) {
			t.Errorf("%q shows %q: %s", text, other, body)
		}
	}
	var shown []map[string]string
	if err := json.Unmarshal(body, &shown); err != nil {
		t.Fatal(err)
	}
	mine := anas[q.Module.Text]
	info, _ := marshal(got.info)
	if !slices.Contains(totals(len(mine)), string(info)) {
		t.Errorf("%q tells of %s rows, she has %d", text, info, len(mine))
	}
	for _, row := range shown {
		if !q.Count && !slices.Contains(mine, row["id"]) {
			t.Errorf("%q shows %v", text, row)
		}
	}
	return len(shown), nil
}

// totals are the numbers of rows that may be told where there are so many.
func totals(most int) (all []string) {
	for n := range most + 1 {
		text, _ := marshal(totalRows(n))
		all = append(all, string(text))
	}
	return all
}

// attacks are queries that try to see more than they may: each payload of the list in each place of a query.
func attacks(t testing.TB) (texts []string) {
	list, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		payload := strings.TrimSuffix(line, "\n")
		for _, around := range []string{
			"%", "select * from HelpDesk where ticket_title='%'", "select id from HelpDesk where ticket_title like '%'",
			"select id from HelpDesk where rank=%", "select id from HelpDesk where parent_id in ('%')",
			"select % from HelpDesk", "select * from %", "select id from HelpDesk order by %",
			"select id from HelpDesk limit %", "select count(*) from HelpDesk where %", "select id from HelpDesk %",
			"select id from HelpDesk where ticket_title='" + strings.ReplaceAll(payload, "'", "''") + "'",
		} {
			texts = append(texts, strings.Replace(around, "%", payload, 1))
		}
	}
	return texts
}

// T74: no payload of the list shows a row or field beyond the policy, wherever it stands.
func TestT74Attacks(t *testing.T) {
	b := besiege(t)
	if rows, err := b.try(t, "select * from HelpDesk"); err != nil || rows != 3 {
		t.Fatalf("she sees %d rows: %v", rows, err)
	}
	var answered int
	texts := attacks(t)
	for _, text := range texts {
		if _, err := b.try(t, text); err == nil {
			answered++
		}
	}
	if answered == 0 || answered == len(texts) {
		t.Errorf("%d of %d were answered", answered, len(texts))
	}
}

// T74: for any text the rows are a subset of the policy's.
func FuzzT74Rows(f *testing.F) {
	for _, text := range attacks(f) {
		f.Add(text)
	}
	f.Add("select *, Accounts.accountname from HelpDesk where rank>=1 and (urgent='1' or due is null) order by due")
	f.Add("select * from ModComments where HelpDesk.ticket_title like '%' limit 1,2")
	b := besiege(f)
	f.Fuzz(func(t *testing.T, text string) { _, _ = b.try(t, text) })
}
