package engine

import (
	"fmt"
	"hash/maphash"
	"strings"
	"time"
)

// breakLoop stops a run that a long chain of our own writes led to, or one of too many on its record:
// the last guard where a CRM hides that it tells what we wrote. Only the reader may call it.
func (e *Engine) breakLoop(run *Run) {
	e.breakChain(run)
	if !run.State.Over() && e.rates.count(run, run.Created) > e.settings.MaxRate {
		run.State = RunStopped
		run.Reason = fmt.Sprintf("loop: more than %d runs on this record within a minute", e.settings.MaxRate)
	}
}

// breakChain stops a run that a long chain of our own writes led to.
func (e *Engine) breakChain(run *Run) {
	if run.State.Over() || run.Event.Depth <= e.settings.MaxDepth {
		return
	}
	run.State = RunStopped
	run.Reason = fmt.Sprintf("loop %s: %d writes in a row led here; the limit is %d",
		strings.Join(strings.Fields(run.chain()), " → "), run.Event.Depth, e.settings.MaxDepth)
}

// runRates counts the runs of each workflow on each record within a minute, in bounded memory: two rows of
// counters share the pairs by two hashes, and the smaller count is told. It can be too high by chance,
// where both hashes fall together with busy pairs, but never too low.
type runRates struct {
	minute time.Time
	seeds  [2]maphash.Seed
	counts [2][1 << 16]uint16
}

// count adds a run and tells how many there were in this minute.
func (r *runRates) count(run *Run, now time.Time) int {
	if minute := now.Truncate(time.Minute); !minute.Equal(r.minute) {
		*r = runRates{minute: minute, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	}
	least := uint16(1<<16 - 1)
	for i := range r.counts {
		n := &r.counts[i][r.at(i, run)]
		if *n < 1<<16-1 {
			*n++
		}
		least = min(least, *n)
	}
	return int(least)
}

func (r *runRates) at(row int, run *Run) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seeds[row])
	for _, part := range []string{run.Workflow, run.Record.Module, run.Record.ID} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	return h.Sum64() % uint64(len(r.counts[row]))
}
