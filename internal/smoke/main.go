// Command smoke runs the built program as strangers meet it, and counts from outside. It starts `postern serve` with
// a configuration file and a book of its own, publishes events with a plain NATS client, takes the mails with an SMTP
// server, follows every link with an HTTP client and listens on NATS to what Postern tells of it. Nothing is read from
// Postern's database or log.
//
//	make smoke
//	go run ./internal/smoke -postern bin/postern -events 10000 -timeout 5m
//
// The last line says what was counted. The exit code is 1 if anything is missing, comes twice or belongs to no event,
// if a page is wrong, or if the time is over.
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

	"postern/internal/rig"
)

const (
	stopTime = 10 * time.Second       // from SIGTERM to the end
	quiet    = 500 * time.Millisecond // without anything new counts as: nothing more comes
	most     = 20                     // complaints that are printed
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it; it returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	flags.SetOutput(errOut)
	program := flags.String("postern", "bin/postern", "the program to test")
	events := flags.Int("events", 1000, "how many tickets the CRM creates; half of them match")
	timeout := flags.Duration("timeout", time.Minute, "when to give up")
	if flags.Parse(args) != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not done within %s", *timeout))
	defer cancel()

	p := newPlan(*events)
	s := &smoke{plan: p, ledger: newLedger(p), errOut: errOut}
	err := s.run(ctx, *program)
	if err != nil {
		s.say("smoke: %v\n", err)
	}
	counted, _ := s.ledger.verdict()
	_, _ = fmt.Fprintln(out, counted)
	if err != nil {
		return 1
	}
	return 0
}

// smoke is one run: what is to happen, what was seen of it, and where to say how it goes.
type smoke struct {
	plan   *plan
	ledger *ledger
	errOut io.Writer
}

// run starts everything, goes through the phases and compares. Whatever happens, nothing is left running.
func (s *smoke) run(ctx context.Context, program string) (err error) {
	folder, err := os.MkdirTemp("", "postern-smoke-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	mails := &rig.MailServer{Take: s.take}
	if err := mails.Start(); err != nil {
		return err
	}
	defer mails.Close()
	where, err := furnish(folder, mails)
	if err != nil {
		return err
	}
	ctx, died := context.WithCancelCause(ctx)
	defer died(nil)
	postern, err := rig.Start(program, where, died, passwordEnv+"="+mails.Password)
	if err != nil {
		return err
	}
	defer postern.Kill()
	err = errors.Join(s.phases(ctx, postern), s.compare())
	if err != nil {
		s.say("\nthe end of postern's log:\n%s\n\n", postern.Tail())
	}
	return err
}

// take notes a mail, and that it cannot be read.
func (s *smoke) take(_ *rig.Dialogue, m rig.Mail) error {
	letter, err := m.Read()
	if err != nil {
		s.ledger.fault(err)
	}
	s.ledger.mail(letter)
	return nil
}

// phases goes the way of the events, from the CRM to the change that comes back to it.
func (s *smoke) phases(ctx context.Context, postern *rig.Child) error {
	err := s.phase("started", func() (string, error) {
		return "healthy at " + postern.Place.Web, postern.AwaitReady(ctx)
	})
	if err != nil {
		return err
	}
	crm, err := connectCRM(postern.Place.NATSURL(), s.ledger)
	if err != nil {
		return err
	}
	defer crm.Close()
	for _, step := range []struct {
		name string
		do   func() (string, error)
	}{
		{"published", func() (string, error) { return s.publish(ctx, crm) }},
		{"mailed", func() (string, error) { return s.mailed(ctx) }},
		{"visited", func() (string, error) { return s.visited(ctx) }},
		{"told", func() (string, error) { return s.told(ctx) }},
		{"settled", func() (string, error) { return s.settled(ctx) }},
		{"stopped", func() (string, error) { return "exit 0 after SIGTERM", postern.Stop(stopTime) }},
	} {
		if err := s.phase(step.name, step.do); err != nil {
			return err
		}
	}
	return nil
}

// phase says what was done and how long it took.
func (s *smoke) phase(name string, do func() (string, error)) error {
	start := time.Now()
	told, err := do()
	if err != nil {
		return fmt.Errorf("not %s: %w", name, err)
	}
	s.say("  %-10s %6.2f s  %s\n", name, time.Since(start).Seconds(), told)
	return nil
}

// publish tells the customers, then the tickets that refer to them.
func (s *smoke) publish(ctx context.Context, c *crm) (string, error) {
	if err := c.tellCustomers(ctx, s.plan.customers); err != nil {
		return "", err
	}
	err := c.tellTickets(ctx, s.plan, s.ledger.acknowledged)
	return fmt.Sprintf("%d customers, then %d tickets", len(s.plan.customers), len(s.plan.order)), err
}

// mailed waits until every match has been seen twice: as a mail, and as an update by fill.
func (s *smoke) mailed(ctx context.Context) (string, error) {
	want := len(s.plan.urgent())
	err := rig.Await(ctx, func() bool { sum := s.ledger.progress(); return min(sum.mails, sum.fills) >= want })
	return fmt.Sprintf("%d mails, and as many external ids told on NATS", want), err
}

// visited lets all customers follow their links. What they find wrong is in the ledger.
func (s *smoke) visited(ctx context.Context) (string, error) {
	visitAll(ctx, s.plan.urgent(), s.ledger)
	sum := s.ledger.progress()
	return fmt.Sprintf("%d links showed their own record, %d actions confirmed", sum.opened, sum.effects), nil
}

// told waits until the CRM has heard of every confirmed action.
func (s *smoke) told(ctx context.Context) (string, error) {
	want := s.ledger.progress().effects // those that were not confirmed are faults already
	err := rig.Await(ctx, func() bool { return s.ledger.progress().updates >= want })
	return fmt.Sprintf("%d changes by them came back on NATS", want), err
}

// settled waits until nothing more comes, so that what comes twice is seen. A broker may offer an event again under
// its id, which is no second effect; how often that was is worth a word.
func (s *smoke) settled(ctx context.Context) (string, error) {
	last, since := s.ledger.progress(), time.Now()
	err := rig.Await(ctx, func() bool {
		if now := s.ledger.progress(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) >= quiet
	})
	return fmt.Sprintf("nothing more came for %s; %d events had come again under their id", quiet, last.repeats), err
}

// compare holds what was counted against the plan, if there was anything to count.
func (s *smoke) compare() error {
	counted, wrong := s.ledger.verdict()
	if counted.Events == 0 {
		return nil
	}
	if want := s.plan.verdict(); counted != want {
		wrong = append(wrong, "expected: "+want.String())
	}
	if len(wrong) == 0 {
		return nil
	}
	if more := len(wrong) - most; more > 0 {
		wrong = append(wrong[:most], fmt.Sprintf("and %d more", more))
	}
	return errors.New("the counts or pages are wrong:\n  " + strings.Join(wrong, "\n  "))
}

func (s *smoke) say(format string, args ...any) { _, _ = fmt.Fprintf(s.errOut, format, args...) }
