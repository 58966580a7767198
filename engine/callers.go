package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// callers are the calls of web services that may be under way at the same time, of each host as many as its
// breaker allows. The CRM's writes do not count here: neither keeps the other from being tried.
type callers struct {
	mu     sync.Mutex
	most   int
	held   int
	hosts  map[string]*callee
	wakeup chan struct{}
}

// callee is a host that calls go to.
type callee struct {
	held    int
	breaker breaker
}

// soundCalls is how many calls of a host pass at the same time before its breaker counts as sound again.
const soundCalls = 8

func newCallers(n int) *callers {
	return &callers{most: n, hosts: map[string]*callee{}, wakeup: make(chan struct{}, 1)}
}

func (c *callers) host(name string) *callee {
	if c.hosts[name] == nil {
		c.hosts[name] = &callee{breaker: breaker{full: soundCalls}}
	}
	return c.hosts[name]
}

// take holds as many calls of a host as may be tried now, at most three times as many as are left for the other
// hosts. If there are none, again is when time alone will have made room; zero if one must end first.
func (c *callers) take(name string, now time.Time) (n int, again time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host, free := c.host(name), c.most-c.held
	fair := (3*free - host.held) / 4
	if host.held == 0 {
		fair = max(fair, 1)
	}
	n = min(free, fair)
	if width := host.breaker.allows(now); width >= 0 {
		if now.Before(host.breaker.until) {
			return 0, host.breaker.until
		}
		n = min(n, width-host.held)
	}
	n = max(n, 0)
	c.held += n
	host.held += n
	return n, time.Time{}
}

func (c *callers) give(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held -= n
	c.host(name).held -= n
}

// note counts what a try says of its host, and why nothing is tried for a while if that is the turn.
func (c *callers) note(name string, now time.Time, got answer, least time.Duration) (turn, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	host := c.host(name)
	return host.breaker.note(now, got, min(least, longestPause)), host.breaker.why(now)
}

// warnings are a sentence for each host that is not called because it fails.
func (c *callers) warnings(now time.Time) (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.hosts)) {
		if b := &c.hosts[name].breaker; b.proving() {
			lines = append(lines, fmt.Sprintf("calls of %s: %s", name, b.why(now)))
		}
	}
	return lines
}

// call tries calls of web services as they fall due.
func (e *Engine) call(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := e.callDue(ctx)
		pause := wakeEvery
		switch {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			e.Logger.Error("find due calls", "error", err)
			pause = insistMost
		case !next.IsZero():
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.rest(ctx, pause, e.callers.wakeup, nil)
	}
	return nil
}

// callDue begins the calls that are due, host by host. next is when to look again; zero for when one ends.
func (e *Engine) callDue(ctx context.Context) (next time.Time, err error) {
	hosts, err := e.Store.CallHosts(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, host := range hosts {
		again := host.Due
		if now := e.Clock.Now(); !again.After(now) {
			if again, err = e.callHost(ctx, host.Host, now); err != nil {
				return time.Time{}, err
			}
		}
		if next.IsZero() || !again.IsZero() && again.Before(next) {
			next = again
		}
	}
	return next, nil
}

func (e *Engine) callHost(ctx context.Context, host string, now time.Time) (next time.Time, err error) {
	free, again := e.callers.take(host, now)
	if free == 0 {
		return again, nil
	}
	taken, next, err := e.Store.TakeEffects(ctx, EffectDemand{Fences: e.fences, Host: host, Now: now, Limit: free})
	e.callers.give(host, free-len(taken))
	for _, f := range taken {
		e.senders.launch(func() { e.callOne(f) })
	}
	return next, err
}

// noCaller is the Caller of an engine that has none.
type noCaller struct{}

// Call refuses.
func (noCaller) Call(context.Context, Call) (Answer, error) {
	return Answer{}, Permanent(errors.New("calls of web services are not set up here"))
}

var _ Caller = noCaller{}
