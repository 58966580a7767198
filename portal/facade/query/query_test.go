package query

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

var update = flag.Bool("update", false, "write what the queries become into the golden table")

// tickets is what a viewer may ask of tickets: solution is not shown, hours can be neither filtered nor sorted by.
func tickets() *engine.Access {
	module := &engine.Module{Name: "HelpDesk", Fields: map[string]*engine.Field{}}
	for name, kind := range map[string]engine.FieldType{
		"ticket_title": engine.TypeText, "ticketstatus": engine.TypePicklist, "parent_id": engine.TypeReference,
		"hours": engine.TypeDecimal, "days": engine.TypeInteger, "createdtime": engine.TypeDateTime,
		"closed_on": engine.TypeDate, "urgent": engine.TypeBoolean, "tags": engine.TypeMultiPicklist,
		"solution": engine.TypeText,
	} {
		module.Fields[name] = &engine.Field{Name: name, Type: kind}
	}
	filter := []string{
		"ticket_title", "ticketstatus", "parent_id", "days", "createdtime", "closed_on", "urgent", "tags",
	}
	return &engine.Access{Module: module, Read: append(filter, "hours"), Filter: filter, Sort: filter}
}

// The golden table: each query, what was read, and the predicate that it becomes for a viewer.
func TestQueries(t *testing.T) {
	const path = "testdata/queries.golden"
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		if text, is := strings.CutPrefix(line, "query: "); is {
			got.WriteString(told(strings.ReplaceAll(strings.TrimSuffix(text, "\n"), `⏎`, "\n")))
			got.WriteString("\n")
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(golden), got.String()); diff != "" && !*update {
		t.Errorf("the table differs (-golden +now):\n%s", diff)
	}
}

// told is what the table says of a query.
func told(text string) string {
	out := "query: " + strings.ReplaceAll(text, "\n", `⏎`) + "\n"
	q, err := Parse(text)
	if err != nil {
		return out + "error: " + err.Error() + "\n"
	}
	out += "reads: " + written(q) + "\n"
	scope := Scope{Access: tickets()}
	where, err := scope.Where(q.Where)
	if err != nil {
		return out + "denied: " + err.Error() + "\n"
	}
	columns, err := scope.Columns(q)
	if err != nil {
		return out + "denied: " + err.Error() + "\n"
	}
	if _, err := scope.Order(q.Order); err != nil {
		return out + "denied: " + err.Error() + "\n"
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name())
	}
	return out + "where: " + predicate(where) + "\nshows: " + strings.Join(names, " ") + "\n"
}

func written(q *Query) string {
	out := "(" + q.Module.Text
	if q.Distinct {
		out += " distinct"
	}
	if q.Count {
		out += " count"
	}
	if q.All {
		out += " *"
	}
	for _, c := range q.Columns {
		out += " " + c.String()
	}
	if q.Where != nil {
		out += " " + condition(q.Where)
	}
	for _, by := range q.Order {
		out += fmt.Sprintf(" (by %s %t)", by.Column, by.Desc)
	}
	return out + fmt.Sprintf(" (limit %d %d))", q.Offset, q.Limit)
}

func condition(c *Condition) string {
	if c.Joint == JointNone {
		out := fmt.Sprintf("(%s %s", c.Operator, c.Column)
		for _, v := range c.Values {
			out += fmt.Sprintf(" %q", v.Text)
		}
		return out + ")"
	}
	out := "(" + string(c.Joint)
	for _, part := range c.Of {
		out += " " + condition(part)
	}
	return out + ")"
}

func predicate(p engine.Predicate) string {
	op := string(p.Op)
	if p.Op == engine.OpAnd {
		op = "and"
	}
	out := "(" + op
	for _, part := range p.Of {
		out += " " + predicate(part)
	}
	if p.Path != "" {
		out += " " + p.Path
	}
	for _, v := range p.Values {
		out += fmt.Sprintf(" %#v", v.Value)
	}
	return out + ")"
}

// T74: whatever the text, reading it ends with a query or with the token and place that are wrong, and what a query
// becomes names only fields that the viewer may filter by.
func FuzzT74Parse(f *testing.F) {
	golden, err := os.ReadFile("testdata/queries.golden")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		if text, is := strings.CutPrefix(line, "query: "); is {
			f.Add(strings.TrimSuffix(text, "\n"))
		}
	}
	access := tickets()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			checkError(t, text, err)
			return
		}
		p, err := Scope{Access: access}.Where(q.Where)
		if err != nil {
			return
		}
		checkPaths(t, p, access.Filter)
	})
}

func checkError(t *testing.T, text string, err error) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("%q: %v is no syntax error", text, err)
	}
	if at := syntax.Token.At; at < 1 || at > utf8.RuneCountInString(text)+1 && len(text) <= MaxLength {
		t.Errorf("%q: the error stands at character %d", text, at)
	}
	if len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) {
		t.Errorf("%q: the error is %q", text, err)
	}
}

func checkPaths(t *testing.T, p engine.Predicate, may []string) {
	t.Helper()
	for _, part := range p.Of {
		checkPaths(t, part, may)
	}
	allowed := p.Path == "" || p.Path == fieldID
	for _, name := range may {
		allowed = allowed || p.Path == name
	}
	if !allowed || p.Op == engine.OpRelated {
		t.Errorf("the predicate asks about %q by %q", p.Path, p.Op)
	}
}

// The limits are kept, and said.
func TestLimits(t *testing.T) {
	const from = "select * from HelpDesk where "
	nested := func(deep int) string {
		return from + strings.Repeat("(", deep) + "days=1" + strings.Repeat(")", deep)
	}
	for said, text := range map[string]string{
		"at most 8192 bytes":            from + "ticket_title='" + strings.Repeat("x", MaxLength) + "'",
		"at most 20 deep":               nested(MaxDepth + 1),
		"compares at most 60 times":     from + "days=1" + strings.Repeat(" or days=2", MaxTerms),
		"a list has at most 200 values": from + "days in (1" + strings.Repeat(",2", MaxList) + ")",
		"selects at most 100 columns":   "select days" + strings.Repeat(",days", MaxColumns) + " from HelpDesk",
		"orders by at most 5 columns":   "select days from HelpDesk order by days" + strings.Repeat(",days", MaxOrder),
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), said) {
			t.Errorf("the error is %v; it should say %q", err, said)
		}
	}
	if _, err := Parse(nested(MaxDepth) + strings.Repeat(" or days=2", MaxTerms-1)); err != nil {
		t.Errorf("what the limits allow is refused: %v", err)
	}
}
