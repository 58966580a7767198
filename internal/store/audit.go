package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Note implements engine.AuditStore.
func (s *Store) Note(ctx context.Context, deed engine.Deed) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error { return tx.audit(ctx, deed) })
	if err != nil {
		return fmt.Errorf("note %s in the audit: %w", deed.Kind, err)
	}
	return nil
}

// audit adds a deed to the end of the chain.
func (t *tx) audit(ctx context.Context, d engine.Deed) error {
	last, hash, err := t.lastDeed(ctx)
	if err != nil {
		return err
	}
	d.Seq = last + 1
	const add = "INSERT INTO audit (seq, at, kind, actor, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
	return t.run(ctx, call{add, []any{
		d.Seq, instant(d.At), d.Kind, d.Actor, d.Subject, d.Detail, d.Chained(hash),
	}})
}

// lastDeed is the end of the chain, which may be a seal alone where all entries were removed.
func (t *tx) lastDeed(ctx context.Context) (seq int64, hash []byte, err error) {
	const query = `SELECT seq, hash FROM audit UNION ALL SELECT seq, hash FROM seals ORDER BY seq DESC LIMIT 1`
	err = t.get(ctx, query, nil, []any{&seq, &hash})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, nil
	}
	return seq, hash, err
}

// SealAudit implements engine.AuditStore.
func (s *Store) SealAudit(ctx context.Context, signer engine.Signer, now time.Time) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		seq, hash, err := tx.lastDeed(ctx)
		if err != nil || seq == 0 {
			return err
		}
		seal := engine.Seal{Seq: seq, At: now, Hash: hash}
		const add = "INSERT INTO seals (seq, at, hash, signature) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
		return tx.run(ctx, call{add, []any{seq, instant(now), hash, signer.Sign(seal.Message())}})
	})
	if err != nil {
		return fmt.Errorf("seal the audit: %w", err)
	}
	return nil
}

// Deeds implements engine.AuditStore. It reads in pages, so that a long audit takes no memory.
func (s *Store) Deeds(ctx context.Context, after int64, take func(engine.Deed) error) error {
	for {
		page, err := s.deeds(ctx, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, d := range page {
			if err := take(d); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Seq
	}
}

func (s *Store) deeds(ctx context.Context, after int64) ([]engine.Deed, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var page []engine.Deed
	const query = "SELECT seq, at, kind, actor, subject, detail, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000"
	err := s.reads.each(ctx, query, []any{after}, func(row scan) error {
		var d engine.Deed
		err := row(&d.Seq, (*instant)(&d.At), &d.Kind, &d.Actor, &d.Subject, &d.Detail, &d.Hash)
		page = append(page, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return page, nil
}

// Seals implements engine.AuditStore.
func (s *Store) Seals(ctx context.Context) ([]engine.Seal, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var seals []engine.Seal
	const query = "SELECT seq, at, hash, signature FROM seals ORDER BY seq"
	err := s.reads.each(ctx, query, nil, func(row scan) error {
		var seal engine.Seal
		err := row(&seal.Seq, (*instant)(&seal.At), &seal.Hash, &seal.Signature)
		seals = append(seals, seal)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the seals of the audit: %w", err)
	}
	return seals, nil
}
