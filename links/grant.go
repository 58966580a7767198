package links

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"postern/engine"
)

// extendAfter is how old the last use of a grant is before it is stored anew.
const extendAfter = time.Minute

// Grant is a proof that holds for a visitor, a factor and one record.
type Grant struct {
	Factor string
	Record engine.Ref
	Given  time.Time
	Seen   time.Time // when it was last made use of
}

// holds tells whether the proof still counts for a record. within is how old it may be; 0 for as long as it holds.
func (g Grant) holds(record engine.Ref, within time.Duration, now time.Time) bool {
	return g.Record == record && now.Sub(g.Seen) < engine.GrantIdle && now.Sub(g.Given) < engine.GrantMost &&
		(within == 0 || now.Sub(g.Given) < within)
}

// Proof ends a challenge.
type Proof struct {
	Challenge Challenge
	Guess     engine.ID // that was right; zero where a mailed link was followed
	Before    []byte    // hash of the cookie that the visitor came with
	Visitor   []byte    // hash of the one they get: their flows and grants move along
	Record    engine.Ref
	At        time.Time
}

// owed is what a visitor still has to prove, and the page that asks for it.
type owed struct {
	factor *engine.Factor // nil for nothing
	action string         // of the landing, that asks for it; "" for the landing itself
	path   string
	again  bool // it was proved before, and not recently enough

	within   time.Duration // how old the proof may be; 0 for as long as it holds
	stranger bool          // somebody else is signed in
}

// gated gives a handler only who has proved what the landing and, on the page of an action, the action ask for. Others
// are led to the page that asks; a form of theirs is not taken. Where the link leads into a portal, they go on there.
func (d *Door) gated(h func(*call, passage) (answer, error)) func(*call, passage) (answer, error) {
	return func(c *call, p passage) (answer, error) {
		o, err := d.owes(c, p, c.PathValue("action"))
		if err != nil {
			return answer{}, err
		}
		switch {
		case o.factor != nil && c.Method == http.MethodPost:
			reply, err := d.factorAgain(c, p, o, "")
			reply.status = http.StatusForbidden
			return reply, err
		case o.factor != nil:
			return answer{goTo: o.path}, nil
		case p.landing.Opens != nil:
			return d.leadInto(p)
		}
		return h(c, p)
	}
}

// owes is what the visitor has to prove before the page of an action, or of the record where action is "".
func (d *Door) owes(c *call, p passage, action string) (owed, error) {
	first := p.asks("")
	if ok, err := d.granted(c, p, &first, 0); err != nil || !ok {
		return first, err
	}
	a := p.landing.Action(action)
	if a == nil {
		return owed{}, nil
	}
	then := p.asks(action)
	if ok, err := d.granted(c, p, &then, a.Within); err != nil || !ok {
		return then, err
	}
	return owed{}, nil
}

// asks is what an action asks for beside what the landing does, and the landing itself where action is "".
func (p passage) asks(action string) owed {
	o := owed{factor: p.landing.Factor, action: action, path: challengePath(p.flow.ID, action)}
	if a := p.landing.Action(action); a != nil && (a.Factor != nil || a.Within == 0) {
		o.factor = a.Factor
	}
	return o
}

// granted tells whether what is owed was proved. A form that is sent keeps the proof alive; looking changes nothing.
func (d *Door) granted(c *call, p passage, o *owed, within time.Duration) (bool, error) {
	if o.factor == nil {
		return true, nil
	}
	if o.factor.Kind == engine.FactorPortal {
		wanted, err := d.subjectOf(c, p, *o)
		if err != nil {
			return false, err
		}
		o.within = within
		return d.signedIn(c, o, wanted)
	}
	grant, err := d.with.Store.Grant(c.Context(), p.flow.Visitor, o.factor.Name)
	if err != nil {
		return false, fmt.Errorf("find grant: %w", err)
	}
	if !grant.holds(p.link.Record, within, c.now) {
		o.again = grant.holds(p.link.Record, 0, c.now)
		return false, nil
	}
	if c.Method != http.MethodPost || c.now.Sub(grant.Seen) < extendAfter {
		return true, nil
	}
	if err := d.with.Store.Extend(c.Context(), p.flow.Visitor, o.factor.Name, c.now); err != nil {
		return false, fmt.Errorf("extend grant: %w", err)
	}
	return true, nil
}

// nextSecret is the cookie that a proof gives in place of the one that the visitor came with. It is derived, so that
// who presses the button twice gets the same one twice; without the key nobody can tell it from the old one.
func (d *Door) nextSecret(ch Challenge, old string) (string, bool) {
	codes := d.with.Keys.Codes
	sum, ok := codes.Sum(codes.Current(), ch.ID[:], []byte("visitor"), []byte(old))
	return base32Lower.EncodeToString(sum), ok && old != ""
}

// prove grants and leads on. The visitor's cookie is replaced: whoever knew the old one has no part in the proof.
func (d *Door) prove(c *call, p passage, ch Challenge, guess engine.ID) (answer, error) {
	old, _ := d.brought(c.Request, visitorCookie)
	secret, ok := d.nextSecret(ch, old)
	if !ok {
		return answer{}, errors.New("grant: there are no keys, or the visitor has no cookie")
	}
	proof := Proof{Challenge: ch, Guess: guess, Before: p.flow.Visitor, Record: p.link.Record, At: c.now}
	proof.Visitor, _ = d.visitorHash(d.with.Keys.Visitors.Current(), secret)
	err := d.with.Store.Prove(c.Context(), proof)
	if errors.Is(err, ErrNoChallenge) {
		return answer{goTo: challengePath(p.flow.ID, ch.Action)}, nil // another request was faster
	}
	if err != nil {
		return answer{}, fmt.Errorf("grant: %w", err)
	}
	d.crowd.Right(c.from, c.now)
	return answer{goTo: onward(p, ch.Action), header: http.Header{"Set-Cookie": {d.cookie(secret).String()}}}, nil
}

// onward is where a visitor goes who has proved what was asked for.
func onward(p passage, action string) string {
	if action == "" {
		action = p.link.Preset
	}
	if p.landing.Action(action) == nil {
		return flowPath(p.flow.ID)
	}
	return actionPath(p.flow.ID, action)
}
