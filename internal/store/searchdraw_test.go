package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"

	"pgregory.net/rapid"
)

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
