package linkstest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// ask stores a challenge of the trial's flow.
func (tr *trial) ask(t *testing.T, kind engine.FactorKind) links.Challenge {
	t.Helper()
	ch := tr.challenge(kind)
	if wait, err := tr.Ask(t.Context(), tr.asking(ch, engine.ID{}, now)); err != nil || wait > 0 {
		t.Fatalf("ask: wait %v, %v", wait, err)
	}
	return ch
}

func (tr *trial) challenge(kind engine.FactorKind) links.Challenge {
	id := tr.id()
	return links.Challenge{
		ID: id, Flow: tr.flow, Link: tr.link.ID, Factor: "proof", Kind: kind, Action: "resolve", KeyID: "a", Digits: 6,
		Way: "sms", Mail: append([]byte("mail "), id[:]...), Made: now, Expires: now.Add(10 * time.Minute),
	}
}

func (tr *trial) asking(ch links.Challenge, before engine.ID, at time.Time) links.Asking {
	return links.Asking{
		Challenge: ch, Before: before, Principal: "Contacts/9 proof", Record: ticket, Detail: "proof", At: at,
	}
}

// guess makes an answer, new each time.
func (tr *trial) guess(at time.Time) links.Guess {
	id := tr.id()
	return links.Guess{
		ID: id, Flow: tr.flow, Link: tr.link.ID, Factor: "proof", Principal: "Contacts/9 proof", At: at,
		Locked: &engine.Event{
			ID: id.String(), Source: engine.Source, Type: engine.LinkLocked, Subject: ticket.String(), Time: at,
		},
	}
}

// miss guesses wrong.
func (tr *trial) miss(t *testing.T, at time.Time) (links.Missed, error) {
	t.Helper()
	g := tr.guess(at)
	if _, err := tr.Guess(t.Context(), g); err != nil {
		return links.Missed{}, err
	}
	missed, err := tr.Miss(t.Context(), links.Miss{Guess: g, Record: ticket})
	if err != nil {
		t.Fatal(err)
	}
	return missed, nil
}

func challengeFound(t *testing.T, tr *trial) {
	if _, err := tr.Challenge(t.Context(), tr.flow, "proof"); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("before anything was asked for: %v", err)
	}
	want := tr.ask(t, engine.FactorMailToken)
	got, err := tr.Challenge(t.Context(), tr.flow, "proof")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	got, flow, link, err := tr.MailChallenge(t.Context(), want.Mail, now)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || flow.ID != tr.flow || link.ID != tr.link.ID {
		t.Errorf("by its mail: flow %s, link %s, %v (-want +got):\n%s", flow.ID, link.ID, err, diff)
	}
	if _, _, _, err := tr.MailChallenge(t.Context(), []byte("other"), now); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("another mail: %v", err)
	}
	if _, err := tr.Challenge(t.Context(), tr.id(), "proof"); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("another flow: %v", err)
	}
	if err := tr.Carry(t.Context(), want, now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := tr.Carry(t.Context(), want, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got, _ = tr.Challenge(t.Context(), tr.flow, "proof"); !got.Carried.Equal(now.Add(time.Second)) {
		t.Errorf("carried over at %s, want the first time", got.Carried)
	}
}

// What was guessed stays counted when a challenge is asked for anew, until a wait is over.
func challengeReplaced(t *testing.T, tr *trial) {
	first := tr.ask(t, engine.FactorCode)
	for range 4 {
		if _, err := tr.miss(t, now); err != nil {
			t.Fatal(err)
		}
	}
	second := tr.challenge(engine.FactorCode)
	if _, err := tr.Ask(t.Context(), tr.asking(second, tr.id(), now)); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("in place of another one: %v", err)
	}
	if _, err := tr.Ask(t.Context(), tr.asking(second, first.ID, now)); err != nil {
		t.Fatal(err)
	}
	got, err := tr.Guess(t.Context(), tr.guess(now))
	if err != nil || got.ID != second.ID || got.Tries != 5 || !got.Until.Equal(now.Add(time.Minute)) {
		t.Errorf("the fifth guess: %+v, %v", got, err)
	}
	if _, err := tr.Guess(t.Context(), tr.guess(now)); !errors.Is(err, links.ErrWait) {
		t.Errorf("a sixth guess: %v", err)
	}
	third := tr.challenge(engine.FactorCode)
	if _, err := tr.Ask(t.Context(), tr.asking(third, second.ID, now)); !errors.Is(err, links.ErrWait) {
		t.Errorf("asked for during the wait: %v", err)
	}
	later := now.Add(time.Minute)
	if _, err := tr.Guess(t.Context(), tr.guess(later)); !errors.Is(err, links.ErrStale) {
		t.Errorf("a guess at a dead code: %v", err)
	}
	if _, err := tr.Ask(t.Context(), tr.asking(third, second.ID, later)); err != nil {
		t.Fatal(err)
	}
	if got, err := tr.Guess(t.Context(), tr.guess(later)); err != nil || got.Tries != 1 || got.Waits != 1 {
		t.Errorf("after the wait: %+v, %v", got, err)
	}
}

