package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern/internal/rig"
)

// intakeTrial posts batches of 100 events over kept connections, four at the same time; a batch counts when it is
// answered. Meanwhile the events are taken in, and none matches. The floor publishes as many ready-made messages of the
// same size in atomic batches, four at the same time, and does nothing else.
func intakeTrial() trial {
	return trial{
		name: "intake", sides: [2]string{"postern", "floor"},
		figures: []figure{{"intake_batch_vs_publish", atLeast(0.6), over("events/s")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			i := &intake{bench: b, sink: s}
			if i.book, err = bookOf("mail"); err != nil {
				return i, err
			}
			events := tickets(1, max(b.events(20_000)/batchSize*batchSize, intakeWidth*batchSize), "HelpDesk",
				func(int) bool { return false })
			i.events = len(events)
			for first := 0; first < len(events); first += batchSize {
				body, err := json.Marshal(events[first : first+batchSize])
				if err != nil {
					return i, err
				}
				i.bodies = append(i.bodies, body)
			}
			return i, nil
		},
	}
}

const (
	batchSize   = 100
	intakeWidth = 4 // batches at the same time
)

// intake is the stand of intakeTrial.
type intake struct {
	bench  *bench
	sink   *sink
	book   book
	bodies [][]byte
	events int
}

func (i *intake) close() { i.sink.close() }

func (i *intake) measure(ctx context.Context, side int) (sample, error) {
	if side == 1 {
		return i.floor(ctx)
	}
	p, err := i.bench.place(i.sink, i.book, "")
	if err != nil {
		return nil, err
	}
	child, _, err := i.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	before, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	profile := i.bench.profiled(ctx, p)
	took, err := i.post(p.Web)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	after, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	s := sample{
		"events/s":   float64(i.events) / took.Seconds(),
		"CPU-s/1000": (after - before).Seconds() / float64(i.events) * 1000,
	}
	if err := profile(); err != nil {
		return nil, err
	}
	return s, child.Stop(stopTime)
}

// post sends all batches.
func (i *intake) post(address string) (time.Duration, error) {
	var next atomic.Int64
	failed := make(chan error, intakeWidth)
	var group sync.WaitGroup
	begin := time.Now()
	for range intakeWidth {
		group.Go(func() {
			c := &caller{address: address}
			defer c.close()
			for n := int(next.Add(1)) - 1; n < len(i.bodies); n = int(next.Add(1)) - 1 {
				status, _, err := c.call("POST", "/events", i.bodies[n], "Authorization", "Bearer "+apiKey,
					"Content-Type", "application/cloudevents-batch+json")
				if err == nil && status != 202 {
					err = fmt.Errorf("a batch was answered with %d", status)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(begin)
	select {
	case err := <-failed:
		return 0, err
	default:
		return took, nil
	}
}

func (i *intake) floor(ctx context.Context) (sample, error) {
	folder, err := i.bench.fresh()
	if err != nil {
		return nil, err
	}
	ports, err := rig.FreePorts(1)
	if err != nil {
		return nil, err
	}
	child, err := i.bench.floor("batch", "-listen", ports[0], "-folder", folder, "-size", strconv.Itoa(eventSize),
		"-events", strconv.Itoa(i.events), "-width", strconv.Itoa(intakeWidth))
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	select {
	case <-child.Done():
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := child.Ended(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	text, err := os.ReadFile(filepath.Join(folder, "took"))
	if err != nil {
		return nil, err
	}
	took, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return nil, err
	}
	return sample{
		"events/s": float64(i.events) / took, "CPU-s/1000": child.CPU().Seconds() / float64(i.events) * 1000,
	}, nil
}
