package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/engine"
	"postern/links"
)

// Land implements links.Store. The order matters: a repeat is known before the link is looked at, which the first time
// may have used up, and everything that can be refused is refused before anything is written.
func (s *Store) Land(ctx context.Context, act links.Act) (links.Outcome, error) {
	used, err := text(act.Used)
	if err != nil {
		return links.Outcome{}, fmt.Errorf("act on link %s: %w", act.Link, err)
	}
	written, err := writeVisit(act)
	if err != nil {
		return links.Outcome{}, fmt.Errorf("act on link %s: %w", act.Link, err)
	}
	var opened string
	if act.Opening != nil {
		if opened, err = tell(act.Opening.Event); err != nil {
			return links.Outcome{}, fmt.Errorf("act on link %s: %w", act.Link, err)
		}
	}
	var outcome links.Outcome
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if outcome, err = tx.repeat(ctx, act); err != nil || outcome.Repeated {
			return err
		}
		link, err := tx.live(ctx, act.Link, act.At)
		if err != nil {
			return err
		}
		if err := tx.openOnce(ctx, act.Opening, opened); err != nil {
			return err
		}
		changed, err := tx.perform(ctx, act)
		if err != nil {
			return err
		}
		outcome = links.Outcome{At: later(act.At, outcome.At), Changed: changed}
		if err := tx.use(ctx, act, link, written, outcome); err != nil {
			return err
		}
		if err := tx.touch(ctx, act.At, engine.RunTopic(link.Run)); err != nil {
			return err
		}
		err = tx.audit(ctx, engine.Deed{
			At: act.At, Kind: engine.DeedLinkUsed, Actor: "link:" + act.Link.String(), Subject: act.Write.Ref.String(),
			Detail: detailOf(act),
		})
		if err != nil {
			return err
		}
		return tx.emit(ctx, used)
	})
	if err != nil {
		return links.Outcome{}, fmt.Errorf("act on link %s: %w", act.Link, err)
	}
	return outcome, nil
}

// detailOf is an act in the audit's words: resolve by mattermost:k3u….
func detailOf(act links.Act) string { return strings.TrimSpace(act.Name + " " + by(act.By)) }

// by is who did something, in the audit's words; "" for somebody in a browser.
func by(whom string) string {
	if whom == "" {
		return ""
	}
	return "by " + whom
}

// visit holds the columns of a visit that are JSON.
type visit struct{ set, entries, before string }

func writeVisit(act links.Act) (v visit, err error) {
	for _, part := range []struct {
		column *string
		fields engine.Fields
	}{{&v.set, act.Write.Patch.Set}, {&v.entries, act.Entries}, {&v.before, act.Before}} {
		if *part.column, err = text(part.fields); err != nil {
			return v, err
		}
	}
	return v, nil
}

// perform writes and makes the records, or stores the effects that will; those are known to change something only
// later.
func (t *tx) perform(ctx context.Context, act links.Act) (changed bool, err error) {
	if err := t.keepFiles(ctx, act.Files); err != nil {
		return false, err
	}
	if len(act.Effects) > 0 {
		return true, t.ask(ctx, act.At, act.Effects...)
	}
	if changed, err = t.write(ctx, act.Write); err != nil {
		return false, err
	}
	for _, c := range act.Creates {
		if _, err := t.create(ctx, c); err != nil {
			return false, fmt.Errorf("create a record of %s: %w", c.Module, err)
		}
		changed = true
	}
	return changed, nil
}

// ask stores effects of an act.
func (t *tx) ask(ctx context.Context, now time.Time, effects ...*engine.Effect) error {
	for _, effect := range effects {
		insert, err := insertEffect(effect, now)
		if err != nil {
			return err
		}
		if err := t.run(ctx, insert); err != nil {
			return err
		}
	}
	t.woke = true
	return nil
}

// repeat finds the first press of the same button, if the flow did nothing else since; an outcome that is not Repeated
// says there was none, but when the flow did something else last. The clock may have been set back since then.
func (t *tx) repeat(ctx context.Context, act links.Act) (links.Outcome, error) {
	var first links.Outcome
	var key []byte
	var undone instant
	const query = `SELECT at, changed, key, undone FROM visits WHERE flow = ? AND link = ? AND at > ?
		ORDER BY at DESC, id DESC LIMIT 1`
	args := []any{ident(act.Flow), ident(act.Link), instant(act.At.Add(-links.RepeatWindow))}
	err := t.get(ctx, query, args, []any{(*instant)(&first.At), &first.Changed, &key, &undone})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return links.Outcome{}, nil
	case err != nil:
		return links.Outcome{}, err
	}
	// Or something else was done since, or it was taken back: then this is no second press.
	first.Repeated = bytes.Equal(key, act.Key) && time.Time(undone).IsZero()
	return first, nil
}

// later is a time for an act that comes after another, which is zero if there was none: what a flow did last is known
// by its time.
func later(at, before time.Time) time.Time {
	if before.IsZero() || at.After(before) {
		return at
	}
	return before.Add(time.Millisecond)
}

// live reads a link, or says why it does not allow one more use.
func (t *tx) live(ctx context.Context, id engine.ID, at time.Time) (engine.Link, error) {
	link, err := t.link(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Link{}, links.ErrNoLink
	}
	if err == nil {
		err = links.Live(link, at)
	}
	if err == nil && link.Uses >= link.MaxUses { // one made for no effect at all
		err = links.ErrUsed
	}
	return link, err
}

// use counts the use and stores the visit. The count is conditional even though live has looked: no change of this
// file can make a link be used more often than it may.
func (t *tx) use(ctx context.Context, act links.Act, link engine.Link, written visit, outcome links.Outcome) error {
	const claim = `UPDATE links SET uses = uses + 1 WHERE id = ? AND uses < max_uses AND expires > ?
		AND revoked IS NULL AND (not_before IS NULL OR not_before <= ?)`
	rows, err := t.exec(ctx, claim, ident(act.Link), instant(act.At), instant(act.At))
	if err != nil {
		return err
	}
	if rows == 0 {
		return links.ErrUsed
	}
	if !link.Counts.IsZero() {
		const others = "UPDATE links SET uses = uses + 1 WHERE counts = ? AND id <> ?"
		if err := t.run(ctx, call{others, []any{ident(link.Counts), ident(link.ID)}}); err != nil {
			return err
		}
	}
	const insert = `INSERT INTO visits (id, flow, link, name, key, fields, entries, before, changed, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	return t.run(ctx, call{insert, []any{
		ident(act.ID), ident(act.Flow), ident(act.Link), act.Name, blob(act.Key), written.set, written.entries,
		written.before, outcome.Changed, instant(outcome.At),
	}})
}

// joined is a link, ?1, and those that count their uses together with it.
const joined = `(id = ?1 OR counts = (SELECT counts FROM links WHERE id = ?1))`

// recount counts a use that happened elsewhere. It tells whether there is such a link.
func (t *tx) recount(ctx context.Context, link engine.ID) (bool, error) {
	rows, err := t.exec(ctx, "UPDATE links SET uses = uses + 1 WHERE "+joined, ident(link))
	return rows > 0, err
}
