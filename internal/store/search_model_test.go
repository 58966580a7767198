package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The oracle of searches knows what a value means, since it chose the meaning first and a way to write it then, and has
// nothing of the code that reads values: known is false for what is not of its field's type.
type meaning struct {
	known bool
	is    any // nil, string, int, float64, bool or time.Time
}

// verdict is what a comparison comes to: it holds, it does not, or there is nothing to compare.
type verdict int

const (
	fails verdict = iota
	holds
	neither
)

func (v verdict) not() verdict {
	return map[verdict]verdict{fails: holds, holds: fails, neither: neither}[v]
}

func truth(b bool) verdict {
	if b {
		return holds
	}
	return fails
}

// world is what a store of a search holds, as the oracle sees it.
type world struct {
	modules   map[string]*engine.Module
	records   map[engine.Ref]engine.Record
	meanings  map[engine.Ref]map[string]meaning
	relations map[[2]engine.Ref]bool
}

// hostile are texts that a language of queries might take for its own.
var hostile = []string{
	"", "a", "A", "b", "ab", "aB", "ß", "ſ", "s", "\u212a", "k", "é", "É", "%", "_", "a%b", "a_b", `\`, `a\`,
	"'", "''", `"`,
	"a' OR '1'='1", "a\x00b", "\x00", "😀",
	"\u202eab", "null", "true", "1", "1.0", "-- ", "$.t", "]", "\n", "<&>",
	strings.Repeat("long", engine.MaxText/4),
}

var (
	wholes   = []int{-1, 0, 1, 7, 1 << 53, 1<<53 + 1}
	decimals = []float64{-1.5, 0, 1, 1.25, 7, 1e20}
	instants = []time.Time{
		time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 12, 30, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC),
	}
)

// A field for each way to compare, and references: of "one" to one module, of "any" to any of them.
func searchModules() map[string]*engine.Module {
	modules := map[string]*engine.Module{}
	for name, to := range map[string]string{"It's": "Two", "Two": "Three", "Three": "It's"} {
		m := &engine.Module{Name: name, Fields: map[string]*engine.Field{}}
		for field, kind := range map[string]engine.FieldType{
			"t": engine.TypeText, "u": engine.TypeEmail, "i": engine.TypeInteger, "n": engine.TypeDecimal,
			"b": engine.TypeBoolean, "d": engine.TypeDateTime, "m": engine.TypeMultiPicklist,
			"one": engine.TypeReference, "any": engine.TypeReference,
		} {
			m.Fields[field] = &engine.Field{Name: field, Type: kind}
		}
		m.Fields["one"].To, m.Fields["any"].To = []string{to}, []string{"It's", "Two", "Three"}
		modules[name] = m
	}
	delete(modules["Three"].Fields, "n")
	modules["Three"].Fields["i"].Type = engine.TypeText // a field of the same name that means something else
	return modules
}

func refs() (all []engine.Ref) {
	for _, module := range []string{"It's", "Two", "Three"} {
		for n := range 4 {
			all = append(all, engine.Ref{Module: module, ID: fmt.Sprintf("%s-%d' x", module, n)})
		}
	}
	return all
}

