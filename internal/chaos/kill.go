package main

import (
	"context"
	"sync"
	"time"

	"postern/internal/rig"
)

// connections is how many mails are on a connection at the same time, at most: what a crash may leave in doubt.
const connections = 8

// slowest is how long a slow mail server takes for a mail, at most.
const slowest = 40 * time.Millisecond

// besiege kills at the moments while tickets are told, and then looks whether everything has come of them, once.
func besiege(ctx context.Context, s *siege, book string, moments ...string) (err error) {
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, book)
	if err != nil {
		return err
	}
	s.load(ctx)
	err = s.kills(ctx, moments...)
	s.unload()
	if err != nil {
		return err
	}
	return s.settle(ctx, s.rounds*connections)
}

// killIntake kills while events are published and taken in.
func killIntake(ctx context.Context, t *trial) error {
	return besiege(ctx, newSiege(t), "urgent", atRandom, atAck, atPublish, atTold)
}

// killPublish kills while Postern tells what it did: four events for each ticket and no mail.
func killPublish(ctx context.Context, t *trial) error {
	s := newSiege(t)
	s.teller.wants = []string{filled, escalated, described, praised}
	return besiege(ctx, s, "chatty", atTold, atRandom, atTold, atAck)
}

// killSend kills while a slow mail server has mails in every stage.
func killSend(ctx context.Context, t *trial) error {
	s := newSiege(t)
	s.slowMails()
	return besiege(ctx, s, "urgent", atDot, atBody, atAnswer, atRcpt, atRandom)
}

// slowMails lets the mail server take its time, and light the fuse at each stage of a mail.
func (s *siege) slowMails() {
	s.sink.onRcpt = func(*rig.Dialogue, string) error { s.fuse.pass(atRcpt); return nil }
	s.sink.onBody = func(*rig.Dialogue) error { s.fuse.pass(atBody); return nil }
	s.sink.onDot = func(*rig.Dialogue, string) error {
		time.Sleep(s.dice.upTo(slowest))
		s.fuse.pass(atDot)
		return nil
	}
	s.sink.onAnswer = func(*rig.Dialogue) { s.fuse.pass(atAnswer) }
}

// killLand kills while visitors follow the links of the mails and press the button behind them.
func killLand(ctx context.Context, t *trial) error {
	return besiegeDoor(ctx, newSiege(t), "urgent", atRequest, atResponse, atRandom, atRequest)
}

// waitKill kills while runs rest until a time has come, or until a visitor has acted. Each wakes once.
func waitKill(ctx context.Context, t *trial) error {
	s := newSiege(t)
	s.teller.wants = []string{mailed, woken, escalated}
	s.actWants = []string{praised}
	return besiegeDoor(ctx, s, "waits", atTold, atRandom, atResponse, atRequest, atAck)
}

// besiegeDoor does as besiege, with visitors who follow the link of each mail as soon as it comes.
func besiegeDoor(ctx context.Context, s *siege, book string, moments ...string) (err error) {
	s.sink.came = make(chan string, 1<<16)
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, book)
	if err != nil {
		return err
	}
	over := make(chan struct{})
	leave := sync.OnceFunc(func() { close(over) })
	var visiting sync.WaitGroup
	for range visitors {
		visiting.Go(func() { s.visit(ctx, over) })
	}
	defer visiting.Wait()
	defer leave()
	s.load(ctx)
	err = s.kills(ctx, moments...)
	s.unload()
	if err != nil {
		return err
	}
	if _, err := s.arrived(ctx); err != nil {
		return err
	}
	if err := rig.Await(ctx, func() bool { return len(s.sink.came) == 0 }); err != nil {
		return err
	}
	leave()
	visiting.Wait()
	return s.settle(ctx, s.rounds*connections)
}
