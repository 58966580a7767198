package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// deed is one effect on one record, such as the mail about it.
type deed struct{ record, effect string }

// ledger is what the world outside knows: what is owed for each event that was acknowledged, and what was seen.
// Each scenario has records of its own for its events, so a record names an event.
type ledger struct {
	mu       sync.Mutex
	offered  map[string]bool          // records whose event was published, acknowledged or not
	owed     map[deed]int             // for acknowledged events: how often, once unless an operator had it sent again
	spare    map[deed]int             // how often more it may be seen; what is here may be missing, too
	events   map[string]bool          // acknowledged
	seen     map[deed]map[string]bool // by the id of what was seen
	contents map[string]string        // of events of ours, by id
	faults   []string
	last     time.Time // when something new was seen
}

func newLedger() *ledger {
	return &ledger{
		offered: map[string]bool{}, owed: map[deed]int{}, spare: map[deed]int{}, events: map[string]bool{},
		seen: map[deed]map[string]bool{}, contents: map[string]string{}, last: time.Now(),
	}
}

// offer notes that an event was published. Until it is acknowledged, nothing is owed and anything may be seen.
func (l *ledger) offer(record string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offered[record] = true
}

// owe notes that the event of a record was acknowledged and what must come of it.
func (l *ledger) owe(record string, effects ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offered[record], l.events[record] = true, true
	for _, effect := range effects {
		l.owed[deed{record, effect}] = max(l.owed[deed{record, effect}], 1)
	}
}

// again notes that an operator had the mail on a record sent again: one more is owed if it had left before.
func (l *ledger) again(record string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := deed{record, mailed}
	l.owed[d] = len(l.seen[d]) + 1
}

// see notes an effect under an id: the same id again is the same effect.
func (l *ledger) see(record, effect, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := deed{record, effect}
	if l.seen[d] == nil {
		l.seen[d] = map[string]bool{}
	}
	if !l.seen[d][id] {
		l.seen[d][id], l.last = true, time.Now()
	}
}

// sameContent holds an event of ours against what came under its id before.
func (l *ledger) sameContent(id, content string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, known := l.contents[id]; known && before != content {
		l.faults = append(l.faults,
			fmt.Sprintf("event %s came with another content: %s, before %s", id, content, before))
	}
	l.contents[id] = content
}

// fault notes what is wrong beside the counts.
func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// count is how often an effect was seen on a record.
func (l *ledger) count(record, effect string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen[deed{record, effect}])
}

// total is how many effects were seen.
func (l *ledger) total() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ids := range l.seen {
		n += len(ids)
	}
	return n
}

// mailsOf is how many of the deliveries in doubt had left all the same.
func (l *ledger) mailsOf(doubts []doubt) (mails int) {
	for _, d := range doubts {
		mails += l.count(d.Record, mailed)
	}
	return mails
}

// uncertain notes that a restore may leave effects out, or repeat them once.
func (l *ledger) uncertain(record string, repeat bool, effects ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, effect := range effects {
		l.spare[deed{record, effect}] = map[bool]int{true: 1}[repeat]
	}
}

// spared is how many records lack an effect that may be missing.
func (l *ledger) spared(effect string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := range l.spare {
		if d.effect == effect && len(l.seen[d]) == 0 {
			n++
		}
	}
	return n
}

// missing are the deeds that are owed and were not seen.
func (l *ledger) missing() []deed {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []deed
	for d, times := range l.owed {
		if _, may := l.spare[d]; !may && len(l.seen[d]) < times {
			missing = append(missing, d)
		}
	}
	return missing
}

// lacks tells whether this effect is missing somewhere.
func (l *ledger) lacks(effect string) bool {
	return slices.ContainsFunc(l.missing(), func(d deed) bool { return d.effect == effect })
}

// quiet is how long nothing new was seen.
func (l *ledger) quiet() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.last)
}

// audit adds up and says what is wrong. A missing mail that is in doubt, and listed with a reason, is not lost.
func (l *ledger) audit(doubts []doubt) (sums, []string) {
	missing := l.missing()
	l.mu.Lock()
	defer l.mu.Unlock()
	held := map[string]bool{}
	for _, d := range doubts {
		held[d.Record] = true
		if d.Reason == "" {
			l.faults = append(l.faults, "the delivery for "+d.Record+" is in doubt without a reason")
		}
	}
	s := sums{events: len(l.events), unknown: len(doubts)}
	wrong := l.faults
	for _, d := range missing {
		if d.effect == mailed && held[d.record] {
			continue
		}
		s.lost++
		wrong = append(wrong, fmt.Sprintf("lost: %s of %s", d.effect, d.record))
	}
	for d, ids := range l.seen {
		s.effects += len(ids)
		if len(ids) > max(l.owed[d], 1)+l.spare[d] {
			s.duplicated++
			wrong = append(wrong, fmt.Sprintf("duplicated: %d × %s of %s", len(ids), d.effect, d.record))
		}
		if _, may := l.spare[d]; !may && l.owed[d] == 0 && (l.events[d.record] || !l.offered[d.record]) {
			wrong = append(wrong, fmt.Sprintf("nobody asked for: %s of %s", d.effect, d.record))
		}
	}
	return s, wrong
}