// draw draws a meaning for a field and a way to write it.
func draw(rt *rapid.T, field *engine.Field) (plain any, is meaning) {
	pick := func(of ...any) any { return rapid.SampledFrom(of).Draw(rt, "written") }
	if rapid.IntRange(0, 9).Draw(rt, "odd") == 0 {
		return pick([]any{}, []any{"a"}, map[string]any{"a": "b"}), meaning{}
	}
	nothing := rapid.IntRange(0, 4).Draw(rt, "nothing") == 0
	switch field.Type {
	case engine.TypeMultiPicklist:
		return pick(nil, "a |##| b", []any{"a", "b"}), meaning{}
	case engine.TypeReference:
		ref := rapid.SampledFrom(refs()).Draw(rt, "refers to")
		return ref.ID, meaning{true, ref.ID}
	case engine.TypeBoolean:
		if nothing {
			return pick(nil, ""), meaning{true, false}
		}
		if rapid.Bool().Draw(rt, "truth") {
			return pick(true, "1", "true", "yes", "on", json.Number("1")), meaning{true, true}
		}
		return pick(false, "0", "false", "no", "off", json.Number("0")), meaning{true, false}
	}
	if nothing {
		if field.IsText() {
			return pick(nil, ""), meaning{true, ""}
		}
		return pick(nil, ""), meaning{true, nil}
	}
	switch field.Type {
	case engine.TypeInteger:
		n := rapid.SampledFrom(wholes).Draw(rt, "whole")
		return pick(json.Number(fmt.Sprint(n)), fmt.Sprint(n), fmt.Sprintf(" %d ", n)), meaning{true, n}
	case engine.TypeDecimal:
		x := rapid.SampledFrom(decimals).Draw(rt, "decimal")
		return pick(json.Number(fmt.Sprint(x)), fmt.Sprint(x), fmt.Sprintf("%f", x)), meaning{true, x}
	case engine.TypeDateTime:
		at := rapid.SampledFrom(instants).Draw(rt, "instant")
		ways := []any{at.Format(time.RFC3339), at.Format(time.DateTime)}
		if at.Year() > 1 && at.Year() < 9999 {
			ways = append(ways, at.In(time.FixedZone("", 7200)).Format(time.RFC3339))
		}
		if at.Equal(at.Truncate(24 * time.Hour)) {
			ways = append(ways, at.Format(time.DateOnly))
		}
		return pick(ways...), meaning{true, at}
	}
	switch rapid.IntRange(0, 19).Draw(rt, "kind of text") {
	case 0:
		return json.Number("1.50"), meaning{true, "1.50"}
	case 1:
		return true, meaning{true, "true"}
	}
	text := rapid.SampledFrom(hostile).Draw(rt, "text")
	return text, meaning{true, text}
}

// drawWorld puts records into an emptied store.
func drawWorld(rt *rapid.T, s *Store) *world {
	w := &world{
		modules: searchModules(), records: map[engine.Ref]engine.Record{},
		meanings: map[engine.Ref]map[string]meaning{}, relations: map[[2]engine.Ref]bool{},
	}
	for _, ref := range refs() {
		if rapid.IntRange(0, 5).Draw(rt, "missing") == 0 {
			continue
		}
		record := engine.Record{Ref: ref, Fields: engine.Fields{}}
		record.Deleted = rapid.IntRange(0, 7).Draw(rt, "deleted") == 0
		means := map[string]meaning{}
		for _, name := range slices.Sorted(maps.Keys(w.modules[ref.Module].Fields)) {
			plain, is := draw(rt, w.modules[ref.Module].Fields[name])
			if record.Fields[name], means[name] = plain, is; plain == nil && rapid.Bool().Draw(rt, "absent") {
				delete(record.Fields, name)
			}
		}
		means["id"] = meaning{true, ref.ID}
		w.records[ref], w.meanings[ref] = record, means
	}
	for range rapid.IntRange(0, 6).Draw(rt, "relations") {
		a, b := rapid.SampledFrom(refs()).Draw(rt, "a"), rapid.SampledFrom(refs()).Draw(rt, "b")
		w.relations[[2]engine.Ref{a, b}], w.relations[[2]engine.Ref{b, a}] = true, true
	}
	w.store(rt, s)
	return w
}

