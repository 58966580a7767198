package main

import (
	"context"
	"maps"
)

// reports kills while SMS leave and their provider reports what became of them: after a lost answer, before the answer,
// twice, in the wrong order, forged. Each message is taken once, each ends in the state that was reported, and what the
// report says of a message in doubt settles it.
func reports(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	s.teller.wants = []string{mailed}
	ctx, cancel := context.WithCancel(ctx)
	x := startTexter(ctx, s)
	defer x.close()
	defer cancel()
	s.more = x.channel()
	defer func() { s.end(err) }()
	within, err := s.begin(ctx, ownBroker, "texts")
	if err != nil {
		return err
	}
	s.load(within)
	err = s.kills(within, atTaken, atReported, atReport, atRandom)
	s.unload()
	if err != nil {
		return err
	}
	if _, err := s.arrived(within); err != nil {
		return err
	}
	x.reports.Wait()
	doubts, err := s.arrived(within)
	if err != nil {
		return err
	}
	sums, wrong := s.ledger.audit(doubts)
	s.add(sums)
	for _, what := range wrong {
		s.blame("%s", what)
	}
	return s.holdStates(within, x, doubts)
}

// holdStates holds the states of all deliveries against what was reported. In doubt are only messages that the provider
// never got.
func (s *siege) holdStates(ctx context.Context, x *texter, doubts []doubt) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	left := maps.Clone(x.final)
	for _, state := range []string{statusDelivered, statusUndelivered} {
		found, err := s.house.deliveries(ctx, state)
		if err != nil {
			return err
		}
		for _, d := range found {
			if want := x.final[d.Record]; want != state {
				s.blame("the delivery on %s is %s, reported as %q", d.Record, state, want)
			}
			delete(left, d.Record)
		}
	}
	for record, state := range left {
		s.blame("the delivery on %s is not %s", record, state)
	}
	for _, d := range doubts {
		if s.ledger.count(d.Record, mailed) > 0 {
			s.blame("the delivery on %s is in doubt though it was reported", d.Record)
		}
	}
	s.say("%d messages were taken, %d are in doubt that the provider never got", x.taken, len(doubts))
	return nil
}