func challengeSends(t *testing.T, tr *trial) {
	a := tr.asking(tr.challenge(engine.FactorCode), engine.ID{}, now)
	a.Limits = []links.Limit{{Key: "send:somebody", Most: 1, Per: time.Minute}}
	a.Messages = []*engine.Delivery{{
		ID: tr.id(), Workflow: "ask", Step: "factor proof", Channel: "sms", Record: ticket, Masked: "…12",
		Recipient: engine.Recipient{Ref: tr.link.Recipient}, Sealed: []byte("sealed"), State: engine.DeliveryPlanned,
		Due: now, Until: now.Add(10 * time.Minute), Unknown: engine.OnUnknownHold, Created: now,
	}}
	if wait, err := tr.Ask(t.Context(), a); err != nil || wait > 0 {
		t.Fatalf("wait %v, %v", wait, err)
	}
	if got, err := tr.Delivery(t.Context(), a.Messages[0].ID); err != nil || got.Channel != "sms" || !got.Run.IsZero() {
		t.Errorf("the message is %+v, %v", got, err)
	}
	again := tr.asking(tr.challenge(engine.FactorCode), a.Challenge.ID, now.Add(time.Second))
	again.Limits = a.Limits
	if wait, err := tr.Ask(t.Context(), again); err != nil || wait != 59*time.Second {
		t.Errorf("too soon: wait %v, %v", wait, err)
	}
	if got, _ := tr.Challenge(t.Context(), tr.flow, "proof"); got.ID != a.Challenge.ID {
		t.Error("what was refused replaced the challenge")
	}
}

