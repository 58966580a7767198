// Command scanners shows that nobody but a person has an effect. It starts `postern serve` with a book of its own and
// lets 200 links go out by mail. Then come those who follow links without meaning them, as they do before a person has
// read the mail:
//
//   - fetchers ask for every link by GET, HEAD and OPTIONS, under the names of scanners and of link previews, and for
//     whatever the page leads to;
//   - a headless Chromium opens every link, runs scripts for 10 s, scrolls, points at everything and fetches ahead what
//     it finds;
//   - another one clicks the first button that it sees, page after page.
//
// The first two must have no effect at all, and cause no message with a code. The third must have none where a proof is
// asked for or something is to be typed, and elsewhere at most one at a time, which is taken back afterwards. At last
// as many people act on links of their own, and each has one effect. Everything is counted from outside: events on
// NATS, and mails.
//
//	make scanners
//	go run ./internal/scanners -postern bin/postern -links 40
//
// The exit code is 1 if anything is otherwise, or if the time is over. Without Chromium its part is left out, aloud, or
// with POSTERN_REQUIRE=1 in the environment it fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it; it returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("scanners", flag.ContinueOnError)
	flags.SetOutput(errOut)
	program := flags.String("postern", "bin/postern", "the program to test")
	links := flags.Int("links", 200, "how many links are scanned, and how many people act")
	timeout := flags.Duration("timeout", 10*time.Minute, "when to give up")
	if flags.Parse(args) != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not done within %s", *timeout))
	defer cancel()
	if err := trial(ctx, *program, *links, out, errOut); err != nil {
		_, _ = fmt.Fprintf(errOut, "scanners: %v\n", err)
		return 1
	}
	return 0
}

// trial opens the stand and goes through all rounds.
func trial(ctx context.Context, program string, links int, out, errOut io.Writer) (err error) {
	s, err := open(ctx, program)
	if err != nil {
		return err
	}
	defer s.close()
	s.out, s.errOut = out, errOut
	chromium, err := findChromium()
	if err != nil {
		return err
	}
	if chromium == "" {
		s.say("scanners: Chromium is not installed (make deps): those who use a browser are left out\n")
	}
	if err := s.rounds(ctx, chromium, links); err != nil {
		s.say("\nthe end of postern's log:\n%s\n\n", s.postern.Tail())
		return err
	}
	return s.postern.Stop(stopTime)
}

// rounds lets scanners, clickers and people come, one after the other.
func (s *stand) rounds(ctx context.Context, chromium string, links int) error {
	var scanned, own []*ticket
	steps := []struct {
		name    string
		browser bool // it needs one
		do      func() (string, error)
	}{
		{"mailed", false, func() (told string, err error) {
			scanned, err = s.mail(ctx, newPlan(1, links, kinds))
			return fmt.Sprintf("%d links in %d mails", countLinks(scanned), len(scanned)), err
		}},
		{"fetched", false, func() (string, error) { return s.fetchAll(ctx, scanned) }},
		{"looked", true, func() (string, error) { return s.lookAll(ctx, chromium, scanned) }},
		{"unmoved", false, func() (string, error) { return s.unmoved(ctx, scanned) }},
		{"clicked", true, func() (string, error) { return s.clickAll(ctx, chromium, scanned) }},
		{"invited", false, func() (told string, err error) {
			own, err = s.mail(ctx, newPlan(2, links, actingKinds()))
			return fmt.Sprintf("%d people by mail", len(own)), err
		}},
		{"acted", false, func() (string, error) { return s.actAll(ctx, own) }},
	}
	for _, step := range steps {
		if step.browser && chromium == "" {
			continue
		}
		begin := time.Now()
		told, err := step.do()
		if err != nil {
			return fmt.Errorf("not %s: %w", step.name, err)
		}
		s.say("  %-8s %6.2f s  %s\n", step.name, time.Since(begin).Seconds(), told)
	}
	return nil
}
