package main

import (
	"context"
	"fmt"

	"postern/internal/rig"
)

// mailsTrial hands mails to the email channel alone, beside a program that uses the same library by itself over as many
// connections.
func mailsTrial() trial {
	return trial{
		name: "mails", sides: [2]string{"channel", "go-mail"},
		figures: []figure{{"mails_vs_gomail", atLeast(0.80), over("messages/s")}},
		open: func(_ context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			args := func(s *sink) []string { return []string{"-smtp", s.address()} }
			return &carrying{bench: b, sink: s, kind: "email", floor: "mails", args: args}, nil
		},
	}
}

// postsTrial hands messages to the SMS channel alone, beside a program that posts the same forms with an HTTP client
// over as many connections.
func postsTrial() trial {
	return trial{
		name: "posts", sides: [2]string{"channel", "http"},
		figures: []figure{{"sms_posts_vs_httpclient", atLeast(0.80), over("messages/s")}},
		open: func(_ context.Context, b *bench) (stand, error) {
			s, err := newSink()
			if err != nil {
				return nil, err
			}
			s.hooks = newHooks(s)
			args := func(s *sink) []string { return []string{"-api", s.hooks.server.URL} }
			return &carrying{bench: b, sink: s, kind: "sms", floor: "posts", args: args}, nil
		},
	}
}

// carrying is a stand where a process sends messages and does nothing else. The time runs from the first message to the
// last.
type carrying struct {
	bench       *bench
	sink        *sink
	kind, floor string
	args        func(s *sink) []string // of both sides
}

func (c *carrying) close() { c.sink.close() }

func (c *carrying) measure(ctx context.Context, side int) (sample, error) {
	count := c.bench.events(40_000)
	c.sink.begin(1, false)
	what := [2][]string{{"carry", c.kind}, {"floor", c.floor}}[side]
	child, err := c.bench.self(append(append(what, "-events", fmt.Sprint(count)), c.args(c.sink)...)...)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	return c.watch(ctx, child, count)
}

func (c *carrying) watch(ctx context.Context, child *rig.Child, count int) (sample, error) {
	ctx, cancel := whileRuns(ctx, child)
	defer cancel()
	took, err := c.sink.await(ctx, count)
	if err != nil {
		return nil, err
	}
	cpu, err := cpuOf(child.PID())
	if err != nil {
		return nil, err
	}
	return sample{
		"messages/s": float64(count) / took.Seconds(), "CPU-s/1000": cpu.Seconds() / float64(count) * 1000,
	}, nil
}
