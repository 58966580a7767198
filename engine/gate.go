package engine

import "sync"

// gates let the runs of a workflow pass one at a time: those about one record, or those with the same
// concurrency key. A run holds its gate from its first step until it is over, through retries and
// writes to the CRM; while it waits in a wait step only if the workflow says hold. The gates live in
// memory and are rebuilt at the start from the runs that are not over.
type gates struct {
	mu sync.Mutex
	by map[string]*gate
}

type gate struct {
	holder ID
	queue  []waiter // in the order they came
}

// waiter is a run before a gate. Its own data stays in the store, so that many may queue.
type waiter struct {
	id        ID
	partition int
	key       string // Progress.Gate, which may not be stored yet
}

// enter lets a run through or tells who holds the gate. A run that is let through twice holds it once.
func (g *gates) enter(name string, w waiter) (holder ID, passed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.by[name]
	if held == nil {
		g.by[name] = &gate{holder: w.id}
		return w.id, true
	}
	return held.holder, held.holder == w.id
}

// queue puts a run behind those that wait, unless the gate has become free meanwhile: then it passes.
func (g *gates) queue(name string, w waiter) (passed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.by[name]
	if held == nil {
		g.by[name] = &gate{holder: w.id}
		return true
	}
	held.queue = append(held.queue, w)
	return false
}

// seize gives the gate to a run and returns those that had it or waited for it.
func (g *gates) seize(name string, w waiter) []ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var before []ID
	if held := g.by[name]; held != nil {
		before = append(before, held.holder)
		for _, q := range held.queue {
			before = append(before, q.id)
		}
	}
	g.by[name] = &gate{holder: w.id}
	return before
}

// leave opens the gate if the run holds it, and returns who passes next.
func (g *gates) leave(name string, id ID) (next waiter, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.by[name]
	if held == nil || held.holder != id {
		return waiter{}, false
	}
	if len(held.queue) == 0 {
		delete(g.by, name)
		return waiter{}, false
	}
	next, held.queue = held.queue[0], held.queue[1:]
	held.holder = next.id
	return next, true
}
