package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/engine"
)

// tx is the transaction of a group.
type tx struct {
	*statements
	wrote  bool          // whether the present change has written anything
	events bool          // whether the outbox grew
	woke   bool          // whether a wait became due
	topics *bool         // whether any wait may have a topic; outlives the group
	epochs map[int]int64 // of partitions, as far as read since the last claim; outlives the group
	kept   keptReports   // outlives the group
	after  []func()      // what is done once the group is committed
}

// call is a statement with its arguments, made ready by the caller so that the writer has little to do.
type call struct {
	query string
	args  []any
}

// exec runs a statement that writes and returns how many rows it touched.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	t.wrote = true
	return t.statements.exec(ctx, query, args...)
}

func (t *tx) run(ctx context.Context, calls ...call) error {
	for _, c := range calls {
		if _, err := t.exec(ctx, c.query, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// fences is fence for many partitions, whose epochs it reads in one go.
func (t *tx) fences(ctx context.Context, fences []engine.Fence) error {
	if len(t.epochs) < len(fences) {
		err := t.each(ctx, "SELECT id, epoch FROM partitions", nil, func(row scan) error {
			var id int
			var epoch int64
			err := row(&id, &epoch)
			t.epochs[id] = epoch
			return err
		})
		if err != nil {
			return fmt.Errorf("read the epochs: %w", err)
		}
	}
	for _, f := range fences {
		if err := t.fence(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// fence refuses a change under an older epoch. There is one writer, and the lock file keeps other processes away, so
// what it has read once holds until it claims anew; a database with several writers would have to update the row.
func (t *tx) fence(ctx context.Context, f engine.Fence) error {
	epoch, known := t.epochs[f.Partition]
	if !known {
		const query = "SELECT epoch FROM partitions WHERE id = ?"
		err := t.get(ctx, query, []any{f.Partition}, []any{&epoch})
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("partition %d was never claimed: %w", f.Partition, engine.ErrFenced)
		}
		if err != nil {
			return fmt.Errorf("read the epoch of partition %d: %w", f.Partition, err)
		}
		t.epochs[f.Partition] = epoch
	}
	if epoch != f.Epoch {
		return fmt.Errorf("partition %d: %w", f.Partition, engine.ErrFenced)
	}
	return nil
}
