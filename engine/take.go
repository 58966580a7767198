package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// markEvery is how many entries may pass before the cursors of all partitions are moved, not only of
// those where something was stored: it bounds what a restart reads again.
const markEvery = 4096

// batch is what one group of entries leads to.
type batch struct {
	intake  Intake
	jobs    []job                // one for each of intake.Runs
	touched map[int]bool         // partitions where something is to be stored
	dates   map[string][]*timing // timings that go by a date, by module
}

// take handles entries in stream order: decode, match, store with the cursors, then hand the new runs
// to their lanes.
func (e *Engine) take(ctx context.Context, entries []Entry) error {
	m := e.matcher.Load()
	e.timetable.reading.RLock()
	stored := sync.OnceFunc(e.timetable.reading.RUnlock)
	defer stored()
	b := &batch{touched: map[int]bool{}, dates: e.timetable.dates()}
	arrived, err := e.decode(m, b, entries)
	if err != nil {
		return fmt.Errorf("take events in: %w", err)
	}
	var before map[Ref]Record
	err = e.insist("read kept records", func(ctx context.Context) (err error) {
		before, err = e.recordsBefore(ctx, m, arrived)
		return err
	})
	if err != nil {
		return fmt.Errorf("take events in: %w", err)
	}
	for _, a := range arrived {
		if err := e.admit(m, b, a, before); err != nil {
			return fmt.Errorf("take events in: %w", err)
		}
	}
	e.taken = entries[len(entries)-1].Seq
	all := e.taken-e.marked >= markEvery
	if len(b.touched) == 0 && !all {
		e.swept.Store(e.taken)
		return nil
	}
	e.mark(b, all)
	var fresh []bool
	err = e.insist("take events in", func(ctx context.Context) (err error) {
		e.health.taking.expect(e.Clock.Now().Add(hangTime))
		defer e.health.taking.over() // whatever follows may wait for the lanes
		fresh, err = e.Store.Intake(ctx, b.intake)
		return err
	})
	if err != nil {
		return fmt.Errorf("take events in: %w", err)
	}
	stored()
	if len(b.intake.Gathered) > 0 {
		nudge(e.timetable.window)
	}
	if len(b.intake.Alarms) > 0 {
		nudge(e.timetable.alarm) // one may be due sooner than the loop knows of
	}
	for _, m := range b.intake.Marks {
		e.cursors[m.Partition] = m.Cursor
	}
	e.swept.Store(e.taken) // all of it is stored or needs no storing, whatever the cursors say
	for i, j := range b.jobs {
		if fresh[i] && !j.run.State.Over() {
			e.resting.begin(j.id)
			e.enqueue(ctx, j)
		}
	}
	return nil
}

// mark moves the cursors to the end of what was offered: one reader serves all partitions, so each
// of them has been read that far.
func (e *Engine) mark(b *batch, all bool) {
	for _, fence := range e.fences {
		if all || b.touched[fence.Partition] {
			b.intake.Marks = append(b.intake.Marks, Mark{Fence: fence, Cursor: e.taken})
		}
	}
	if all {
		e.marked = e.taken
	}
}

// arrival is a decoded entry.
type arrival struct {
	seq   uint64
	at    Address // that it came by
	event *Event
}

// decode reads the entries that somebody needs; what is no event becomes a dead letter. One without a
// key is none of its record's partition: it only goes out again under its key, and is taken in when it
// comes back.
func (e *Engine) decode(m *matcher, b *batch, entries []Entry) ([]arrival, error) {
	var arrived []arrival
	for _, entry := range entries {
		at, err := ParseAddress(entry.Subject)
		if entry.Seq <= e.cursors[at.Partition()] {
			continue // taken in before a restart
		}
		waited := at.Domain == DomainCRM && (e.awaited.has(at.Noun) || b.dates[at.Noun] != nil)
		if err == nil && !waited && !m.wants(at) {
			continue
		}
		var event *Event
		if err == nil {
			event, err = m.read(at, entry)
		}
		switch {
		case err != nil:
			if err := e.refuse(b, at, entry, err); err != nil {
				return nil, err
			}
		case at.Domain == DomainPostern:
			arrived = append(arrived, arrival{seq: entry.Seq, at: at, event: event})
		case at.Key == "" && entry.Seq <= e.skipUntil:
			// The copy with its key, made before the restoration, is in the stream as well.
		case at.Key == "":
			b.touched[at.Partition()] = true
			b.intake.Events = append(b.intake.Events, event)
		default:
			arrived = append(arrived, arrival{seq: entry.Seq, at: at, event: event})
		}
	}
	return arrived, nil
}

// read decodes an entry and holds it against its module's description.
func (m *matcher) read(at Address, entry Entry) (*Event, error) {
	event, err := DecodeEvent(at, entry.Header, entry.Data)
	if err != nil {
		return nil, err
	}
	if at.Domain == DomainPostern {
		if eventType := at.Noun + "." + at.Verb; event.Type != eventType {
			return nil, fmt.Errorf("the subject says %q, the type says %q", eventType, event.Type)
		}
		return event, nil
	}
	if err := m.check(event); err != nil || at.Key != "" {
		return event, err
	}
	if event.Source == Source {
		return nil, fmt.Errorf("source %q is Postern itself, which never leaves the key out", Source)
	}
	return event, event.fits()
}

