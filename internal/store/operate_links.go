package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/engine"
)

// bite is how many links one change revokes at most: the visitors' changes get their turn between two bites.
const bite = 200

// stateOfLink is engine.Link.State in SQL, of a time less engine.LockLife, and of that time.
const stateOfLink = `CASE WHEN ` + linkRevoked + ` IS NOT NULL THEN 'revoked' WHEN locked > ? THEN 'locked'
	WHEN expires <= ? THEN 'expired' WHEN max_uses > 0 AND uses >= max_uses THEN 'used' ELSE 'live' END`

func stateArgs(at time.Time) []any { return []any{instant(at.Add(-engine.LockLife)), instant(at)} }

// ofLinks are the conditions of a selection, without its paging. No index serves them: each one would cost every
// message time, and a scan of a million links takes about a second.
func ofLinks(sel engine.LinkSelection) (narrow, error) {
	var n narrow
	n.by(!sel.Record.IsZero(), "module = ? AND record = ?", sel.Record.Module, sel.Record.ID)
	n.by(!sel.Recipient.IsZero(), "recipient_module = ? AND recipient = ?", sel.Recipient.Module, sel.Recipient.ID)
	n.by(sel.Workflow != "", "workflow = ?", sel.Workflow)
	n.by(sel.Landing != "", "landing = ?", sel.Landing)
	n.by(!sel.Since.IsZero(), "created >= ?", instant(sel.Since))
	n.by(!sel.Until.IsZero(), "created < ?", instant(sel.Until))
	if len(sel.IDs) > 0 {
		named := make([]string, len(sel.IDs))
		for i, id := range sel.IDs {
			named[i] = hex.EncodeToString(id[:])
		}
		list, err := text(named)
		if err != nil {
			return n, err
		}
		n.by(true, "id IN (SELECT unhex(value) FROM json_each(?))", list)
	}
	for _, state := range sel.States {
		if !slices.Contains(engine.LinkStates(), state) {
			return n, fmt.Errorf("%q is no state of a link", state)
		}
	}
	if len(sel.States) > 0 {
		wanted, err := text(sel.States)
		if err != nil {
			return n, err
		}
		n.by(true, stateOfLink+" IN (SELECT value FROM json_each(?))", append(stateArgs(sel.At), wanted)...)
	}
	return n, nil
}

