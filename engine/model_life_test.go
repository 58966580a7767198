package engine_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"postern/engine"
)

var (
	errKilled  = errors.New("the process was killed")
	errTrouble = errors.New("the disk is full")
)

// life is a process that can be killed: at one of the calls by which it changes the world, before or after the change,
// everything of it ends.
type life struct {
	mu      sync.Mutex
	dead    bool
	armed   bool
	calls   int  // armed: how many calls it will still do
	after   bool // it ends after its last call did its work, not before
	trouble int  // changes of the store that fail before the next one passes

	waiting, touched chan struct{}
}

func newLife() *life {
	return &life{waiting: make(chan struct{}, 1), touched: make(chan struct{}, 1)}
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

func (l *life) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// alone ends the goroutine of a dead process.
func (l *life) alone() {
	if l.isDead() {
		runtime.Goexit()
	}
}

// act does one change of the world, unless the process is dead or dies of it.
func (l *life) act(do func() error) error {
	before, after := l.count()
	if before {
		return errKilled
	}
	err := do()
	if after {
		return errKilled
	}
	return err
}

func (l *life) count() (before, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || !l.armed {
		return l.dead, false
	}
	if l.calls--; l.calls >= 0 {
		return false, false
	}
	l.dead = true
	return !l.after, l.after
}

// store is act for a change of the store, which may fail for a while.
func (l *life) store(do func() error) error {
	l.mu.Lock()
	if l.trouble > 0 && !l.dead {
		l.trouble--
		l.mu.Unlock()
		return errTrouble
	}
	l.mu.Unlock()
	return l.act(do)
}

// mortal is the store as a process sees it. What it commits is written into the journal.
type mortal struct {
	engine.Store
	life    *life
	journal *journal
}

func (m *mortal) Waiting() <-chan struct{} { return m.life.waiting }
func (m *mortal) Touched() <-chan struct{} { return m.life.touched }

func (m *mortal) Leaving(slot int, delivery engine.ID, attempt int) {
	m.life.alone()
	m.Store.Leaving(slot, delivery, attempt)
}

func (m *mortal) Claim(ctx context.Context, node, stream string, now time.Time) (p []engine.Partition, err error) {
	err = m.life.act(func() error {
		p, err = m.Store.Claim(ctx, node, stream, now)
		if err == nil {
			m.journal.claimed(m.life)
		}
		return err
	})
	return p, err
}

func (m *mortal) Intake(ctx context.Context, in engine.Intake) (fresh []bool, err error) {
	err = m.life.store(func() error {
		fresh, err = m.Store.Intake(ctx, in)
		m.journal.committed(m.life, "take in", err)
		return err
	})
	return fresh, err
}

func (m *mortal) Advance(ctx context.Context, step engine.Advance) error {
	return m.life.store(func() error {
		m.journal.advancing.RLock()
		defer m.journal.advancing.RUnlock()
		err := m.Store.Advance(ctx, step)
		m.journal.committed(m.life, "advance", err)
		if err == nil {
			m.journal.advanced(step)
		}
		return err
	})
}

func (m *mortal) Rearm(ctx context.Context, fence engine.Fence, run engine.ID, seen []engine.Touch) error {
	return m.life.store(func() error {
		err := m.Store.Rearm(ctx, fence, run, seen)
		m.journal.committed(m.life, "rearm", err)
		return err
	})
}

func (m *mortal) TakeEffects(ctx context.Context, demand engine.EffectDemand) (
	taken []*engine.Effect, next time.Time, err error,
) {
	err = m.life.store(func() error {
		taken, next, err = m.Store.TakeEffects(ctx, demand)
		m.journal.committed(m.life, "take effects", err)
		return err
	})
	return taken, next, err
}

func (m *mortal) SettleEffect(
	ctx context.Context, fence engine.Fence, effect *engine.Effect, events ...*engine.Event,
) error {
	return m.life.store(func() error {
		err := m.Store.SettleEffect(ctx, fence, effect, events...)
		m.journal.committed(m.life, "settle an effect", err)
		return err
	})
}

func (m *mortal) Take(ctx context.Context, demand engine.Demand) (taken []*engine.Delivery, next time.Time, err error) {
	err = m.life.store(func() error {
		taken, next, err = m.Store.Take(ctx, demand)
		m.journal.committed(m.life, "take deliveries", err)
		return err
	})
	return taken, next, err
}

func (m *mortal) Settle(ctx context.Context, s engine.Settle) error {
	return m.life.store(func() error {
		m.journal.settling.Lock() // or the next try of the delivery may be settled before this is written down
		defer m.journal.settling.Unlock()
		err := m.Store.Settle(ctx, s)
		m.journal.committed(m.life, "settle a delivery", err)
		if err == nil {
			m.journal.settled(s.Delivery)
		}
		return err
	})
}

// Forget is for one process at a time, as everything of the store is but for these stories.
func (m *mortal) Forget(ctx context.Context, keep engine.Retention, now time.Time) (engine.Forgotten, error) {
	defer m.journal.alone()()
	return m.Store.Forget(ctx, keep, now)
}

func (m *mortal) Published(ctx context.Context, upTo int64) error {
	return m.life.act(func() error { return m.Store.Published(ctx, upTo) })
}

// mortalBus is the stream as a process sees it.
type mortalBus struct {
	engine.Bus
	life *life
}

func (m mortalBus) Publish(ctx context.Context, events ...*engine.Event) error {
	return m.life.act(func() error { return m.Bus.Publish(ctx, events...) })
}

var (
	_ engine.Store = (*mortal)(nil)
	_ engine.Bus   = mortalBus{}
)
