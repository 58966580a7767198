package links

import (
	"errors"
	"testing"
	"time"

	"postern/engine"
)

// Each time that the tries are used up the wait is twice as long.
func TestWaitsGrow(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ch := Challenge{Kind: engine.FactorSecurityCode}
	var waits []time.Duration
	for range 8 {
		for try := range MaxTries {
			if err := ch.Ready(now); err != nil {
				t.Fatalf("try %d: %v", try, err)
			}
			ch = ch.Guessed(now, false)
		}
		if err := ch.Ready(now); !errors.Is(err, ErrWait) {
			t.Fatalf("after %d tries: %v", MaxTries, err)
		}
		waits = append(waits, ch.Until.Sub(now))
		now = ch.Until
	}
	for i, want := range []float64{1, 2, 4, 8, 16, 32, 60, 60} {
		if got := waits[i].Minutes(); got != want {
			t.Errorf("wait %d is %v min, want %v", i+1, got, want)
		}
	}
}

func TestWaitsWhileGuessingIsAtLarge(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ch := Challenge{Kind: engine.FactorCode, Expires: now.Add(challengeLife)}.Guessed(now, true)
	if err := ch.Ready(now.Add(sprayPause - time.Second)); !errors.Is(err, ErrWait) {
		t.Errorf("a second guess at once: %v", err)
	}
	if err := ch.Ready(now.Add(sprayPause)); err != nil {
		t.Errorf("a second guess after the pause: %v", err)
	}
}
