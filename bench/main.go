// Command bench measures the built program from outside, beside floors written by hand for the same work, and prints
// a line for each figure that Postern promises:
//
//	ratio w1mail_vs_floor 0.55 goal >=0.50
//
// A figure is the median of several rounds; in each round both sides run one after the other, so that a machine that
// slows down slows both. Below a figure stand the absolute numbers of both sides, which belong to this machine alone.
// A missed goal is marked and is no failure: the exit code is 1 only if something could not be measured.
//
//	make bench
//	make bench BENCH=w1mail
//	make bench BENCH=w1mail PROFILE=cpu.out
//
// What each figure means is written at its trial, the terms of all of them in docs/operations.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"postern/bench/carry"
	"postern/bench/floor"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it; it returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case len(args) > 0 && args[0] == "broker":
		err = runBroker(ctx, args[1:])
	case len(args) > 0 && args[0] == "floor":
		err = runFloor(ctx, args[1:])
	case len(args) > 0 && args[0] == "carry":
		err = runCarry(ctx, args[1:])
	default:
		err = measure(ctx, args, out, errOut)
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "bench: %v\n", err)
		return 1
	}
	return 0
}

// runBroker is the child process that plays the NATS server.
func runBroker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench broker", flag.ContinueOnError)
	listen := flags.String("listen", "", "host:port")
	folder := flags.String("folder", "", "for the streams")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return floor.Broker(ctx, *listen, *folder, false)
}

// runFloor is the child process that a floor runs in.
func runFloor(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which floor?")
	}
	var c floor.Config
	flags := flag.NewFlagSet("bench floor", flag.ContinueOnError)
	flags.StringVar(&c.NATS, "nats", "", "URL of the broker")
	flags.StringVar(&c.SMTP, "smtp", "", "host:port of the mail server")
	flags.StringVar(&c.Hooks, "hooks", "", "URL of the web service")
	flags.StringVar(&c.API, "api", "", "URL of the provider")
	flags.StringVar(&c.Listen, "listen", "", "host:port to open")
	flags.StringVar(&c.Folder, "folder", "", "for files of its own")
	flags.BoolVar(&c.AckAll, "ack", false, "acknowledge each event")
	flags.StringVar(&c.Only, "only", "", "the module whose events are decoded")
	flags.IntVar(&c.Size, "size", 0, "bytes of a page or event")
	flags.IntVar(&c.Events, "events", 0, "how many to publish")
	flags.IntVar(&c.Width, "width", 1, "batches at the same time")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return floor.Run(ctx, args[0], c)
}

// runCarry is the child process that uses a channel alone.
func runCarry(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which channel?")
	}
	var c carry.Config
	flags := flag.NewFlagSet("bench carry", flag.ContinueOnError)
	flags.StringVar(&c.SMTP, "smtp", "", "host:port of the mail server")
	flags.StringVar(&c.API, "api", "", "URL of the provider")
	flags.IntVar(&c.Events, "events", 0, "how many messages to send")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return carry.Run(ctx, args[0], c)
}

// measure runs the trials that are asked for.
func measure(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errOut)
	b := &bench{out: out, errOut: errOut}
	flags.StringVar(&b.program, "postern", "bin/postern", "the program to measure")
	only := flags.String("only", "", "the one trial or figure to run; all of them if empty")
	flags.IntVar(&b.rounds, "rounds", 3, "rounds of each trial")
	flags.Float64Var(&b.scale, "scale", 1, "share of the events of a full trial")
	flags.StringVar(&b.profile, "profile", "", "file for a CPU profile of Postern in the first round of the trial")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen := choose(trials(), *only)
	if len(chosen) == 0 {
		return fmt.Errorf("there is no figure %q; there are: %s", *only, strings.Join(names(trials()), " "))
	}
	if b.profile != "" && len(chosen) > 1 {
		return errors.New("a profile is of one trial: say which with -only")
	}
	folder, err := os.MkdirTemp("", "postern-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b.folder = folder
	var failures []error
	for _, t := range chosen {
		begin := time.Now()
		if err := b.try(ctx, t); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", t.name, err))
		}
		b.say("%s took %.0f s\n", t.name, time.Since(begin).Seconds())
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failures...)
}
