package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/engine"
	"postern/portal"
)

// KeepChallenge implements portal.SessionStore.
func (s *Store) KeepChallenge(ctx context.Context, digest, sealed []byte, expires time.Time) error {
	const insert = "INSERT INTO portal_challenges (nonce, sealed, expires) VALUES (?, ?, ?)"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		begun := expires.Add(-portal.ChallengeLife)
		if err := tx.room(ctx, "portal_challenges", "nonce", "expires", portal.MaxChallenges, begun); err != nil {
			return err
		}
		return tx.run(ctx, call{insert, []any{blob(digest), blob(sealed), instant(expires)}})
	})
	if err != nil {
		return fmt.Errorf("keep a challenge: %w", err)
	}
	return nil
}

// room forgets a few rows of a table of what strangers begin that are over, and fails with *portal.BusyError where so
// many others are left. It is the same work however many there are.
func (t *tx) room(ctx context.Context, table, key, ends string, most int, now time.Time) error {
	over := "DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + ends +
		" <= ? LIMIT 10)"
	if err := t.run(ctx, call{over, []any{instant(now)}}); err != nil {
		return err
	}
	full, err := t.full(ctx, table, most)
	if err != nil || !full {
		return err
	}
	return &portal.BusyError{RetryAfter: portal.RetryFull}
}

// full tells whether a table has so many rows.
func (t *tx) full(ctx context.Context, table string, most int) (full bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM " + table + " LIMIT 1 OFFSET ?)"
	err = t.get(ctx, query, []any{most - 1}, []any{&full})
	return full, err
}

// TakeChallenge implements portal.SessionStore.
func (s *Store) TakeChallenge(ctx context.Context, digest []byte, now time.Time) (sealed []byte, err error) {
	const query = "SELECT sealed FROM portal_challenges WHERE nonce = ? AND expires > ?"
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		err := tx.get(ctx, query, []any{blob(digest), instant(now)}, []any{&sealed})
		if errors.Is(err, sql.ErrNoRows) {
			return portal.ErrRefused
		}
		if err != nil {
			return err
		}
		return tx.run(ctx, call{"DELETE FROM portal_challenges WHERE nonce = ?", []any{blob(digest)}})
	})
	if err != nil {
		return nil, fmt.Errorf("take a challenge: %w", err)
	}
	return sealed, nil
}

const sessionColumns = "id, portal, module, subject, epoch, began, proved, seen, method, second, agent, address"

// sessionDest is where the columns of a session go.
func sessionDest(s *portal.Session) []any {
	return []any{
		(*ident)(&s.ID), &s.Portal, &s.Subject.Module, &s.Subject.ID, &s.Epoch, (*instant)(&s.Began),
		(*instant)(&s.Proved), (*instant)(&s.Seen), &s.Method, &s.Second, &s.Agent, &s.From,
	}
}

// SignIn implements portal.SessionStore.
func (s *Store) SignIn(ctx context.Context, entry portal.Entry) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error { return tx.signIn(ctx, entry) })
	if err != nil {
		return fmt.Errorf("sign %s in: %w", entry.Session.Subject, err)
	}
	return nil
}

