package store

import (
	"context"
	"fmt"
	"time"
)

// KeyUses counts what is still to be understood by one generation of keys.
type KeyUses struct {
	Links    int // that open
	Messages int // sealed, and not delivered yet
	Calls    int // sealed, and not over, or with an answer that a run has not taken yet
	Visits   int // under way: their browsers would be strangers
	Files    int // that visitors sent
	SignIns  int // passwords, authenticators and app keys of portals
}

// Any tells whether anything needs the generation.
func (u KeyUses) Any() bool { return u != KeyUses{} }

// keyUses are the counts, in the order of the fields. A key id is a column of its own, or the first byte of what was
// made with it. What is over may need it too, to be told from what never was: that is not counted.
var keyUses = []string{
	`SELECT count(*) FROM links WHERE key_id = ?1 AND revoked IS NULL AND expires > ?2
		AND (max_uses = 0 OR uses < max_uses)`,
	`SELECT count(*) FROM deliveries WHERE substr(sealed, 1, 1) = CAST(?1 AS BLOB)
		AND state IN ('planned', 'sending', 'unknown', 'rejected')`,
	`SELECT count(*) FROM effects WHERE substr(coalesce(sealed, answer), 1, 1) = CAST(?1 AS BLOB)
		AND (state IN ('planned', 'sending') OR EXISTS (SELECT 1 FROM runs WHERE runs.id = effects.run
			AND runs.state NOT IN ('done', 'failed', 'stopped')))`,
	`SELECT count(*) FROM flows WHERE substr(visitor, 1, 1) = CAST(?1 AS BLOB) AND expires > ?2`,
	`SELECT count(*) FROM files WHERE EXISTS (SELECT 1 FROM file_pieces WHERE file = files.id
		AND substr(sealed, 1, 1) = CAST(?1 AS BLOB))`,
	`SELECT (SELECT count(*) FROM portal_accounts WHERE substr(verifier, 1, 1) = CAST(?1 AS BLOB))
		+ (SELECT count(*) FROM portal_authenticators WHERE substr(secret, 1, 1) = CAST(?1 AS BLOB))
		+ (SELECT count(*) FROM portal_app_keys WHERE substr(sealed, 1, 1) = CAST(?1 AS BLOB)
			AND revoked IS NULL AND expires > ?2)`,
}

// KeyUses counts what needs a generation of keys at a time. It reads whole tables, of which a million rows take about a
// second.
func (s *Store) KeyUses(ctx context.Context, keyID string, now time.Time) (KeyUses, error) {
	var uses KeyUses
	counts := []*int{
		&uses.Links, &uses.Messages, &uses.Calls, &uses.Visits, &uses.Files, &uses.SignIns,
	}
	for i, count := range counts {
		if err := s.reads.get(ctx, keyUses[i], []any{keyID, instant(now)}, []any{count}); err != nil {
			return KeyUses{}, fmt.Errorf("count what needs generation %s: %w", keyID, err)
		}
	}
	return uses, nil
}
