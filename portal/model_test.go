package portal_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"
	"postern/portal"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// requests is how many requests one case of the model makes.
const requests = 25

// Whatever the policy, the records and the requests: the desk gives every row and field that the policy gives, and no
// other, and changes what it lets change, and nothing else. `make model` makes 100,000 requests.
func TestDeskAgainstAModel(t *testing.T) {
	peer.Cases(t, "30", "4")
	tools := newModelTools(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := tools.draw(rt)
		acts := map[string]func(*rapid.T){
			"list": w.list, "get": w.get, "related": w.relatedTo, "update": w.update, "create": w.create,
			"delete": w.delete, "edit": w.edit,
		}
		names := slices.Concat(slices.Sorted(maps.Keys(acts)), []string{"list", "list", "related", "update"})
		for range requests {
			w.clock.Set(w.clock.Now().Add(2 * time.Second)) // so that nothing is throttled
			acts[rapid.SampledFrom(names).Draw(rt, "act")](rt)
		}
	})
}

// outcome is what came of a request, in a word.
func outcome(err error) string {
	refusal, refused := errors.AsType[*portal.Refusal](err)
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, portal.ErrForbidden):
		return "forbidden"
	case errors.Is(err, portal.ErrNotFound):
		return "not found"
	case refused && refusal.Status == 400:
		return "malformed"
	case refused:
		return "unfit"
	}
	return err.Error()
}

func expect(rt *rapid.T, what any, err error, want string) bool {
	if got := outcome(err); got != want {
		rt.Fatalf("%v: %s (%v), want %s", what, got, err, want)
	}
	return err == nil
}

func (w *modelWorld) myself() *entry { return w.entries[w.me] }

// rows are which records of each module are the viewer's, as they are now.
func (w *modelWorld) rows() map[string]clause {
	rows := map[string]clause{}
	for module, p := range w.permits {
		rows[module] = w.bound(p.rows, w.myself())
	}
	return rows
}

// seen holds a row against the record that it shows, to a viewer as they were when they asked.
func (w *modelWorld) seen(rt *rapid.T, rows map[string]clause, row portal.Row, p *permit, fields []string) {
	e := w.entries[row.Ref]
	if e == nil {
		rt.Fatalf("%s is not there", row.Ref)
	}
	for name, value := range e.fields(fields) {
		if got, shown := row.Fields[name]; !shown || !engine.Same(got, value) {
			rt.Fatalf("%s: field %s is %v, want %v", row.Ref, name, row.Fields[name], value)
		}
	}
	if len(row.Fields) != len(fields) {
		rt.Fatalf("%s shows %v, only %v may be read", row.Ref, row.Fields, fields)
	}
	title := row.ID
	if words := strings.Fields(e.texts["name"]); slices.Contains(p.read, "name") && len(words) > 0 {
		title = strings.Join(words, " ")
	}
	titles := map[string]string{}
	for _, name := range fields {
		to := w.entries[engine.Ref{Module: w.leads[name], ID: e.texts[name]}]
		if to == nil {
			continue
		}
		other := w.permits[to.ref.Module]
		if other == nil || !slices.Contains(other.read, "name") || !w.holds(rows[to.ref.Module], to, nil, false) {
			continue
		}
		if words := strings.Fields(to.texts["name"]); len(words) > 0 {
			titles[name] = strings.Join(words, " ")
		}
	}
	if diff := cmp.Diff(titles, row.Titles); diff != "" || row.Title != title {
		rt.Fatalf("%s is called %q, want %q, and refers to (-want +got):\n%s", row.Ref, row.Title, title, diff)
	}
}

// question draws what a caller asks of a module, and tells whether it may.
func (w *modelWorld) question(rt *rapid.T, module string, p *permit) (q portal.Question, where []clause, may bool) {
	q, may = portal.Question{Module: module}, true
	q.Limit, q.Total = rapid.IntRange(1, 4).Draw(rt, "limit"), rapid.Bool().Draw(rt, "total")
	if rapid.Bool().Draw(rt, "filtered") {
		where = append(where, drawWhere(rt, module, 2))
		q.Where = where[0].predicate()
		for _, name := range where[0].names() {
			may = may && (name == "id" || slices.Contains(p.filter, name))
		}
	}
	if rapid.IntRange(0, 3).Draw(rt, "searched") == 0 {
		q.Search = rapid.SampledFrom([]string{"a", "A", "é", "or a", "'1'='1"}).Draw(rt, "search")
		for word := range strings.FieldsSeq(q.Search) {
			where = append(where, wordIn(word, p))
		}
	}
	for _, name := range some(rt, append(slices.Clone(w.modules[module].Names), "id")) {
		if len(q.Order) == 2 || rapid.Bool().Draw(rt, "not by it") {
			continue
		}
		q.Order = append(q.Order, engine.Sorting{Field: name, Desc: rapid.Bool().Draw(rt, "desc")})
		may = may && (name == "id" || slices.Contains(p.sort, name))
	}
	if rapid.IntRange(0, 3).Draw(rt, "fields") == 0 {
		q.Fields = some(rt, w.modules[module].Names)
		may = may && !slices.ContainsFunc(q.Fields, func(name string) bool { return !slices.Contains(p.read, name) })
	}
	return q, where, may
}

