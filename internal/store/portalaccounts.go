package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
	"postern/portal"
)

// Account implements portal.AccountStore.
func (s *Store) Account(ctx context.Context, name string, subject engine.Ref) (portal.Account, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	account, err := s.reads.account(ctx, name, subject)
	if err != nil {
		return account, fmt.Errorf("read the account of %s: %w", subject, err)
	}
	return account, nil
}

// account reads what is kept of a subject, which may be nothing.
func (s *statements) account(ctx context.Context, name string, subject engine.Ref) (portal.Account, error) {
	a := portal.Account{Portal: name, Subject: subject}
	const query = `SELECT epoch, disabled, mech, verifier, password, known FROM portal_accounts
		WHERE portal = ? AND module = ? AND subject = ?`
	err := s.get(ctx, query, holderArgs(name, subject), []any{
		&a.Epoch, (*instant)(&a.Disabled), &a.Mech, &a.Verifier, (*instant)(&a.Set), &a.Known,
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return a, err
}

// holderArgs are whose rows are meant.
func holderArgs(name string, subject engine.Ref, more ...any) []any {
	return append([]any{name, subject.Module, subject.ID}, more...)
}

// SetPassword implements portal.AccountStore.
func (s *Store) SetPassword(ctx context.Context, set portal.PasswordSetting) error {
	const keep = `INSERT INTO portal_accounts (portal, module, subject, epoch, mech, verifier, password, known)
		VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET epoch = epoch + 1, mech = excluded.mech,
		verifier = excluded.verifier, password = excluded.password, known = excluded.known`
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.maySet(ctx, set); err != nil {
			return err
		}
		args := holderArgs(set.Portal, set.Subject, set.Mech, blob(set.Verifier), instant(set.At), blob(set.Known))
		if err := tx.run(ctx, call{keep, args}); err != nil {
			return err
		}
		if err := tx.endOthers(ctx, set); err != nil {
			return err
		}
		if err := tx.forgetDevices(ctx, set.Portal, set.Subject, set.Browser); err != nil {
			return err
		}
		if err := tx.openLanes(ctx, set.Lane); err != nil {
			return err
		}
		if err := tx.spendLink(ctx, set.Portal, set.Subject, set.Link, engine.OpensPassword, set.At); err != nil {
			return err
		}
		return tx.attest(ctx, set.Deed, set.Events...)
	})
	if err != nil {
		return fmt.Errorf("set the password of %s: %w", set.Subject, err)
	}
	return nil
}

// maySet holds a password that must be the first against what there is.
func (t *tx) maySet(ctx context.Context, set portal.PasswordSetting) error {
	if !set.First {
		return nil
	}
	account, err := t.account(ctx, set.Portal, set.Subject)
	if err == nil && account.HasPassword() {
		err = portal.ErrHasPassword
	}
	return err
}

// endOthers ends the sessions of a subject, and renews the one in which they changed their password.
func (t *tx) endOthers(ctx context.Context, set portal.PasswordSetting) error {
	if set.Renewal == nil {
		return t.endSessions(ctx, set.Portal, set.Subject, engine.ID{})
	}
	if err := t.endSessions(ctx, set.Portal, set.Subject, set.Renewal.Session); err != nil {
		return err
	}
	return t.renewSession(ctx, *set.Renewal)
}

// spendLink uses a link into the portal up, and ends all others that the subject was sent.
func (t *tx) spendLink(
	ctx context.Context, name string, subject engine.Ref, link engine.ID, what engine.OpensWhat, at time.Time,
) error {
	if err := t.claimPortalLink(ctx, name, subject, link, what, at); err != nil {
		return err
	}
	return t.endPortalLinks(ctx, name, subject, at.Add(time.Millisecond))
}

// attest adds a deed, and events to the outbox.
func (t *tx) attest(ctx context.Context, deed engine.Deed, events ...*engine.Event) error {
	told, err := tellAll(events)
	if err != nil {
		return err
	}
	if err := t.emit(ctx, told...); err != nil {
		return err
	}
	return t.audit(ctx, deed)
}