func (t *tx) signIn(ctx context.Context, entry portal.Entry) error {
	session := entry.Session
	account, err := t.account(ctx, session.Portal, session.Subject)
	if err != nil {
		return err
	}
	if account.Epoch != session.Epoch || !account.Disabled.IsZero() {
		return portal.ErrRefused
	}
	if err := t.proves(ctx, entry); err != nil {
		return err
	}
	if entry.Instead != nil {
		const instead = "DELETE FROM portal_sessions WHERE token = ?"
		if err := t.run(ctx, call{instead, []any{blob(entry.Instead)}}); err != nil {
			return err
		}
	}
	const surplus = `DELETE FROM portal_sessions WHERE id IN (SELECT id FROM portal_sessions
		WHERE portal = ? AND module = ? AND subject = ? AND (method = ?) = ?
		ORDER BY seen DESC, id DESC LIMIT -1 OFFSET ?)`
	const insert = "INSERT INTO portal_sessions (" + sessionColumns + `, token, ends)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	err = t.run(ctx,
		call{surplus, holderArgs(session.Portal, session.Subject, string(portal.MethodAppKey), session.ByProgram(),
			max(entry.Most-1, 0))},
		call{insert, []any{
			ident(session.ID), session.Portal, session.Subject.Module, session.Subject.ID, session.Epoch,
			instant(session.Began), instant(session.Proved), instant(session.Seen), string(session.Method),
			session.Second, session.Agent, session.From, blob(entry.Token), instant(entry.Ends),
		}},
	)
	if err != nil {
		return err
	}
	if err := t.putDevice(ctx, entry.Device, entry.Browser); err != nil {
		return err
	}
	if err := t.openLanes(ctx, entry.Lanes...); err != nil {
		return err
	}
	if !session.ByProgram() {
		err = t.spendLink(ctx, session.Portal, session.Subject, entry.Link, engine.OpensSignIn, session.Began)
	}
	if err != nil {
		return err
	}
	return t.attest(ctx, entry.Deed, entry.Events...)
}

// proves tells whether what somebody signs in by still proves them; ErrRefused where it does not, and where they have
// enrolled a second factor since it was looked at.
func (t *tx) proves(ctx context.Context, entry portal.Entry) error {
	session := entry.Session
	if !entry.AppKey.IsZero() {
		const use = `UPDATE portal_app_keys SET used = max(coalesce(used, 0), ?1)
			WHERE id = ?2 AND revoked IS NULL AND expires > ?1`
		rows, err := t.exec(ctx, use, instant(session.Began), ident(entry.AppKey))
		if err == nil && rows == 0 {
			err = portal.ErrRefused
		}
		return err
	}
	enrolled, err := t.enrolled(ctx, portal.Holder{Portal: session.Portal, Subject: session.Subject})
	if err != nil {
		return err
	}
	gone := !entry.Passkey.IsZero() && !slices.ContainsFunc(enrolled.Passkeys, func(p portal.Passkey) bool {
		return p.ID == entry.Passkey
	})
	if gone || !session.Second && enrolled.Second() {
		return portal.ErrRefused
	}
	return nil
}

func (t *tx) putDevice(ctx context.Context, d portal.Device, token []byte) error {
	if d.ID.IsZero() {
		return nil
	}
	const put = `INSERT INTO portal_devices (id, token, portal, module, subject, first, seen, agent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET seen = max(seen, excluded.seen), agent = excluded.agent`
	return t.run(ctx, call{put, []any{
		ident(d.ID), blob(token), d.Portal, d.Subject.Module, d.Subject.ID, instant(d.First), instant(d.Seen), d.Agent,
	}})
}

// Session implements portal.SessionStore.
func (s *Store) Session(
	ctx context.Context, name string, digest []byte, now time.Time,
) (session portal.Session, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT " + sessionColumns + ` FROM portal_sessions AS s WHERE token = ? AND portal = ? AND ends > ?
		AND epoch = coalesce((SELECT epoch FROM portal_accounts AS a
			WHERE a.portal = s.portal AND a.module = s.module AND a.subject = s.subject), 0)
		AND NOT EXISTS (SELECT 1 FROM portal_accounts AS a WHERE a.portal = s.portal AND a.module = s.module
			AND a.subject = s.subject AND a.disabled IS NOT NULL)`
	err = s.reads.get(ctx, query, []any{blob(digest), name, instant(now)}, sessionDest(&session))
	if errors.Is(err, sql.ErrNoRows) {
		err = portal.ErrSignedOut
	}
	if err != nil {
		return session, fmt.Errorf("read a session of portal %s: %w", name, err)
	}
	return session, nil
}

// SawSession implements portal.SessionStore.
func (s *Store) SawSession(ctx context.Context, session engine.ID, at time.Time) error {
	const saw = "UPDATE portal_sessions SET seen = max(seen, ?) WHERE id = ?"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{saw, []any{instant(at), ident(session)}})
	})
	if err != nil {
		return fmt.Errorf("note a request of session %s: %w", session, err)
	}
	return nil
}

// RenewSession implements portal.SessionStore.
func (s *Store) RenewSession(ctx context.Context, r portal.Renewal) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error { return tx.renewSession(ctx, r) })
	if err != nil {
		return fmt.Errorf("renew session %s: %w", r.Session, err)
	}
	return nil
}

// renewSession gives a session a new token, if it still has the former one: of two requests with it one is served.
func (t *tx) renewSession(ctx context.Context, r portal.Renewal) error {
	const renew = `UPDATE portal_sessions SET token = ?, second = max(second, ?), proved = max(proved, ?),
		seen = max(seen, ?) WHERE id = ? AND token = ?`
	rows, err := t.exec(ctx, renew, blob(r.Token), r.Second, instant(r.Proved), instant(r.At), ident(r.Session),
		blob(r.Former))
	if err == nil && rows == 0 {
		err = portal.ErrSignedOut
	}
	if err != nil {
		return err
	}
	if r.Lane != nil {
		if err := t.openLanes(ctx, r.Lane); err != nil {
			return err
		}
	}
	return t.audit(ctx, r.Deed)
}

// Sessions implements portal.SessionStore.
func (s *Store) Sessions(
	ctx context.Context, name string, subject engine.Ref, now time.Time,
) (sessions []portal.Session, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT " + sessionColumns + ` FROM portal_sessions WHERE portal = ? AND module = ? AND subject = ?
		AND ends > ? ORDER BY seen DESC, id DESC`
	err = s.reads.each(ctx, query, holderArgs(name, subject, instant(now)), func(row scan) error {
		var session portal.Session
		err := row(sessionDest(&session)...)
		sessions = append(sessions, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the sessions of %s: %w", subject, err)
	}
	return sessions, nil
}

// EndSession implements portal.SessionStore.
func (s *Store) EndSession(
	ctx context.Context, name string, subject engine.Ref, session engine.ID, deed engine.Deed,
) error {
	const end = "DELETE FROM portal_sessions WHERE portal = ? AND module = ? AND subject = ? AND id = ?"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		rows, err := tx.exec(ctx, end, holderArgs(name, subject, ident(session))...)
		if err == nil && rows == 0 {
			err = portal.ErrSignedOut
		}
		if err != nil {
			return err
		}
		return tx.audit(ctx, deed)
	})
	if err != nil {
		return fmt.Errorf("end session %s: %w", session, err)
	}
	return nil
}

// Device implements portal.SessionStore.
func (s *Store) Device(ctx context.Context, name string, digest []byte) (d portal.Device, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = `SELECT id, portal, module, subject, first, seen, agent FROM portal_devices
		WHERE token = ? AND portal = ?`
	err = s.reads.get(ctx, query, []any{blob(digest), name}, []any{
		(*ident)(&d.ID), &d.Portal, &d.Subject.Module, &d.Subject.ID, (*instant)(&d.First),
		(*instant)(&d.Seen), &d.Agent,
	})
	if errors.Is(err, sql.ErrNoRows) {
		return portal.Device{}, nil
	}
	if err != nil {
		return portal.Device{}, fmt.Errorf("read a browser: %w", err)
	}
	return d, nil
}
