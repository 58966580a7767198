package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"postern/internal/rig"
)

// answered is how many tickets' mails are answered before answers are lost.
const answered = 12

// smtpLostAnswer loses the answer to every fourth mail, half of them before and half after the mail server has it.
// Those are in doubt and held, each mail that was taken is taken once, and the rest goes on. In the end an operator has
// them sent again: then the mail server has each once more, with the link that the first had. Some mails are answered
// first: when half of a channel's last tries fail the channel pauses, and this is not about its pauses.
func smtpLostAnswer(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	l := &losses{every: 4, lost: map[string]bool{}}
	s.sink.onDot = l.answer
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	s.tellSome(ctx, answered)
	if _, err := s.arrived(ctx); err != nil {
		return err
	}
	for range s.rounds {
		began := time.Now()
		l.start()
		s.tellSome(ctx, inBatch)
		doubts, err := s.arrived(ctx)
		if err != nil {
			return err
		}
		l.stop()
		s.recovered(time.Since(began))
		s.broke("answer lost")
		s.held(doubts, l.records())
	}
	return s.sendAgain(ctx)
}

// held looks whether exactly the mails whose answer was lost are in doubt.
func (s *siege) held(doubts []doubt, lost map[string]bool) {
	for _, d := range doubts {
		if !lost[d.Record] {
			s.blame("the mail on %s is in doubt though its answer came", d.Record)
		}
	}
	if len(doubts) != len(lost) {
		s.blame("%d answers were lost, %d deliveries are in doubt", len(lost), len(doubts))
	}
}

// losses loses one answer in every so many, in the order in which the mails come: whatever the order of the records,
// half of the last tries never fail.
type losses struct {
	every int

	mu   sync.Mutex
	on   bool
	came int             // since it was first on
	lost map[string]bool // records
}

func (l *losses) start() { l.turn(true) }
func (l *losses) stop()  { l.turn(false) }

func (l *losses) turn(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = on
}

// records are those whose answer was lost so far.
func (l *losses) records() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lost)
}

// answer is for the last dot of a mail: its turn comes, and then the line is cut, before or after the mail is taken.
func (l *losses) answer(d *rig.Dialogue, record string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on {
		return nil
	}
	if l.came++; l.came%l.every != 0 {
		return nil
	}
	l.lost[record] = true
	d.HangUp()
	if len(l.lost)%2 == 0 {
		return rig.Refuse(421, "nobody hears this")
	}
	return nil
}

// sendAgain has all that is in doubt sent again by an operator, and lets one recipient follow the link.
func (s *siege) sendAgain(ctx context.Context) error {
	doubts, err := s.house.doubts(ctx)
	if err != nil {
		return err
	}
	s.add(sums{unknown: len(doubts)})
	for _, d := range doubts {
		s.ledger.again(d.Record)
		if _, err := s.house.command(ctx, "deliveries", "retry", d.ID, "--reason", "the answer was lost"); err != nil {
			return err
		}
	}
	if err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 }); err != nil {
		return fmt.Errorf("what was to be sent again has not come: %w", err)
	}
	if len(doubts) > 0 {
		if err := s.follow(ctx, &http.Transport{}, doubts[0].Record); err != nil {
			return fmt.Errorf("the link of a mail that was sent again: %w", err)
		}
	}
	return s.settle(ctx, 0)
}
