package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/internal/rig"
)

// latencyTrial publishes 200 events a second, each of which matches, to the embedded broker, and measures from just
// before an event leaves the CRM until the mail server has its mail. Beside it stands what one sync of this disk took
// meanwhile: an event waits for several.
func latencyTrial() trial {
	return trial{
		name: "latency", sides: [2]string{"postern", ""},
		figures: []figure{{"latency_p99_ms_200", atMost(10, 1), of("p99-ms")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			l := &latency{bench: b, sink: s}
			l.book, err = bookOf("mail")
			return l, err
		},
	}
}

const (
	latencyRate = 200 // events/s
	warmUp      = 200 // events that are not counted
)

// latency is the stand of latencyTrial.
type latency struct {
	bench *bench
	sink  *sink
	book  book
}

func (l *latency) close() { l.sink.close() }

func (l *latency) measure(ctx context.Context, _ int) (sample, error) {
	l.sink.begin(1, false)
	p, err := l.bench.place(l.sink, l.book, "")
	if err != nil {
		return nil, err
	}
	child, _, err := l.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	client, err := rig.ConnectCRM(p.NATSURL())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	before, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	profile := l.bench.profiled(ctx, p)
	disk := startProbe(ctx, p.Folder)
	defer disk.stop()
	count := warmUp + l.bench.events(2000)
	left := make([]time.Time, count)
	tick := time.NewTicker(time.Second / latencyRate)
	defer tick.Stop()
	for i := range left {
		<-tick.C
		e := ticket(i+1, "HelpDesk", true)
		left[i] = time.Now()
		if err := client.Tell(e); err != nil {
			return nil, err
		}
	}
	if _, err := l.sink.await(ctx, count); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	after, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	var took []float64
	for i := warmUp; i < count; i++ {
		took = append(took, l.sink.came[i+1].Sub(left[i]).Seconds()*1000)
	}
	s := sample{
		"p50-ms": percentile(took, 50), "p99-ms": percentile(took, 99), "max-ms": percentile(took, 100),
		"CPU-s/1000": (after - before).Seconds() / float64(count) * 1000,
	}
	if err := errors.Join(profile(), disk.tell(s)); err != nil {
		return nil, err
	}
	return s, child.Stop(stopTime)
}
