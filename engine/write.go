package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// writers are the effects that may be tried at the same time, and what wakes their loop.
type writers struct {
	mu      sync.Mutex
	most    int
	held    int
	breaker breaker // of the CRM
	wakeup  chan struct{}
	making  [16]sync.Mutex // see alone
}

// alone keeps out others that would make a record with the same value to match by, until what it returns is called.
func (w *writers) alone(c *Create) (leave func()) {
	text, _ := PlainText(c.Fields[c.Match])
	h := fnv.New32a()
	_, _ = io.WriteString(h, c.Module+"\x00"+c.Match+"\x00"+text)
	stripe := &w.making[h.Sum32()%uint32(len(w.making))]
	stripe.Lock()
	return stripe.Unlock
}

func newWriters(n int) *writers {
	return &writers{most: n, breaker: breaker{full: n}, wakeup: make(chan struct{}, 1)}
}

// take holds as many writers as may be used now. If there are none, again is when time alone will have made
// room; zero if one must end first.
func (w *writers) take(now time.Time) (n int, again time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = w.most - w.held
	if width := w.breaker.allows(now); width >= 0 {
		if now.Before(w.breaker.until) {
			return 0, w.breaker.until
		}
		n = min(n, width-w.held)
	}
	n = max(n, 0)
	w.held += n
	return n, time.Time{}
}

func (w *writers) give(n int) {
	w.mu.Lock()
	w.held -= n
	w.mu.Unlock()
}

// note counts what a try says of the CRM, and why nothing is tried for a while if that is the turn.
func (w *writers) note(now time.Time, err error) (turn, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.breaker.note(now, answerOf(err), min(RetryDelay(err), longestPause)), w.breaker.why(now)
}

// warnings are a sentence if nothing is written because the CRM fails.
func (w *writers) warnings(now time.Time) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.breaker.proving() {
		return nil
	}
	return []string{"the CRM: " + w.breaker.why(now)}
}

// write tries the effects on the CRM as they fall due, those of one record one after the other.
func (e *Engine) write(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := e.writeDue(ctx)
		pause := wakeEvery
		switch {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			e.Logger.Error("find due effects", "error", err)
			pause = insistMost
		case !next.IsZero():
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.rest(ctx, pause, e.writers.wakeup, nil)
	}
	return nil
}

func (e *Engine) writeDue(ctx context.Context) (next time.Time, err error) {
	free, again := e.writers.take(e.Clock.Now())
	if free == 0 {
		return again, nil
	}
	taken, next, err := e.Store.TakeEffects(ctx, EffectDemand{Fences: e.fences, Now: e.Clock.Now(), Limit: free})
	e.writers.give(free - len(taken))
	for _, f := range taken {
		e.senders.launch(func() { e.writeOne(f) })
	}
	return next, err
}

// writeOne tries an effect once and stores the outcome.
func (e *Engine) writeOne(f *Effect) {
	f.Attempts++
	f.Result = nil
	did, err := e.apply(f)
	now := e.Clock.Now()
	if e.abandoned() && errors.Is(err, context.Canceled) && !IsUnknown(err) {
		f.Attempts--
		f.State, f.Due = EffectPlanned, now
		f.note(now, "put back: the process ended before it was asked")
	} else {
		f.judge(now, err, func(d time.Duration) time.Duration { return jitter(d, e.Random) })
	}
	e.tellEffect(f, err)
	switch turn, why := e.writers.note(now, err); turn {
	case turnShut:
		e.Logger.Error("nothing is written to the CRM for a while", "why", why)
	case turnOpen:
		e.Logger.Info("the CRM takes writes again")
	case turnNone:
	}
	events, err := e.effectEvents(f, did)
	if err != nil {
		e.Logger.Error("an effect's event cannot be written", "effect", f.ID.String(), "error", err)
	}
	e.settleEffect(f, events)
	e.writers.give(1)
	nudge(e.writers.wakeup)
}

// settleEffect stores the outcome of a try, if need be a little after the work was given up.
func (e *Engine) settleEffect(f *Effect, events []*Event) {
	settle := func(ctx context.Context) error {
		return e.Store.SettleEffect(ctx, e.fences[f.Partition], f, events...)
	}
	if err := e.insist("settle effect", settle); err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(e.work), settleTime)
		defer cancel()
		if err = settle(last); err != nil {
			e.Logger.Error("settle effect: it is looked at again after a start", "effect", f.ID.String(), "error", err)
		}
	}
}

// deed is what a try did, beside what the effect itself says of it.
type deed struct {
	nothing bool   // there was nothing to do
	last    Fields // of a record that was deleted
}