// Govern implements portal.AccountStore.
func (s *Store) Govern(ctx context.Context, order portal.Order) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.govern(ctx, order); err != nil {
			return err
		}
		if order.Event == nil {
			return tx.audit(ctx, order.Deed)
		}
		return tx.attest(ctx, order.Deed, order.Event)
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", order.Do, order.Subject, err)
	}
	return nil
}

func (t *tx) govern(ctx context.Context, order portal.Order) error {
	set := func(what string, args ...any) error {
		query := `INSERT INTO portal_accounts (portal, module, subject, epoch, mech) VALUES (?1, ?2, ?3, 0, '')
			ON CONFLICT DO NOTHING`
		holder := holderArgs(order.Portal, order.Subject)
		return t.run(ctx, call{query, holder}, call{
			"UPDATE portal_accounts SET " + what + " WHERE portal = ?1 AND module = ?2 AND subject = ?3",
			append(holder, args...),
		})
	}
	end := func() error { return t.endSessions(ctx, order.Portal, order.Subject, engine.ID{}) }
	switch order.Do {
	case portal.OrderDisable:
		err := set("disabled = coalesce(disabled, ?4), epoch = epoch + 1", instant(order.At))
		links := t.endPortalLinks(ctx, order.Portal, order.Subject, order.At.Add(time.Millisecond))
		return errors.Join(err, end(), links)
	case portal.OrderEnable:
		return set("disabled = NULL")
	case portal.OrderDeletePassword:
		err := set("mech = '', verifier = NULL, password = NULL, epoch = epoch + 1")
		return errors.Join(err, end(), t.forgetDevices(ctx, order.Portal, order.Subject, nil))
	case portal.OrderDeleteFactors:
		err := set("epoch = epoch + 1")
		devices := t.forgetDevices(ctx, order.Portal, order.Subject, nil)
		return errors.Join(err, end(), devices, t.deleteFactors(ctx, order))
	case portal.OrderUnlock:
		const devices = `DELETE FROM portal_lanes WHERE lane IN (SELECT token FROM portal_devices
			WHERE portal = ? AND module = ? AND subject = ?)`
		err := t.run(ctx, call{devices, holderArgs(order.Portal, order.Subject)})
		return errors.Join(err, t.openLanes(ctx, order.Lanes...))
	case portal.OrderEndAll:
		return errors.Join(set("epoch = epoch + 1"), end(), t.forgetDevices(ctx, order.Portal, order.Subject, nil))
	}
	return engine.Permanent(fmt.Errorf("there is no order %q", order.Do))
}

// endSessions ends the sessions of a subject but for one, which goes on under the present epoch.
func (t *tx) endSessions(ctx context.Context, name string, subject engine.Ref, but engine.ID) error {
	const end = "DELETE FROM portal_sessions WHERE portal = ? AND module = ? AND subject = ? AND id <> ?"
	const keep = `UPDATE portal_sessions SET epoch = (SELECT epoch FROM portal_accounts
		WHERE portal = ?1 AND module = ?2 AND subject = ?3) WHERE portal = ?1 AND module = ?2 AND subject = ?3`
	const pending = "DELETE FROM portal_pending WHERE portal = ? AND module = ? AND subject = ?"
	holder := holderArgs(name, subject)
	return t.run(ctx,
		call{end, holderArgs(name, subject, but[:])}, call{keep, holder}, call{pending, holder},
	)
}

// forgetDevices makes strangers of the browsers that a subject signed in from, but for one.
func (t *tx) forgetDevices(ctx context.Context, name string, subject engine.Ref, but []byte) error {
	const lanes = `DELETE FROM portal_lanes WHERE lane IN (SELECT token FROM portal_devices
		WHERE portal = ? AND module = ? AND subject = ? AND token <> ?)`
	const devices = "DELETE FROM portal_devices WHERE portal = ? AND module = ? AND subject = ? AND token <> ?"
	args := holderArgs(name, subject, blob(but))
	return t.run(ctx, call{lanes, args}, call{devices, args})
}
