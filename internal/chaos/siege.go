package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	poll       = 20 * time.Millisecond
	fuseTime   = 3 * time.Second        // for a moment that does not come
	randomTime = 500 * time.Millisecond // within which a random moment lies
	settleTime = 45 * time.Second       // for all that is owed, once nothing is broken any more
	quietTime  = 700 * time.Millisecond // without anything new counts as: nothing more comes
)

// siege is a house under load that is broken again and again: tickets are told, mails are taken, the stream is read.
type siege struct {
	*trial
	folder string // of the house
	more   string // of its configuration
	ledger *ledger
	house  *house
	sink   *sink
	fuse   *fuse
	teller *teller

	effectOf    func(e told) string                       // names what an event of Postern's tells
	beforeStart func(ctx context.Context, h *house) error // nil for nothing

	actWants []string // effects that are owed for an act at the door, beside those of the act itself

	stop    chan struct{} // ends the telling
	told    sync.WaitGroup
	reading sync.WaitGroup
	deaf    context.CancelFunc // ends the reading
}

// newSiege furnishes a siege; its parts may be changed before begin.
func newSiege(t *trial) *siege {
	s := &siege{
		trial: t, folder: t.folder, ledger: newLedger(), fuse: &fuse{}, effectOf: effectName, stop: make(chan struct{}),
	}
	s.sink = newSink(s.ledger)
	s.teller = &teller{t: t, ledger: s.ledger, fuse: s.fuse, wants: []string{mailed, filled}}
	return s
}

// begin starts the sink, the house and the reading. What it returns ends when the house does by itself.
func (s *siege) begin(ctx context.Context, nats, book string) (context.Context, error) {
	if err := s.sink.start(); err != nil {
		return ctx, err
	}
	house, ctx, err := newHouse(ctx, s, nats, book)
	if err != nil {
		return ctx, err
	}
	s.house, s.fuse.kill = house, house.kill
	if s.teller.url == "" {
		s.teller.url = house.place.NATSURL()
	}
	if s.beforeStart != nil {
		if err := s.beforeStart(ctx, house); err != nil {
			return ctx, err
		}
	}
	if err := house.start(ctx); err != nil {
		return ctx, err
	}
	listening, deaf := context.WithCancel(ctx)
	s.deaf = deaf
	s.reading.Go(func() { (&listener{url: s.teller.url, take: s.hear}).follow(listening) })
	return ctx, nil
}

// load begins to tell tickets.
func (s *siege) load(ctx context.Context) { s.told.Go(func() { s.teller.tell(ctx, s.stop) }) }

// unload ends the telling; every event that was begun is acknowledged then.
func (s *siege) unload() {
	close(s.stop)
	s.told.Wait()
}

// end leaves nothing running.
func (s *siege) end(err error) {
	if missing := s.ledger.missing(); err != nil && len(missing) > 0 {
		s.say("%d effects are missing, such as %v", len(missing), missing[:min(3, len(missing))])
	}
	if s.deaf != nil {
		s.deaf()
	}
	s.reading.Wait()
	if s.house != nil {
		s.house.close(err)
	}
	if s.sink.server != nil {
		s.sink.close()
	}
}

// hear notes what Postern tells.
func (s *siege) hear(e told, raw []byte) {
	s.ledger.sameContent(e.ID, string(raw))
	_, record, _ := strings.Cut(e.Subject, "/")
	s.ledger.see(record, s.effectOf(e), e.ID)
	s.fuse.pass(atTold)
}

// effectName calls an effect by the type of the event that tells it, and by the fields it changed.
func effectName(e told) string {
	return strings.TrimSpace(e.Type + " " + strings.Join(e.Data.Changed, ","))
}

// kills breaks the house once a round, each time at one of the moments, while the load goes on.
func (s *siege) kills(ctx context.Context, moments ...string) error {
	for round := range s.rounds {
		s.strike(ctx, round, moments)
		if err := s.house.restart(ctx); err != nil {
			return err
		}
	}
	return nil
}

// strike lets the fuse blow at the round's moment.
func (s *siege) strike(ctx context.Context, round int, moments []string) {
	at, within := moments[round%len(moments)], fuseTime
	if at == atRandom {
		within = s.dice.upTo(randomTime)
	}
	s.broke(s.fuse.burn(ctx, at, s.dice.n(20), within))
}

// arrived waits until all that is owed was seen or is in doubt, and nothing more comes. It returns what is in doubt;
// that something is missing in the end shows in the audit.
func (s *siege) arrived(ctx context.Context) (doubts []doubt, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	asked := time.Now()
	for ctx.Err() == nil {
		missing := s.ledger.missing()
		if s.ledger.quiet() > quietTime && (len(missing) == 0 || time.Since(asked) > time.Second) {
			if doubts, err = s.house.doubts(ctx); err != nil {
				return nil, err
			}
			for _, d := range doubts {
				s.ledger.owe(d.Record, doubted)
			}
			if asked = time.Now(); explained(s.ledger.missing(), doubts) {
				break
			}
		}
		time.Sleep(poll)
	}
	return doubts, nil
}

// settle waits for all that is owed and holds what was seen against it. Kills may each leave as many deliveries in
// doubt as the channel has connections.
func (s *siege) settle(ctx context.Context, mayDoubt int) error {
	doubts, err := s.arrived(ctx)
	if err != nil {
		return err
	}
	sums, wrong := s.ledger.audit(doubts)
	s.add(sums)
	for _, what := range wrong {
		s.blame("%s", what)
	}
	if len(doubts) > mayDoubt {
		return fmt.Errorf("%d deliveries are in doubt; at most %d may be", len(doubts), mayDoubt)
	}
	if strangers := s.sink.strangers(doubts); strangers > 0 {
		s.blame("%d deliveries are in doubt that the mail server has never heard of", strangers)
	}
	if len(doubts) > 0 {
		s.say("%d in doubt, the mail server has %d of them", len(doubts), s.ledger.mailsOf(doubts))
	}
	return nil
}

// explained tells whether all that is missing is a mail in doubt.
func explained(missing []deed, doubts []doubt) bool {
	return !slices.ContainsFunc(missing, func(m deed) bool {
		return m.effect != mailed || !slices.ContainsFunc(doubts, func(d doubt) bool { return d.Record == m.record })
	})
}
