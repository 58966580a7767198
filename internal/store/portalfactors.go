package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/engine"
	"postern/portal"
)

//nolint:gosec // columns
const passkeyColumns = "id, portal, module, subject, handle, credential, public, name, signs, added, used"

// Enrolled implements portal.FactorStore.
func (s *Store) Enrolled(ctx context.Context, holder portal.Holder) (portal.Enrolled, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	enrolled, err := s.reads.enrolled(ctx, holder)
	if err != nil {
		return portal.Enrolled{}, fmt.Errorf("read what %s has enrolled: %w", holder.Subject, err)
	}
	return enrolled, nil
}

func (s *statements) enrolled(ctx context.Context, holder portal.Holder) (enrolled portal.Enrolled, err error) {
	const passkeys = "SELECT " + passkeyColumns + ` FROM portal_passkeys
		WHERE portal = ? AND module = ? AND subject = ? ORDER BY added, id`
	err = s.each(ctx, passkeys, holding(holder), func(row scan) error {
		var p portal.Passkey
		err := row(passkeyDest(&p)...)
		enrolled.Passkeys = append(enrolled.Passkeys, p)
		return err
	})
	if err != nil {
		return enrolled, err
	}
	const authenticator = `SELECT secret, step, added FROM portal_authenticators
		WHERE portal = ? AND module = ? AND subject = ?`
	a := portal.Authenticator{Holder: holder}
	err = s.get(ctx, authenticator, holding(holder), []any{&a.Secret, &a.Step, (*instant)(&a.Added)})
	if err == nil {
		enrolled.Authenticator = &a
	} else if !errors.Is(err, sql.ErrNoRows) {
		return enrolled, err
	}
	const codes = "SELECT count(*) FROM portal_recovery_codes WHERE portal = ? AND module = ? AND subject = ?"
	return enrolled, s.get(ctx, codes, holding(holder), []any{&enrolled.RecoveryCodes})
}

// Passkey implements portal.FactorStore.
func (s *Store) Passkey(ctx context.Context, of string, credential []byte) (portal.Passkey, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var p portal.Passkey
	const query = "SELECT " + passkeyColumns + " FROM portal_passkeys WHERE portal = ? AND credential = ?"
	err := s.reads.get(ctx, query, []any{of, blob(credential)}, passkeyDest(&p))
	if errors.Is(err, sql.ErrNoRows) {
		return portal.Passkey{}, portal.ErrNoFactor
	}
	if err != nil {
		return portal.Passkey{}, fmt.Errorf("find passkey: %w", err)
	}
	return p, nil
}

