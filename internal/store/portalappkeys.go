package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
	"postern/portal"
)

// MakeAppKey implements portal.AppKeyStore.
func (s *Store) MakeAppKey(ctx context.Context, key portal.AppKey, deed engine.Deed) error {
	const insert = `INSERT INTO portal_app_keys (id, portal, client, module, subject, sealed, made, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		err := tx.run(ctx, call{insert, []any{
			ident(key.ID), key.Portal, key.Client, key.Subject.Module, key.Subject.ID, blob(key.Sealed),
			instant(key.Made), instant(key.Expires),
		}})
		if err != nil {
			return err
		}
		return tx.audit(ctx, deed)
	})
	if err != nil {
		return fmt.Errorf("keep app key %s: %w", key.ID, err)
	}
	return nil
}

// AppKeys implements portal.AppKeyStore.
func (s *Store) AppKeys(ctx context.Context, name, client string) (keys []portal.AppKey, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = `SELECT id, portal, client, module, subject, sealed, made, expires, used, revoked
		FROM portal_app_keys WHERE portal = ?1 AND (client = ?2 OR ?2 = '') ORDER BY made DESC, id DESC`
	err = s.reads.each(ctx, query, []any{name, client}, func(row scan) error {
		var k portal.AppKey
		err := row(
			(*ident)(&k.ID), &k.Portal, &k.Client, &k.Subject.Module, &k.Subject.ID, &k.Sealed, (*instant)(&k.Made),
			(*instant)(&k.Expires), (*instant)(&k.Used), (*instant)(&k.Revoked),
		)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list app keys of portal %s: %w", name, err)
	}
	return keys, nil
}

// RevokeAppKey implements portal.AppKeyStore.
func (s *Store) RevokeAppKey(
	ctx context.Context, name string, id engine.ID, at time.Time, deed engine.Deed,
) error {
	const revoke = "UPDATE portal_app_keys SET revoked = ? WHERE portal = ? AND id = ? AND revoked IS NULL"
	const ends = `DELETE FROM portal_sessions WHERE (portal, module, subject) =
		(SELECT portal, module, subject FROM portal_app_keys WHERE id = ?) AND method = ?`
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		rows, err := tx.exec(ctx, revoke, instant(at), name, ident(id))
		if err == nil && rows == 0 {
			err = portal.ErrNoAppKey
		}
		if err != nil {
			return err
		}
		if err := tx.run(ctx, call{ends, []any{ident(id), string(portal.MethodAppKey)}}); err != nil {
			return err
		}
		return tx.audit(ctx, deed)
	})
	if err != nil {
		return fmt.Errorf("revoke app key %s: %w", id, err)
	}
	return nil
}
