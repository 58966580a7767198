package links

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

const (
	// DayGuesses is how many wrong guesses within a day lock a link, and those of one recipient by one factor.
	DayGuesses = 10
	// LifeGuesses is how many wrong guesses a link takes in all its life, whoever unlocks it.
	LifeGuesses = 30
	// SprayLeast is how many guesses within an hour have to be wrong, at least, for guessing to be at large: one in a
	// hundred of the day's challenges.
	SprayLeast = 100
	// SprayMost is how many wrong guesses within an hour are guessing at large however many challenges there are.
	SprayMost = 1000
)

// minSecurityCode is the shortest security code that opens anything, in characters.
const minSecurityCode = 6

// maxGuess is the longest thing that is compared, in bytes.
const maxGuess = 1 << 10

// Guess is one answer to a challenge, before it is compared.
type Guess struct {
	ID        engine.ID
	Flow      engine.ID
	Link      engine.ID
	Factor    string
	Principal string // whose guesses it is counted with, beside the link's
	Visitor   []byte // hash of the cookie that they came with
	At        time.Time
	Locked    *engine.Event // link.locked, in case that the link has to be locked
}

// Miss is a claimed guess that was wrong.
type Miss struct {
	Guess  Guess
	Record engine.Ref // for the audit
}

// Missed is what came of a wrong guess.
type Missed struct {
	Locked bool // the link is locked now
	Spray  bool // since this guess, guessing is at large
}

// Locked tells whether too many guesses keep a link shut.
func Locked(link engine.Link, now time.Time) bool {
	return !link.Locked.IsZero() && now.Before(link.Locked.Add(engine.LockLife))
}

var errEmpty = errors.New("nothing was typed")

// typedCode is what a visitor typed, as it is compared: a security code in one writing, of a one-time code the digits.
func typedCode(kind engine.FactorKind, text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxGuess || strings.ContainsFunc(text, unicode.IsControl) {
		return "", pages.ErrMalformed
	}
	plain := labels.Plain(text)
	if plain == "" {
		return "", errEmpty
	}
	if kind != engine.FactorSecurityCode && strings.Trim(plain, "0123456789") != "" {
		return "", errEmpty // no code of ours: nothing to count
	}
	return plain, nil
}

// checkFactor takes a guess. It is counted as wrong before it is compared, so that however many come at once no more
// are looked at than may be.
func (d *Door) checkFactor(c *call, p passage, o owed, values url.Values) (answer, error) {
	right, err := d.judge(c, p, o, values)
	if errors.Is(err, errEmpty) {
		return d.factorAgain(c, p, o, "challenge.empty")
	}
	if err != nil {
		return answer{}, err
	}
	guess, err := d.guess(c, p, o)
	if err != nil {
		return answer{}, err
	}
	ch, err := d.claim(c, p, o, guess)
	switch {
	case errors.Is(err, ErrStale), errors.Is(err, ErrNoChallenge):
		return d.factorAgain(c, p, o, "challenge.dead")
	case errors.Is(err, ErrWait):
		return d.factorAgain(c, p, o, "")
	case err != nil:
		return answer{}, fmt.Errorf("claim guess: %w", err)
	}
	proved, err := right(ch)
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("judge guess: %w", err)
	case !proved:
		return d.missed(c, p, o, guess)
	}
	return d.prove(c, p, ch, guess.ID)
}

// judge is how a guess is compared once it is counted. It fails with errEmpty where there is nothing to count.
func (d *Door) judge(c *call, p passage, o owed, values url.Values) (func(Challenge) (bool, error), error) {
	switch o.factor.Kind {
	case engine.FactorPortal:
		return nil, pages.ErrMalformed // nothing is typed there
	case engine.FactorPasskey:
		if values.Get("answer") == "" {
			return nil, errEmpty
		}
		return func(ch Challenge) (bool, error) { return d.rightOfSubject(c, p, o, ch, values) }, nil
	}
	typed, err := typedCode(o.factor.Kind, values.Get("code"))
	if err != nil {
		return nil, err
	}
	if o.factor.Kind == engine.FactorTOTP {
		return func(ch Challenge) (bool, error) { return d.rightOfSubject(c, p, o, ch, values) }, nil
	}
	known, err := d.known(c, p, o)
	return func(ch Challenge) (bool, error) { return d.right(ch, known, typed), nil }, err
}

