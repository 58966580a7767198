package nats

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"postern/engine"
)

// One event at a time, each on the disk before the next.
func BenchmarkPublishOne(b *testing.B) {
	bus := open(b, Config{}, b.TempDir())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		publish(b, bus, event(fmt.Sprint(i), "17x5"))
	}
}

// A hundred events in one atomic batch; the figure is for each batch.
func BenchmarkPublishBatch100(b *testing.B) {
	bus := open(b, Config{}, b.TempDir())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		publish(b, bus, hundred(i)...)
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkRead(b *testing.B) {
	const count = 20_000
	bus := open(b, Config{}, b.TempDir())
	for i := range count / 100 {
		publish(b, bus, hundred(i)...)
	}
	b.ReportAllocs()
	errDone := errors.New("all read")
	for b.Loop() {
		seen := 0
		err := bus.Read(b.Context(), 0, 500, func(_ context.Context, entries []engine.Entry) error {
			if seen += len(entries); seen == count {
				return errDone
			}
			return nil
		})
		if !errors.Is(err, errDone) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(count*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func hundred(round int) []*engine.Event {
	events := make([]*engine.Event, 100)
	for i := range events {
		events[i] = event(fmt.Sprintf("%d-%d", round, i), fmt.Sprint(i))
	}
	return events
}
