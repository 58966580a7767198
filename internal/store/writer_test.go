package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

var errBad = errors.New("bad")

// busy keeps the writer of a store occupied until free is called, so that what is asked meanwhile is one group.
func busy(t *testing.T, s *Store) (free func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		_ = s.writer.urgently(context.Background(), func(context.Context, *tx) error {
			close(begun)
			<-end
			time.Sleep(groupWork) // ends the group: the next one begins with what is queued
			return nil
		})
	}()
	<-begun
	free = func() { once.Do(func() { close(end) }) }
	t.Cleanup(free)
	return free
}

// queue asks for changes in order, without waiting for them; the result tells their outcomes.
func queue(t *testing.T, s *Store, changes ...func(context.Context, *tx) error) (outcomes func() []error) {
	t.Helper()
	errs := make([]error, len(changes))
	var all sync.WaitGroup
	for i, change := range changes {
		before := len(s.writer.steady)
		all.Go(func() { errs[i] = s.writer.steadily(context.Background(), change) })
		waitFor(t, func() bool { return len(s.writer.steady) > before })
	}
	return func() []error { all.Wait(); return errs }
}

func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to that")
		}
	}
}

// put is a change that stores a version and counts how often it is applied.
func put(version string, applied *int) func(context.Context, *tx) error {
	return func(ctx context.Context, tx *tx) error {
		*applied++
		const keep = "INSERT INTO versions (version, files, created) VALUES (?, '{}', 1)"
		return tx.run(ctx, call{keep, []any{version}})
	}
}

