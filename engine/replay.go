package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReplayOrder asks for a part of a stretch of the stream to be matched once more with the book in use.
// Every run it leads to has an occasion of its own: the event and the number of the replay.
type ReplayOrder struct {
	Number    int      // of the replay, see ReplayDesk
	From, To  uint64   // stream positions, both included
	Workflows []string // only these; none for all
	Module    string   // only events of this module
	Record    Ref      // only events of this record
	Effects   bool     // the runs do what they ask for; else it is only noted
	By        string   // who orders it
}

// ReplayResult is what a part of a replay came to.
type ReplayResult struct {
	Next    uint64 // where to go on; beyond ReplayOrder.To when all was read
	Read    int    // messages that were read
	Events  int    // record events among them that were held against the workflows
	Refused int    // messages that are no events
	Matched int    // runs that were started
}

const (
	replayTime = 5 * time.Second // for one part
	replayIdle = 5 * time.Second // without a message, for one that should be there
)

var errPartRead = errors.New("this part of the replay is read")

// Replay reads on from order.From for some seconds and starts the runs that its events lead to.
func (e *Engine) Replay(ctx context.Context, order ReplayOrder) (ReplayResult, error) {
	r := &replay{Engine: e, order: order, matcher: e.matcher.Load(), ends: e.Clock.Now().Add(replayTime)}
	if !e.Running() {
		return r.result, errors.New("the engine is starting: try again in a moment")
	}
	if err := r.check(ctx); err != nil || r.order.From > r.order.To {
		return r.result, err
	}
	ctx, cancel := context.WithTimeout(ctx, replayTime+replayIdle)
	defer cancel()
	err := e.Bus.Read(ctx, r.order.From-1, e.settings.Batch, r.take)
	switch {
	case errors.Is(err, errPartRead):
		return r.result, nil
	case errors.Is(err, context.DeadlineExceeded) && r.result.Read > 0:
		return r.result, nil
	case errors.Is(err, context.DeadlineExceeded):
		return r.result, fmt.Errorf("the stream gives nothing after position %d", r.order.From-1)
	}
	return r.result, err
}

// replay is one part of a replay under way.
type replay struct {
	*Engine
	order   ReplayOrder
	matcher *matcher
	ends    time.Time
	result  ReplayResult
}

// check holds the order against the book and the stream, and narrows it to what the stream holds.
func (r *replay) check(ctx context.Context) error {
	if r.order.Number < 1 || r.order.From == 0 {
		return errors.New("a replay has a number and begins at a position of the stream, which counts from 1")
	}
	if err := r.matcher.book.HasWorkflows(r.order.Workflows); err != nil {
		return err
	}
	position, err := r.Bus.Position(ctx)
	if err != nil {
		return fmt.Errorf("find the event stream: %w", err)
	}
	r.result.Next = r.order.To + 1
	r.order.From = max(r.order.From, position.First)
	r.order.To = min(r.order.To, position.Last)
	if r.order.From <= r.order.To {
		r.result.Next = r.order.From
	}
	return nil
}

