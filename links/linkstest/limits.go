package linkstest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/links"
)

// Three in a minute and five in an hour, held in any minute and any hour.
func limitsHold(t *testing.T, tr *trial) {
	limits := []links.Limit{{Key: "a", Most: 3, Per: time.Minute}, {Key: "a", Most: 5, Per: time.Hour}}
	for i, c := range []struct{ at, wait time.Duration }{
		{0, 0},
		{50 * time.Second, 0},
		{55 * time.Second, 0},
		{56 * time.Second, 4 * time.Second},
		{time.Minute, 0},
		{61 * time.Second, 49 * time.Second},
		{110 * time.Second, 0},
		{10 * time.Minute, 50 * time.Minute},
		{time.Hour, 0},
		{time.Hour + time.Second, 49 * time.Second}, // those after 50 and 60 seconds are of this hour
	} {
		wait, err := tr.Admit(t.Context(), limits, now.Add(c.at))
		if err != nil || wait != c.wait {
			t.Errorf("ask %d, after %v: wait %v, %v; want %v", i, c.at, wait, err, c.wait)
		}
	}
}

// Two in a day, and then one an hour while the day is full.
func limitsTrickle(t *testing.T, tr *trial) {
	limits := []links.Limit{{Key: "a", Most: 2, Per: 24 * time.Hour, Then: time.Hour}}
	for i, c := range []struct{ at, wait time.Duration }{
		{0, 0},
		{time.Minute, 0},
		{2 * time.Minute, 59 * time.Minute},
		{61 * time.Minute, 0},
		{62 * time.Minute, 59 * time.Minute},
		{20 * time.Hour, 0},
		{24*time.Hour + time.Minute, 0}, // those of the first two minutes are over, two are left
		{24*time.Hour + 2*time.Minute, 59 * time.Minute},
		{48*time.Hour + time.Minute, 0},
		{48*time.Hour + 2*time.Minute, 0},
	} {
		wait, err := tr.Admit(t.Context(), limits, now.Add(c.at))
		if err != nil || wait != c.wait {
			t.Errorf("ask %d, after %v: wait %v, %v; want %v", i, c.at, wait, err, c.wait)
		}
	}
}

// What one limit refuses, no other counts.
func limitsTogether(t *testing.T, tr *trial) {
	narrow := links.Limit{Key: "narrow", Most: 1, Per: time.Minute}
	wide := links.Limit{Key: "wide", Most: 2, Per: time.Minute}
	for i, c := range []struct {
		limits []links.Limit
		wait   time.Duration
	}{
		{[]links.Limit{narrow, wide}, 0},
		{[]links.Limit{wide, narrow}, time.Minute},
		{[]links.Limit{wide}, 0},
		{[]links.Limit{wide}, time.Minute},
		{[]links.Limit{{Key: "never", Per: time.Hour}}, time.Hour},
		{nil, 0},
	} {
		wait, err := tr.Admit(t.Context(), c.limits, now)
		if err != nil || wait != c.wait {
			t.Errorf("ask %d: wait %v, %v; want %v", i, wait, err, c.wait)
		}
	}
}

// A clock that was set back makes nobody wait longer than a limit's length.
func limitsSetBack(t *testing.T, tr *trial) {
	limits := []links.Limit{{Key: "a", Most: 1, Per: time.Minute}}
	for i, c := range []struct{ at, wait time.Duration }{
		{0, 0}, {-time.Hour, time.Minute}, {time.Minute, 0}, {time.Minute, time.Minute},
	} {
		wait, err := tr.Admit(t.Context(), limits, now.Add(c.at))
		if err != nil || wait != c.wait {
			t.Errorf("ask %d: wait %v, %v; want %v", i, wait, err, c.wait)
		}
	}
}

func limitsRace(t *testing.T, tr *trial) {
	var admitted atomic.Int32
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			wait, err := tr.Admit(context.Background(), []links.Limit{{Key: "a", Most: 5, Per: time.Hour}}, now)
			if err == nil && wait == 0 {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if admitted.Load() != 5 {
		t.Errorf("%d of 200 at once passed a limit of 5", admitted.Load())
	}
}
