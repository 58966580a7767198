package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// fillLinks stores the links with numbers from one to below another, in one transaction. Nobody used them, and those with
// an even number have expired by testNow.
func fillLinks(t testing.TB, s *Store, from, to int) {
	t.Helper()
	const fill = `INSERT INTO links (` + linkColumns + `)
		WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
		SELECT randomblob(16), 1, 'a', CAST(printf('%04x%04x', i % 65536, i / 65536) || printf('%.24c', '.') AS BLOB),
			'ticket', 'version', '', 'HelpDesk', '17x' || i, 'Contacts', '12x9', 'z…@acme.example', 'en', 0,
			?3 + CASE i % 2 WHEN 0 THEN -1 - i / 2 ELSE 3600000 + i END, 20, 0, NULL, NULL, 'ask', '1', 0, NULL, NULL, NULL,
			NULL, NULL, NULL, NULL FROM n`
	err := s.writer.steadily(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{fill, []any{from, to, instant(testNow)}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// digestOf is the digest of the link with a number.
func digestOf(i int) []byte {
	return fmt.Appendf(nil, "%04x%04x%s", i%65536, i/65536, strings.Repeat(".", 24))
}

// plan is how SQLite would go about a query, in its words.
func plan(t testing.TB, s *Store, query string) (steps []string) {
	t.Helper()
	args := slices.Repeat([]any{1}, parameters(query))
	err := s.reads.each(t.Context(), "EXPLAIN QUERY PLAN "+query, args, func(row scan) error {
		var detail string
		var n int
		err := row(&n, &n, &n, &detail)
		steps = append(steps, detail)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// A link is one row of a unique index, whatever else is stored; what removes links that expired long ago, and what tells
// of those that expired just now, takes them in the order of an index, a bite at a time.
func TestT92ManyLinks(t *testing.T) {
	const all = 20_000
	s := fresh(t)
	fillLinks(t, s, 0, all)

	t.Run("a link is one row", func(t *testing.T) {
		for query, want := range map[string]string{
			linkByToken:    "SEARCH links USING INDEX sqlite_autoindex_links_2 (key_id=? AND digest=?)", // the UNIQUE one
			linkByOldToken: "SEARCH old_tokens USING PRIMARY KEY (key_id=? AND digest=?)",
			expiredLinks:   "SEARCH links USING INDEX links_expires (expires<?)",
			lapsedLinks:    "SEARCH links USING INDEX links_expires ((expires,id)>(?,?) AND expires<?)",
		} {
			if got := plan(t, s, query); !slices.Contains(got, want) {
				t.Errorf("plan of %s\n%s\nwant %s", query, strings.Join(got, "\n"), want)
			}
		}
		for _, query := range append([]string{linkByToken, linkByOldToken, expiredLinks, lapsedLinks}, forgetLink...) {
			for _, step := range plan(t, s, query) {
				if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s reads a whole table: %s", query, step)
				}
			}
		}
		for _, i := range []int{0, 1, all / 2, all - 1} {
			if link, err := s.Link(t.Context(), "a", digestOf(i)); err != nil || link.Record.ID != fmt.Sprint("17x", i) {
				t.Errorf("link %d leads to %s, %v", i, link.Record, err)
			}
		}
		if _, err := s.Link(t.Context(), "a", digestOf(all)); !errors.Is(err, links.ErrNoLink) {
			t.Errorf("a token that no link has: %v", err)
		}
	})
	t.Run("a sweep takes a bite", func(t *testing.T) {
		keep := engine.DefaultRetention()
		now := testNow.Add(keep.Links)
		for left := all; left > all-3*forgetBite; left -= forgetBite {
			before := rows(t, s)
			gone, err := s.Forget(t.Context(), keep, now)
			if err != nil || gone.Links != forgetBite || !gone.More {
				t.Fatalf("a bite removed %+v, %v", gone, err)
			}
			if cost := rows(t, s) - before; cost != forgetBite {
				t.Errorf("a bite of %d links cost %d rows", forgetBite, cost)
			}
			if n := countLinks(t, s); n != left-forgetBite {
				t.Errorf("%d links are left, want %d", n, left-forgetBite)
			}
		}
		for range all / 2 / forgetBite { // the last one finds nothing
			if gone, err := s.Forget(t.Context(), keep, now); err != nil || gone.Links > forgetBite {
				t.Fatalf("a bite removed %+v, %v", gone, err)
			}
		}
		if n := countLinks(t, s); n != all/2 {
			t.Errorf("%d links are left; %d have not expired", n, all/2)
		}
	})
	t.Run("what lapsed is told in bites", func(t *testing.T) {
		first, err := s.Lapsed(t.Context(), testNow, 100)
		if err = errors.Join(err, s.Lapse(t.Context(), first, nil, testNow)); err != nil {
			t.Fatal(err)
		}
		later := testNow.Add(2 * time.Hour)
		for range 3 {
			lapse, err := s.Lapsed(t.Context(), later, 100)
			if err != nil || len(lapse.Unused) != 100 || !lapse.More {
				t.Fatalf("%d links lapsed, more: %t, %v", len(lapse.Unused), lapse.More, err)
			}
			before := rows(t, s)
			if err := s.Lapse(t.Context(), lapse, nil, later); err != nil {
				t.Fatal(err)
			}
			if cost := rows(t, s) - before; cost > 2*100+2 { // a deed each and the place; no link is written
				t.Errorf("a bite of 100 links cost %d rows", cost)
			}
		}
	})
}

func countLinks(t testing.TB, s *Store) (n int) {
	t.Helper()
	if err := s.reads.get(t.Context(), "SELECT count(*) FROM links", nil, []any{&n}); err != nil {
		t.Fatal(err)
	}
	return n
}

// A link is found as fast among a million as among a thousand, and a bite of the sweep takes as long.
func BenchmarkManyLinks(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		s := fresh(b)
		fillLinks(b, s, 0, n)
		b.Run(fmt.Sprint("lookup/", n), func(b *testing.B) {
			took := make([]time.Duration, 0, 1024)
			i := 0
			for b.Loop() {
				i = (i + 7919) % n // a prime: any of them, in no order
				began := time.Now()
				if _, err := s.Link(b.Context(), "a", digestOf(i)); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
		})
		b.Run(fmt.Sprint("sweep/", n), func(b *testing.B) {
			keep := engine.DefaultRetention()
			next, swept := n, 0
			for b.Loop() {
				b.StopTimer()
				fillLinks(b, s, next, next+2*forgetBite) // as many expire as are removed
				next += 2 * forgetBite
				b.StartTimer()
				gone, err := s.Forget(b.Context(), keep, testNow.Add(keep.Links))
				if err != nil {
					b.Fatal(err)
				}
				swept += gone.Links
			}
			b.ReportMetric(float64(swept)/float64(b.N), "links/op")
		})
	}
}