func guessesRace(t *testing.T, tr *trial) {
	tr.ask(t, engine.FactorCode)
	guesses := make([]links.Guess, 200)
	for i := range guesses {
		guesses[i] = tr.guess(now)
	}
	var looked, waits atomic.Int32
	var group sync.WaitGroup
	for _, g := range guesses {
		group.Go(func() {
			switch _, err := tr.Guess(t.Context(), g); {
			case err == nil:
				looked.Add(1)
			case errors.Is(err, links.ErrWait):
				waits.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if looked.Load() != links.MaxTries || looked.Load()+waits.Load() != 200 {
		t.Errorf("%d guesses were looked at, %d had to wait", looked.Load(), waits.Load())
	}
}

// Guesses lock the link that they are made on, and count for their principal on every link.
func guessesLock(t *testing.T, tr *trial) {
	tr.ask(t, engine.FactorSecurityCode)
	at := now
	for i := range links.DayGuesses {
		if i == links.MaxTries {
			at = at.Add(time.Minute)
		}
		missed, err := tr.miss(t, at)
		if err != nil || missed.Locked != (i == links.DayGuesses-1) {
			t.Fatalf("guess %d: %+v, %v", i+1, missed, err)
		}
	}
	link, err := tr.Link(t.Context(), tr.link.KeyID, tr.link.Digest)
	if err != nil || !link.Locked.Equal(at) {
		t.Errorf("locked %s, %v", link.Locked, err)
	}
	if told := tr.told(t, engine.LinkLocked); told != 1 {
		t.Errorf("%d events tell of it", told)
	}
	_, ofGuess := tr.Guess(t.Context(), tr.guess(at))
	_, ofAsk := tr.Ask(t.Context(), tr.asking(tr.challenge(engine.FactorCode), engine.ID{}, at))
	_, ofAct := tr.Land(t.Context(), tr.act("resolve", "Closed"))
	for what, err := range map[string]error{"guess": ofGuess, "ask": ofAsk, "act": ofAct} {
		if !errors.Is(err, links.ErrLocked) {
			t.Errorf("%s on a locked link: %v", what, err)
		}
	}
	other := tr.newLink(1)
	tr.mint(t, other)
	tr.link = other
	tr.flow = tr.open(t)
	_, err = tr.Ask(t.Context(), tr.asking(tr.challenge(engine.FactorCode), engine.ID{}, at))
	if !errors.Is(err, links.ErrLocked) {
		t.Errorf("asked on another link to the same recipient: %v", err)
	}
	day := at.Add(24*time.Hour - time.Second)
	if _, err := tr.Guess(t.Context(), tr.guess(day)); err == nil {
		t.Error("guessed on another link to the same recipient")
	}
}

// told is how many events of a type are on their way.
func (tr *trial) told(t *testing.T, kind string) (count int) {
	t.Helper()
	waiting, err := tr.Outgoing(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range waiting {
		if w.Event.Type == kind {
			count++
		}
	}
	return count
}

func proofGrants(t *testing.T, tr *trial) {
	ch := tr.ask(t, engine.FactorCode)
	g := tr.guess(now)
	if _, err := tr.Guess(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	before := tr.flow
	twin := tr.id() // of the same browser
	flow := links.Flow{ID: twin, Link: tr.link.ID, Visitor: before[:], Opened: now, Expires: now.Add(time.Hour)}
	if err := tr.Open(t.Context(), tr.opening(flow)); err != nil {
		t.Fatal(err)
	}
	proof := links.Proof{
		Challenge: ch, Guess: g.ID, Before: before[:], Visitor: []byte("next cookie"), Record: ticket, At: now,
	}
	if err := tr.Prove(t.Context(), proof); err != nil {
		t.Fatal(err)
	}
	tr.proveTwice(t, proof)
	want := links.Grant{Factor: "proof", Record: ticket, Given: now, Seen: now}
	if got, err := tr.Grant(t.Context(), []byte("next cookie"), "proof"); err != nil || got != want {
		t.Errorf("grant %+v, %v", got, err)
	}
	for visitor, factor := range map[string]string{string(before[:]): "proof", "next cookie": "another", "": "proof"} {
		if got, err := tr.Grant(t.Context(), []byte(visitor), factor); err != nil || got != (links.Grant{}) {
			t.Errorf("grant of %s to %q: %+v, %v", factor, visitor, got, err)
		}
	}
	for _, id := range []engine.ID{before, twin} {
		flow, _, err := tr.Flow(t.Context(), id, now)
		if err != nil || string(flow.Visitor) != "next cookie" {
			t.Errorf("flow %s is of %q, %v", id, flow.Visitor, err)
		}
	}
	if err := tr.Extend(t.Context(), []byte("next cookie"), "proof", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	want.Seen = now.Add(time.Minute)
	if got, _ := tr.Grant(t.Context(), []byte("next cookie"), "proof"); got != want {
		t.Errorf("extended: %+v", got)
	}
	for range links.DayGuesses - 1 { // the right one does not count
		if err := tr.missAnywhere(t); err != nil {
			t.Fatal(err)
		}
	}
}

// proveTwice proves once more what was proved just now: the same, which changes nothing, or by another cookie or too
// late.
func (tr *trial) proveTwice(t *testing.T, proof links.Proof) {
	t.Helper()
	ch := proof.Challenge
	if got, err := tr.Challenge(t.Context(), ch.Flow, ch.Factor); err != nil || !got.Proved.Equal(now) {
		t.Errorf("proved at %s, %v", got.Proved, err)
	}
	again := tr.guess(now)
	again.Visitor = []byte("next cookie")
	if _, err := tr.Guess(t.Context(), again); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("guessed again with the cookie of the grant: %v", err)
	}
	again.Visitor = proof.Before
	if _, err := tr.Guess(t.Context(), again); err != nil {
		t.Errorf("guessed again with the cookie of before: %v", err)
	}
	proof.Guess = again.ID
	if err := tr.Prove(t.Context(), proof); err != nil {
		t.Errorf("proved twice: %v", err)
	}
	other := proof
	other.Visitor = []byte("another cookie")
	if err := tr.Prove(t.Context(), other); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("proved twice, for another cookie: %v", err)
	}
	proof.At = now.Add(links.RepeatWindow)
	if err := tr.Prove(t.Context(), proof); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("proved twice, a minute later: %v", err)
	}
	again = tr.guess(proof.At)
	again.Visitor = proof.Before
	if _, err := tr.Guess(t.Context(), again); !errors.Is(err, links.ErrNoChallenge) {
		t.Errorf("guessed again a minute later: %v", err)
	}
}

// missAnywhere guesses wrong in a flow of its own.
func (tr *trial) missAnywhere(t *testing.T) error {
	t.Helper()
	tr.flow = tr.open(t)
	tr.ask(t, engine.FactorCode)
	missed, err := tr.miss(t, now)
	if missed.Locked {
		return fmt.Errorf("locked")
	}
	return err
}

// Nothing is asked, carried over or proved on a link that no longer stands.
func factorsRefused(t *testing.T, tr *trial) {
	ch := tr.ask(t, engine.FactorMailToken)
	over := tr.link.Expires
	_, ofAsk := tr.Ask(t.Context(), tr.asking(tr.challenge(engine.FactorCode), ch.ID, over))
	_, ofGuess := tr.Guess(t.Context(), tr.guess(over))
	ofCarry := tr.Carry(t.Context(), ch, over)
	ofProof := tr.Prove(t.Context(), links.Proof{Challenge: ch, Visitor: []byte("next"), Record: ticket, At: over})
	for what, err := range map[string]error{"ask": ofAsk, "guess": ofGuess, "carry": ofCarry, "prove": ofProof} {
		if !errors.Is(err, links.ErrExpired) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := tr.Grant(t.Context(), []byte("next"), "proof"); err != nil || got != (links.Grant{}) {
		t.Errorf("what was refused granted %+v, %v", got, err)
	}
}

// Wrong guesses on many links are a spray once, which is over an hour later.
func guessesSpray(t *testing.T, tr *trial) {
	for i := range links.SprayLeast {
		if sprayed, err := tr.Sprayed(t.Context(), now); err != nil || sprayed {
			t.Fatalf("sprayed after %d guesses, %v", i, err)
		}
		link := tr.newLink(1)
		tr.mint(t, link)
		tr.link = link
		tr.flow = tr.open(t)
		tr.ask(t, engine.FactorCode)
		g := tr.guess(now)
		g.Principal = fmt.Sprint("Contacts/", 100+i)
		if _, err := tr.Guess(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		missed, err := tr.Miss(t.Context(), links.Miss{Guess: g, Record: ticket})
		if err != nil || missed.Spray != (i == links.SprayLeast-1) {
			t.Fatalf("guess %d: %+v, %v", i+1, missed, err)
		}
	}
	for after, want := range map[time.Duration]bool{0: true, 50 * time.Minute: true, 66 * time.Minute: false} {
		if sprayed, err := tr.Sprayed(t.Context(), now.Add(after)); err != nil || sprayed != want {
			t.Errorf("after %s sprayed is %v, %v", after, sprayed, err)
		}
	}
	if ch, err := tr.Guess(t.Context(), tr.guess(now)); err != nil || !ch.Until.Equal(now.Add(time.Minute)) {
		t.Errorf("a guess during a spray waits until %s, %v", ch.Until, err)
	}
}