func versionsOf(t *testing.T, s *Store) []string {
	t.Helper()
	var versions []string
	err := s.reads.each(t.Context(), "SELECT version FROM versions ORDER BY version", nil, func(row scan) error {
		var version string
		err := row(&version)
		versions = append(versions, version)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

// Each way in which one change of a group can go wrong, and whether the others are spared a second time.
func TestOneBadChangeInAGroup(t *testing.T) {
	const orphan = "INSERT INTO flows (id, link, visitor, opened, expires) VALUES (x'01', x'02', x'', 1, 1)"
	for name, c := range map[string]struct {
		bad  func(context.Context, *tx) error
		want error // nil for any
		once bool  // whether the others must be applied once only
	}{
		"refused before it wrote": {
			func(context.Context, *tx) error { return errBad }, errBad, true,
		},
		"refused after it wrote": {
			func(ctx context.Context, tx *tx) error {
				return errors.Join(tx.run(ctx, call{"DELETE FROM versions", nil}), errBad)
			}, errBad, false,
		},
		"a statement fails": {
			func(ctx context.Context, tx *tx) error {
				return tx.run(ctx, call{"DELETE FROM nowhere", nil})
			}, nil, false,
		},
		"the transaction is gone": {
			func(ctx context.Context, tx *tx) error {
				return errors.Join(tx.run(ctx, call{"ROLLBACK", nil}), errBad)
			}, errBad, false,
		},
		"the commit fails": {
			func(ctx context.Context, tx *tx) error {
				return tx.run(ctx, call{"PRAGMA defer_foreign_keys = ON", nil}, call{orphan, nil})
			}, nil, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			free := busy(t, s)
			var before, after int
			outcomes := queue(t, s, put("before", &before), c.bad, put("after", &after))
			free()
			errs := outcomes()
			if errs[0] != nil || errs[2] != nil {
				t.Errorf("the good changes got %v and %v", errs[0], errs[2])
			}
			if errs[1] == nil || (c.want != nil && !errors.Is(errs[1], c.want)) {
				t.Errorf("the bad change got %v, want %v", errs[1], c.want)
			}
			if diff := cmp.Diff([]string{"after", "before"}, versionsOf(t, s)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if c.once && before != 1 {
				t.Errorf("the change before was applied %d times", before)
			}
		})
	}
}

func TestGroupsAreBounded(t *testing.T) {
	s := fresh(t)
	free := busy(t, s)
	var groups []*tx // a change at a time appends
	changes := make([]func(context.Context, *tx) error, groupSize)
	for i := range changes {
		changes[i] = func(_ context.Context, tx *tx) error {
			if len(groups) == 0 || groups[len(groups)-1] != tx {
				groups = append(groups, tx)
			}
			if i%8 == 7 {
				time.Sleep(groupWork)
			}
			return nil
		}
	}
	outcomes := queue(t, s, changes...)
	free()
	outcomes()
	if want := groupSize / 8; len(groups) < want {
		t.Errorf("%d groups of work, want at least %d", len(groups), want)
	}
}

func TestUrgentChangesGoFirst(t *testing.T) {
	s := fresh(t)
	free := busy(t, s)
	var order []string
	note := func(name string) func(context.Context, *tx) error {
		return func(context.Context, *tx) error { order = append(order, name); return nil }
	}
	steady := queue(t, s, note("steady 1"), note("steady 2"))
	urgent := make(chan error)
	go func() { urgent <- s.writer.urgently(context.Background(), note("urgent")) }()
	waitFor(t, func() bool { return len(s.writer.urgent) == 1 })
	free()
	steady()
	<-urgent
	if diff := cmp.Diff([]string{"urgent", "steady 1", "steady 2"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestContextEndsBeforeAndAfterTheBeginning(t *testing.T) {
	s := fresh(t)
	free := busy(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var never, applied int
	withdrawn := make(chan error)
	go func() { withdrawn <- s.writer.steadily(ctx, put("never", &never)) }()
	waitFor(t, func() bool { return len(s.writer.steady) == 1 })
	cancel()
	if err := <-withdrawn; !errors.Is(err, context.Canceled) {
		t.Errorf("a change taken back: %v", err)
	}
	free()

	ctx, cancel = context.WithCancel(t.Context())
	err := s.writer.steadily(ctx, func(inner context.Context, tx *tx) error {
		cancel()
		return put("begun", &applied)(inner, tx)
	})
	if err != nil {
		t.Errorf("a change that had begun: %v", err)
	}
	if diff := cmp.Diff([]string{"begun"}, versionsOf(t, s)); diff != "" || never > 0 {
		t.Errorf("applied %d times what was taken back; stored (-want +got):\n%s", never, diff)
	}
}

// A group reads an epoch once; a claim in the midst of it must still fence off what follows.
func TestClaimWithinAGroup(t *testing.T) {
	s := fresh(t)
	old := claimAll(t, s)[1]
	free := busy(t, s)
	fenced := func(ctx context.Context, tx *tx) error { return tx.fence(ctx, old) }
	before := queue(t, s, fenced)
	claimed := make(chan error)
	go func() {
		_, err := s.Claim(context.Background(), "two", "EVENTS", testNow)
		claimed <- err
	}()
	waitFor(t, func() bool { return len(s.writer.steady) == 2 })
	after := queue(t, s, fenced)
	free()
	if err := errors.Join(before()[0], <-claimed); err != nil {
		t.Error(err)
	}
	if err := after()[0]; !errors.Is(err, engine.ErrFenced) {
		t.Errorf("a change of the old owner after the claim: %v", err)
	}
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	s := fresh(t)
	free := busy(t, s)
	var applied int
	var changes []func(context.Context, *tx) error
	for i := range 20 {
		changes = append(changes, put(fmt.Sprint("v", i), &applied))
	}
	outcomes := queue(t, s, changes...)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	<-s.writer.closing
	free()
	if err := errors.Join(append(outcomes(), <-closed)...); err != nil || applied != len(changes) {
		t.Errorf("applied %d of %d, %v", applied, len(changes), err)
	}
	if err := s.writer.steadily(t.Context(), put("late", &applied)); !errors.Is(err, errClosed) {
		t.Errorf("a change after the end: %v", err)
	}
}
