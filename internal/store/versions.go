package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// KeepVersion implements engine.VersionStore.
func (s *Store) KeepVersion(ctx context.Context, version string, files map[string]string, now time.Time) error {
	written, err := text(files)
	if err != nil {
		return fmt.Errorf("keep version %s: %w", version, err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		const keep = "INSERT INTO versions (version, files, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
		return tx.run(ctx, call{keep, []any{version, written, instant(now)}})
	})
	if err != nil {
		return fmt.Errorf("keep version %s: %w", version, err)
	}
	return nil
}

// Version implements engine.VersionStore. It fails for a version that was never kept.
func (s *Store) Version(ctx context.Context, version string) (map[string]string, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var files map[string]string
	const query = "SELECT files FROM versions WHERE version = ?"
	err := s.reads.get(ctx, query, []any{version}, []any{document{&files}})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, engine.Permanent(fmt.Errorf("version %s was never kept", version))
	}
	if err != nil {
		return nil, fmt.Errorf("read version %s: %w", version, err)
	}
	return files, nil
}
