package main

import (
	"context"
	"time"
)

// sigterm asks the house to end while all is busy. It must do so in good order and in time, with nothing in doubt.
func sigterm(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	s.slowMails()
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	var longest time.Duration
	s.fuse.kill = func() { // it must not hold up who sees the moment: what is in flight is to be finished
		child := s.house.current()
		go func() {
			began := time.Now()
			err := child.Stop(stopTime)
			longest = max(longest, time.Since(began))
			ended <- err
		}()
	}
	s.load(ctx)
	moments := []string{atRandom, atDot, atAck, atBody, atTold, atAnswer}
	for round := range s.rounds {
		s.strike(ctx, round, moments)
		if err := <-ended; err != nil {
			s.unload()
			return err
		}
		if err := s.house.restart(ctx); err != nil {
			s.unload()
			return err
		}
	}
	s.unload()
	s.say("the longest end took %s", longest.Round(time.Millisecond))
	return s.settle(ctx, 0)
}
