package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/internal/rig"
)

// mailing is a stand where a stream that was filled before is read as fast as can be, and what matches becomes mail.
// Its clock runs from the first mail to the last; its processor time from the first mail until all is quiet.
type mailing struct {
	bench  *bench
	sink   *sink
	broker *rig.Child
	url    string
	events int     // in the stream
	mails  int     // that come of them
	each   int     // mails of one event
	books  [2]book // by side; nil for the floor
	ack    bool    // the floor acknowledges
	only   string  // the floor looks into events of this module only; all if it is ""
	crm    string  // of Postern's configuration; no more than the default if it is ""
}

// openMailing fills a stream, of which mails come.
func openMailing(ctx context.Context, b *bench, events []rig.Event, fill func(*mailing)) (stand, error) {
	return fillMailing(ctx, b, events, false, fill)
}

// fillMailing fills a stream, of which mails come, and if it is hooked as many messages to a web service.
func fillMailing(
	ctx context.Context, b *bench, events []rig.Event, hooked bool, fill func(*mailing),
) (stand, error) {
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	m := &mailing{bench: b, sink: s, events: len(events), each: 1}
	if hooked {
		s.hooks, m.each = newHooks(s), 2
	}
	for _, e := range events {
		if e.Data.Record["ticketpriorities"] == "Urgent" {
			m.mails++
		}
	}
	fill(m)
	if m.broker, m.url, err = b.broker(ctx, s); err != nil {
		return m, err
	}
	return m, publish(ctx, m.url, events)
}

func (m *mailing) close() {
	if m.broker != nil {
		m.broker.Kill()
	}
	m.sink.close()
}

func (m *mailing) measure(ctx context.Context, side int) (sample, error) {
	m.sink.begin(m.each, false)
	if m.books[side] == nil {
		args := []string{"-nats", m.url, "-smtp", m.sink.address()}
		if m.ack {
			args = append(args, "-ack")
		}
		if m.sink.hooks != nil {
			args = append(args, "-hooks", m.sink.hooks.url())
		}
		if m.only != "" {
			args = append(args, "-only", m.only)
		}
		child, err := m.bench.floor("mail", args...)
		if err != nil {
			return nil, err
		}
		defer child.Kill()
		return m.watch(ctx, child, false)
	}
	p, err := m.bench.place(m.sink, m.books[side], m.url, m.crm)
	if err != nil {
		return nil, err
	}
	child, err := m.bench.start(p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	s, err := m.watch(ctx, child, true)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	return s, child.Stop(stopTime)
}

// watch measures a process that has just started.
func (m *mailing) watch(ctx context.Context, child *rig.Child, postern bool) (sample, error) {
	ctx, cancel := whileRuns(ctx, child)
	defer cancel()
	if err := m.sink.awaitFirst(ctx); err != nil {
		return nil, err
	}
	before, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	profile := func() error { return nil }
	if postern {
		profile = m.bench.profiled(ctx, child.Place)
	}
	took, err := m.sink.await(ctx, m.mails*m.each)
	if err != nil {
		return nil, err
	}
	after, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	rss, err := rssOf(child.PID())
	if err != nil {
		return nil, err
	}
	s := m.sample(took, after-before, rss)
	if postern {
		rows, err := rowsOf(ctx, child.Place)
		if err != nil {
			return nil, err
		}
		s["rows/event"] = rows / float64(m.events)
	}
	return s, profile()
}

// whileRuns ends with the child: one that ends by itself is not waited for.
func whileRuns(ctx context.Context, child *rig.Child) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-child.Done():
			reason := child.Ended()
			if reason == nil {
				reason = errors.New("exit status 0")
			}
			cancel(fmt.Errorf("the process ended: %w\n%s", reason, child.Tail()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (m *mailing) sample(took, cpu time.Duration, rss float64) sample {
	thousands := float64(m.events) / 1000
	return sample{
		"events/s": float64(m.events) / took.Seconds(), "CPU-s/1000": cpu.Seconds() / thousands, "MiB": rss / (1 << 20),
	}
}
