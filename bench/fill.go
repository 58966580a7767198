package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"postern/internal/rig"
)

// fillTrial is W1e: the embedded broker, which syncs every message; a stream filled before; half of the events match,
// give their record a random id and are told of on the same stream. The clock runs from the first that is heard to the
// last.
func fillTrial() trial {
	return trial{
		name: "w1e", sides: [2]string{"postern", "floor"},
		figures: []figure{{"w1e_vs_floor", atLeast(0.5), over("events/s")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			f := &filling{bench: b, sink: s, events: b.events(20_000)}
			if f.book, err = bookOf("fill"); err != nil {
				return f, err
			}
			f.stream, err = b.filledStream(ctx, s, tickets(1, f.events, "HelpDesk", half))
			return f, err
		},
	}
}

// filling is the stand of fillTrial.
type filling struct {
	bench  *bench
	sink   *sink
	book   book
	stream string // folder of the stream as it was filled, to be copied
	events int
}

func (f *filling) close() { f.sink.close() }

// filledStream lets a Postern of its own take events in, and returns the folder of its stream.
func (b *bench) filledStream(ctx context.Context, s *sink, events []rig.Event) (string, error) {
	idle, err := bookOf("idle")
	if err != nil {
		return "", err
	}
	p, err := b.place(s, idle, "")
	if err != nil {
		return "", err
	}
	child, _, err := b.ready(ctx, p)
	if err != nil {
		return "", err
	}
	defer child.Kill()
	if err := publish(ctx, p.NATSURL(), events); err != nil {
		return "", err
	}
	return filepath.Join(p.Data(), "stream", "nats"), child.Stop(stopTime)
}

func (f *filling) measure(ctx context.Context, side int) (sample, error) {
	if side == 1 {
		folder, err := f.bench.fresh()
		if err != nil {
			return nil, err
		}
		if err := os.CopyFS(filepath.Join(folder, "nats"), os.DirFS(f.stream)); err != nil {
			return nil, err
		}
		ports, err := rig.FreePorts(1)
		if err != nil {
			return nil, err
		}
		child, err := f.bench.floor("fill", "-listen", ports[0], "-folder", folder)
		if err != nil {
			return nil, err
		}
		defer child.Kill()
		return f.watch(ctx, child, "nats://"+ports[0])
	}
	p, err := f.bench.place(f.sink, f.book, "")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(p.Data(), "stream", "nats"), os.DirFS(f.stream)); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.Data(), 0o700); err != nil {
		return nil, err
	}
	child, err := f.bench.start(p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	s, err := f.watch(ctx, child, p.NATSURL())
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	rows, err := rowsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	s["rows/event"] = rows / float64(f.events)
	return s, child.Stop(stopTime)
}

// watch listens from as soon as the broker lets it in; what was told before is not counted on either side.
func (f *filling) watch(ctx context.Context, child *rig.Child, url string) (sample, error) {
	var client *rig.CRM
	err := rig.Await(ctx, func() (in bool) {
		var err error
		client, err = rig.ConnectCRM(url)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var h hearing
	if err := client.Listen("crm.*.updated.*", func(string, []byte) { h.hear() }); err != nil {
		return nil, err
	}
	before, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	profile := func() error { return nil }
	if f.bench.profile != "" {
		profile = f.bench.profiled(ctx, child.Place)
	}
	err = rig.Await(ctx, func() bool {
		last, heard := h.last.Load(), h.count.Load()
		return heard > 0 && time.Since(time.Unix(0, last)) > quiet && f.complete(ctx, client)
	})
	if err != nil {
		return nil, fmt.Errorf("%d of %d were heard: %w", h.count.Load(), f.events/2, err)
	}
	after, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	rss, err := rssOf(child.PID())
	if err != nil {
		return nil, err
	}
	took := time.Duration(h.last.Load() - h.first.Load())
	events := 2 * float64(h.count.Load())
	return sample{
		"events/s": events / took.Seconds(), "CPU-s/1000": (after - before).Seconds() / events * 1000,
		"MiB": rss / (1 << 20),
	}, profile()
}

// complete tells whether every match was told of, and once.
func (f *filling) complete(ctx context.Context, client *rig.CRM) bool {
	stream, err := client.Stream.Stream(ctx, "POSTERN")
	return err == nil && stream.CachedInfo().State.Msgs == uint64(f.events+f.events/2)
}

// hearing counts messages, and when they came.
type hearing struct{ count, first, last atomic.Int64 }

func (h *hearing) hear() {
	now := time.Now().UnixNano()
	if h.count.Add(1) == 1 {
		h.first.Store(now)
	}
	h.last.Store(now)
}