// apply asks the CRM. It looks before it writes, so that what an earlier try did is not done twice.
func (e *Engine) apply(f *Effect) (did deed, err error) {
	ctx, cancel := context.WithTimeout(e.work, stepTimeout)
	defer cancel()
	defer e.onPanic("CRM adapter broke down", func(broken error) { err = Unknown(broken) })
	e.echoes.expect(f, e.Clock.Now())
	switch {
	case f.Create != nil:
		return deed{}, e.applyCreate(ctx, f)
	case f.Delete != nil:
		record, err := e.CRM.Delete(ctx, *f.Delete)
		if err == nil && !record.IsZero() {
			f.Result = &Record{Ref: record.Ref} // what it held is not kept here
		}
		return deed{nothing: record.IsZero(), last: record.Fields}, err
	case f.Relate != nil:
		changed, err := e.CRM.Relate(ctx, *f.Relate)
		return deed{nothing: !changed}, err
	}
	return deed{}, e.CRM.Update(ctx, *f.Write)
}

// applyCreate makes a record, unless somebody else has made the one that was looked for before. Those that may be the
// same are made one after the other.
func (e *Engine) applyCreate(ctx context.Context, f *Effect) error {
	c := f.Create
	if c.Match != "" {
		defer e.writers.alone(c)()
		if err := e.unmatched(ctx, c, f.Doubtful); err != nil {
			return err
		}
	}
	record, err := e.CRM.Create(ctx, *c)
	if err == nil {
		f.Result = &record
	}
	return err
}

// unmatched refuses to make a record whose match another one has by now. One that may be ours, since an answer was
// lost, is known by its key, and by its fields where that is what it is matched by.
func (e *Engine) unmatched(ctx context.Context, c *Create, doubtful bool) error {
	listing := Listing{Module: c.Module, Field: c.Match, Value: c.Fields[c.Match], Limit: MaxListed}
	for {
		page, err := e.CRM.List(ctx, listing)
		if err != nil {
			return err
		}
		for _, record := range page.Records {
			ours := doubtful && Same(record.Fields[c.KeyField], c.Key)
			for name, value := range c.Fields {
				ours = ours && (c.KeyField != c.Match || Same(record.Fields[name], value))
			}
			if !ours {
				return Permanent(fmt.Errorf("create a record of %s: field %s: %w", c.Module, c.Match, ErrConflict))
			}
		}
		if listing.After = page.Next; page.Next == "" {
			return nil
		}
	}
}

// judge turns the outcome of a try into the effect's next state.
func (f *Effect) judge(now time.Time, cause error, jitter func(time.Duration) time.Duration) {
	f.Reason = ""
	if cause != nil {
		f.Reason = cause.Error()
	}
	switch {
	case cause == nil:
		f.State = EffectDone
		f.note(now, "done")
		return
	case errors.Is(cause, ErrConflict) || errors.Is(cause, ErrTaken):
		f.State = EffectConflict
		f.note(now, "conflict: %v", cause)
		return
	case IsPermanent(cause) || errors.Is(cause, ErrNoRecord):
		f.State = EffectRejected
		f.note(now, "rejected: %v", cause)
		return
	}
	f.Doubtful = f.Doubtful || IsUnknown(cause)
	pause := jitter(max(f.Retry.Pause(f.Attempts), RetryDelay(cause)))
	next := now.Add(pause)
	usedUp := f.Attempts >= f.Retry.Attempts && !IsMisconfigured(cause)
	if usedUp || next.After(f.Until) {
		f.State, f.Reason = EffectRejected, fmt.Sprintf("given up after %d tries: %v", f.Attempts, cause)
		f.note(now, "%s", f.Reason)
		return
	}
	f.State, f.Due = EffectPlanned, next
	f.note(now, "try %d failed, next in %s: %v", f.Attempts, pause.Round(time.Second), cause)
}

func (f *Effect) note(at time.Time, format string, args ...any) {
	f.History = append(f.History, Decision{At: at, Step: f.Step, Text: fmt.Sprintf(format, args...)})
}

func (e *Engine) tellEffect(f *Effect, cause error) {
	switch {
	case cause == nil:
	case IsMisconfigured(cause):
		e.Logger.Error("write to the CRM failed: it needs an operator", "state", string(f.State),
			"record", f.Record.String(), "effect", f.ID.String(), "attempts", f.Attempts, "error", cause)
	default:
		e.Logger.Warn("write to the CRM failed", "state", string(f.State), "record", f.Record.String(),
			"effect", f.ID.String(), "workflow", f.Workflow, "attempts", f.Attempts, "error", cause)
	}
}

