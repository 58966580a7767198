package store

import (
	"context"
	"fmt"
	"time"

	"postern/portal"
)

// PortalTally implements portal.RollStore. It walks over what is kept of a portal's subjects, which is for operators
// alone.
func (s *Store) PortalTally(ctx context.Context, name string, now time.Time) (tally portal.Tally, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = `SELECT coalesce(sum(length(verifier) > 0), 0), count(disabled),
		(SELECT count(*) FROM portal_sessions s WHERE s.portal = ?1 AND s.ends > ?2 AND s.epoch = coalesce(
			(SELECT a.epoch FROM portal_accounts a WHERE a.portal = s.portal AND a.module = s.module
				AND a.subject = s.subject), 0))
		FROM portal_accounts WHERE portal = ?1`
	err = s.reads.get(ctx, query, []any{name, instant(now)}, []any{&tally.Passwords, &tally.Disabled, &tally.Sessions})
	if err != nil {
		return tally, fmt.Errorf("count the accounts of portal %s: %w", name, err)
	}
	return tally, nil
}

// PortalAccounts implements portal.RollStore.
func (s *Store) PortalAccounts(ctx context.Context, name, after string, limit int) ([]portal.Account, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var accounts []portal.Account
	const query = `SELECT module, subject, epoch, disabled, mech, verifier, password FROM portal_accounts
		WHERE portal = ? AND module || '/' || subject > ? ORDER BY module, subject LIMIT ?`
	err := s.reads.each(ctx, query, []any{name, after, limit}, func(row scan) error {
		a := portal.Account{Portal: name}
		err := row(&a.Subject.Module, &a.Subject.ID, &a.Epoch, (*instant)(&a.Disabled), &a.Mech, &a.Verifier,
			(*instant)(&a.Set))
		accounts = append(accounts, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the accounts of portal %s: %w", name, err)
	}
	return accounts, nil
}
