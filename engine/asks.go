package engine

import (
	"fmt"
	"slices"
	"strconv"
)

// asks is what the steps of one stretch of a run want done, until it is committed.
type asks struct {
	changes    []Ask     // of records that are our own
	effects    []*Effect // in place of changes where they are not
	wait       *Wait
	links      []Link
	deliveries []*Delivery
	letters    map[ID]*letter // of the deliveries
	events     []*Event
	stop       *halt // ends the run after the step
}

// mark is how many changes were asked for so far, of records of our own and of others.
func (a *asks) mark() [2]int { return [2]int{len(a.changes), len(a.effects)} }

// since goes through the writes that were asked for after a mark.
func (a *asks) since(mark [2]int, each func(Write)) {
	for _, ask := range a.changes[mark[0]:] {
		if ask.Write != nil {
			each(*ask.Write)
		}
	}
	for _, f := range a.effects[mark[1]:] {
		if f.Write != nil {
			each(*f.Write)
		}
	}
}

// halt is how a step ends its run.
type halt struct {
	reason string
	failed bool
}

// Update asks for a change of a record; expect holds the values that must still stand when it is
// written. Values must be plain (Field.Plain). The steps that follow see the change.
func (s *StepContext) Update(ref Ref, set, expect Fields) error {
	if s.asks.delete(ref) {
		return Permanent(fmt.Errorf("write %s: %w", ref, ErrNoRecord))
	}
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	var unique []string
	if module := s.Modules[ref.Module]; module != nil {
		unique = module.UniqueAmong(set)
	}
	write := Write{
		Ref: ref, Patch: Patch{Set: set, Expect: expect}, Unique: unique, Origin: s.origin(id),
	}
	s.ask(Ask{Write: &write})
	s.told("sets %s of %s", nameList(set), ref)
	if ref == s.Ref {
		s.Adopt(set)
		return nil
	}
	s.Env.WriteRoutes(ref, set)
	return nil
}

// origin is where an event of the run comes from.
func (s *StepContext) origin(id ID) Origin {
	return Origin{
		EventID: id, Source: Source, Cause: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(),
		Actor: "workflow:" + s.run.Workflow, At: s.Now(),
	}
}

// Delete asks that a record is removed. The run goes on with it as it was last seen.
func (s *StepContext) Delete(ref Ref) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.ask(Ask{Delete: &Delete{Ref: ref, Origin: s.origin(id)}})
	s.told("deletes %s", ref)
	return nil
}

// Relate asks that two records are joined, or parted.
func (s *StepContext) Relate(from, to Ref, part bool) error {
	for _, ref := range []Ref{from, to} {
		if s.asks.delete(ref) && !part {
			return Permanent(fmt.Errorf("relate %s: %w", ref, ErrNoRecord))
		}
	}
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	ask := Ask{Relate: &Relate{From: from, To: to, Part: part, Origin: s.origin(id)}}
	s.ask(ask)
	s.told("asks to %s", ask.phrase())
	return nil
}

// delete tells whether a record of ours will be deleted.
func (a *asks) delete(ref Ref) bool {
	return slices.ContainsFunc(a.changes, func(ask Ask) bool { return ask.Delete != nil && ask.Delete.Ref == ref })
}

// Create asks for a new record. The task hears of it, with the id it got, in Done. Where the records are
// not our own, keyField must name a unique text field of the module that the task does not set: a lost
// answer is then no second record.
func (s *StepContext) Create(module string, fields Fields, keyField string) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.ask(Ask{Create: &Create{
		Module: module, Fields: fields, KeyField: keyField, Key: id.String(), Origin: s.origin(id),
	}})
	return nil
}

// CreateUnmatched asks for a new record, unless some other has the value of its field match by the time it would
// be made: then the step is taken again. Where the records are not our own and keyField is "", the value of
// match is the key.
func (s *StepContext) CreateUnmatched(module string, fields Fields, keyField, match string) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	create := Create{
		Module: module, Fields: fields, KeyField: keyField, Key: id.String(), Match: match, Origin: s.origin(id),
	}
	if !s.local && keyField == "" {
		create.KeyField = match
		create.Key, _ = PlainText(fields[match])
	}
	s.ask(Ask{Create: &create})
	return nil
}

// ask asks for a change of a record: with the run where the records are our own, else as an effect.
func (s *StepContext) ask(ask Ask) {
	if s.local {
		s.asks.changes = append(s.asks.changes, ask)
		return
	}
	s.effect(ask)
}

// told notes a change that commits with the run. An effect and a dry run tell it themselves.
func (s *StepContext) told(format string, args ...any) {
	if s.local && !s.run.Progress.Dry {
		s.Note(format, args...)
	}
}

// effect asks for what is done outside of our own store.
func (s *StepContext) effect(ask Ask) {
	id := DerivedID(s.run.ID, s.Step.Path, strconv.Itoa(s.asked), "effect", strconv.Itoa(s.round))
	s.asked++
	f := NewEffect(id, s.run.ID, ask, s.Step.Retry, s.Now())
	f.Workflow, f.Step, f.Round = s.run.Workflow, s.Step.Path, s.round
	if ask.Call != nil {
		f.Partition = s.run.Partition // the store has no record to go by
	}
	s.asks.effects = append(s.asks.effects, f)
}

// Emit asks for an event of ours: a type such as "ticket.escalated" about the run's record.
func (s *StepContext) Emit(eventType string, data []byte) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.asks.events = append(s.asks.events, &Event{
		ID: id.String(), Source: Source, Type: eventType, Subject: s.Ref.String(), Time: s.Now(),
		CauseID: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(), Data: data,
	})
	if !s.run.Progress.Dry {
		s.Note("tells %s", eventType)
	}
	return nil
}
