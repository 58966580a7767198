package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// scenario is one way to break the thing.
type scenario struct {
	name  string
	share int // rounds of its own for each 100 that were asked for
	least int // rounds at least
	run   func(ctx context.Context, t *trial) error
	pace  pace
}

// pace is how a scenario goes together with others.
type pace int

const (
	steady pace = iota
	idle        // it waits for nearly all of its time
	alone       // it needs the machine for itself
)

// scenarios are all of them, in the order of the report: the quick kills have most of the rounds.
func scenarios() []scenario {
	return []scenario{
		{name: "kill_intake", share: 100, least: 2, run: killIntake},
		{name: "kill_send", share: 60, least: 2, run: killSend},
		{name: "kill_land", share: 40, least: 2, run: killLand},
		{name: "kill_publish", share: 30, least: 2, run: killPublish},
		{name: "wait_kill", share: 30, least: 2, run: waitKill},
		{name: "sigterm", share: 10, least: 2, run: sigterm},
		{name: "smtp_down", share: 5, least: 2, run: smtpDown, pace: idle},
		{name: "smtp_lost_answer", share: 5, least: 1, run: smtpLostAnswer},
		{name: "reports", share: 10, least: 3, run: reports},
		{name: "broker_restart", share: 10, least: 2, run: brokerRestart},
		{name: "bad_events", share: 5, least: 2, run: badAmongGood},
		{name: "bad_workflow", share: 2, least: 1, run: badWorkflows},
		{name: "stream_full", share: 2, least: 1, run: streamFull},
		{name: "db_full", share: 4, least: 2, run: dbFull},
		{name: "loop", share: 5, least: 1, run: loop},
		{name: "crm_lost_answer", share: 5, least: 1, run: crmLostAnswer},
		{name: "crm_create_lost", share: 5, least: 1, run: crmCreateLost},
		{name: "crm_down", share: 3, least: 1, run: crmDown, pace: idle},
		{name: "crm_loop", share: 5, least: 1, run: crmLoop},
		{name: "backup_restore", share: 4, least: 2, run: backupRestore},
		{name: "overload", share: 2, least: 1, run: overload, pace: alone},
	}
}

// rounds is the scenario's part of the rounds asked for.
func (s scenario) rounds(all int) int { return max(s.least, s.share*all/100) }

// Limits of time: no scenario hangs.
const (
	timeBase     = 60 * time.Second // of a scenario
	timePerRound = 10 * time.Second // on top, for each round
)

// orders are what the command line asks for.
type orders struct {
	program     string
	rounds      int
	seed        uint64
	keep        bool
	ports       *ports
	out, errOut io.Writer
}

// carryOutAll plays the scenarios, two at a time: they mostly wait. Those that wait for nearly all of their time are
// played beside, and one that needs the machine for itself comes last. It tells whether all was as it should be.
func (o orders) carryOutAll(ctx context.Context, chosen []scenario) bool {
	var failures atomic.Int32
	play := func(s scenario) {
		if ctx.Err() != nil || !o.carryOut(ctx, s) {
			failures.Add(1)
		}
	}
	var group sync.WaitGroup
	inTurn := make(chan scenario)
	for range 2 {
		group.Go(func() {
			for s := range inTurn {
				play(s)
			}
		})
	}
	for _, s := range chosen {
		switch s.pace {
		case idle:
			group.Go(func() { play(s) })
		case steady:
			inTurn <- s
		}
	}
	close(inTurn)
	group.Wait()
	for _, s := range chosen {
		if s.pace == alone {
			play(s)
		}
	}
	return failures.Load() == 0
}

// errSkipped says that a scenario cannot be played on this machine.
var errSkipped = errors.New("skipped")

// carryOut plays one scenario and prints its line. It tells whether all was as it should be.
func (o orders) carryOut(ctx context.Context, s scenario) bool {
	folder, err := os.MkdirTemp("", "postern-chaos-"+s.name+"-")
	if err != nil {
		_, _ = fmt.Fprintf(o.errOut, "chaos: make folder: %v\n", err)
		return false
	}
	rounds := s.rounds(o.rounds)
	limit := timeBase + time.Duration(rounds)*timePerRound
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
	defer cancel()
	t := newTrial(o, s.name, rounds, folder)
	t.say("%d rounds", rounds)
	err = s.run(ctx, t)
	if errors.Is(err, errSkipped) {
		t.say("NOT PLAYED: %v", err)
		return os.RemoveAll(folder) == nil
	}
	if err != nil {
		t.blame("%v", err)
	}
	good := t.report(o.out)
	if good && !o.keep {
		return os.RemoveAll(folder) == nil
	}
	t.say("its folder is kept: %s", folder)
	return good
}

// newTrial gives a scenario its own randomness, so that one alone draws what it draws among all.
func newTrial(o orders, name string, rounds int, folder string) *trial {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name)
	program, err := filepath.Abs(o.program)
	if err != nil {
		program = o.program
	}
	return &trial{
		name: name, rounds: rounds, program: program, folder: folder, ports: o.ports, errOut: o.errOut,
		began: time.Now(), dice: &dice{random: rand.New(rand.NewPCG(o.seed, h.Sum64()))}, moments: map[string]int{},
	}
}
