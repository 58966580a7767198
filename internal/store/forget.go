package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// forgetBite is how many rows of each kind one bite removes: some milliseconds of the writer's time.
const forgetBite = 200

// forgetting is where the next bite begins. What lies before is too young, or not over.
type forgetting struct {
	runs, deliveries engine.ID
}

// Forget implements engine.Keeper. Ids begin with the time they were made, so that what is old is found by them.
func (s *Store) Forget(ctx context.Context, keep engine.Retention, now time.Time) (engine.Forgotten, error) {
	var gone engine.Forgotten
	history := idBefore(now.Add(-keep.History))
	runs, err := s.old(ctx, oldRuns, s.forgetting.runs, history)
	if err != nil {
		return gone, fmt.Errorf("find what is too old: %w", err)
	}
	deliveries, err := s.old(ctx, oldDeliveries, s.forgetting.deliveries, history)
	if err != nil {
		return gone, fmt.Errorf("find what is too old: %w", err)
	}
	expired, err := s.old(ctx, expiredLinks, engine.ID{}, now.Add(-keep.Links).UnixMilli())
	if err != nil {
		return gone, fmt.Errorf("find what is too old: %w", err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		gone = engine.Forgotten{}
		for _, part := range []struct {
			count *int
			of    []engine.ID
			calls []string
		}{
			{&gone.Runs, runs, forgetRun},
			{&gone.Deliveries, deliveries, forgetDelivery},
			{&gone.Links, expired, forgetLink},
		} {
			if *part.count, err = tx.forget(ctx, part.of, part.calls); err != nil {
				return err
			}
		}
		gone.Others, err = tx.forgetOthers(ctx, keep, now)
		tx.after = append(tx.after, func() { s.suppressed.prune(now) })
		return err
	})
	if err != nil {
		return engine.Forgotten{}, fmt.Errorf("remove what is too old: %w", err)
	}
	s.forgetting = forgetting{runs: last(runs), deliveries: last(deliveries)} // from the start again once none is left
	gone.More = len(runs)+len(deliveries)+len(expired) > 0 || gone.Others > 0
	return gone, nil
}

// What a run that is not over sent stays as long as it does: its conditions ask what became of it.
const (
	unlessUnderWay = ` AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = run
		AND runs.state NOT IN ('done', 'failed', 'stopped'))`
	oldRuns = `SELECT id FROM runs WHERE id > ? AND id < ? AND state IN ('done', 'failed', 'stopped')
		ORDER BY id LIMIT ?`
	oldDeliveries = `SELECT id FROM deliveries WHERE id > ? AND id < ? AND ` + deliveryOver +
		unlessUnderWay + ` ORDER BY id LIMIT ?`
	// A link by external id begins anew when it is gone: one that was used or revoked must not.
	expiredLinks = `SELECT id FROM links WHERE id > ? AND expires < ? AND (generation > 0 OR uses = 0 AND ` +
		linkRevoked + ` IS NULL)` + unlessUnderWay + ` ORDER BY expires LIMIT ?`
)

// What removes one run, delivery or link by its id; the last statement is the one that counts. An operator may have
// brought it back since it was found.
var (
	forgetRun = []string{
		`INSERT INTO run_keys (key, at) SELECT key, created FROM runs
			WHERE id = ? AND state IN ('done', 'failed', 'stopped') ON CONFLICT DO NOTHING`,
		`DELETE FROM effects WHERE run = ? AND state NOT IN ('planned', 'sending')`,
		`DELETE FROM runs WHERE id = ? AND state IN ('done', 'failed', 'stopped')`,
	}
	forgetDelivery = []string{`DELETE FROM deliveries WHERE id = ? AND ` + deliveryOver}
	forgetLink     = []string{
		`DELETE FROM effects WHERE run IN (SELECT id FROM visits WHERE link = ?)
			AND state NOT IN ('planned', 'sending')`,
		`DELETE FROM challenges WHERE flow IN (SELECT id FROM flows WHERE link = ?)`,
		`DELETE FROM guesses WHERE link = ?`, `DELETE FROM visits WHERE link = ?`, `DELETE FROM flows WHERE link = ?`,
		`DELETE FROM link_notes WHERE link = ?`, `DELETE FROM old_tokens WHERE link = ?`,
		`DELETE FROM links WHERE id = ?`,
	}
)