// effectEvents are what the outcome of a try tells: that we changed a record of a CRM which does not tell
// so itself, or that nobody can tell who changed it.
func (e *Engine) effectEvents(f *Effect, did deed) ([]*Event, error) {
	switch {
	case f.State == EffectDone:
		events, err := f.besides()
		if !e.CRM.Traits().Echoes {
			events = append(e.changeOf(f, did), events...)
		}
		return events, err
	case f.Step == "" && f.State.Over() && f.State != EffectDone:
		return e.failureOf(f, f.failedEvent())
	case f.State == EffectConflict && f.Doubtful && f.Write != nil:
		return e.failureOf(f, RunConflict)
	}
	return nil, nil
}

// failedEvent tells that what somebody did by a link, or in a portal, could not be written.
func (f *Effect) failedEvent() string {
	if strings.HasPrefix(f.origin().Actor, PortalActor) {
		return PortalFailed
	}
	return LinkFailed
}

// changeOf is the event of a write that stands. A record that cannot be read now is told as far as it is
// known.
func (e *Engine) changeOf(f *Effect, did deed) []*Event {
	switch {
	case did.nothing && !f.Doubtful:
		return nil // somebody else did it, and whoever that was has told it
	case f.Create != nil:
		made, event := f.Create.Make(f.Result.ID)
		event.Change.Record = f.Result.Fields
		return e.fitting(event, made.Fields)
	case f.Delete != nil:
		return e.fitting(f.Delete.Tell(did.last), Fields{})
	case f.Relate != nil:
		return e.relationOf(f.Relate)
	}
	w := f.Write
	change := &Change{
		Record: w.Patch.Set, Old: w.Patch.Expect, Changed: slices.Sorted(maps.Keys(w.Patch.Set)), Partial: true,
	}
	ctx, cancel := context.WithTimeout(e.work, stepTimeout)
	defer cancel()
	if record, err := e.readOne(ctx, w.Ref); err == nil {
		change.Record, change.Partial = record.Fields, false
	}
	return e.fitting(w.event(RecordUpdated, w.Ref, change), w.Patch.Set)
}

// relationOf is the events of both ends of a relation.
func (e *Engine) relationOf(r *Relate) (told []*Event) {
	for _, event := range r.Tell(Fields{}, Fields{}) {
		ctx, cancel := context.WithTimeout(e.work, stepTimeout)
		record, err := e.readOne(ctx, event.Ref())
		cancel()
		if err == nil {
			event.Change.Record = record.Fields
		}
		told = append(told, e.fitting(event, Fields{})...)
	}
	return told
}

// fitting is the event of a write that stands, however large its record is in the CRM: with less of it, or none at
// all. The write itself must be over.
func (e *Engine) fitting(event *Event, written Fields) []*Event {
	change := event.Change
	for _, less := range []func(){
		func() {},
		func() { change.Record, change.Partial = written, true },
		func() { change.Old = nil },
	} {
		less()
		if n, err := event.size(); err == nil && n <= MaxEventBytes {
			return []*Event{event}
		}
	}
	e.Logger.Error("a write to the CRM is too large to be told", "record", event.Subject, "event", event.ID)
	return nil
}

// failureOf tells that somebody should look: that a write of ours may or may not have been there before
// somebody else wrote, whose value stays, or that what a visitor did cannot be written.
func (e *Engine) failureOf(f *Effect, eventType string) ([]*Event, error) {
	about, fields := f.Record, Fields{}
	switch {
	case f.Write != nil:
		fields = f.Write.Patch.Set
	case f.Create != nil:
		about, fields = f.Create.About, f.Create.Fields
	}
	values := map[string]any{
		"workflow": f.Workflow, "effect": f.ID.String(), "fields": slices.Sorted(maps.Keys(fields)),
		"reason": f.Reason,
	}
	if f.Step == "" {
		values["visit"] = f.Run.String()
	} else {
		values["run"], values["step"] = f.Run.String(), f.Step
	}
	data, err := plainJSON(values)
	if err != nil {
		return nil, fmt.Errorf("write event data: %w", err)
	}
	origin := f.origin()
	return []*Event{{
		ID: DerivedID(f.ID, eventType).String(), Source: Source, Type: eventType, Subject: about.String(),
		Time: e.Clock.Now(), CauseID: origin.Cause, Depth: origin.Depth, Chain: origin.Chain, Data: data,
	}}, nil
}
