package store

import (
	"testing"
	"time"

	"postern/engine"
)

// Who keeps a history for a hundred years loses none of it: what is too old for that was before ids begin.
func TestHistoryForEver(t *testing.T) {
	s, run, year := fresh(t), testRun(1), 365*24*time.Hour
	run.State = engine.RunDone
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		years time.Duration
		runs  int
	}{{100, 0}, {50, 0}, {1, 1}} {
		keep := engine.Retention{History: c.years * year, Links: year, Keys: 100 * year, Audit: year}
		gone, err := s.Forget(t.Context(), keep, testNow.Add(2*year))
		if err != nil || gone.Runs != c.runs {
			t.Errorf("with a history of %d years: %+v, %v", c.years, gone, err)
		}
	}
}
