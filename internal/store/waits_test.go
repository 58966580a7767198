package store

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"postern/engine"
)

// side is how many change the store at a time in these benchmarks, as the engine's lanes do.
const side = 16

// beside calls work for each of n numbers, a few at a time.
func beside(n int, work func(i int)) {
	var all sync.WaitGroup
	for first := range min(side, n) {
		all.Go(func() {
			for i := first; i < n; i += side {
				work(i)
			}
		})
	}
	all.Wait()
}

// parkRuns takes in n runs that then wait for a time and for their record.
func parkRuns(b *testing.B, s *Store, fences []engine.Fence, n int) []*engine.Run {
	b.Helper()
	runs := make([]*engine.Run, n)
	for i := range runs {
		runs[i] = testRun(uint64(i))
	}
	for at := 0; at < n; at += 1000 {
		if _, err := s.Intake(b.Context(), engine.Intake{Runs: runs[at:min(at+1000, n)]}); err != nil {
			b.Fatal(err)
		}
	}
	b.StartTimer()
	beside(n, func(i int) {
		run := runs[i]
		run.State = engine.RunWaiting
		run.Progress = engine.Progress{Next: 1, Rest: &engine.Rest{Began: testNow, Until: testNow.Add(time.Hour)}}
		wait := &engine.Wait{
			Due:    testNow.Add(time.Hour + time.Duration(i%10000)*time.Millisecond),
			Topics: []string{engine.RecordTopic(run.Record)},
		}
		step := engine.Advance{Fence: fences[run.Partition], Run: run, Wait: wait}
		if err := s.Advance(context.Background(), step); err != nil {
			b.Error(err)
		}
	})
	b.StopTimer()
	return runs
}

// BenchmarkPark parks runs, each with a time and a topic, and tells what one that waits takes on the disk and in memory.
// The bytes of its rows are those of the table of waits with its indexes; its run has a row of its own besides.
func BenchmarkPark(b *testing.B) {
	s := fresh(b)
	fences := claimAll(b, s)
	b.StopTimer()
	before := heap()
	parkRuns(b, s, fences, b.N)
	after := heap()
	var waits, runs float64
	for name, bytes := range map[string]*float64{"waits%": &waits, "%runs%": &runs} {
		const size = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE ?"
		if err := s.reads.get(b.Context(), size, []any{name}, []any{bytes}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(waits/float64(b.N), "wait-bytes/op")
	b.ReportMetric(runs/float64(b.N), "run-bytes/op")
	b.ReportMetric(float64(after-before)/float64(b.N), "heap-bytes/op")
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFire finishes runs that are due, page by page as the engine does.
func BenchmarkFire(b *testing.B) {
	s := fresh(b)
	fences := claimAll(b, s)
	b.StopTimer()
	parkRuns(b, s, fences, b.N)
	b.ResetTimer()
	b.StartTimer()
	var reading time.Duration
	fired := 0
	for now, after := testNow.Add(2*time.Hour), (engine.DuePosition{}); ; {
		began := time.Now()
		woken, _, err := s.Due(b.Context(), fences, now, after, 256)
		reading += time.Since(began)
		if err != nil {
			b.Fatal(err)
		}
		if len(woken) == 0 {
			break
		}
		fired += len(woken)
		last := woken[len(woken)-1]
		after = engine.DuePosition{Due: last.Due, Run: last.Run.ID}
		beside(len(woken), func(i int) {
			run := woken[i].Run
			run.State = engine.RunDone
			step := engine.Advance{Fence: fences[run.Partition], Run: run, Rested: true}
			if err := s.Advance(context.Background(), step); err != nil {
				b.Error(err)
			}
		})
	}
	b.StopTimer()
	if fired != b.N {
		b.Errorf("%d runs fired, want %d", fired, b.N)
	}
	b.ReportMetric(float64(reading.Nanoseconds())/float64(b.N), "due-ns/op")
}