func (w *world) store(rt *rapid.T, s *Store) {
	err := s.writer.steadily(rt.Context(), func(ctx context.Context, tx *tx) error {
		for _, statement := range []string{"DELETE FROM records", "DELETE FROM relations"} {
			if err := tx.run(ctx, call{statement, nil}); err != nil {
				return err
			}
		}
		for _, record := range w.records {
			if err := tx.storeRecord(ctx, record, testNow); err != nil {
				return err
			}
		}
		for pair := range w.relations {
			if err := tx.storeRelation(ctx, pair[0], pair[1], true, ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
}

// there tells whether a record is one that can be found.
func (w *world) there(ref engine.Ref) bool {
	return w.records[ref].Fields != nil && !w.records[ref].Deleted
}

// at is what a path of a record means; gone is true where it leads nowhere, or to a record without the field.
func (w *world) at(ref engine.Ref, path string) (is meaning, gone bool) {
	first, rest, further := strings.Cut(path, ".")
	field := w.modules[ref.Module].Fields[first]
	if !further {
		return w.meanings[ref][first], field == nil && first != "id"
	}
	if field == nil {
		return meaning{}, true
	}
	id, _ := w.meanings[ref][first].is.(string)
	for _, module := range field.To {
		if to := (engine.Ref{Module: module, ID: id}); w.there(to) {
			return w.at(to, rest)
		}
	}
	return meaning{}, true
}

// says is what the oracle thinks of a predicate about a record.
func (w *world) says(p engine.Predicate, ref engine.Ref) verdict {
	switch p.Op {
	case engine.OpNot:
		return w.says(p.Of[0], ref).not()
	case engine.OpAnd, engine.OpOr:
		absorbing := truth(p.Op == engine.OpOr)
		out := absorbing.not()
		for _, part := range p.Of {
			switch v := w.says(part, ref); {
			case v == absorbing:
				return absorbing
			case v == neither:
				out = neither
			}
		}
		return out
	case engine.OpRelated:
		id, _ := p.Values[0].Value.(string)
		return truth(w.relations[[2]engine.Ref{ref, {Module: p.Module, ID: id}}])
	}
	is, gone := w.at(ref, p.Path)
	if gone && !strings.Contains(p.Path, ".") || !gone && !is.known {
		return neither
	}
	out := fails
	for _, operand := range p.Values {
		have := is.is
		if gone {
			have = map[bool]any{true: "", false: nil}[isText(operand.Value)]
			if _, truth := operand.Value.(bool); truth {
				have = false
			}
		}
		switch compared(p.Op, have, operand.Value) {
		case neither:
			return neither
		case holds:
			out = holds
		}
	}
	return out
}

func isText(v any) bool {
	_, is := v.(string)
	return is
}

// compared compares what is there with what is given; both are of one kind, or one is nothing.
func compared(op engine.PredicateOp, have, given any) verdict {
	switch op {
	case engine.OpEqual:
		return truth(alike(have, given))
	case engine.OpNotEqual:
		return truth(!alike(have, given))
	case engine.OpIn:
		return truth(have != nil && alike(have, given))
	case engine.OpLess, engine.OpLessEqual, engine.OpGreater, engine.OpGreaterEqual:
		if _, truth := have.(bool); truth {
			return neither
		}
		if have == nil || given == nil || (given == "" && !isText(have)) {
			return fails
		}
		order := ordering(have, given)
		return truth(map[engine.PredicateOp]bool{
			engine.OpLess: order < 0, engine.OpLessEqual: order <= 0, engine.OpGreater: order > 0,
			engine.OpGreaterEqual: order >= 0,
		}[op])
	}
	text, a := have.(string)
	part, b := given.(string)
	if !a || !b {
		return neither
	}
	switch op {
	case engine.OpContains:
		return truth(strings.Contains(text, part))
	case engine.OpStarts:
		return truth(strings.HasPrefix(text, part))
	case engine.OpEnds:
		return truth(strings.HasSuffix(text, part))
	case engine.OpFold:
		return truth(strings.EqualFold(text, part))
	case engine.OpMentions:
		return truth(mentions([]rune(text), []rune(part)))
	}
	return truth(matches([]rune(text), []rune(part)))
}

// matches tells whether a text matches a pattern, in the plainest way there is.
func matches(text, pattern []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '%':
		for i := range len(text) + 1 {
			if matches(text[i:], pattern[1:]) {
				return true
			}
		}
		return false
	}
	return len(text) > 0 && (pattern[0] == '_' || strings.EqualFold(string(text[0]), string(pattern[0]))) &&
		matches(text[1:], pattern[1:])
}

// mentions tells whether a text has another in it somewhere, ignoring case.
func mentions(text, part []rune) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(string(text[i:i+len(part)]), string(part)) {
			return true
		}
	}
	return false
}

func alike(have, given any) bool {
	blank := func(v any) bool { return v == nil || v == "" }
	if blank(have) || blank(given) {
		return blank(have) && blank(given)
	}
	return ordering(have, given) == 0
}

func ordering(a, b any) int {
	switch x := a.(type) {
	case string:
		y, _ := b.(string)
		return strings.Compare(x, y)
	case bool:
		return map[bool]int{true: 0, false: 1}[x == b]
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y)
		}
	}
	x, _ := toFloat(a)
	y, _ := toFloat(b)
	return cmp.Compare(x, y)
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// drawPredicate draws a tree about records of a module.
func (w *world) drawPredicate(rt *rapid.T, module string, depth int) engine.Predicate {
	if depth > 0 && rapid.IntRange(0, 2).Draw(rt, "joint") > 0 {
		op := rapid.SampledFrom([]engine.PredicateOp{engine.OpAnd, engine.OpOr, engine.OpNot}).Draw(rt, "op")
		p := engine.Predicate{Op: op}
		parts := 1
		if op != engine.OpNot {
			parts = rapid.IntRange(0, 3).Draw(rt, "parts")
		}
		for range parts {
			p.Of = append(p.Of, w.drawPredicate(rt, module, depth-1))
		}
		return p
	}
	if rapid.IntRange(0, 9).Draw(rt, "relation") == 0 {
		to := rapid.SampledFrom(refs()).Draw(rt, "related to")
		return engine.Predicate{Op: engine.OpRelated, Module: to.Module, Values: []engine.Operand{{Value: to.ID}}}
	}
	return drawComparison(rt, module)
}

