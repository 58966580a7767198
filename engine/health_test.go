package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

// says waits until some reason of those that live gives holds a word, or until none is left if the word is empty.
func (h *house) says(reasons func() []string, word string) {
	h.t.Helper()
	h.until("health saying "+word, func() bool {
		got := reasons()
		if word == "" {
			return len(got) == 0
		}
		return slices.ContainsFunc(got, func(reason string) bool { return strings.Contains(reason, word) })
	})
}

func (h *house) ready() []string {
	reasons, _ := h.engine.Ready(h.t.Context())
	return reasons
}

func TestTaskThatNeverEndsIsSeen(t *testing.T) {
	h := newHouse(t, bookOf(strings.Replace(mainJob, "tasks:\n", "tasks:\n  - trial: { name: "+t.Name()+" }\n", 1)))
	begun, release := make(chan struct{}), make(chan struct{})
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error {
		close(begun)
		<-release // whatever its context says
		return nil
	})
	h.start()
	h.person()
	h.ticket("1")
	<-begun
	h.clock.Advance(time.Minute)
	if reasons := h.engine.Live(); len(reasons) > 0 {
		t.Errorf("within its time it is not live: %q", reasons)
	}
	h.clock.Advance(time.Minute)
	h.says(h.engine.Live, "1 of 16 lanes")
	h.says(h.ready, "1 of 16 lanes")
	close(release)
	h.says(h.ready, "")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
}

// troubledStore hangs or fails when events are taken in, as long as it is told to.
type troubledStore struct {
	engine.Store
	broken, hanging *atomic.Bool
}

func (s troubledStore) Intake(ctx context.Context, in engine.Intake) ([]bool, error) {
	for s.hanging.Load() {
		time.Sleep(time.Millisecond)
	}
	if s.broken.Load() {
		return nil, errors.New("no space left on device")
	}
	return s.Store.Intake(ctx, in)
}

func TestStoreThatDoesNotAnswerIsSeen(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	broken, hanging := &atomic.Bool{}, &atomic.Bool{}
	h.wrap = func(s engine.Store) engine.Store { return troubledStore{s, broken, hanging} }
	h.start()
	h.says(h.ready, "")
	broken.Store(true)
	h.person()
	h.says(h.ready, "takes no changes")
	if reasons := h.engine.Live(); len(reasons) > 0 {
		t.Errorf("a restart would not help, but: %q", reasons)
	}
	broken.Store(false)
	h.until("the end of the trouble", func() bool { h.clock.Advance(time.Second); return len(h.ready()) == 0 })
	hanging.Store(true)
	h.ticket("1")
	h.until("the hanging", func() bool { h.clock.Advance(time.Second); return len(h.engine.Live()) > 0 })
	h.says(h.ready, "has not answered")
	hanging.Store(false)
	h.says(h.ready, "")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
}

func TestHealthTellsThePhase(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.says(h.ready, "")
	if !h.engine.Running() {
		t.Error("it does not run")
	}
	h.stop()
	h.says(h.ready, "is ending")
	if h.engine.Running() || len(h.engine.Live()) > 0 {
		t.Errorf("after an orderly end it runs, or has failed: %q", h.engine.Live())
	}
}