func drawWhere(rt *rapid.T, module string, depth int) clause {
	if c, ok := drawJoint(rt, depth, func() clause { return drawWhere(rt, module, depth-1) }); ok {
		return c
	}
	return drawOwn(rt, module)
}

// wordIn is the clause that a word is in some text that may be filtered by, in whatever case.
func wordIn(word string, p *permit) clause {
	c := clause{kind: "or"}
	for _, name := range p.filter {
		if name != "n" && modelLeads()[name] == "" {
			c.of = append(c.of, clause{kind: "word", path: name, operand: []operand{{text: word}}})
		}
	}
	return c
}

func (w *modelWorld) list(rt *rapid.T) {
	module := rapid.SampledFrom(slices.Sorted(maps.Keys(w.modules))).Draw(rt, "module")
	p, v := w.permits[module], w.viewer(rt)
	if p == nil {
		_, err := w.desk.List(rt.Context(), v, portal.Question{Module: module})
		expect(rt, "list "+module, err, "forbidden")
		return
	}
	q, where, may := w.question(rt, module, p)
	w.pages(rt, p, q, where, may, func(q portal.Question) (portal.Listing, error) {
		return w.desk.List(rt.Context(), v, q)
	})
	q.Fields, q.Order = nil, nil
	n, err := w.desk.Count(rt.Context(), v, q)
	if may && (err != nil || n != len(w.mine(module, p, w.myself(), where...))) {
		rt.Fatalf("count %v: %d, %v", q, n, err)
	}
}

// pages reads a list to its end and holds it against the oracle's.
func (w *modelWorld) pages(
	rt *rapid.T, p *permit, q portal.Question, where []clause, may bool,
	ask func(portal.Question) (portal.Listing, error),
) {
	want := sorted(w.mine(q.Module, p, w.myself(), where...), q.Order)
	fields, total := q.Fields, len(want)
	if len(fields) == 0 {
		fields = p.read
	}
	for {
		page, err := ask(q)
		if !may {
			expect(rt, q, err, "malformed")
			return
		}
		if !expect(rt, q, err, "done") {
			return
		}
		n := min(q.Limit, len(want))
		if len(page.Rows) != n || (q.Total && page.Total != total) || (page.Next != "") != (len(want) > n) {
			rt.Fatalf("%v gives %d rows of %d, want %d of %d", q, len(page.Rows), page.Total, n, total)
		}
		for i, row := range page.Rows {
			if row.Ref != want[i].ref {
				rt.Fatalf("%v gives %s, want %s", q, row.Ref, want[i].ref)
			}
			w.seen(rt, w.rows(), row, p, fields)
		}
		if want, q.After = want[n:], page.Next; q.After == "" {
			return
		}
	}
}

// drawAny draws a record of any module, which may not be there.
func (w *modelWorld) drawAny(rt *rapid.T) (engine.Ref, *permit, bool) {
	ref := drawRef(rt, rapid.SampledFrom(slices.Sorted(maps.Keys(w.modules))).Draw(rt, "module"))
	p, e := w.permits[ref.Module], w.entries[ref]
	return ref, p, p != nil && e != nil && w.holds(p.rows, e, w.myself(), false)
}

func (w *modelWorld) get(rt *rapid.T) {
	ref, p, theirs := w.drawAny(rt)
	row, err := w.desk.Get(rt.Context(), w.viewer(rt), ref)
	switch {
	case p == nil:
		expect(rt, ref, err, "forbidden")
	case !theirs:
		expect(rt, ref, err, "not found")
	case expect(rt, ref, err, "done"):
		w.seen(rt, w.rows(), row, p, p.read)
	}
}

func (w *modelWorld) relatedTo(rt *rapid.T) {
	of, items, v := drawRef(rt, "Groups"), w.permits["Items"], w.viewer(rt)
	from := w.permits["Groups"]
	if from == nil || items == nil {
		_, err := w.desk.Related(rt.Context(), v, of, portal.Question{Module: "Items"})
		expect(rt, of, err, "forbidden")
		return
	}
	ask := func(q portal.Question) (portal.Listing, error) { return w.desk.Related(rt.Context(), v, of, q) }
	q, where, may := w.question(rt, "Items", items)
	if e := w.entries[of]; e == nil || !w.holds(from.rows, e, w.myself(), false) {
		_, err := ask(q)
		expect(rt, of, err, "not found")
		return
	}
	belongs := clause{kind: "is", path: from.related["Items"], operand: []operand{{text: of.ID}}}
	if belongs.path == "" {
		belongs.kind = "related"
	}
	w.pages(rt, items, q, append(where, belongs), may, ask)
}
