package links

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

const (
	// challengeLife is how long a code or a mailed link is good for.
	challengeLife = 10 * time.Minute
	// sameCode is how long one that is asked for again stays the same: messages may overtake each other.
	sameCode = 5 * time.Minute
	// MaxTries is how many guesses a challenge takes before its code is dead and the visitor has to wait.
	MaxTries = 5
	// firstWait is how long the first wait is; each further one is twice as long as the one before, up to mostWait.
	firstWait = time.Minute
	mostWait  = time.Hour
	// sprayPause is how long a challenge waits after each guess while guessing is at large: see FactorStore.Sprayed.
	sprayPause = time.Minute
)

const (
	carryDigits = 6
	sprayDigits = 8 // of a code while guessing is at large
)

// Challenge is one asking for a proof: of one flow, for one factor.
type Challenge struct {
	ID      engine.ID // random, and another one with each new code: the code is derived from it
	Flow    engine.ID
	Link    engine.ID
	Factor  string
	Kind    engine.FactorKind
	Action  string    // the landing's action that asked; "" for the landing itself
	KeyID   string    // of the key that the code is derived with
	Digits  int       // of the code
	Way     string    // channel that its message takes first; "" where nothing is sent
	Mail    []byte    // keyed hash of the mailed token; nil for none
	Made    time.Time // when the code was
	Expires time.Time
	Tries   int       // guesses since the last wait; the store counts them
	Waits   int       // how often the tries were used up
	Until   time.Time // nothing is taken or sent before; zero for no wait
	Carried time.Time // when another browser followed the mailed link; zero for never
	Proved  time.Time // when it was answered rightly; zero while it is not
}

// Why a challenge takes no guess.
var (
	ErrNoChallenge = errors.New("nothing was asked for")
	ErrStale       = errors.New("the code is no longer good")
	ErrWait        = errors.New("too many wrong guesses: wait")
	ErrLocked      = errors.New("too many wrong guesses: the link is locked")
)

// FactorStore is what the door keeps of challenges, guesses and grants. Each method is one atomic change or one read.
// What changes something fails with ErrRevoked, ErrExpired, ErrNoLink or ErrLocked where the link no longer stands,
// nothing done.
type FactorStore interface {
	// Challenge is the challenge of a flow for a factor, proved or not; ErrNoChallenge if there is none.
	Challenge(ctx context.Context, flow engine.ID, factor string) (Challenge, error)
	// MailChallenge finds a challenge, its flow and its link by the digest of a mailed token; ErrNoChallenge or
	// ErrNoLink if there is none or its flow is over.
	MailChallenge(ctx context.Context, digest []byte, now time.Time) (Challenge, Flow, engine.Link, error)
	// Ask stores that a proof is asked for, and the messages that do it. Where a limit is reached it does nothing and
	// returns how long it is until none is. It fails with ErrWait while the challenge waits.
	Ask(ctx context.Context, a Asking) (wait time.Duration, err error)
	// Guess counts a guess as wrong before anybody compares it, and returns the challenge with it counted. It fails
	// with ErrNoChallenge, ErrStale or ErrWait, no guess counted. One that was proved takes a guess within RepeatWindow
	// only, and only of who comes with the cookie that it replaced.
	Guess(ctx context.Context, g Guess) (Challenge, error)
	// Miss stores that a claimed guess was wrong after all, and locks the link if that was one too many.
	Miss(ctx context.Context, m Miss) (Missed, error)
	// Carry stores that another browser followed the mailed link.
	Carry(ctx context.Context, challenge Challenge, now time.Time) error
	// Prove ends a challenge by a grant. The same proof again within RepeatWindow changes nothing more. It fails with
	// ErrNoChallenge if the challenge was ended or replaced meanwhile, or its flow got another cookie.
	Prove(ctx context.Context, p Proof) error
	// Grant is what a visitor proved by a factor; the zero Grant if nothing.
	Grant(ctx context.Context, visitor []byte, factor string) (Grant, error)
	// Extend stores that a grant was made use of.
	Extend(ctx context.Context, visitor []byte, factor string, now time.Time) error
	// Sprayed tells whether so many guesses are wrong at present, on whatever links, that somebody is guessing at
	// large.
	Sprayed(ctx context.Context, now time.Time) (bool, error)
	// Delivery is a message by its id; engine.ErrNoThing if it is gone.
	Delivery(ctx context.Context, id engine.ID) (*engine.Delivery, error)
}