// HasWorkflows fails for the first name that is no workflow of the book.
func (b *Book) HasWorkflows(names []string) error {
	var known []string
	for _, w := range b.Workflows {
		known = append(known, w.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no workflow %q in the book; it has %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// take matches a group of entries. It ends the reading when the part is over.
func (r *replay) take(ctx context.Context, entries []Entry) error {
	var events []arrival
	for _, entry := range entries {
		if entry.Seq > r.order.To {
			break
		}
		r.result.Read++
		if event := r.read(entry); event != nil {
			events = append(events, arrival{seq: entry.Seq, event: event})
		}
	}
	if err := r.admit(ctx, events); err != nil {
		return err
	}
	last := min(entries[len(entries)-1].Seq, r.order.To)
	r.result.Next = last + 1
	if last == r.order.To || r.Clock.Now().After(r.ends) {
		return errPartRead
	}
	return nil
}

// read decodes an entry that the order is about; nil for any other.
func (r *replay) read(entry Entry) *Event {
	at, err := ParseAddress(entry.Subject)
	switch {
	case err != nil:
		r.result.Refused++
		return nil
	case at.Domain == DomainPostern, at.Key == "", !r.matcher.wants(at),
		r.order.Module != "" && r.order.Module != at.Noun:
		return nil // our own events follow from what is replayed
	}
	event, err := r.matcher.read(at, entry)
	switch {
	case err != nil:
		r.result.Refused++
		return nil
	case !r.order.Record.IsZero() && event.Ref() != r.order.Record:
		return nil
	}
	return event
}

// admit stores the runs that events lead to and hands them to their lanes.
func (r *replay) admit(ctx context.Context, events []arrival) error {
	known, err := r.known(ctx, events)
	if err != nil {
		return err
	}
	var jobs []job
	var runs []*Run
	for _, a := range events {
		r.result.Events++
		if a.event.needsBefore() {
			a.event.completeAgain(known[a.event.Ref()])
		}
		found, err := r.match(a)
		if err != nil {
			return err
		}
		for _, j := range found {
			jobs, runs = append(jobs, j), append(runs, j.run)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	fresh, err := r.Store.Intake(ctx, Intake{Runs: runs})
	if err != nil {
		return err
	}
	for i, j := range jobs {
		if !fresh[i] {
			continue // this part was read before
		}
		r.result.Matched++
		if !j.run.State.Over() {
			r.resting.begin(j.id)
			r.enqueue(r.reading, j) // what is stored must run, whoever waits for this part
		}
	}
	return nil
}

// match returns the runs of one event, marked.
func (r *replay) match(a arrival) ([]job, error) {
	event, now := a.event, r.Clock.Now()
	module := r.matcher.book.Modules[event.Ref().Module]
	env := &Env{
		Event: event, Ref: event.Ref(), Module: module, Modules: r.matcher.book.Modules,
		Record: event.Change.Record, Now: now,
	}
	var jobs []job
	for _, j := range r.matcher.match(event, env) {
		if len(r.order.Workflows) > 0 && !slices.Contains(r.order.Workflows, j.run.Workflow) {
			continue
		}
		id, err := NewID(now, r.Random)
		if err != nil {
			return nil, err
		}
		partition := event.Ref().partition()
		j.id, j.partition = id, partition
		j.run.ID, j.run.Seq, j.run.Created, j.run.Partition = id, a.seq, now, partition
		j.run.Key = RunKey(j.run.Workflow, event.Source, event.ID, "replay "+strconv.Itoa(r.order.Number))
		j.run.Progress.Replay, j.run.Progress.Dry = r.order.Number, !r.order.Effects
		how := "with its effects"
		if j.run.Progress.Dry {
			how = "without effects"
		}
		j.run.decide(now, "", "replay %d by %s, %s", r.order.Number, r.order.By, how)
		r.breakChain(j.run) // its rate says nothing: a stretch of days is read in a minute
		if j.run.Reason != "" {
			j.run.decide(now, "", "%s: %s", j.run.State, j.run.Reason)
			r.tell(j.run)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// known reads the kept copies of the records whose events left fields out.
func (r *replay) known(ctx context.Context, events []arrival) (map[Ref]Record, error) {
	wanted := map[Ref]bool{}
	for _, a := range events {
		ref := a.event.Ref()
		if r.matcher.book.Modules[ref.Module].Keep && a.event.needsBefore() {
			wanted[ref] = true
		}
	}
	known := make(map[Ref]Record, len(wanted))
	if len(wanted) == 0 {
		return known, nil
	}
	records, err := r.Store.Records(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return nil, err
	}
	for _, record := range records {
		known[record.Ref] = record
	}
	return known, nil
}

// completeAgain fills in the fields that the event left out as the record has them now. What they were
// before the event nobody knows any more, so what it tells counts as changed.
func (e *Event) completeAgain(now Record) {
	change := e.Change
	if len(change.Changed) == 0 {
		change.Changed = slices.Sorted(maps.Keys(change.Record))
	}
	whole := make(Fields, len(now.Fields)+len(change.Record))
	maps.Copy(whole, now.Fields)
	maps.Copy(whole, change.Record)
	change.Record = whole
}

// dry notes what the steps asked for in place of having it done. Later steps see the run's own writes all
// the same, and no wait rests.
func (s *stretch) dry(now time.Time) {
	asked := s.asks
	for _, ask := range asked.changes {
		s.run.decide(now, "", "would %s", ask.phrase())
	}
	for _, f := range asked.effects {
		s.run.decide(now, f.Step, "would %s", f.phrase())
	}
	for _, d := range asked.deliveries {
		line := fmt.Sprintf("would send %s by %s to %s", d.Template, d.Channel, d.Masked)
		if len(d.Links) > 0 {
			line += ", with a link to " + d.Links[0].Link.Landing
		}
		s.run.decide(now, d.Step, "%s", line)
	}
	for _, event := range asked.events {
		s.run.decide(now, "", "would tell %s of %s", event.Type, event.Subject)
	}
	s.asks = asks{letters: map[ID]*letter{}}
}

// Would tells of a line that a dry run noted which kind of thing would have been done, without the one record
// and recipient it would have been done to. false: it is no such line.
func (d Decision) Would() (kind string, ok bool) {
	if !strings.HasPrefix(d.Text, "would ") {
		return "", false
	}
	kind, _, _ = strings.Cut(d.Text, "/")
	kind, _, _ = strings.Cut(kind, " to ")
	return kind, true
}

func nameList(fields Fields) string { return strings.Join(slices.Sorted(maps.Keys(fields)), ", ") }
