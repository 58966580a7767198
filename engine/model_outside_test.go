package engine_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"postern/engine"
	"postern/internal/memory"
)

// outside is a CRM that is no part of the process: it keeps records, answers as it was told to, tells its changes if it
// echoes, and keeps account of who changed what.
type outside struct {
	bus   *memory.Bus
	echo  bool
	count func() string // ids of events

	mu      sync.Mutex
	records map[engine.Ref]engine.Fields
	made    map[string]engine.Ref // by the key of their creation
	faults  []string              // of the next calls that write
	down    int                   // reads that fail
	joined  map[[2]engine.Ref]bool
	writes  map[engine.ID]int // how often each write of ours changed a record
	wrong   []string
}

// The faults of a CRM.
const (
	faultTemporary  = "temporary"
	faultRefused    = "refused"
	faultLostBefore = "answer lost, nothing done"
	faultLostAfter  = "answer lost, done"
)

var modelFaults = []string{
	faultTemporary, faultTemporary, faultRefused, faultLostBefore, faultLostAfter, faultLostAfter, "none",
}

func newOutside(bus *memory.Bus, echo bool, count func() string) *outside {
	return &outside{
		bus: bus, echo: echo, count: count, records: map[engine.Ref]engine.Fields{}, made: map[string]engine.Ref{},
		joined: map[[2]engine.Ref]bool{}, writes: map[engine.ID]int{},
	}
}

func (o *outside) lock() func() {
	o.mu.Lock()
	return o.mu.Unlock
}

func (o *outside) fault() string {
	if len(o.faults) == 0 {
		return ""
	}
	fault := o.faults[0]
	o.faults = o.faults[1:]
	return fault
}

// change writes and, if somebody is to hear of it, tells. nil fields delete the record.
func (o *outside) change(ref engine.Ref, set engine.Fields, told bool) *engine.Event {
	before, there := o.records[ref]
	after := maps.Clone(before)
	event := &engine.Event{Source: "crm", Type: engine.RecordUpdated, Subject: ref.String()}
	old := engine.Fields{}
	for name, value := range set {
		if !engine.Same(before[name], value) {
			old[name] = before[name]
		}
	}
	switch {
	case set == nil:
		event.Type = engine.RecordDeleted
		event.Change = &engine.Change{Record: before}
		delete(o.records, ref)
	case !there:
		event.Type, after = engine.RecordCreated, engine.Fields{}
		maps.Copy(after, set)
		event.Change = &engine.Change{Record: after}
		o.records[ref] = after
	default:
		maps.Copy(after, set)
		event.Change = &engine.Change{Record: after, Old: old, Changed: slices.Sorted(maps.Keys(old))}
		o.records[ref] = after
	}
	if told && (set == nil || !there || len(old) > 0) {
		event.ID = o.count()
		_ = o.bus.Publish(context.Background(), event)
	}
	return event
}

// edit is a change by a person in the CRM, which always tells it.
func (o *outside) edit(ref engine.Ref, set engine.Fields) *engine.Event {
	defer o.lock()()
	if set["status"] != nil {
		// Only the values tell whether a write was done. Where a person sets one back to what the write expected, it is
		// done again: two values are not enough to tell more.
		clear(o.writes)
	}
	return o.change(ref, set, true)
}

// outsideCRM is a process's way to the CRM.
type outsideCRM struct {
	*outside
	life *life
}

func (c outsideCRM) Traits() engine.Traits { return engine.Traits{Echoes: c.echo} }

func (c outsideCRM) Get(_ context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	defer c.lock()()
	if c.down > 0 {
		c.down--
		return nil, errors.New("503 maintenance")
	}
	var found []engine.Record
	for _, ref := range refs {
		if fields, ok := c.records[ref]; ok {
			found = append(found, engine.Record{Ref: ref, Fields: maps.Clone(fields)})
		}
	}
	return found, nil
}

func (c outsideCRM) Find(_ context.Context, module, field string, value any, limit int) ([]engine.Record, error) {
	defer c.lock()()
	var found []engine.Record
	for ref, fields := range c.records {
		if ref.Module == module && engine.Same(fields[field], value) && len(found) < limit {
			found = append(found, engine.Record{Ref: ref, Fields: maps.Clone(fields)})
		}
	}
	return found, nil
}

