package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// feed tells a breaker the same answer several times, and returns the last turn.
func feed(b *breaker, now time.Time, got answer, times int) (last turn) {
	for range times {
		last = b.note(now, got, 0)
	}
	return last
}

func TestBreakerShutsWhenHalfFails(t *testing.T) {
	b := &breaker{full: 128}
	feed(b, noon, answerGiven, 4)
	if turn := feed(b, noon, answerFailed, 3); turn != turnNone || b.allows(noon) >= 0 {
		t.Fatalf("3 failures of 7: turn %d, allows %d", turn, b.allows(noon))
	}
	if turn := feed(b, noon, answerFailed, 1); turn != turnShut || b.allows(noon) != 0 {
		t.Fatalf("4 failures of 8: turn %d, allows %d", turn, b.allows(noon))
	}
	if got, want := b.why(noon), "4 of the last 8 tries failed; next try in 15s"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestBreakerMindsOnlyWhatIsRecent(t *testing.T) {
	b := &breaker{full: 128}
	for at := noon; at.Before(noon.Add(time.Hour)); at = at.Add(2 * time.Minute) {
		if turn := b.note(at, answerFailed, 0); turn != turnNone {
			t.Fatalf("one failure in two minutes shut it after %s", at.Sub(noon))
		}
	}
}

func TestBreakerShutsAtOnceForAnOperator(t *testing.T) {
	b := &breaker{full: 128}
	feed(b, noon, answerGiven, 20)
	if turn := b.note(noon, answerBroken, 0); turn != turnShut {
		t.Fatalf("turn %d", turn)
	}
	if got, want := b.why(noon), "it needs an operator; next try in 15s"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestBreakerHonoursThePauseOfTheProvider(t *testing.T) {
	b := &breaker{full: 128}
	for range breakerLeast {
		b.note(noon, answerFailed, 3*time.Minute)
	}
	if b.allows(noon.Add(2*time.Minute)) != 0 || b.allows(noon.Add(3*time.Minute)) != 1 {
		t.Errorf("it opens at %s", b.until.Sub(noon))
	}
}

func TestBreakerPausesLongerEachTimeAndRecoversStepByStep(t *testing.T) {
	b := &breaker{full: 8}
	feed(b, noon, answerFailed, breakerLeast)
	now := noon
	for _, seconds := range []int{15, 30, 60, 120, 240, 480, 600, 600} {
		now = now.Add(time.Duration(seconds) * time.Second)
		if b.allows(now.Add(-time.Millisecond)) != 0 || b.allows(now) != 1 {
			t.Fatalf("the pause is not %d s: it ends at %s", seconds, b.until)
		}
		if turn := b.note(now, answerFailed, 0); turn != turnNone {
			t.Fatalf("a probe that failed was told, as %d", turn)
		}
	}
	now = now.Add(10 * time.Minute)
	for i, want := range []int{2, 3, 4, 5, 6, 7, -1} {
		turn := b.note(now, answerGiven, 0)
		if (turn == turnOpen) != (i == 0) || b.allows(now) != want {
			t.Errorf("after %d answers: turn %d, it allows %d, want %d", i+1, turn, b.allows(now), want)
		}
	}
}

func TestBreakerForgetsAPauseAfterAGoodWhile(t *testing.T) {
	b := &breaker{full: 4}
	feed(b, noon, answerFailed, breakerLeast)
	feed(b, noon.Add(15*time.Second), answerFailed, 1)
	later := noon.Add(time.Hour)
	feed(b, later, answerGiven, 4)
	feed(b, later, answerFailed, breakerLeast)
	if b.pause != breakerFirst {
		t.Errorf("it pauses for %s", b.pause)
	}
}

// Whatever happens: while it is shut it allows nothing, for no longer than the limit; it never shuts without a failure,
// never stays shut after an answer, and grows by one at most.
func TestBreakerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &breaker{full: rapid.IntRange(2, 16).Draw(t, "full")}
		now := noon
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60_000).Draw(t, "ms")) * time.Millisecond)
			got := rapid.SampledFrom([]answer{answerNone, answerGiven, answerFailed, answerBroken}).Draw(t, "answer")
			before := b.allows(now)
			turn := b.note(now, got, 0)
			after := b.allows(now)
			switch {
			case before == 0 && after != 0:
				t.Fatal("a straggler opened it")
			case before != 0 && after == 0 && got != answerFailed && got != answerBroken:
				t.Fatalf("answer %d shut it", got)
			case after > 0 && before >= 0 && after > before+1:
				t.Fatalf("from %d to %d at once", before, after)
			case got == answerBroken && after != 0:
				t.Fatal("it goes on though an operator is needed")
			case turn == turnShut && after != 0, turn == turnOpen && after == 0:
				t.Fatalf("turn %d, but it allows %d", turn, after)
			case b.until.Sub(now) > breakerMost:
				t.Fatalf("shut for %s", b.until.Sub(now))
			case after >= b.full:
				t.Fatalf("allows %d of %d and is not sound", after, b.full)
			}
		}
		now = now.Add(breakerMost)
		if feed(b, now, answerGiven, b.full); b.allows(now) != -1 {
			t.Fatalf("after %d answers it allows %d", b.full, b.allows(now))
		}
	})
}
