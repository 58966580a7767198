package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// trial is a scenario under way: what it works with and what it has counted so far.
type trial struct {
	name    string
	rounds  int // to be played
	program string
	folder  string
	ports   *ports
	dice    *dice
	errOut  io.Writer
	began   time.Time

	mu         sync.Mutex
	played     int            // rounds
	moments    map[string]int // how often the thing was broken at each
	recoveries []time.Duration
	sums       sums
	wrong      []string
}

// sums are what is counted of the events.
type sums struct{ events, effects, lost, duplicated, unknown int }

const mostBlame = 20 // complaints that are printed

// say reports progress.
func (t *trial) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.errOut, "%6.1fs %s: %s\n", time.Since(t.began).Seconds(), t.name, fmt.Sprintf(format, args...))
}

// blame notes what is not as it should be.
func (t *trial) blame(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
}

// broke counts a round in which the thing was broken at a moment.
func (t *trial) broke(moment string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.played++
	t.moments[moment]++
}

// recovered notes how long it took until all was well again.
func (t *trial) recovered(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recoveries = append(t.recoveries, d)
}

// add adds what a ledger counted.
func (t *trial) add(s sums) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sums.events += s.events
	t.sums.effects += s.effects
	t.sums.lost += s.lost
	t.sums.duplicated += s.duplicated
	t.sums.unknown += s.unknown
}

// report prints the scenario's line, and why it fails if it does. It tells whether all is well.
func (t *trial) report(out io.Writer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sums.events == 0 {
		t.wrong = append(t.wrong, "no event was handled")
	}
	if t.played == 0 {
		t.wrong = append(t.wrong, "nothing was broken")
	}
	var moments []string
	for _, name := range slices.Sorted(maps.Keys(t.moments)) {
		moments = append(moments, fmt.Sprintf("%s %d", name, t.moments[name]))
	}
	t.say("broken at: %s", strings.Join(moments, ", "))
	if more := len(t.wrong) - mostBlame; more > 0 {
		t.wrong = append(t.wrong[:mostBlame], fmt.Sprintf("and %d more", more))
	}
	for _, what := range t.wrong {
		t.say("WRONG: %s", what)
	}
	_, _ = fmt.Fprintln(out, t.line())
	return len(t.wrong) == 0 && t.sums.lost == 0 && t.sums.duplicated == 0
}

// line is the scenario in one line.
func (t *trial) line() string {
	return fmt.Sprintf("chaos %s rounds=%d events=%d effects=%d lost=%d duplicated=%d unknown=%d "+
		"recovery_p50=%s recovery_max=%s", t.name, t.played, t.sums.events, t.sums.effects, t.sums.lost,
		t.sums.duplicated, t.sums.unknown, part(t.recoveries, 50), part(t.recoveries, 100))
}

// part is the duration that so many percent do not exceed; 0 of none.
func part(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)*percent+99)/100-1].Round(time.Millisecond)
}
