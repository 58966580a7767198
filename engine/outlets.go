package engine

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// outlets are all channels with the sender slots they share: a delivery is "sending" only while it holds a slot,
// so that after a crash only as many deliveries can be in doubt.
type outlets struct {
	mu     sync.Mutex
	clock  Clock
	free   []int
	shared bool // several channels are configured
	by     map[string]*outlet
	hungry bool          // due deliveries wait for a slot to come back
	wakeup chan struct{} // a value waits here when the dispatcher should look
}

// strays is how many slots may be used to end deliveries that no channel will send.
const strays = 8

func newOutlets(slots int, channels map[string]Channel, rates map[string]Rate, clock Clock) *outlets {
	o := &outlets{
		clock: clock, shared: len(channels) > 1, by: map[string]*outlet{"": {most: strays}},
		wakeup: make(chan struct{}, 1),
	}
	for i := slots; i > 0; i-- {
		o.free = append(o.free, i)
	}
	for name := range channels {
		o.by[name] = &outlet{most: slots, rate: rates[name].limiter(), breaker: breaker{full: slots}}
	}
	return o
}

// take gives a channel one slot, counted from 1, if it may send at once and nothing waits for it.
func (o *outlets) take(channel string) (slot int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.by[channel]
	if out == nil || out.waiting {
		return 0, false
	}
	n, _ := out.room(o.clock.Now(), len(o.free), o.shared)
	if n == 0 {
		out.waiting = true
		return 0, false
	}
	return o.grant(out, 1)[0], true
}

// takeAll gives a channel as many slots as it may have now, or half of them if nobody is known to wait: new messages
// should not have to wait for a look that finds nothing. If there are none, again is when to ask anew; zero if that
// will be when a slot comes back.
func (o *outlets) takeAll(channel string) (slots []int, again time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.by[channel]
	n, again := out.room(o.clock.Now(), len(o.free), o.shared)
	if n == 0 && again.IsZero() {
		o.hungry = true
	}
	if !out.waiting {
		n = (n + 1) / 2
	}
	return o.grant(out, n), again
}

func (o *outlets) grant(out *outlet, n int) []int {
	at := len(o.free) - n
	taken := slices.Clone(o.free[at:])
	o.free = o.free[:at]
	out.held += n
	out.pledged += n
	return taken
}

// begin notes that a message is handed to the channel now: that counts for its rate.
func (o *outlets) begin(channel string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.by[channel]
	out.pledged--
	if out.rate != nil {
		out.rate.AllowN(o.clock.Now(), 1)
	}
}

// end takes back the slot of a message that was begun, and tells what its answer changes for the channel. least is a
// pause that the provider asked for.
func (o *outlets) end(channel string, slot int, got answer, least time.Duration) (turn turn, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out, now := o.by[channel], o.clock.Now()
	o.free = append(o.free, slot)
	out.held--
	turn = out.breaker.note(now, got, least)
	if o.hungry || turn == turnShut {
		o.nudge()
	}
	return turn, out.breaker.why(now)
}

// putBack takes back slots that were not used. It wakes nobody: the dispatcher itself tries slots and puts them back.
func (o *outlets) putBack(channel string, unused ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.by[channel]
	o.free = append(o.free, unused...)
	out.held -= len(unused)
	out.pledged -= len(unused)
}

// left notes whether due deliveries still wait for a channel. If so, again is when to look for them; zero if that
// will be when a slot comes back.
func (o *outlets) left(channel string, waiting bool) (again time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out, now := o.by[channel], o.clock.Now()
	out.waiting = waiting
	if !waiting {
		return time.Time{}
	}
	n, again := out.room(now, len(o.free), o.shared)
	switch {
	case n > 0:
		return now
	case again.IsZero():
		o.hungry = true
	}
	return again
}

// cull tells, once in a while, that a channel without room should be looked at for deliveries that wait in vain.
func (o *outlets) cull(channel string, every time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	out, now := o.by[channel], o.clock.Now()
	if now.Sub(out.culled) < every {
		return false
	}
	out.culled = now
	return true
}

// sated forgets who was waiting for a slot: the dispatcher is about to find out.
func (o *outlets) sated() {
	o.mu.Lock()
	o.hungry = false
	o.mu.Unlock()
}

// nudge makes the dispatcher look for due deliveries.
func (o *outlets) nudge() {
	select {
	case o.wakeup <- struct{}{}:
	default:
	}
}

// warnings are a sentence for each channel that sends nothing because its provider fails.
func (o *outlets) warnings() (lines []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(o.by)) {
		if b := &o.by[name].breaker; b.proving() {
			lines = append(lines, fmt.Sprintf("channel %s: %s", name, b.why(o.clock.Now())))
		}
	}
	return lines
}
