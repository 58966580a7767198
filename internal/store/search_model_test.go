package store

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/peer"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

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