// LinkLines implements engine.LinkDesk.
func (s *Store) LinkLines(ctx context.Context, sel engine.LinkSelection) ([]engine.Link, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	n, err := ofLinks(sel)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	n.by(!sel.Before.IsZero(), "(created, id) < (SELECT created, id FROM links WHERE id = ?)", ident(sel.Before))
	query := "SELECT " + linkRead + " FROM links WHERE 1" + n.where + " ORDER BY created DESC, id DESC LIMIT ?"
	var lines []engine.Link
	err = s.reads.each(ctx, query, append(n.args, limited(sel.Limit)), func(row scan) error {
		var link engine.Link
		err := row(linkDest(&link)...)
		lines = append(lines, link)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return lines, nil
}

// LinkTally implements engine.LinkDesk.
func (s *Store) LinkTally(ctx context.Context, sel engine.LinkSelection) (map[engine.LinkState]int, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	n, err := ofLinks(sel)
	if err != nil {
		return nil, fmt.Errorf("count links: %w", err)
	}
	tally := map[engine.LinkState]int{}
	query := "SELECT " + stateOfLink + " AS state, count(*) FROM links WHERE 1" + n.where + " GROUP BY 1"
	err = s.reads.each(ctx, query, append(stateArgs(sel.At), n.args...), func(row scan) error {
		var state engine.LinkState
		var count int
		err := row(&state, &count)
		tally[state] = count
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count links: %w", err)
	}
	return tally, nil
}

// LinkStory implements engine.LinkDesk.
func (s *Store) LinkStory(ctx context.Context, id engine.ID) (engine.LinkStory, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	link, err := s.reads.link(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = engine.ErrNoThing
	}
	var story engine.LinkStory
	if err == nil {
		story, err = s.reads.linkStory(ctx, engine.NamedLink{ID: id, Link: link})
	}
	if err != nil {
		return story, fmt.Errorf("read link %s: %w", id, err)
	}
	return story, nil
}

// MakeLink implements engine.LinkDesk.
func (s *Store) MakeLink(ctx context.Context, link engine.Link, order engine.Order) (engine.Link, error) {
	made := link
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) (err error) {
		if made, err = tx.link(ctx, link.ID); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		made = link
		if err := tx.run(ctx, insertLink(link)); err != nil {
			return err
		}
		detail := link.Landing + " for " + link.Record.String()
		return tx.ordered(ctx, link.ID, engine.DeedLinkMade, "made", detail, order)
	})
	if err != nil {
		return engine.Link{}, fmt.Errorf("store link %s: %w", link.ID, err)
	}
	return made, nil
}

// RevokeLinks implements engine.LinkDesk. One walk over the links by their ids finds what each bite takes.
func (s *Store) RevokeLinks(ctx context.Context, sel engine.LinkSelection, order engine.Order) (int, error) {
	n, err := ofLinks(sel)
	if err != nil {
		return 0, fmt.Errorf("revoke links: %w", err)
	}
	query := "SELECT id FROM links WHERE id > ? AND " + linkRevoked + " IS NULL" + n.where + " ORDER BY id LIMIT ?"
	var done int
	var last engine.ID
	for {
		ids, err := s.linksAfter(ctx, query, last, n.args)
		if err == nil && len(ids) > 0 {
			var revoked int
			revoked, err = s.revoke(ctx, ids, order)
			done += revoked
		}
		if err != nil {
			return done, fmt.Errorf("revoke links: %w", err)
		}
		if len(ids) < bite {
			return done, nil
		}
		last = ids[len(ids)-1]
	}
}

func (s *Store) linksAfter(ctx context.Context, query string, last engine.ID, args []any) ([]engine.ID, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var ids []engine.ID
	args = append(append([]any{last[:]}, args...), bite)
	err := s.reads.each(ctx, query, args, func(row scan) error {
		var id ident
		err := row(&id)
		ids = append(ids, engine.ID(id))
		return err
	})
	return ids, err
}

// revoke ends links in one change, with a deed for each.
func (s *Store) revoke(ctx context.Context, ids []engine.ID, order engine.Order) (revoked int, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		revoked = 0
		for _, id := range ids {
			const end = "UPDATE links SET revoked = ? WHERE id = ? AND revoked IS NULL"
			rows, err := tx.exec(ctx, end, instant(order.At), ident(id))
			if err != nil {
				return err
			}
			if rows == 0 {
				continue // somebody else was faster
			}
			revoked++
			if err := tx.ordered(ctx, id, engine.DeedLinkRevoked, "revoked", "", order); err != nil {
				return err
			}
		}
		return nil
	})
	return revoked, err
}

// ordered notes what an operator had done to a link: who and why in its history, who and what in the audit.
func (t *tx) ordered(ctx context.Context, id engine.ID, deed, what, detail string, order engine.Order) error {
	const note = "INSERT INTO link_notes (link, at, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	if err := t.run(ctx, call{note, []any{ident(id), instant(order.At), order.Says(what)}}); err != nil {
		return err
	}
	return t.audit(ctx, order.Deed(deed, "link:"+id.String(), detail))
}

// UnlockLink implements engine.LinkDesk.
func (s *Store) UnlockLink(ctx context.Context, id engine.ID, order engine.Order) (link engine.Link, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		link, err = tx.link(ctx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return engine.ErrNoThing
		case err != nil:
			return err
		case link.Locked.IsZero() || !order.At.Before(link.Locked.Add(engine.LockLife)):
			return engine.Permanent(errors.New("the link is not locked"))
		}
		link.Locked = time.Time{}
		if err := tx.run(ctx, call{"UPDATE links SET locked = NULL WHERE id = ?", []any{ident(id)}}); err != nil {
			return err
		}
		if err := tx.forgive(ctx, link); err != nil {
			return err
		}
		return tx.ordered(ctx, id, engine.DeedLinkUnlocked, "unlocked", "", order)
	})
	if err != nil {
		return engine.Link{}, fmt.Errorf("unlock link %s: %w", id, err)
	}
	return link, nil
}
