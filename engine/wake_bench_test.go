package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"postern/engine"
)

// awake notes how late each run goes on after its wait.
type awake struct {
	engine.Store
	mu   sync.Mutex
	dues map[engine.ID]time.Time
	late []time.Duration
	done chan struct{}
}

func (a *awake) Advance(ctx context.Context, step engine.Advance) error {
	err := a.Store.Advance(ctx, step)
	a.mu.Lock()
	defer a.mu.Unlock()
	if due, ok := a.dues[step.Run.ID]; ok && step.Run.State.Over() {
		delete(a.dues, step.Run.ID)
		a.late = append(a.late, time.Since(due))
		if len(a.dues) == 0 {
			close(a.done)
		}
	}
	return err
}

// BenchmarkWake lets many waits fall due within ten seconds and says how late they are over. The goal of
// the design is 1 s for 99 of 100 among 100,000.
func BenchmarkWake(b *testing.B) {
	for _, n := range []int{1000, 20_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				benchWake(b, n)
			}
		})
	}
}

func benchWake(b *testing.B, n int) {
	h := newHouse(b, bookOf(`
name: waits
on: { event: record.created, module: Tickets }
tasks: [ { wait: { for: 48h } } ]
`))
	h.system = true
	a := &awake{dues: map[engine.ID]time.Time{}, done: make(chan struct{})}
	h.wrap = func(s engine.Store) engine.Store { a.Store = s; return a }
	h.open()
	version := h.book.Workflows[0].Version
	h.waiting(b, n, version, a.dues)
	h.run()
	select {
	case <-a.done:
	case <-time.After(2 * time.Minute):
		b.Fatalf("%d of %d waits are not over; log:\n%s", len(a.dues), n, h.logs)
	}
	h.stop()
	slices.Sort(a.late)
	b.ReportMetric(float64(a.late[len(a.late)/2].Milliseconds()), "p50-ms-late")
	b.ReportMetric(float64(a.late[len(a.late)*99/100].Milliseconds()), "p99-ms-late")
}

// waiting stores runs in a wait step that fall due, one after the other, within ten seconds that begin two
// seconds after the last was stored.
func (h *house) waiting(b *testing.B, n int, version string, dues map[engine.ID]time.Time) {
	b.Helper()
	ctx, now := b.Context(), time.Now()
	partitions, err := h.store.Claim(ctx, "bench", h.position(), now)
	if err != nil {
		b.Fatal(err)
	}
	runs := make([]*engine.Run, n)
	for i := range runs {
		id := engine.DerivedID(engine.ID{}, fmt.Sprint("run", i))
		binary.BigEndian.PutUint32(id[:4], uint32(now.UnixMilli()>>16)) // the first half of the time
		runs[i] = &engine.Run{
			ID: id, Key: engine.RunKey("waits", "crm", fmt.Sprint(i)), Workflow: "waits", Version: version,
			Partition: i % engine.Partitions, Record: engine.Ref{Module: "Tickets", ID: fmt.Sprint(i)},
			State: engine.RunReady, Created: now,
			Event: &engine.Event{
				ID: fmt.Sprint(i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprint("Tickets/", i), Time: now,
				Change: &engine.Change{Record: engine.Fields{"no": fmt.Sprint(i), "status": "Open"}},
			},
		}
	}
	for chunk := range slices.Chunk(runs, 500) {
		if _, err := h.store.Intake(ctx, engine.Intake{Runs: chunk}); err != nil {
			b.Fatal(err)
		}
	}
	// Storing takes a while: what would fall due meanwhile is put off with all the others.
	first := time.Now().Add(2*time.Second + time.Duration(n)*60*time.Microsecond)
	jobs := make(chan int)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for i := range jobs {
				run, due := runs[i], dues[runs[i].ID]
				run.State, run.Progress.Rest = engine.RunWaiting, &engine.Rest{Began: now, Until: due}
				fence := engine.Fence{Partition: run.Partition, Epoch: partitions[run.Partition].Epoch}
				if err := h.store.Advance(ctx, engine.Advance{Fence: fence, Run: run, Wait: &engine.Wait{Due: due}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range runs {
		dues[runs[i].ID] = first.Add(10 * time.Second * time.Duration(i) / time.Duration(n)).Truncate(time.Millisecond)
	}
	for i := range runs {
		jobs <- i
	}
	close(jobs)
	group.Wait()
}
