package engine_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// What a walk over a million records costs, of which one in a thousand gets a run: the time, and the most memory that
// the process has beyond what it had before.
func BenchmarkWalk(b *testing.B) {
	const tickets = 1_000_000
	for b.Loop() {
		h := newHouse(b, bookOf("name: planned\non: { schedule: { cron: \"0 13 * * *\", each: { module: Tickets, "+
			"where: 'record.status == \"Resolved\"' } } }\ntasks: [ { stop: { reason: enough } } ]\n"))
		h.open()
		for from := 0; from < tickets; from += 5000 {
			var in engine.Intake
			for i := from; i < from+5000; i++ {
				status := "Open"
				if i%1000 == 0 {
					status = "Resolved"
				}
				in.Kept = append(in.Kept, engine.Kept{Seq: uint64(i + 1), Event: &engine.Event{
					ID: fmt.Sprint("kept", i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprintf("Tickets/%07d", i),
					Change: &engine.Change{Record: engine.Fields{"no": fmt.Sprint("T", i), "status": status}},
				}})
			}
			if _, err := h.store.Intake(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
		h.run()
		h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
		before, began := resident(b), time.Now()
		h.clock.Advance(time.Hour)
		most := before
		h.waitFor(5*time.Minute, "the walk", func() bool {
			time.Sleep(50 * time.Millisecond)
			most = max(most, resident(b))
			h.clock.Advance(100 * time.Millisecond)
			lines, err := h.store.TimingLines(b.Context(), "")
			return err == nil && lines[0].Walk == nil && lines[0].Next.Day() == 2
		})
		b.ReportMetric(time.Since(began).Seconds(), "s/walk")
		b.ReportMetric(float64(most-before)/(1<<20), "MB")
		h.stop()
	}
}

// resident is the memory of the process that is in use, in bytes.
func resident(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("this system does not tell how much memory a process has")
	}
	var kilobytes int
	_, line, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
