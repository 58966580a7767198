package engine

import (
	"fmt"
	"time"
)

// breaker keeps a channel from being tried while its provider fails. It is written here and not taken from a library
// because it goes by the engine's clock, and because what it limits are tries under way, of which the dispatcher
// takes no more than it allows: nobody calls through it. It is not safe for concurrent use by itself.
//
// It is sound while messages pass. When of the last tries half failed it shuts for a pause, which doubles each time up
// to a limit. After the pause one message tries; while that fails the breaker shuts again. Once it passed, each answer
// lets one more message go at the same time, so that the number doubles from round to round, until it is sound.
type breaker struct {
	full  int       // width from which it is sound again
	tries []glimpse // the last ones, the newest last
	width int       // how many tries may be under way; 0 for any number: it is sound
	until time.Time
	pause time.Duration // the last one

	failed, of int  // of the tries that shut it
	broken     bool // what shut it needs an operator
}

// glimpse is one try as the breaker remembers it.
type glimpse struct {
	at     time.Time
	failed bool
}

// Limits of a breaker.
const (
	breakerTries  = 20               // as many tries count
	breakerWindow = 5 * time.Minute  // if they are not older
	breakerLeast  = 5                // with fewer nothing is decided
	breakerFirst  = 15 * time.Second // first pause
	breakerMost   = 10 * time.Minute // longest pause, and after which a sound time is forgotten
)

// answer is what a try says of the provider, whatever it means for the message.
type answer int

const (
	answerNone   answer = iota // nothing: it never came to a try
	answerGiven                // the provider works: it took the message, or refused this one for good
	answerFailed               // a failure that may pass, or an answer that was lost
	answerBroken               // nothing will pass before an operator acts
)

// answerOf reads the error of a try that was handed to the channel.
func answerOf(err error) answer {
	switch {
	case err == nil, IsPermanent(err):
		return answerGiven
	case IsBusy(err):
		return answerNone
	case IsMisconfigured(err):
		return answerBroken
	}
	return answerFailed
}

// turn is a change that an operator should hear of.
type turn int

const (
	turnNone turn = iota
	turnShut
	turnOpen
)

// allows is how many tries may be under way at a time; any number if it is negative.
func (b *breaker) allows(now time.Time) int {
	switch {
	case b.width == 0:
		return -1
	case now.Before(b.until):
		return 0
	}
	return b.width
}

// proving tells whether it waits for a message to pass.
func (b *breaker) proving() bool { return b.width == 1 }

// note counts the answer of a try. least is a pause that the provider asked for.
func (b *breaker) note(now time.Time, got answer, least time.Duration) turn {
	if got == answerNone || now.Before(b.until) {
		return turnNone // a try from before it shut says nothing new
	}
	if b.proving() && got != answerGiven {
		b.shut(now, least)
		return turnNone
	}
	b.tries = append(b.tries, glimpse{now, got != answerGiven})
	b.forget(now)
	b.count()
	if got == answerGiven {
		return b.widen()
	}
	if got == answerFailed && (b.of < breakerLeast || 2*b.failed < b.of) {
		return turnNone
	}
	b.tries, b.broken = nil, got == answerBroken
	b.shut(now, least)
	return turnShut
}

// widen lets one more message go at the same time, if it is not sound.
func (b *breaker) widen() turn {
	if b.width == 0 {
		return turnNone
	}
	proved := b.proving()
	if b.width++; b.width >= b.full {
		b.width = 0
	}
	if proved {
		return turnOpen
	}
	return turnNone
}

// shut begins a pause.
func (b *breaker) shut(now time.Time, least time.Duration) {
	again := !b.until.IsZero() && now.Sub(b.until) < breakerMost
	pause := breakerFirst
	if again {
		pause = min(2*b.pause, breakerMost)
	}
	b.pause, b.width = pause, 1
	b.until = now.Add(max(pause, least))
}

// why says why it is shut, and for how long.
func (b *breaker) why(now time.Time) string {
	why := fmt.Sprintf("%d of the last %d tries failed", b.failed, b.of)
	if b.broken {
		why = "it needs an operator"
	}
	if left := b.until.Sub(now); left > 0 {
		return fmt.Sprintf("%s; next try in %s", why, left.Round(time.Second))
	}
	return why + "; trying now"
}

// forget drops tries that count no more.
func (b *breaker) forget(now time.Time) {
	old := max(0, len(b.tries)-breakerTries)
	for old < len(b.tries) && now.Sub(b.tries[old].at) > breakerWindow {
		old++
	}
	b.tries = append(b.tries[:0], b.tries[old:]...)
}

func (b *breaker) count() {
	b.failed, b.of = 0, len(b.tries)
	for _, t := range b.tries {
		if t.failed {
			b.failed++
		}
	}
}