// List gives the whole list as one page.
func (c outsideCRM) List(_ context.Context, l engine.Listing) (engine.Page, error) {
	defer c.lock()()
	var page engine.Page
	for ref, fields := range c.records {
		if ref.Module == l.Module && (l.Field == "" || engine.Same(fields[l.Field], l.Value)) {
			page.Records = append(page.Records, engine.Record{Ref: ref, Fields: maps.Clone(fields)})
		}
	}
	slices.SortFunc(page.Records, func(a, b engine.Record) int { return cmp.Compare(a.ID, b.ID) })
	return page, nil
}

// faulty does something with the next fault in front of it or behind.
func (c outsideCRM) faulty(do func() error) error {
	defer c.lock()()
	fault := c.fault()
	switch fault {
	case faultTemporary:
		return errors.New("503 maintenance")
	case faultRefused:
		return engine.Permanent(errors.New("422 mandatory field missing"))
	case faultLostBefore:
		return engine.Unknown(errors.New("the answer was lost"))
	}
	err := c.life.act(do)
	if fault == faultLostAfter || errors.Is(err, errKilled) {
		return engine.Unknown(errors.New("the answer was lost"))
	}
	return err
}

func (c outsideCRM) Update(_ context.Context, w engine.Write) error {
	return c.faulty(func() error {
		before, ok := c.records[w.Ref]
		if !ok {
			return engine.Permanent(engine.ErrNoRecord)
		}
		stands := true
		for name, value := range w.Patch.Set {
			stands = stands && engine.Same(before[name], value)
			if _, ok := w.Patch.Expect[name]; !ok {
				c.wrong = append(c.wrong, fmt.Sprintf("write %s of %s expects nothing of %s", w.EventID, w.Ref, name))
			}
		}
		if stands {
			return nil
		}
		for name, value := range w.Patch.Expect {
			if !engine.Same(before[name], value) {
				return engine.Permanent(fmt.Errorf("%s is %v and not %v: %w", name, before[name], value, engine.ErrConflict))
			}
		}
		c.change(w.Ref, w.Patch.Set, c.echo)
		if c.writes[w.EventID]++; c.writes[w.EventID] > 1 {
			c.wrong = append(c.wrong, fmt.Sprintf("write %s of %s was done twice", w.EventID, w.Ref))
		}
		return nil
	})
}

func (c outsideCRM) Create(_ context.Context, create engine.Create) (made engine.Record, err error) {
	err = c.faulty(func() error {
		ref, ok := c.made[create.Key]
		if !ok {
			ref = engine.Ref{Module: create.Module, ID: fmt.Sprint("n", len(c.made)+1)}
			fields := maps.Clone(create.Fields)
			fields[create.KeyField] = create.Key
			c.made[create.Key] = ref
			c.change(ref, fields, c.echo)
		}
		made = engine.Record{Ref: ref, Fields: maps.Clone(c.records[ref])}
		return nil
	})
	return made, err
}

func (c outsideCRM) Delete(_ context.Context, d engine.Delete) (last engine.Record, err error) {
	err = c.faulty(func() error {
		if fields, there := c.records[d.Ref]; there {
			last = engine.Record{Ref: d.Ref, Fields: fields}
			c.change(d.Ref, nil, c.echo)
		}
		return nil
	})
	return last, err
}

func (c outsideCRM) Relate(_ context.Context, r engine.Relate) (changed bool, err error) {
	err = c.faulty(func() error {
		for _, end := range []engine.Ref{r.From, r.To} {
			if _, there := c.records[end]; !there && !r.Part {
				return engine.Permanent(engine.ErrNoRecord)
			}
		}
		changed = c.joined[[2]engine.Ref{r.From, r.To}] == r.Part
		c.joined[[2]engine.Ref{r.From, r.To}] = !r.Part
		for _, event := range r.Tell(c.records[r.From], c.records[r.To]) {
			if _, there := c.records[event.Ref()]; there && changed && c.echo {
				event.ID, event.Source, event.CauseID, event.Depth, event.Chain = c.count(), "crm", "", 0, ""
				_ = c.bus.Publish(context.Background(), event)
			}
		}
		return nil
	})
	return changed, err
}

var _ engine.CRM = outsideCRM{}
