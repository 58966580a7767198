// Command chaos breaks the built program in every way that one node can break, and counts from outside what became of
// the events. It starts `postern serve` with a configuration and a book, publishes with a plain NATS client, takes the
// mails with an SMTP server, follows links with an HTTP client and reads the stream. Postern's database and log are
// not looked at; only `postern deliveries` and its like are asked, where the promise is that they tell.
//
//	make chaos
//	make chaos ROUNDS=100
//	make chaos SCENARIO=kill_send ROUNDS=50 SEED=7 KEEP=1
//
// Each scenario prints a line; the exit code is 1 if anything was lost, came twice without an explanation, or was not
// as it should be.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it; it returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	if len(args) > 0 && args[0] == brokerCommand {
		return runBroker(args[1:], errOut)
	}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(errOut)
	o := orders{out: out, errOut: errOut, ports: &ports{taken: map[string]bool{}}}
	flags.StringVar(&o.program, "postern", "bin/postern", "the program to break")
	flags.IntVar(&o.rounds, "rounds", 5, "how often it is killed at the intake; the others take a share of that")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000), "of everything that is random here")
	flags.BoolVar(&o.keep, "keep", false, "keep the folders")
	only := flags.String("scenario", "", "run these alone, with commas between; all if empty")
	if flags.Parse(args) != nil {
		return 2
	}
	chosen, err := choose(*only)
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "chaos:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	_, _ = fmt.Fprintf(errOut, "chaos: seed %d, %d rounds\n", o.seed, o.rounds)
	if !o.carryOutAll(ctx, chosen) {
		return 1
	}
	return 0
}

// choose finds the scenarios with these names.
func choose(names string) ([]scenario, error) {
	all := scenarios()
	if names == "" {
		return all, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			var known []string
			for _, s := range all {
				known = append(known, s.name)
			}
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