// drawComparison draws one whose operand is of the kind of its field. Field i is a whole number but in module Three.
func drawComparison(rt *rapid.T, module string) engine.Predicate {
	route := rapid.SampledFrom([]string{"", "", "", "one.", "any.", "one.one.", "any.one.", "none."}).Draw(rt, "route")
	field := rapid.SampledFrom([]string{"t", "u", "n", "b", "d", "m", "one", "any", "id", "gone"}).Draw(rt, "field")
	if module+route == "It's" || module+route == "Two" || module+route == "It'sone." || module+route == "Threeone." {
		field = rapid.SampledFrom([]string{field, "i"}).Draw(rt, "or a whole number")
	}
	p := engine.Predicate{Path: route + field}
	ops := []engine.PredicateOp{
		engine.OpEqual, engine.OpNotEqual, engine.OpIn, engine.OpLess, engine.OpLessEqual, engine.OpGreater,
		engine.OpGreaterEqual,
	}
	value := func() any { return rapid.SampledFrom(hostile[:len(hostile)-1]).Draw(rt, "value") }
	switch field {
	case "i":
		value = func() any { return rapid.SampledFrom(wholes).Draw(rt, "value") }
	case "n":
		value = func() any { return rapid.SampledFrom(decimals).Draw(rt, "value") }
	case "b":
		value = func() any { return rapid.Bool().Draw(rt, "value") }
	case "d":
		value = func() any { return rapid.SampledFrom(instants).Draw(rt, "value") }
	case "one", "any", "id":
		value = func() any { return rapid.SampledFrom(refs()).Draw(rt, "value").ID }
		fallthrough
	default:
		ops = append(ops, engine.OpContains, engine.OpStarts, engine.OpEnds, engine.OpFold, engine.OpMentions,
			engine.OpLike)
	}
	p.Op = rapid.SampledFrom(ops).Draw(rt, "op")
	n := 1
	if p.Op == engine.OpIn {
		n = rapid.IntRange(0, 3).Draw(rt, "values")
	}
	for range n {
		v := value()
		if rapid.IntRange(0, 9).Draw(rt, "empty") == 0 && p.Op == engine.OpEqual && field != "b" {
			v = ""
		}
		p.Values = append(p.Values, engine.Operand{Value: v})
	}
	return p
}

// row is a record for Holds.
func (w *world) row(ref engine.Ref, p engine.Predicate) engine.Row {
	row := engine.Row{Record: w.records[ref], Routes: map[string]engine.Record{}, Modules: w.modules}
	row.Related = func(to engine.Ref) bool { return w.relations[[2]engine.Ref{ref, to}] }
	for _, route := range p.Routes() {
		if is, gone := w.at(ref, route+".id"); !gone {
			for _, to := range refs() {
				if to.ID == is.is {
					row.Routes[route] = w.records[to]
				}
			}
		}
	}
	return row
}

