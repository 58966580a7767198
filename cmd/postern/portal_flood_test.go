package main

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// floodForms are how many password forms are sent at once, and whether landing pages are to keep their speed: make
// flood asks for 500 of them, on a machine that has little else to do.
func floodForms(t *testing.T) (forms int, measured bool) {
	t.Helper()
	text := os.Getenv("POSTERN_FLOOD")
	if text == "" {
		return 60, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 30 { // of which some are turned away
		t.Fatalf("POSTERN_FLOOD is %q: give how many forms to send at once", text)
	}
	return n, true
}

const (
	mostMemory       = 16 << 20 // bytes that a flood takes, whatever its size
	mostMemoryOfForm = 64 << 10 // and each form with its connection
	mostSlowdown     = 2.0      // of landing pages, by the medians of what 99 of 100 take
)

// T59: however many passwords are sent at once, one is checked at a time, few wait, and all others are told to come
// again later. Memory and processor are bounded, and the landing pages behind links stay as quick as ever: usual rounds
// and flooded ones take turns, so that whatever else the machine does meets both.
func TestT59FloodOfForms(t *testing.T) {
	forms, measured := floodForms(t)
	rounds, long := 1, 500*time.Millisecond
	if measured {
		rounds, long = 10, 4*time.Second
	}
	f := newFlood(t, forms)
	f.visits(long) // the first ones take longer
	f.idle = inUse()
	var usual, flooded []float64
	for range rounds {
		usual = append(usual, f.visits(long))
		stop := f.begin()
		flooded = append(flooded, f.visits(long))
		f.look()
		stop()
	}
	slow := median(flooded) / median(usual)
	t.Logf("%d forms at once are answered %v; 99 of 100 landing pages take %.2f ms, usually %.2f: %.2f times as long",
		forms, f.statuses, median(flooded), median(usual), slow)
	t.Logf("rounds with a flood %.2f, without %.2f; %d KB of memory a form; %d passwords are checked and %d wait",
		flooded, usual, f.memory>>10/uint64(forms), f.checked, f.waiting)
	if f.statuses[http.StatusServiceUnavailable] == 0 || f.statuses[http.StatusSeeOther]+f.statuses[noRetry] > 0 {
		t.Errorf("the forms were answered %v", f.statuses)
	}
	if f.memory > mostMemory+uint64(forms)*mostMemoryOfForm {
		t.Errorf("the forms take %d bytes of memory", f.memory)
	}
	if f.checked > 1 || f.waiting > 10 || f.checked+f.waiting == 0 {
		t.Errorf("%d passwords are checked at a time, and %d wait", f.checked, f.waiting)
	}
	if measured && slow > mostSlowdown {
		t.Errorf("landing pages take %.2f times as long", slow)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
