// Package crowd keeps one place from trying too much: links that do not exist, names and codes that are guessed.
package crowd

import (
	"fmt"
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How much one place may try. A place is the address of a visitor, of IPv6 the /64 that one of them has for themselves,
// and again the network around it: /24 of IPv4, /48 of IPv6.
const (
	wrongLinks    = 10               // different links that do not exist, within shutTime, before a place is shut
	shutTime      = 15 * time.Minute // for how long it then is
	networkFactor = 10               // a network may do so many times as much as an address of it

	// crowdSize is how many places are remembered in each of two halves, 10 MB together. Beyond that who was not seen
	// for longest is forgotten; the limits of links and recipients are in the store and forget nobody.
	crowdSize = 20_000
)

// The paces of a place.
var (
	missPace  = pace{burst: 20, per: time.Minute}     // links that do not exist, the same one too
	guessPace = pace{burst: 30, per: 5 * time.Minute} // forms that ask for a proof or bring one

	// signInPace is how often one place may try to sign in. What was right is taken back, so this is how often all who
	// share an address may mistype: an office of 300 people of whom each tenth does so has 30 of these in a morning.
	signInPace = pace{burst: 100, per: 5 * time.Minute}
)

// pace is how often something may happen: burst times at once, then evenly burst times per period.
type pace struct {
	burst int
	per   time.Duration
}

// take counts one, or says how long to wait for it (the generic cell rate algorithm). due is what is kept between two
// calls: when all that was taken would have come at an even pace.
func (p pace) take(due *time.Time, now time.Time) (wait time.Duration) {
	wait = p.wait(*due, now)
	if wait == 0 {
		*due = p.from(*due, now).Add(p.per / time.Duration(p.burst))
	}
	return wait
}

// wait is how long it takes until one more may be taken.
func (p pace) wait(due, now time.Time) time.Duration {
	next := p.from(due, now).Add(p.per / time.Duration(p.burst))
	return max(0, next.Sub(now)-p.per)
}

// from is due within what it can be: a clock that was set back must not keep anybody out for longer than a period.
func (p pace) from(due, now time.Time) time.Time {
	switch {
	case due.Before(now):
		return now
	case due.After(now.Add(p.per)):
		return now.Add(p.per)
	}
	return due
}

// Crowd is what the addresses that came lately have tried. It is in memory alone and the first guard, not the last: it
// keeps one place from costing much, and knows nothing of what other processes have seen.
type Crowd struct {
	seed  maphash.Seed
	guess pace

	mu           sync.Mutex
	fresh, older map[netip.Prefix]*tally
	turned       time.Time // when fresh was begun
}

// tally is what one place has tried.
type tally struct {
	misses, guesses time.Time // as pace keeps them
	wrong           []uint64  // hashes of the different links that do not exist, since began
	began           time.Time
	shut            time.Time // until when nothing is looked up
}

// New is a crowd of nobody, at the door of links.
func New() *Crowd { return with(guessPace) }

// NewSignIns is a crowd of nobody, where people sign in.
func NewSignIns() *Crowd { return with(signInPace) }

func with(guess pace) *Crowd {
	return &Crowd{seed: maphash.MakeSeed(), guess: guess, fresh: map[netip.Prefix]*tally{}}
}

// Enter tells how long a visitor has to wait before they may miss once more; zero for come in.
func (c *Crowd) Enter(from netip.Addr, now time.Time) (wait time.Duration) {
	if !from.IsValid() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, factor := range placesOf(from) {
		if t := c.known(place); t != nil {
			wait = max(wait, min(t.shut.Sub(now), shutTime), missPace.times(factor).wait(t.misses, now))
		}
	}
	return wait
}

// Missed notes that what a visitor came with does not exist.
func (c *Crowd) Missed(from netip.Addr, what string, now time.Time) {
	if !from.IsValid() {
		return
	}
	hash := maphash.String(c.seed, what)
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, factor := range placesOf(from) {
		t := c.tally(place, now)
		missPace.times(factor).take(&t.misses, now)
		if factor == 1 {
			t.tryAnother(hash, now)
		}
	}
}

// Guess counts an answer to a question, or says how long to wait with it. One that was right is taken back: see Right.
func (c *Crowd) Guess(from netip.Addr, now time.Time) (wait time.Duration) {
	if !from.IsValid() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, factor := range placesOf(from) {
		wait = max(wait, c.guess.times(factor).wait(c.tally(place, now).guesses, now))
	}
	if wait > 0 {
		return wait
	}
	for place, factor := range placesOf(from) {
		c.guess.times(factor).take(&c.tally(place, now).guesses, now)
	}
	return 0
}

// Right takes back that an answer was counted: a whole office may prove who they are on the morning of payday.
func (c *Crowd) Right(from netip.Addr, now time.Time) {
	if !from.IsValid() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, factor := range placesOf(from) {
		pace, t := c.guess.times(factor), c.tally(place, now)
		t.guesses = t.guesses.Add(-pace.per / time.Duration(pace.burst))
	}
}

// tryAnother shuts a place that tries one link after the other.
func (t *tally) tryAnother(hash uint64, now time.Time) {
	if now.Sub(t.began).Abs() > shutTime {
		t.began, t.wrong = now, nil
	}
	if slices.Contains(t.wrong, hash) {
		return
	}
	if t.wrong = append(t.wrong, hash); len(t.wrong) >= wrongLinks {
		t.shut, t.wrong = now.Add(shutTime), nil
	}
}

// times is the pace of a network of so many.
func (p pace) times(factor int) pace { return pace{burst: p.burst * factor, per: p.per} }

// placesOf are the places that an address counts for, each with how many times an address it may do.
func placesOf(from netip.Addr) map[netip.Prefix]int {
	own, around := 32, 24
	if from.Is6() && !from.Is4In6() {
		own, around = 64, 48
	}
	from = from.Unmap().WithZone("")
	address, _ := from.Prefix(own) // these lengths are ones that every address has
	network, _ := from.Prefix(around)
	return map[netip.Prefix]int{address: 1, network: networkFactor}
}

// known is what is remembered of a place, nil for nothing.
func (c *Crowd) known(place netip.Prefix) *tally {
	if t := c.fresh[place]; t != nil {
		return t
	}
	return c.older[place]
}

// tally is what is remembered of a place, from now on with those seen lately.
func (c *Crowd) tally(place netip.Prefix, now time.Time) *tally {
	if t := c.fresh[place]; t != nil {
		return t
	}
	t := c.older[place]
	if t == nil {
		t = &tally{}
	}
	// After shutTime nothing of a place that was not seen since counts any more.
	if len(c.fresh) >= crowdSize || now.Sub(c.turned).Abs() > shutTime {
		c.older, c.fresh, c.turned = c.fresh, map[netip.Prefix]*tally{}, now
	}
	c.fresh[place] = t
	return t
}

// Error is that a place has tried too much.
type Error struct{ Wait time.Duration }

// Error says how long to wait.
func (e *Error) Error() string {
	return fmt.Sprintf("too much was tried from this address: wait %s", e.Wait)
}

// Header tells a client when to come again, in whole seconds.
func (e *Error) Header() http.Header {
	return http.Header{"Retry-After": {fmt.Sprint(int(math.Ceil(e.Wait.Seconds())))}}
}