// Asking is a challenge that is to be stored.
type Asking struct {
	Challenge Challenge          // Tries, Waits, Until, Carried and Proved are the store's
	Before    engine.ID          // of the one that it keeps or replaces, else ErrNoChallenge; zero for none
	Messages  []*engine.Delivery // none where nobody can be reached
	Limits    []Limit            // of messages
	Principal string             // as in Guess
	Record    engine.Ref         // for the audit
	Detail    string             // of the audit's entry
	At        time.Time
}

// burnt tells whether all tries are used up.
func (c Challenge) burnt() bool { return c.Tries >= MaxTries }

// Pressed tells whether the challenge was proved so lately that the same answer is the same press of a button.
func (c Challenge) Pressed(now time.Time) bool {
	return !c.Proved.IsZero() && now.Sub(c.Proved).Abs() < RepeatWindow
}

// knows tells whether the visitor has the answer beforehand, so that nothing is sent and nothing wears out.
func (c Challenge) knows() bool { return known(c.Kind) }

func known(kind engine.FactorKind) bool { return kind == engine.FactorSecurityCode || kind.BySubject() }

// Ready tells whether a guess may be made now; if not, why.
func (c Challenge) Ready(now time.Time) error {
	switch {
	case now.Before(c.Until):
		return ErrWait
	case !c.knows() && (c.burnt() || !now.Before(c.Expires)):
		return ErrStale
	}
	return nil
}

// Guessed is the challenge with one more guess counted. The last one begins a wait.
func (c Challenge) Guessed(now time.Time, sprayed bool) Challenge {
	if c.burnt() {
		c.Tries = 0
	}
	c.Tries++
	if sprayed {
		c.Until = now.Add(sprayPause)
	}
	if c.burnt() {
		c.Until = now.Add(min(firstWait<<min(c.Waits, 10), mostWait))
		c.Waits++
	}
	return c
}

// next is the challenge that asking anew makes of one, which may be zero: the same code while it is young, with the
// tries that are left of it; else another one.
func (d *Door) next(c *call, p passage, o owed, before Challenge) (Challenge, error) {
	switch {
	case c.now.Before(before.Until):
		return before, ErrWait
	case !before.ID.IsZero() && before.Ready(c.now) == nil && c.now.Before(before.Made.Add(sameCode)):
		return before, nil
	}
	id, err := engine.RandomID(d.with.Random)
	if err != nil {
		return Challenge{}, err
	}
	next := Challenge{
		ID: id, Flow: p.flow.ID, Link: p.link.ID, Factor: o.factor.Name, Kind: o.factor.Kind, Action: o.action,
		KeyID: d.with.Keys.Codes.Current(), Made: c.now, Expires: c.now.Add(challengeLife),
	}
	switch next.Kind {
	case engine.FactorCode:
		next.Digits = o.factor.Digits
		sprayed, err := d.with.Store.Sprayed(c.Context(), c.now)
		if err != nil {
			return Challenge{}, fmt.Errorf("ask how much is guessed: %w", err)
		}
		if sprayed {
			next.Digits = sprayDigits
		}
	case engine.FactorMailToken:
		next.Digits = carryDigits
		_, next.Mail = d.mailToken(next)
	}
	return next, nil
}

// code is the one-time code of a challenge, the same each time; false when the key it was made with is gone.
func (d *Door) code(ch Challenge) (string, bool) {
	sum, ok := d.with.Keys.Codes.Sum(ch.KeyID, ch.ID[:], []byte(ch.Kind))
	if !ok {
		return "", false
	}
	size := uint64(1)
	for range ch.Digits {
		size *= 10
	}
	// Eight bytes are so many that no code is noticeably likelier than another.
	return fmt.Sprintf("%0*d", ch.Digits, binary.BigEndian.Uint64(sum)%size), true
}