// known is the security code that the visitor has to know, as the record has it now; "" where it has none
// that is long enough.
func (d *Door) known(c *call, p passage, o owed) (string, error) {
	if o.factor.Kind != engine.FactorSecurityCode {
		return "", nil
	}
	env, err := d.surroundings(c, p, o.factor.Field)
	if err != nil {
		return "", err
	}
	known := labels.Plain(o.factor.Field.Text(env))
	if utf8.RuneCountInString(known) < minSecurityCode {
		d.with.Logger.WarnContext(c.Context(), "a record has no security code, or one of less than six characters, so "+
			"nobody can open its links", "factor", o.factor.Name, "record", p.link.Record.String())
		return "", nil
	}
	return known, nil
}

// right compares in constant time, also where there is nothing to compare with.
func (d *Door) right(ch Challenge, known, typed string) bool {
	want, can := known, known != ""
	if !ch.knows() {
		want, can = d.code(ch)
	}
	if ch.Kind == engine.FactorMailToken && ch.Carried.IsZero() {
		can = false // nobody has followed the link: there is no code yet
	}
	codes := d.with.Keys.Codes
	a, hashed := codes.Sum(codes.Current(), []byte("guess"), []byte(want)) // those of the challenge may be retired
	b, _ := codes.Sum(codes.Current(), []byte("guess"), []byte(typed))
	return hmac.Equal(a, b) && can && hashed
}

// guess makes what is stored of a guess.
func (d *Door) guess(c *call, p passage, o owed) (Guess, error) {
	id, err := engine.NewID(c.now, d.with.Random)
	if err != nil {
		return Guess{}, err
	}
	locked, err := engine.NewLinkEvent(p.link, engine.LinkLocked, engine.DerivedID(id, "locked"), c.now, nil)
	if err != nil {
		return Guess{}, err
	}
	return Guess{
		ID: id, Flow: p.flow.ID, Link: p.link.ID, Factor: o.factor.Name, Principal: Principal(p.link, o.factor.Name),
		Visitor: p.flow.Visitor, At: c.now, Locked: locked,
	}, nil
}

// Principal is whose guesses by a factor are counted together: the recipient's, else those on the record. By the name
// "" it is how those of all factors begin.
func Principal(link engine.Link, factor string) string {
	whose := link.Recipient
	if whose.IsZero() {
		whose = link.Record
	}
	return whose.String() + " " + factor
}

// claim counts a guess. Nobody asks beforehand for what the visitor has, so its challenge begins with the first guess.
func (d *Door) claim(c *call, p passage, o owed, guess Guess) (Challenge, error) {
	ch, err := d.with.Store.Guess(c.Context(), guess)
	if !errors.Is(err, ErrNoChallenge) || !known(o.factor.Kind) {
		return ch, err
	}
	first, err := d.next(c, p, o, Challenge{})
	if err != nil {
		return Challenge{}, err
	}
	_, err = d.with.Store.Ask(c.Context(), Asking{
		Challenge: first, Principal: guess.Principal, Record: p.link.Record, Detail: o.factor.Name, At: c.now,
	})
	if err != nil && !errors.Is(err, ErrNoChallenge) { // or another request began it just now
		return Challenge{}, err
	}
	return d.with.Store.Guess(c.Context(), guess)
}

// missed answers a wrong guess.
func (d *Door) missed(c *call, p passage, o owed, guess Guess) (answer, error) {
	missed, err := d.with.Store.Miss(c.Context(), Miss{Guess: guess, Record: p.link.Record})
	if err != nil {
		return answer{}, fmt.Errorf("store guess: %w", err)
	}
	if missed.Spray {
		d.with.Logger.ErrorContext(c.Context(), "many wrong codes on many links: somebody may be guessing; "+
			"codes are longer and guesses slower until it is over")
	}
	if missed.Locked {
		d.with.Logger.WarnContext(c.Context(), "link locked after too many wrong codes", "link", p.link.ID.String(),
			"factor", o.factor.Name, "record", p.link.Record.String())
		return answer{}, ErrLocked
	}
	return d.factorAgain(c, p, o, "challenge.wrong")
}
