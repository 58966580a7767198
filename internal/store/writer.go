package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// A group ends when nothing is queued any more, at this many changes, or after this much work: whoever waits for its
// commit should not wait for too many others.
const (
	groupSize = 256
	groupWork = 2 * time.Millisecond
)

var errClosed = errors.New("the store is closed")

// writer owns the one connection that writes and the goroutine that uses it.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	statements *statements
	urgent     chan *change // somebody waits before a screen: served first
	steady     chan *change
	waiting    chan struct{} // see Store.Waiting
	touched    chan struct{} // see Store.Touched
	topics     bool          // whether any wait may have a topic
	epochs     map[int]int64 // see tx
	kept       keptReports

	closing chan struct{}
	ended   chan struct{}
}

// change is one atomic change on its way. apply may be called twice, so it must set what it returns, not add to it.
type change struct {
	apply   func(ctx context.Context, tx *tx) error
	taken   atomic.Bool // by the writer, who applies it, or by its caller, who gave up
	outcome error
	done    chan error
}

func startWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect the writer: %w", err)
	}
	w := &writer{
		db: db, conn: conn, statements: newStatements(conn),
		urgent: make(chan *change, groupSize), steady: make(chan *change, groupSize),
		waiting: make(chan struct{}, 1), touched: make(chan struct{}, 1), epochs: map[int]int64{},
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
	var left bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM outbox)").Scan(&left); err != nil {
		return nil, errors.Join(fmt.Errorf("look into the outbox: %w", err), conn.Close())
	}
	if left {
		nudge(w.waiting)
	}
	const topics = "SELECT EXISTS (SELECT 1 FROM waits WHERE topic <> '')"
	if err := conn.QueryRowContext(ctx, topics).Scan(&w.topics); err != nil {
		return nil, errors.Join(fmt.Errorf("look into the waits: %w", err), conn.Close())
	}
	if w.kept, err = readKept(ctx, w.statements); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go w.run() //nolint:gosec // it outlives the context of the opening; close ends it
	return w, nil
}

// close ends the writer after what is queued.
func (w *writer) close() {
	close(w.closing)
	<-w.ended
	// The log is copied back as a whole, so that the database is one file while nobody has it open.
	_, _ = w.statements.exec(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	_ = w.statements.close()
	_ = w.conn.Close() // gives it back to the pool, which is closed next
}

// urgently applies a change before those that wait in the steady queue.
func (w *writer) urgently(ctx context.Context, apply func(context.Context, *tx) error) error {
	return w.do(ctx, w.urgent, apply)
}

// steadily applies a change in its turn.
func (w *writer) steadily(ctx context.Context, apply func(context.Context, *tx) error) error {
	return w.do(ctx, w.steady, apply)
}

// do waits until the change is committed or refused. A context that ends before the change began takes it back; once
// begun it is carried through, and the caller learns its outcome.
func (w *writer) do(ctx context.Context, queue chan<- *change, apply func(context.Context, *tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{apply: apply, done: make(chan error, 1)}
	select {
	case queue <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return errClosed
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if c.take() {
			return ctx.Err()
		}
		return <-c.done
	case <-w.ended:
		if c.take() {
			return errClosed
		}
		return <-c.done
	}
}

func (c *change) take() bool { return c.taken.CompareAndSwap(false, true) }

func (w *writer) run() {
	defer close(w.ended)
	// What was begun is carried through, so nothing ends this context.
	ctx := context.Background()
	for c := w.next(); c != nil; c = w.next() {
		w.serve(ctx, c)
	}
}

// next waits for a change; nil once the writer is closing and nothing is left.
func (w *writer) next() *change {
	for {
		if c := w.queued(); c != nil {
			return c
		}
		var c *change
		select {
		case c = <-w.urgent:
		case c = <-w.steady:
		case <-w.closing:
			return w.queued()
		}
		if c.take() {
			return c
		}
	}
}

// queued takes a change without waiting; nil if there is none.
func (w *writer) queued() *change {
	for {
		var c *change
		select {
		case c = <-w.urgent:
		default:
			select {
			case c = <-w.steady:
			default:
				return nil
			}
		}
		if c.take() {
			return c
		}
	}
}

// serve commits a change with whatever else is queued. Most refusals are found before a change writes anything, and
// leave the group as it is. Where one fails later, or the commit does, the group is rolled back and its changes are
// run again one by one, so that each caller gets an error of its own.
func (w *writer) serve(ctx context.Context, first *change) {
	started, size := time.Now(), 1 // the machine's time: this measures work
	group, err := w.attempt(ctx, first, func() *change {
		if size++; size > groupSize || time.Since(started) > groupWork {
			return nil
		}
		return w.queued()
	})
	for _, c := range group {
		again := err
		if err != nil && len(group) > 1 {
			_, again = w.attempt(ctx, c, func() *change { return nil })
		}
		if again != nil {
			c.outcome = again
		}
		c.done <- c.outcome
	}
}

// attempt applies first and what more gives in one transaction, and returns the changes it has applied or tried to.
// With an error, nothing of them is stored.
func (w *writer) attempt(ctx context.Context, first *change, more func() *change) ([]*change, error) {
	group := []*change{first}
	if _, err := w.statements.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return group, fmt.Errorf("begin: %w", err)
	}
	tx := &tx{statements: w.statements, epochs: w.epochs, topics: &w.topics, kept: w.kept}
	for c := first; ; group = append(group, c) {
		tx.wrote = false
		if c.outcome = c.apply(ctx, tx); c.outcome != nil && tx.wrote {
			return group, w.rollback(ctx, c.outcome)
		}
		if c = more(); c == nil {
			break
		}
	}
	if _, err := w.statements.exec(ctx, "COMMIT"); err != nil {
		return group, w.rollback(ctx, fmt.Errorf("commit: %w", err))
	}
	for _, do := range tx.after {
		do()
	}
	if tx.events {
		nudge(w.waiting)
	}
	if tx.woke {
		nudge(w.touched)
	}
	return group, nil
}

func nudge(who chan<- struct{}) {
	select {
	case who <- struct{}{}:
	default: // told already, and not yet heard
	}
}

// rollback undoes the transaction and returns why. Some errors have already made SQLite end it, which is as good.
func (w *writer) rollback(ctx context.Context, why error) error {
	_, _ = w.statements.exec(ctx, "ROLLBACK")
	clear(w.epochs) // some may have been those of a claim that is undone
	return why
}