func (e *Engine) refuse(b *batch, at Address, entry Entry, reason error) error {
	now := e.Clock.Now()
	id, err := NewID(now, e.Random)
	if err != nil {
		return err
	}
	e.Logger.Warn("dead letter", "seq", entry.Seq, "subject", entry.Subject, "reason", reason.Error())
	b.touched[at.Partition()] = true
	b.intake.Refused = append(b.intake.Refused, DeadLetter{
		ID: id, Partition: at.Partition(), Seq: entry.Seq, Subject: entry.Subject, Header: attributesOf(entry.Header),
		Reason: reason.Error(), Body: entry.Data[:min(len(entry.Data), MaxEventBytes)], At: now,
	})
	return nil
}

// recordsBefore reads the kept copies of the records whose events do not tell the old values.
func (e *Engine) recordsBefore(ctx context.Context, m *matcher, arrived []arrival) (map[Ref]Record, error) {
	wanted := map[Ref]bool{}
	for _, a := range arrived {
		ref := a.event.Ref()
		if a.event.IsRecord() && m.book.Modules[ref.Module].Keep && a.event.needsBefore() {
			wanted[ref] = true
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	records, err := e.Store.Records(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return nil, err
	}
	before := make(map[Ref]Record, len(wanted))
	for ref := range wanted {
		before[ref] = Record{Ref: ref}
	}
	for _, r := range records {
		before[r.Ref] = r
	}
	return before, nil
}

// admit matches one event and adds what it leads to.
func (e *Engine) admit(m *matcher, b *batch, a arrival, before map[Ref]Record) error {
	if !a.event.IsRecord() {
		return e.admitOther(m, b, a)
	}
	event, ref := a.event, a.event.Ref()
	partition := ref.partition()
	module := m.book.Modules[ref.Module]
	if module.Keep {
		kept := *event // the copy follows what came, not what was completed from it
		change := *event.Change
		kept.Change = &change
		b.touched[partition] = true
		b.intake.Kept = append(b.intake.Kept, Kept{Event: &kept, Seq: a.seq})
		if known, ok := before[ref]; ok {
			after, _ := Follow(known, &kept, a.seq)
			event.complete(known)
			before[ref] = after
		}
	}
	now := e.Clock.Now()
	if m.awaits[ref.Module] || e.awaited.has(ref.Module) {
		b.touched[partition] = true
		b.intake.Touched = append(b.intake.Touched, RecordTopic(ref))
	}
	e.echoes.inherit(event, now)
	e.heed(b, a, now)
	env := &Env{
		Event: event, Ref: ref, Module: module, Modules: m.book.Modules, Record: event.Change.Record, Now: now,
		Work: NewWork(QuickWork),
	}
	if a.seq <= e.skipUntil {
		return nil
	}
	return e.enroll(b, a.seq, m.match(event, env))
}

// admitOther matches an event that tells no change of a record. What cannot be started by it becomes a dead letter.
func (e *Engine) admitOther(m *matcher, b *batch, a arrival) error {
	if a.seq <= e.skipUntil {
		return nil
	}
	jobs, err := m.matchOther(a.event, e.Clock.Now())
	if err != nil {
		body, unwritable := a.event.MarshalJSON()
		if unwritable != nil {
			return unwritable
		}
		return e.refuse(b, a.at, Entry{Seq: a.seq, Subject: a.at.Subject(), Header: NoHeader, Data: body}, err)
	}
	if len(jobs) > 0 {
		b.touched[a.at.Partition()] = true
	}
	return e.enroll(b, a.seq, jobs)
}

// enroll adds runs to a batch, each to the partition of its record.
func (e *Engine) enroll(b *batch, seq uint64, jobs []job) error {
	now := e.Clock.Now()
	for _, j := range jobs {
		id, err := NewID(now, e.Random)
		if err != nil {
			return err
		}
		j.id, j.partition = id, j.run.Record.partition()
		j.run.ID, j.run.Seq, j.run.Created, j.run.Partition = id, seq, now, j.partition
		if j.window == "" {
			e.breakLoop(j.run)
		} else {
			e.breakChain(j.run) // its rate says nothing: a burst is what the window is for
		}
		if j.window != "" && !j.run.State.Over() {
			b.touched[j.partition] = true
			b.intake.Gathered = append(b.intake.Gathered, j.gathered(seq, now))
			continue
		}
		if j.run.Reason != "" {
			j.run.decide(now, "", "%s: %s", j.run.State, j.run.Reason)
			e.tell(j.run)
		}
		if j.run.State == RunFailed {
			// Taken in again after a crash, it tells the same event.
			event, err := j.run.failure(DerivedID(ID{}, "failed", string(j.run.Key)), now)
			if err != nil {
				return err
			}
			b.intake.Events = append(b.intake.Events, event)
		}
		b.touched[j.partition] = true
		b.intake.Runs = append(b.intake.Runs, j.run)
		b.jobs = append(b.jobs, j)
	}
	return nil
}

// needsBefore tells whether the event leaves open what changed.
func (e *Event) needsBefore() bool {
	if e.Type == RecordCreated {
		return false
	}
	return e.Change.Partial || (e.Change.Old == nil && e.Type == RecordUpdated)
}

// complete fills in, from the kept copy, the fields the event left out and the old values it did not
// tell.
func (e *Event) complete(before Record) {
	change := e.Change
	told := change.Record
	change.Record = make(Fields, len(before.Fields)+len(told))
	maps.Copy(change.Record, before.Fields)
	maps.Copy(change.Record, told)
	if change.Old != nil || before.Fields == nil {
		return
	}
	names := change.Changed
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(told))
	}
	change.Old, change.Changed = Fields{}, nil
	for _, name := range names {
		if !Same(before.Fields[name], change.Record[name]) {
			change.Old[name] = before.Fields[name]
			change.Changed = append(change.Changed, name)
		}
	}
}
