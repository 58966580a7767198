package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Recall implements engine.RunStore.
func (s *Store) Recall(ctx context.Context, workflow string, kind engine.MemoryKind, key string) (
	value string, known bool, err error,
) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT value FROM memories WHERE workflow = ? AND kind = ? AND key = ?"
	err = s.reads.get(ctx, query, []any{workflow, string(kind), key}, []any{&value})
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read what %s remembers: %w", workflow, err)
	}
	return value, true, nil
}

// keepMemories stores memories; what was remembered under the same key before is replaced.
func (t *tx) keepMemories(ctx context.Context, memories []engine.Memory, now time.Time) error {
	const query = `INSERT INTO memories (workflow, kind, key, value, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`
	for _, m := range memories {
		if err := t.run(ctx, call{query, []any{m.Workflow, string(m.Kind), m.Key, m.Value, instant(now)}}); err != nil {
			return err
		}
	}
	return nil
}