// AddPasskey implements portal.FactorStore.
func (s *Store) AddPasskey(ctx context.Context, p portal.Passkey, told portal.Told) error {
	const add = "INSERT INTO portal_passkeys (" + passkeyColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`
	other := func(o portal.Passkey) bool { return !bytes.Equal(o.Handle, p.Handle) }
	change := func(ctx context.Context, tx *tx, has portal.Enrolled) error {
		switch {
		case slices.ContainsFunc(has.Passkeys, other):
			return portal.ErrPassed
		case len(has.Passkeys) >= portal.MaxPasskeys:
			return portal.ErrPasskeys
		}
		rows, err := tx.exec(ctx, add, ident(p.ID), p.Holder.Portal, p.Holder.Subject.Module, p.Holder.Subject.ID,
			blob(p.Handle), blob(p.Credential), blob(p.Public), p.Name, p.Signs, instant(p.Added), instant(p.Used))
		if err == nil && rows == 0 {
			err = engine.ErrTaken
		}
		return err
	}
	return s.enrols(ctx, "add passkey", p.Holder, told, change)
}

// RenamePasskey implements portal.FactorStore.
func (s *Store) RenamePasskey(ctx context.Context, holder portal.Holder, id engine.ID, name string) error {
	const rename = "UPDATE portal_passkeys SET name = ? WHERE portal = ? AND module = ? AND subject = ? AND id = ?"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.factor(ctx, rename, append(append([]any{name}, holding(holder)...), ident(id))...)
	})
	if err != nil {
		return fmt.Errorf("rename passkey: %w", err)
	}
	return nil
}

// RemovePasskey implements portal.FactorStore.
func (s *Store) RemovePasskey(ctx context.Context, holder portal.Holder, id engine.ID, told portal.Told) error {
	const remove = "DELETE FROM portal_passkeys WHERE portal = ? AND module = ? AND subject = ? AND id = ?"
	change := func(ctx context.Context, tx *tx, _ portal.Enrolled) error {
		if err := tx.factor(ctx, remove, append(holding(holder), ident(id))...); err != nil {
			return err
		}
		return tx.withoutFactors(ctx, holder, told)
	}
	return s.enrols(ctx, "remove passkey", holder, told, change)
}

// UsePasskey implements portal.FactorStore.
func (s *Store) UsePasskey(ctx context.Context, id engine.ID, signs uint32, at time.Time) error {
	const use = `UPDATE portal_passkeys SET signs = ?1, used = max(coalesce(used, 0), ?2)
		WHERE id = ?3 AND (signs < ?1 OR signs = 0 AND ?1 = 0)`
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		rows, err := tx.exec(ctx, use, signs, instant(at), ident(id))
		if err != nil || rows > 0 {
			return err
		}
		var there bool
		const look = "SELECT EXISTS (SELECT 1 FROM portal_passkeys WHERE id = ?)"
		switch err := tx.get(ctx, look, []any{ident(id)}, []any{&there}); {
		case err != nil:
			return err
		case there:
			return portal.ErrCounter
		}
		return portal.ErrNoFactor
	})
	if err != nil {
		return fmt.Errorf("use passkey: %w", err)
	}
	return nil
}

// PutAuthenticator implements portal.FactorStore.
func (s *Store) PutAuthenticator(ctx context.Context, a portal.Authenticator, told portal.Told) error {
	const put = `REPLACE INTO portal_authenticators (portal, module, subject, secret, step, added)
		VALUES (?, ?, ?, ?, ?, ?)`
	args := append(holding(a.Holder), blob(a.Secret), a.Step, instant(a.Added))
	change := func(ctx context.Context, tx *tx, _ portal.Enrolled) error { return tx.run(ctx, call{put, args}) }
	return s.enrols(ctx, "keep authenticator", a.Holder, told, change)
}

// RemoveAuthenticator implements portal.FactorStore.
func (s *Store) RemoveAuthenticator(ctx context.Context, holder portal.Holder, told portal.Told) error {
	const remove = "DELETE FROM portal_authenticators WHERE portal = ? AND module = ? AND subject = ?"
	change := func(ctx context.Context, tx *tx, _ portal.Enrolled) error {
		if err := tx.factor(ctx, remove, holding(holder)...); err != nil {
			return err
		}
		return tx.withoutFactors(ctx, holder, told)
	}
	return s.enrols(ctx, "remove authenticator", holder, told, change)
}

// AcceptCode implements portal.FactorStore. The step that was accepted and the one that is stored are one write, so
// that of two answers at once one is refused.
func (s *Store) AcceptCode(ctx context.Context, holder portal.Holder, step int64) error {
	const accept = `UPDATE portal_authenticators SET step = ?1
		WHERE portal = ?2 AND module = ?3 AND subject = ?4 AND step < ?1`
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		rows, err := tx.exec(ctx, accept, append([]any{step}, holding(holder)...)...)
		if err != nil || rows > 0 {
			return err
		}
		enrolled, err := tx.enrolled(ctx, holder)
		switch {
		case err != nil:
			return err
		case enrolled.Authenticator == nil:
			return portal.ErrNoFactor
		}
		return portal.ErrFactorUsed
	})
	if err != nil {
		return fmt.Errorf("accept code: %w", err)
	}
	return nil
}

const noRecoveryCodes = "DELETE FROM portal_recovery_codes WHERE portal = ? AND module = ? AND subject = ?"

// PutRecoveryCodes implements portal.FactorStore.
func (s *Store) PutRecoveryCodes(
	ctx context.Context, holder portal.Holder, hashes [][]byte, told portal.Told,
) error {
	change := func(ctx context.Context, tx *tx, has portal.Enrolled) error {
		if !has.Second() {
			return portal.ErrNoFactor
		}
		return tx.putRecoveryCodes(ctx, holder, hashes)
	}
	return s.enrols(ctx, "keep recovery codes", holder, told, change)
}

func (t *tx) putRecoveryCodes(ctx context.Context, holder portal.Holder, hashes [][]byte) error {
	const put = "INSERT INTO portal_recovery_codes (portal, module, subject, code) VALUES (?, ?, ?, ?)"
	calls := []call{{noRecoveryCodes, holding(holder)}}
	for _, hash := range hashes {
		calls = append(calls, call{put, append(holding(holder), blob(hash))})
	}
	return t.run(ctx, calls...)
}

// SpendRecoveryCode implements portal.FactorStore.
func (s *Store) SpendRecoveryCode(
	ctx context.Context, holder portal.Holder, hash []byte, told portal.Told,
) error {
	change := func(ctx context.Context, tx *tx, _ portal.Enrolled) error {
		return tx.factor(ctx, noRecoveryCodes+" AND code = ?", append(holding(holder), blob(hash))...)
	}
	return s.enrols(ctx, "use recovery code", holder, told, change)
}

// enrolment is a change of what a holder has enrolled, who has what they had.
type enrolment func(ctx context.Context, tx *tx, has portal.Enrolled) error

// enrols commits a change of what a holder has enrolled with all that goes with it, if its conditions hold.
func (s *Store) enrols(
	ctx context.Context, what string, holder portal.Holder, told portal.Told, change enrolment,
) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.mayEnrol(ctx, told); err != nil {
			return err
		}
		has, err := tx.enrolled(ctx, holder)
		if err != nil {
			return err
		}
		if told.First && has.Second() || told.Codes != nil && has.RecoveryCodes > 0 {
			return portal.ErrPassed
		}
		if err := change(ctx, tx, has); err != nil {
			return err
		}
		if err := tx.tellFactor(ctx, told.Event, told.Deed); err != nil || told.Codes == nil {
			return err
		}
		if err := tx.putRecoveryCodes(ctx, holder, told.Codes.Hashes); err != nil {
			return err
		}
		return tx.tellFactor(ctx, told.Codes.Event, told.Codes.Deed)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// tellFactor adds the deed of a change of factors, and its event if there is one.
func (t *tx) tellFactor(ctx context.Context, event *engine.Event, deed engine.Deed) error {
	if event == nil {
		return t.audit(ctx, deed)
	}
	return t.attest(ctx, deed, event)
}

// mayEnrol sees to it that the session or the sign-in in which factors are changed is alive when they are.
func (t *tx) mayEnrol(ctx context.Context, told portal.Told) error {
	switch {
	case told.Renewal != nil:
		return t.renewSession(ctx, *told.Renewal)
	case told.Pending != nil:
		return t.endPending(ctx, told.Pending)
	case told.Session == nil:
		return nil
	}
	var alive bool
	const look = "SELECT EXISTS (SELECT 1 FROM portal_sessions WHERE token = ?)"
	err := t.get(ctx, look, []any{blob(told.Session)}, []any{&alive})
	if err == nil && !alive {
		err = portal.ErrSignedOut
	}
	return err
}

// deleteFactors removes all that a subject has enrolled; portal.ErrNoFactor where that is nothing.
func (t *tx) deleteFactors(ctx context.Context, order portal.Order) error {
	holder := portal.Holder{Portal: order.Portal, Subject: order.Subject}
	enrolled, err := t.enrolled(ctx, holder)
	if err != nil {
		return err
	}
	if !enrolled.Second() && enrolled.RecoveryCodes == 0 {
		return portal.ErrNoFactor
	}
	const passkeys = "DELETE FROM portal_passkeys WHERE portal = ? AND module = ? AND subject = ?"
	const authenticator = "DELETE FROM portal_authenticators WHERE portal = ? AND module = ? AND subject = ?"
	const ceremonies = "DELETE FROM portal_ceremonies WHERE portal = ? AND module = ? AND subject = ?"
	args := holding(holder)
	return t.run(ctx,
		call{passkeys, args}, call{authenticator, args}, call{noRecoveryCodes, args}, call{ceremonies, args},
	)
}

// factor runs a statement that changes one factor; portal.ErrNoFactor where there is none.
func (t *tx) factor(ctx context.Context, query string, args ...any) error {
	rows, err := t.exec(ctx, query, args...)
	if err == nil && rows == 0 {
		err = portal.ErrNoFactor
	}
	return err
}

// withoutFactors removes what stands in for a second factor where there is none any more; portal.ErrLastFactor where
// there has to be one.
func (t *tx) withoutFactors(ctx context.Context, holder portal.Holder, told portal.Told) error {
	enrolled, err := t.enrolled(ctx, holder)
	switch {
	case err != nil || enrolled.Second():
		return err
	case told.Required:
		return portal.ErrLastFactor
	}
	return t.run(ctx, call{noRecoveryCodes, holding(holder)})
}

func holding(h portal.Holder) []any { return []any{h.Portal, h.Subject.Module, h.Subject.ID} }

func passkeyDest(p *portal.Passkey) []any {
	return []any{
		(*ident)(&p.ID), &p.Holder.Portal, &p.Holder.Subject.Module, &p.Holder.Subject.ID, &p.Handle, &p.Credential,
		&p.Public, &p.Name, &p.Signs, (*instant)(&p.Added), (*instant)(&p.Used),
	}
}
