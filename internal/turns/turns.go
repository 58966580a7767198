// Package turns lets many take turns at what only a few can do at once, and sees to it that nobody takes the turns of
// the others, however much they want.
package turns

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrLate says that no turn came in time, or that too many of one name wait already.
var ErrLate = errors.New("no turn came in time")

// Turns are given to names: so many at once in all, and fewer to each. Who wants more waits in the line of their name.
// The lines are served in rotation, so that a name waits for one turn of each of the others and never for what they
// have in line. Turns may be used by several goroutines at once.
type Turns struct {
	each     int
	line     int
	patience time.Duration

	mu    sync.Mutex
	free  int
	names map[string]*name
	order []*name // those with somebody in line, the one served longest ago first
}

// name is one that has turns, or waits for one.
type name struct {
	name    string
	held    int
	waiting []chan struct{} // closed when it is the turn
}

// New returns turns: all of them at once, of which a name gets each at most, with a line of so many behind it who
// wait no longer than patience.
func New(all, each, line int, patience time.Duration) *Turns {
	return &Turns{free: all, each: each, line: line, patience: patience, names: map[string]*name{}}
}

// Enter waits for a turn of a name, and returns what ends it. It fails with ErrLate, or with the error of a context
// that ended first.
func (t *Turns) Enter(ctx context.Context, who string) (leave func(), err error) {
	n, turn := t.ask(who)
	if turn == nil {
		return nil, ErrLate
	}
	late := time.NewTimer(t.patience) // the machine's time: it bounds a request
	defer late.Stop()
	select {
	case <-turn:
		return t.leaving(n), nil
	case <-late.C:
		err = ErrLate
	case <-ctx.Done():
		err = ctx.Err()
	}
	if !t.giveUp(n, turn) { // it came in the same moment
		return t.leaving(n), nil
	}
	return nil, err
}

// Waiting tells how many of a name wait.
func (t *Turns) Waiting(who string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.names[who]; n != nil {
		return len(n.waiting)
	}
	return 0
}

// ask puts somebody in the line of their name; nil if that is full.
func (t *Turns) ask(who string) (*name, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.names[who]
	if n == nil {
		n = &name{name: who}
		t.names[who] = n
	}
	if len(n.waiting) >= t.line {
		return nil, nil
	}
	turn := make(chan struct{})
	if n.waiting = append(n.waiting, turn); len(n.waiting) == 1 {
		t.order = append(t.order, n)
	}
	t.serve()
	return n, turn
}

// serve gives the turns that are free to those who may have them.
func (t *Turns) serve() {
	for t.free > 0 {
		i := slices.IndexFunc(t.order, func(n *name) bool { return n.held < t.each })
		if i < 0 {
			return
		}
		n := t.order[i]
		close(n.waiting[0])
		n.waiting = n.waiting[1:]
		n.held++
		t.free--
		if t.order = slices.Delete(t.order, i, i+1); len(n.waiting) > 0 {
			t.order = append(t.order, n)
		}
	}
}

// leaving is what ends a turn, once.
func (t *Turns) leaving(n *name) func() {
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		n.held--
		t.free++
		t.forget(n)
		t.serve()
	})
}

// giveUp takes somebody out of their line; false if they have their turn by now.
func (t *Turns) giveUp(n *name, turn chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(n.waiting, turn)
	if i < 0 {
		return false
	}
	if n.waiting = slices.Delete(n.waiting, i, i+1); len(n.waiting) == 0 {
		t.order = slices.DeleteFunc(t.order, func(o *name) bool { return o == n })
	}
	t.forget(n)
	return true
}

// forget lets go of a name that has no turn and wants none.
func (t *Turns) forget(n *name) {
	if n.held == 0 && len(n.waiting) == 0 {
		delete(t.names, n.name)
	}
}
