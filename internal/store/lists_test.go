package store

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// fillRecords keeps n tickets of about 400 bytes, every 500 of which have the same contact.
func fillRecords(t testing.TB, s *Store, n int) {
	t.Helper()
	const fill = `INSERT INTO records (module, id, fields, written, version, seq, deleted, updated)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		SELECT 'HelpDesk', '17x' || printf('%08d', i), json_object('ticket_title', 'Order ' || i, 'parent_id',
			'12x' || (i % (?1 / 500 + 1)), 'ticketstatus', 'Open', 'description', ?2), '{}', 0, i, 0, 0 FROM n`
	text := strings.Repeat("x", 300)
	err := s.writer.steadily(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{fill, []any{n, text}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// walk reads a list to its end and counts its records and pages.
func walk(t testing.TB, s *Store, l engine.Listing) (records, pages int) {
	t.Helper()
	for {
		page, err := s.List(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		records, pages = records+len(page.Records), pages+1
		if page.Next == "" {
			return records, pages
		}
		l.After = page.Next
	}
}

// Values of every kind are found by their text, with an index and without.
func TestIndexFindsWhatALookFinds(t *testing.T) {
	s := fresh(t)
	values := []any{
		"a", "A", "it's", json.Number("1.50"), "1.50", json.Number("1.5"), true, "true", false, nil,
		[]any{"a"},
		"null",
		map[string]any{"a": "a"},
		`"a"`, `["a"]`,
	}
	for i, value := range values {
		err := s.writer.steadily(t.Context(), func(ctx context.Context, tx *tx) error {
			return tx.storeRecord(ctx, engine.Record{
				Ref: engine.Ref{Module: "It's", ID: fmt.Sprintf("%02d", i)}, Fields: engine.Fields{"a field": value},
			}, testNow)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][]string{
		"a": {"00"}, "A": {"01"}, "it's": {"02"}, "1.50": {"03", "04"}, "1.5": {"05"}, "true": {"06", "07"}, "false": {"08"},
		"null": {"11"}, `"a"`: {"13"}, `["a"]`: {"14"}, "": nil,
	}
	for _, how := range []string{"by a look", "by an index"} {
		for value, ids := range want {
			if diff := cmp.Diff(ids, listed(t, s, value)); diff != "" {
				t.Errorf("%s, %q (-want +got):\n%s", how, value, diff)
			}
			found, err := s.Find(t.Context(), "It's", "a field", value, 100)
			if err != nil || len(found) != len(ids) {
				t.Errorf("%s, find %q: %v, %v", how, value, found, err)
			}
		}
		for range 2 { // asked for again, it is there
			if err := s.Index(t.Context(), "It's", "a field"); err != nil {
				t.Fatal(err)
			}
		}
	}
	plannedByIndex(t, s)
	if err := s.Index(t.Context(), "It's", `a"`); !engine.IsPermanent(err) {
		t.Errorf("a name with a quotation mark: %v", err)
	}
}

// listed are the ids of the records of "It's" whose "a field" has a value, page by page.
func listed(t *testing.T, s *Store, value any) (ids []string) {
	t.Helper()
	l := engine.Listing{Module: "It's", Field: "a field", Value: value, Limit: 1}
	for {
		page, err := s.List(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range page.Records {
			ids = append(ids, record.ID)
		}
		if l.After = page.Next; l.After == "" {
			return ids
		}
	}
}

// plannedByIndex sees to it that a look for "It's" by "a field" uses the index, and sorts nothing.
func plannedByIndex(t *testing.T, s *Store) {
	t.Helper()
	var plan strings.Builder
	args := []any{"It's", "", "a", "", 10}
	err := s.reads.each(t.Context(), "EXPLAIN QUERY PLAN "+place{"It's", "a field"}.listIndexed(), args,
		func(row scan) error {
			var id, parent, unused int
			var detail string
			err := row(&id, &parent, &unused, &detail)
			plan.WriteString(detail)
			return err
		})
	if err != nil || !strings.Contains(plan.String(), `USING INDEX records of It's by a field (<expr>=? AND id>?)`) ||
		strings.Contains(plan.String(), "SORT") || strings.Contains(plan.String(), "TEMP") {
		t.Errorf("the plan is %q, %v", plan.String(), err)
	}
}

// A page that finds little ends all the same, and the list goes on after what was looked at.
func TestPagesWithoutAnIndexLookAtSoMuch(t *testing.T) {
	s := fresh(t)
	fillRecords(t, s, listLook+listLook/2)
	l := engine.Listing{Module: "HelpDesk", Field: "ticket_title", Value: fmt.Sprint("Order ", listLook+1), Limit: 1}
	if records, pages := walk(t, s, l); records != 1 || pages != 2 {
		t.Errorf("found %d records on %d pages", records, pages)
	}
	l.Value = fmt.Sprint("Order ", 7)
	if records, pages := walk(t, s, l); records != 1 || pages != 2 {
		t.Errorf("found %d records on %d pages", records, pages)
	}
}

// BenchmarkList tells what lists of many records cost: -bench List -benchtime 1x.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := fresh(b)
			fillRecords(b, s, n)
			byContact := engine.Listing{Module: "HelpDesk", Field: "parent_id", Value: "12x7", Limit: engine.MaxListed}
			for b.Loop() {
				var took float64
				heap := peakHeap(func() {
					took = timed(func() { walk(b, s, engine.Listing{Module: "HelpDesk", Limit: engine.MaxListed}) })
				})
				b.ReportMetric(heap, "heap-MB")
				b.ReportMetric(took, "walk-s")
				b.ReportMetric(timed(func() { walk(b, s, byContact) }), "look-s")
				b.ReportMetric(timed(func() {
					if err := s.Index(b.Context(), "HelpDesk", "parent_id"); err != nil {
						b.Fatal(err)
					}
				}), "index-s")
				b.ReportMetric(1000*timed(func() { walk(b, s, byContact) }), "related-ms")
			}
		})
	}
}

func timed(do func()) float64 {
	began := time.Now()
	do()
	return time.Since(began).Seconds()
}

// peakHeap is the most memory in use while something is done, in MB, seen every 10 ms.
func peakHeap(do func()) float64 {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(10 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	do()
	close(done)
	return float64(<-peak) / (1 << 20)
}

// What a process tells of indexes is what the database has, whoever made them.
func TestIndexesAreSeenByWhoDidNotMakeThem(t *testing.T) {
	s := fresh(t)
	indexed := func(field string, folded bool) bool {
		t.Helper()
		there, err := s.Indexed(t.Context(), "HelpDesk", field, folded)
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	if indexed("parent_id", false) {
		t.Error("an index is there before it is made")
	}
	if err := s.Index(t.Context(), "HelpDesk", "parent_id"); err != nil {
		t.Fatal(err)
	}
	if !indexed("parent_id", false) || indexed("parent_id", true) {
		t.Error("the index by parent_id is not told from the one without case")
	}
	if err := s.IndexFolded(t.Context(), "HelpDesk", "parent_id"); err != nil {
		t.Fatal(err)
	}
	s.reads.indexed.Clear()
	if !indexed("parent_id", true) {
		t.Error("an index that this process did not make is not seen")
	}
}
