package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine/enginetest"
)

// The rows that fill leaves bear key ids of their own: a of the links, s of a call that is sealed, v of the visitor.
func TestKeyUses(t *testing.T) {
	s := underClock(t, filepath.Join(t.TempDir(), "postern.db"), enginetest.NewClock(testNow))
	fill(t, s)
	err := s.writer.steadily(t.Context(), func(ctx context.Context, tx *tx) error {
		const authenticator = `INSERT INTO portal_authenticators (portal, module, subject, secret, step, added)
			VALUES ('customers', 'Contacts', '12x1', CAST('nsecret' AS BLOB), 0, 0)`
		return tx.run(ctx, call{"UPDATE deliveries SET sealed = CAST('d' || state AS BLOB)", nil},
			call{authenticator, nil})
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key  string
		at   time.Time
		want KeyUses
	}{
		"links":                 {"a", testNow, KeyUses{Links: 2}},
		"a call":                {"s", testNow, KeyUses{Calls: 1}},
		"messages":              {"d", testNow, KeyUses{Messages: 3}},
		"a visit":               {"v", testNow, KeyUses{Visits: 1}},
		"a visit that is over":  {"v", testNow.Add(time.Hour), KeyUses{}},
		"links that have ended": {"a", testNow.Add(10_000 * time.Hour), KeyUses{}},
		"an authenticator":      {"n", testNow, KeyUses{SignIns: 1}},
		"a file":                {"f", testNow, KeyUses{Files: 1}},
		"another generation":    {"z", testNow, KeyUses{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.KeyUses(t.Context(), test.key, test.at)
			if err != nil || got != test.want || got.Any() != (test.want != KeyUses{}) {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// keyed are the columns that begin with a key id or are one, each with why KeyUses counts it or need not.
var keyed = map[string]string{
	"links.key_id":             "counted",
	"links.external":           "goes with links.key_id",
	"links.audience":           "goes with links.key_id",
	"links.bound":              "the browser is a stranger after that: the link is to be sent anew",
	"deliveries.sealed":        "counted",
	"effects.sealed":           "counted",
	"effects.answer":           "counted",
	"flows.visitor":            "counted",
	"file_pieces.sealed":       "counted",
	"grants.visitor":           "goes with flows.visitor",
	"portal_challenges.sealed": "ends within a minute",
	"portal_askings.sealed":    "answered within seconds: who asked asks again",
	"portal_app_keys.sealed":   "counted",
	"challenges.key_id":        "goes with the visits: what was asked for is asked for again",
	"challenges.mail":          "goes with challenges.key_id",
	"old_tokens.key_id":        "goes with links.key_id: a renewed link keeps its generation of keys",
}

// A new table whose rows need a key is to be thought of: a generation could be retired under it.
func TestKeyUsesKnowsEveryKeyedColumn(t *testing.T) {
	s := underClock(t, filepath.Join(t.TempDir(), "postern.db"), enginetest.NewClock(testNow))
	const query = `SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND (c.name = 'key_id' OR c.type = 'BLOB' AND c.name IN
			('sealed', 'answer', 'visitor', 'mail', 'bound', 'external', 'audience'))`
	found := map[string]bool{}
	err := s.reads.each(t.Context(), query, nil, func(row scan) error {
		var column string
		err := row(&column)
		found[column] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for column := range found {
		if keyed[column] == "" {
			t.Errorf("%s bears a key id: is it to be counted before a generation is retired?", column)
		}
	}
	for column := range keyed {
		if !found[column] {
			t.Errorf("there is no %s any more", column)
		}
	}
	if all := strings.Join(keyUses, " "); strings.Count(all, "count(*)") != 8 {
		t.Error("KeyUses has other counts than fields")
	}
}
