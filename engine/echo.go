package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// echoFor is how long a write to the CRM is remembered, to know it by when the CRM tells it.
const echoFor = 15 * time.Minute

// maxEchoes bounds the writes remembered. Past it the oldest are forgotten: a loop through the CRM then
// ends by the rate of its record instead of by its depth.
const maxEchoes = 50_000

// echoes are the writes that a CRM may tell as changes of its own. It knows nothing of causes, so that
// a workflow could chase its own tail through it: a change that equals a write of ours inherits the
// cause of that write.
type echoes struct {
	mu     sync.Mutex
	by     map[Ref][]echo
	oldest []Ref // in the order they were added
}

type echo struct {
	until   time.Time
	kind    string // the type of the event that would tell it
	set     Fields // of a write or a create
	related string // of a relation: the other end
	origin  Origin
}

// expect remembers an effect before it is tried: the CRM may tell of it before it answers.
func (m *echoes) expect(f *Effect, now time.Time) {
	next := echo{until: now.Add(echoFor), origin: f.origin()}
	switch {
	case f.Write != nil:
		next.kind, next.set = RecordUpdated, f.Write.Patch.Set
	case f.Create != nil && f.Create.KeyField != "":
		next.kind, next.set = RecordCreated, Fields{f.Create.KeyField: f.Create.Key}
	case f.Delete != nil:
		next.kind = RecordDeleted
	case f.Relate != nil:
		for _, told := range f.Relate.Tell(nil, nil) {
			next.kind, next.related = told.Type, told.Change.Related
			m.add(told.Ref(), next, now)
		}
		return
	default:
		return
	}
	m.add(f.Record, next, now)
}

func (m *echoes) add(ref Ref, next echo, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = map[Ref][]echo{}
	}
	m.by[ref] = append(m.by[ref], next)
	m.oldest = append(m.oldest, ref)
	m.forget(now)
}

// forget drops what is too old or too much, from the oldest on.
func (m *echoes) forget(now time.Time) {
	for len(m.oldest) > 0 {
		ref := m.oldest[0]
		kept := m.by[ref]
		if len(kept) > 0 && len(m.oldest) <= maxEchoes && kept[0].until.After(now) {
			return
		}
		m.oldest = m.oldest[1:]
		if len(kept) > 1 {
			m.by[ref] = kept[1:]
		} else {
			delete(m.by, ref)
		}
	}
}

// inherit gives an event of the CRM the cause of the write that it tells.
func (m *echoes) inherit(event *Event, now time.Time) {
	if event.CauseID != "" || event.Source == Source {
		return
	}
	ref := event.Ref()
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.by[ref]
	if event.Type == RecordCreated {
		known = m.by[Ref{Module: ref.Module}]
	}
	for i := len(known) - 1; i >= 0; i-- {
		e := known[i]
		if e.until.After(now) && e.tells(event) {
			event.CauseID, event.Depth, event.Chain = e.origin.Cause, e.origin.Depth, e.origin.Chain
			return
		}
	}
}

// tells whether an event is of what was done: of a write everything it set stands, and what changed of it changed
// to that.
func (e echo) tells(event *Event) bool {
	change := event.Change
	switch {
	case e.kind == RecordUpdated && event.Type == RecordRestored:
	case e.kind != event.Type:
		return false
	case e.set == nil:
		return e.related == change.Related
	}
	some := e.kind == RecordCreated || len(change.Changed) == 0
	for name, value := range e.set {
		has, there := change.Record[name]
		if !there {
			continue // a partial record
		}
		if !Same(has, value) {
			return false
		}
		some = some || slices.Contains(change.Changed, name)
	}
	return some
}

// recallEchoes remembers again, after a start, what was written shortly before.
func (e *Engine) recallEchoes(ctx context.Context) error {
	now := e.Clock.Now()
	recent, err := e.Store.RecentWrites(ctx, now.Add(-echoFor), maxEchoes)
	if err != nil {
		return err
	}
	for i := len(recent) - 1; i >= 0; i-- { // the oldest first, as they were written
		e.echoes.expect(recent[i], now)
	}
	return nil
}