// old finds some ids in the order of a query.
func (s *Store) old(ctx context.Context, query string, after engine.ID, before any) ([]engine.ID, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var ids []engine.ID
	err := s.reads.each(ctx, query, []any{after[:], before, forgetBite}, func(row scan) error {
		var id engine.ID
		err := row((*ident)(&id))
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func (t *tx) forget(ctx context.Context, ids []engine.ID, statements []string) (gone int, err error) {
	for _, id := range ids {
		var rows int64
		for _, statement := range statements {
			if rows, err = t.exec(ctx, statement, ident(id)); err != nil {
				return gone, err
			}
		}
		gone += int(rows)
	}
	return gone, nil
}

const (
	oldLetters = `DELETE FROM dead_letters WHERE id IN
		(SELECT id FROM dead_letters WHERE id < ? AND at < ? ORDER BY id LIMIT ?)` // the id of some tells no time
	oldWrites = `DELETE FROM writes WHERE event_id IN
		(SELECT event_id FROM writes WHERE event_id < ? ORDER BY event_id LIMIT ?)`
	// Of triggers that the book has dropped. It steps from trigger to trigger, however many alarms each has.
	lostAlarms = `WITH RECURSIVE armed(n) AS (SELECT min(timing) FROM alarms UNION ALL
			SELECT (SELECT min(timing) FROM alarms WHERE timing > n) FROM armed WHERE n IS NOT NULL),
		lost(n) AS (SELECT min(n) FROM armed WHERE n NOT IN (SELECT number FROM timings))
		DELETE FROM alarms WHERE timing = (SELECT n FROM lost) AND record IN
			(SELECT record FROM alarms WHERE timing = (SELECT n FROM lost) LIMIT ?)`
	oldLimits = `DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE until < ? ORDER BY until LIMIT ?)`
	oldKeys   = `DELETE FROM run_keys WHERE key IN (SELECT key FROM run_keys WHERE at < ? ORDER BY at LIMIT ?)`
	oldGrants = `DELETE FROM grants WHERE (visitor, factor) IN
		(SELECT visitor, factor FROM grants WHERE given < ? ORDER BY given LIMIT ?)`
	oldSuppressions = `DELETE FROM suppressions WHERE (channel, address, list) IN
		(SELECT channel, address, list FROM suppressions WHERE until < ? ORDER BY until LIMIT ?)`
	oldHeard = `DELETE FROM heard WHERE (channel, key) IN
		(SELECT channel, key FROM heard WHERE at < ? ORDER BY at LIMIT ?)`
	oldConversations = `DELETE FROM conversations WHERE (channel, address) IN
		(SELECT channel, address FROM conversations WHERE at < ? ORDER BY at LIMIT ?)`
	oldTallies = `DELETE FROM tallies WHERE slot < ?`
	// What is left must follow a seal at all times: each bite removes what one seal covers, by number and not by time.
	oldDeeds = `DELETE FROM audit WHERE seq <=
		(SELECT min(seq) FROM seals WHERE at < ? AND seq >= (SELECT min(seq) FROM audit))`
)

// forgetOthers removes what nothing refers to.
func (t *tx) forgetOthers(ctx context.Context, keep engine.Retention, now time.Time) (gone int, err error) {
	if gone, err = t.forgetReports(ctx, now.Add(-engine.ReportsKept)); err != nil {
		return gone, err
	}
	history := idBefore(now.Add(-keep.History))
	keys, audit := instant(now.Add(-keep.Keys)), instant(now.Add(-keep.Audit))
	for _, c := range []call{
		{oldLetters, []any{history, instant(now.Add(-keep.History)), forgetBite}},
		{oldWrites, []any{history, forgetBite}},
		{lostAlarms, []any{forgetBite}},
		{oldLimits, []any{instant(now), forgetBite}},
		{oldKeys, []any{keys, forgetBite}},
		{oldDeeds, []any{audit}},
		{oldGrants, []any{instant(now.Add(-engine.GrantMost)), forgetBite}},
		{oldSuppressions, []any{instant(now), forgetBite}},
		{oldHeard, []any{instant(now.Add(-engine.HeardKept)), forgetBite}},
		{oldConversations, []any{instant(now.Add(-keep.History)), forgetBite}},
		{oldTallies, []any{slotOf(now.Add(-24 * time.Hour))}},
		{oldFiles, []any{idBefore(now.Add(-keep.Files)), fileBite}},
		{lostPieces, []any{idBefore(now.Add(-unkept)), fileBite}},
	} {
		rows, err := t.exec(ctx, c.query, c.args...)
		if err != nil {
			return gone, err
		}
		gone += int(rows)
	}
	return gone, nil
}

// idBefore is a bound below every id made at a time or later. Nothing was made before 1970, where ids begin.
func idBefore(at time.Time) []byte {
	id := make([]byte, 16)
	milli := max(at.UnixMilli(), 0)
	for i := range 6 {
		id[i] = byte(milli >> (40 - 8*i))
	}
	return id
}

func last(ids []engine.ID) engine.ID {
	if len(ids) == 0 {
		return engine.ID{}
	}
	return ids[len(ids)-1]
}
