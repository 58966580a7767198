package engine

import (
	"math"
	"time"

	limits "golang.org/x/time/rate"
)

// outlet is what one channel may send at present: its share of the sender slots, what its breaker allows, and
// its rate. Whoever wants to send by the channel takes a slot here and nothing else. It is guarded by the lock
// of its outlets.
type outlet struct {
	most    int             // slots it may hold
	rate    *limits.Limiter // nil for no limit
	breaker breaker

	held    int       // slots it holds
	pledged int       // those of them whose message has not begun to be sent: each will need of the rate
	waiting bool      // due deliveries wait in the store: they go first
	culled  time.Time // when it was looked last for those that wait in vain
}

// room is how many slots it may take of those that are free. If there are none, again is when time alone will
// have made room; zero if a slot must come back first.
//
// No channel can keep the others from sending, and one alone can have nearly all: while several are configured
// (shared) a channel holds at most three times as many slots as are left free. One alone gets three quarters, two
// get three sevenths each, and something is always left for the next.
func (o *outlet) room(now time.Time, free int, shared bool) (n int, again time.Time) {
	n = min(free, o.most-o.held)
	if shared {
		fair := (3*free - o.held) / 4
		if o.held == 0 {
			fair = max(fair, 1)
		}
		n = min(n, fair)
	}
	if width := o.breaker.allows(now); width >= 0 {
		if now.Before(o.breaker.until) {
			return 0, o.breaker.until
		}
		n = min(n, width-o.held)
	}
	if n <= 0 || o.rate == nil {
		return max(n, 0), time.Time{}
	}
	tokens := o.rate.TokensAt(now) - float64(o.pledged)
	if tokens < 1 {
		missing := (1 - tokens) / float64(o.rate.Limit())
		return 0, now.Add(time.Duration(math.Ceil(missing*float64(time.Second))) + time.Millisecond)
	}
	return min(n, int(tokens)), time.Time{}
}
