package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"postern/internal/rig"
)

const (
	downTime = 1500 * time.Millisecond // of the mail server
	inBatch  = 40                      // tickets that are told at once
	mostTry  = 5                       // tries of a mail within downTime: the pauses are 250, 500 and 1000 ms
)

// tellSome tells new tickets, each until it is acknowledged.
func (s *siege) tellSome(ctx context.Context, n int) {
	var group sync.WaitGroup
	for range n {
		group.Go(func() { s.teller.insist(ctx, s.teller.next()) })
	}
	group.Wait()
}

// outage is one way in which a mail server does not take mail.
type outage struct {
	name   string
	late   bool                        // only once the mail has come
	answer func(d *rig.Dialogue) error // nil: there is nobody
}

// outages are the ways.
func outages() []outage {
	busy := func(code int) func(*rig.Dialogue) error {
		return func(*rig.Dialogue) error { return rig.Refuse(code, "come again later") }
	}
	hangUp := func(d *rig.Dialogue) error { d.HangUp(); return rig.Refuse(421, "nobody hears this") }
	return []outage{
		{name: "gone"},
		{name: "452", answer: busy(452)},
		{name: "421", answer: busy(421)},
		{name: "hangs-up", answer: hangUp},
		{name: "452-after-dot", late: true, answer: busy(452)},
	}
}

// smtpDown has the mail server gone, busy or rude for a while. Everything is delivered once when it is back, and nobody
// has been pestered meanwhile. Each outage meets a house of its own, all at the same time: a channel that failed a
// moment ago is tried again only after a longer and longer pause.
func smtpDown(ctx context.Context, t *trial) error {
	ways := outages()
	return sideBySide(t.rounds, func(round int) error { return outageOnce(ctx, t, round, ways[round%len(ways)]) })
}

// sideBySide plays rounds at the same time.
func sideBySide(rounds int, play func(round int) error) error {
	failures := make([]error, rounds)
	var group sync.WaitGroup
	for round := range rounds {
		group.Go(func() { failures[round] = play(round) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// outageOnce plays one outage.
func outageOnce(ctx context.Context, t *trial, round int, way outage) (err error) {
	s := newSiege(t)
	s.folder = filepath.Join(t.folder, fmt.Sprint(round))
	var down atomic.Bool
	var tries atomic.Int64
	refuse := func(d *rig.Dialogue, late bool) error {
		if !down.Load() || way.late != late || way.answer == nil {
			return nil
		}
		tries.Add(1)
		return way.answer(d)
	}
	s.sink.onRcpt = func(d *rig.Dialogue, _ string) error { return refuse(d, false) }
	s.sink.onDot = func(d *rig.Dialogue, _ string) error { return refuse(d, true) }
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	s.tellSome(ctx, 1) // the channel is known to work
	if _, err := s.arrived(ctx); err != nil {
		return err
	}
	down.Store(true)
	if way.answer == nil {
		s.sink.close()
	}
	s.tellSome(ctx, inBatch)
	time.Sleep(downTime)
	down.Store(false)
	if way.answer == nil {
		err = s.sink.server.Start()
	}
	if err != nil {
		return err
	}
	s.broke(way.name)
	if err := s.mailsCome(ctx, way.name, tries.Load()); err != nil {
		return err
	}
	return s.settle(ctx, 0)
}

// mailsCome waits for the mails that an outage held up, and looks how often they were tried meanwhile.
func (s *siege) mailsCome(ctx context.Context, outage string, tries int64) error {
	up := time.Now()
	s.say("%s: %d tries of %d mails in %s", outage, tries, inBatch, downTime)
	if tries > inBatch*mostTry {
		s.blame("%d tries of %d mails within %s: a storm", tries, inBatch, downTime)
	}
	if err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 }); err != nil {
		return fmt.Errorf("not all mails have come after %s: %w", time.Since(up).Round(time.Second), err)
	}
	s.recovered(time.Since(up))
	return nil
}
