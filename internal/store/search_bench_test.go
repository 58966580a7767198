package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// BenchmarkSearch tells what searches of 200,000 records cost, of which a contact has 500: -bench Search. Beside a page
// stands its floor, the same records read by the same index with a statement that is written and prepared by hand.
func BenchmarkSearch(b *testing.B) {
	s := fresh(b)
	fillRecords(b, s, 200_000)
	if err := s.Index(b.Context(), "HelpDesk", "parent_id"); err != nil {
		b.Fatal(err)
	}
	mine := is("parent_id", "12x7", "12x8")
	text := engine.Predicate{Op: engine.OpLike, Path: "ticket_title", Values: []engine.Operand{{Value: "%order 1%"}}}
	page, count := ticketSearch(mine), ticketSearch(mine)
	page.Order = []engine.Sorting{{Field: "ticket_title"}}
	count.Limit, count.Total = 0, true
	searched := page
	searched.Where = mine.Both(text)
	everything := ticketSearch(engine.Everything())
	scan := ticketSearch(text)
	scan.Limit, scan.Total = 0, true
	for name, search := range map[string]engine.Search{
		"page": ticketSearch(is("parent_id", "12x7")), "page of two, sorted": page, "count": count, "text": searched,
		"first page of all": everything, "count by a scan": scan,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Search(b.Context(), search); errors.Is(err, engine.ErrTooWide) {
					b.Skip(err)
				} else if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("page beside its floor", func(b *testing.B) {
		var ours, floor []time.Duration
		for b.Loop() {
			ours = append(ours, measured(func() {
				if _, err := s.Search(b.Context(), page); err != nil {
					b.Fatal(err)
				}
			}))
			floor = append(floor, measured(func() { readByHand(b, s) }))
		}
		slices.Sort(ours)
		slices.Sort(floor)
		b.ReportMetric(float64(ours[len(ours)/2])/float64(floor[len(floor)/2]), "times-the-floor")
	})
}

func measured(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

// readByHand reads what the page of the benchmark holds.
func readByHand(b *testing.B, s *Store) {
	const by = `INDEXED BY "records of HelpDesk by parent_id" `
	query := listColumns + by + `WHERE module = 'HelpDesk' AND deleted = 0
		AND ` + valueAt(quoted(place{"HelpDesk", "parent_id"}.path())) + ` IN (?1, ?2)
		ORDER BY fields ->> '$.ticket_title', id LIMIT 51`
	records, err := s.reads.records(b.Context(), "HelpDesk", query, []any{"12x7", "12x8"})
	if err != nil || len(records) != 51 {
		b.Fatal(len(records), err)
	}
}