// A search finds what Holds holds for, and both agree with an oracle that shares nothing with them; its pages are the
// list that the oracle sorts.
func TestSearchAgainstAModel(t *testing.T) {
	peer.Cases(t, "150", "15")
	s := fresh(t)
	for name := range searchModules() {
		for _, field := range []string{"t", "one"} {
			if err := s.Index(t.Context(), name, field); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.IndexFolded(t.Context(), name, "u"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, s)
		for range 10 {
			w.check(rt, s)
		}
	})
}

func (w *world) check(rt *rapid.T, s *Store) {
	module := rapid.SampledFrom(slices.Sorted(maps.Keys(w.modules))).Draw(rt, "module")
	search := engine.Search{
		Module: w.modules[module], Modules: w.modules, Where: w.drawPredicate(rt, module, 3),
		Limit: rapid.IntRange(0, 4).Draw(rt, "limit"), Total: true,
	}
	for range rapid.IntRange(0, 2).Draw(rt, "sortings") {
		names := append(slices.Sorted(maps.Keys(search.Module.Fields)), "id")
		names = slices.DeleteFunc(names, func(name string) bool { return name == "m" })
		search.Order = append(search.Order, engine.Sorting{
			Field: rapid.SampledFrom(names).Draw(rt, "sort by"), Desc: rapid.Bool().Draw(rt, "desc"),
		})
	}
	var want []engine.Ref
	for _, ref := range refs() {
		if ref.Module != module || !w.there(ref) {
			continue
		}
		says := w.says(search.Where, ref) == holds
		if got := search.Where.Holds(w.row(ref, search.Where)); got != says {
			rt.Fatalf("%s of %v: Holds says %v, the oracle %v", ref, search.Where, got, says)
		}
		if says {
			want = append(want, ref)
		}
	}
	w.sort(want, search.Order)
	w.pages(rt, s, search, want)
	if search.Limit > 0 {
		search.Offset = rapid.IntRange(0, 3).Draw(rt, "offset")
		w.page(rt, s, search, want[min(search.Offset, len(want)):], len(want))
	}
}

// pages reads a list to its end.
func (w *world) pages(rt *rapid.T, s *Store, search engine.Search, want []engine.Ref) {
	left := want
	for {
		found := w.page(rt, s, search, left, len(want))
		left = left[len(found.Records):]
		if search.After = found.Next; search.After == "" {
			return
		}
	}
}

// page reads one page, which must be the beginning of what is left.
func (w *world) page(rt *rapid.T, s *Store, search engine.Search, left []engine.Ref, total int) engine.Found {
	found, err := s.Search(rt.Context(), search)
	if err != nil {
		rt.Fatalf("%v: %v", search.Where, err)
	}
	var got []engine.Ref
	for _, record := range found.Records {
		got = append(got, record.Ref)
		if diff := gocmp.Diff(w.records[record.Ref].Fields, record.Fields); diff != "" {
			rt.Fatalf("%s (-want +got):\n%s", record.Ref, diff)
		}
	}
	want := left[:min(search.Limit, len(left))]
	more := search.Limit > 0 && len(left) > len(want)
	if !slices.Equal(got, want) || found.Total != total || (found.Next != "") != more {
		rt.Fatalf("where %v, order %v: got %v of %d (next %q), want %v of %d", search.Where, search.Order, got,
			found.Total, found.Next, want, total)
	}
	return found
}

// sort sorts as lists are: what has no value, or one that is not of its field's type, comes first.
func (w *world) sort(list []engine.Ref, order []engine.Sorting) {
	slices.SortStableFunc(list, func(a, b engine.Ref) int {
		for _, by := range order {
			x, y := w.meanings[a][by.Field].is, w.meanings[b][by.Field].is
			missing := func(v any) bool { return v == nil || v == "" }
			written := func(v any) bool { return !missing(v) }
			c := 0
			switch {
			case written(x) && written(y):
				c = ordering(x, y)
				if truth, is := x.(bool); is && c != 0 {
					c = map[bool]int{true: 1, false: -1}[truth]
				}
			case written(x):
				c = 1
			case written(y):
				c = -1
			}
			if by.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.ID, b.ID)
	})
}
