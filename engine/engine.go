package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Ports are what the engine works with; all are needed.
type Ports struct {
	Bus      Bus
	CRM      CRM
	Caller   Caller // of web services; nil refuses every call
	Store    Store
	Minter   LinkMinter
	Sealer   Sealer
	Signer   Signer             // of the audit; nil leaves it without seals
	Channels map[string]Channel // by the name workflows use
	Carriers map[string]Carrier // what the book knows of them, by the same names
	Book     *Book
	Reload   func(files map[string]string) (*Workflow, error) // compiles a kept version
	Clock    Clock
	Random   io.Reader
	Secrets  SecretSource // the named secrets of the configuration; nil for none

	// OptOut makes the address at which a recipient ends messages: the same for the same OptOut. Nil makes none.
	OptOut func(OptOut) (string, error)

	// AddressKey is the key of the hashes by which addresses are known at rest. It must stay as long as the store does.
	AddressKey []byte

	Watch  Watcher // nil for nobody
	Logger *slog.Logger
}

// Settings are the engine's limits; zero values take the defaults.
type Settings struct {
	Node        string        // name of this process among several; default "postern"
	Lanes       int           // runs that advance at the same time; default 16
	Writers     int           // writes to the CRM that are under way at the same time; default 16
	Callers     int           // calls of web services that are under way at the same time; default 32
	Slots       int           // messages that are being sent at the same time; default and most 128
	Batch       int           // events taken in by one transaction; default 256
	MaxDepth    int           // writes of ours in a chain before it counts as a loop; default 8
	MaxRate     int           // runs of one workflow on one record in a minute before it counts as a loop; default 60
	SendTimeout time.Duration // of one try of a delivery; default 60 s
	Grace       time.Duration // for finishing what is in flight at shutdown; default 10 s
	Replay      time.Duration // how long events stay replayable; default 7 days
	Retention   Retention     // how long what is over is kept; default DefaultRetention

	Rates     map[string]Rate // of channels, by name; without one a channel has no limit
	Budgets   map[string]Rate // how many messages may leave by a channel, however fast it is
	Diversion Diversion       // keeps messages from their recipients
}

func (s Settings) withDefaults() Settings {
	s.Node = either(s.Node, "postern")
	s.Lanes = either(s.Lanes, 16)
	s.Writers = either(s.Writers, 16)
	s.Callers = either(s.Callers, 32)
	s.Slots = min(either(s.Slots, 128), 128)
	s.Batch = either(s.Batch, 256)
	s.MaxDepth = either(s.MaxDepth, 8)
	s.MaxRate = either(s.MaxRate, 60)
	s.SendTimeout = either(s.SendTimeout, time.Minute)
	s.Grace = either(s.Grace, 10*time.Second)
	s.Replay = either(s.Replay, 7*24*time.Hour)
	s.Retention = either(s.Retention, DefaultRetention())
	return s
}

func either[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Engine takes events in, runs workflows and delivers messages.
type Engine struct {
	Ports
	settings Settings
	matcher  atomic.Pointer[matcher]

	reloading sync.Mutex // of who puts another book in place

	versions versions
	lanes    []*lane
	gates    gates
	resting  *resting
	writers  *writers
	callers  *callers
	crm      *watched // what Ports.CRM is
	echoes   echoes
	outlets  *outlets
	policies []policy
	budgets  *budgets
	fences   []Fence
	senders  crew
	work     context.Context // outlives Run's context by Grace, so that work in flight can end
	reading  context.Context // ends when nothing new is begun
	health   health
	swept    atomic.Uint64 // stream position up to which nothing needs the stream any more

	timetable *timetable
	seats     chan struct{} // of runs that time started, while they are in a lane
	awaited   awaited
	skipUntil uint64 // stream position up to which events start nothing; see Restoration

	// Only the reader touches these.
	taken   uint64             // stream position up to which everything was offered
	marked  uint64             // stream position up to which all cursors stand at least
	cursors [Partitions]uint64 // as stored
	rates   runRates
}

// New makes an engine; nothing happens before Run.
func New(ports Ports, settings Settings) *Engine {
	settings = settings.withDefaults()
	crm := &watched{CRM: ports.CRM, clock: ports.Clock}
	ports.CRM = crm
	if ports.Caller == nil {
		ports.Caller = noCaller{}
	}
	e := &Engine{
		Ports: ports, settings: settings, crm: crm,
		outlets: newOutlets(settings.Slots, ports.Channels, settings.Rates, ports.Clock),
		gates:   gates{by: map[string]*gate{}}, resting: newResting(), writers: newWriters(settings.Writers),
		callers: newCallers(settings.Callers), policies: policies(), budgets: newBudgets(settings.Budgets),
		timetable: newTimetable(), seats: make(chan struct{}, seats),
	}
	e.versions.reload = ports.Reload
	e.versions.store = ports.Store
	m := newMatcher(ports.Book)
	m.watch = ports.Watch
	e.matcher.Store(m)
	for range settings.Lanes {
		e.lanes = append(e.lanes, newLane())
	}
	return e
}

// Book is the book in use.
func (e *Engine) Book() *Book { return e.matcher.Load().book }

// Run works until the context ends, then finishes what is in flight within Settings.Grace. It returns
// nil after an orderly end.
func (e *Engine) Run(ctx context.Context) error {
	after, unfinished, err := e.begin(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		e.health.phase.Store(phaseFailed)
		return err
	}
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	e.work = work
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	e.reading = reading
	if err := e.timings(reading); err != nil {
		e.health.phase.Store(phaseFailed)
		return err
	}
	var group sync.WaitGroup
	for _, lane := range e.lanes {
		group.Go(func() { stopOn(stop, e.runLane(reading, lane)) })
	}
	group.Go(func() { stopOn(stop, e.dispatch(reading)) })
	group.Go(func() { stopOn(stop, e.wake(reading)) })
	group.Go(func() { stopOn(stop, e.write(reading)) })
	group.Go(func() { stopOn(stop, e.call(reading)) })
	group.Go(func() {
		stopOn(stop, e.byTime(reading, "look for schedules that are due", e.timetable.tick, e.ticks()))
	})
	group.Go(func() { stopOn(stop, e.byTime(reading, "look for alarms that are due", e.timetable.alarm, e.alarms)) })
	group.Go(func() { stopOn(stop, e.byTime(reading, "close windows", e.timetable.window, e.windows)) })
	group.Go(func() { stopOn(stop, e.byTime(reading, "walk over records", e.timetable.walk, e.walks)) })
	group.Go(func() { e.publish(reading) })
	group.Go(func() { e.sweep(reading) })
	group.Go(func() { stopOn(stop, e.byTime(reading, "tell of links that expired", nil, e.lapses)) })
	group.Go(func() { e.forget(reading) })
	e.health.phase.Store(phaseRunning)
	group.Go(func() {
		for _, j := range unfinished {
			e.resting.begin(j.id)
			e.enqueue(reading, j)
		}
		stopOn(stop, e.Bus.Read(reading, after, e.settings.Batch, e.take))
	})
	<-reading.Done()
	e.health.end(context.Cause(reading))
	hung := e.drain(&group, abandon)
	if cause := context.Cause(reading); !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, hung)
	}
	return hung
}

// begin claims the partitions and finds where to go on.
func (e *Engine) begin(ctx context.Context) (after uint64, unfinished []job, err error) {
	position, err := e.Bus.Position(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("find the event stream: %w", err)
	}
	partitions, err := e.Store.Claim(ctx, e.settings.Node, position.Stream, e.Clock.Now())
	if err != nil {
		return 0, nil, fmt.Errorf("claim partitions: %w", err)
	}
	e.fences = make([]Fence, len(partitions))
	after = partitions[0].Cursor
	for _, p := range partitions {
		e.fences[p.ID] = Fence{Partition: p.ID, Epoch: p.Epoch}
		e.cursors[p.ID] = p.Cursor
		after = min(after, p.Cursor)
		if p.Cursor > position.Last {
			return 0, nil, fmt.Errorf("the store has taken in events up to %d, but the stream ends at %d: "+
				"the stream lost events or is an older copy", p.Cursor, position.Last)
		}
	}
	e.taken, e.marked = after, after
	e.swept.Store(after)
	restored, err := e.Store.Restoration(ctx)
	if err != nil {
		return 0, nil, err
	}
	e.skipUntil = restored.Skip
	if err := e.keepVersions(ctx, e.Book(), nil); err != nil {
		return 0, nil, err
	}
	if err := e.adoptOrphans(ctx); err != nil {
		return 0, nil, err
	}
	if unfinished, err = e.recall(ctx); err != nil {
		return 0, nil, err
	}
	return after, unfinished, nil
}

// recall finds what a former process left: the runs to go on with, the gates that those hold which rest,
// the writes that the CRM may still tell.
func (e *Engine) recall(ctx context.Context) (unfinished []job, err error) {
	modules, err := e.Store.Awaited(ctx)
	if err != nil {
		return nil, fmt.Errorf("find what runs wait for: %w", err)
	}
	e.awaited.add(modules...)
	parked, err := e.Store.Parked(ctx, e.Book().holders())
	if err != nil {
		return nil, fmt.Errorf("find resting runs: %w", err)
	}
	e.standGates(parked)
	if err := e.recallEchoes(ctx); err != nil {
		return nil, fmt.Errorf("find recent writes: %w", err)
	}
	runs, err := e.Store.Unfinished(ctx)
	if err != nil {
		return nil, fmt.Errorf("find unfinished runs: %w", err)
	}
	for _, run := range runs {
		unfinished = append(unfinished, job{id: run.ID, partition: run.Partition})
	}
	return unfinished, nil
}

// drain waits for what is in flight, at most the grace time, then cancels it and waits a little longer
// than that again: what does not end by then hangs, and must not keep the process.
func (e *Engine) drain(group *sync.WaitGroup, abandon context.CancelFunc) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		group.Wait()
		_, _ = e.publishSome() // what the last commits added
		e.senders.Wait()
	}()
	grace, cancel := context.WithTimeout(context.Background(), e.settings.Grace)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-grace.Done():
	}
	e.Logger.Warn("still busy after the grace time of the shutdown: giving up what is in flight")
	abandon()
	last, cancelLast := context.WithTimeout(context.Background(), e.settings.Grace+settleTime)
	defer cancelLast()
	select {
	case <-done:
		return nil
	case <-last.Done():
		return errors.New("a task or a channel hangs and does not end with its context")
	}
}

func stopOn(stop context.CancelCauseFunc, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		stop(err)
	}
}
