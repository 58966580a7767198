package main

import (
	"math/rand/v2"
	"sync"
	"time"
)

// dice is randomness that a seed repeats, for several goroutines. What they do with it depends on who asks first, so a
// seed repeats the choices of a scenario but not every instant.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

// n draws from 0 to below n.
func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

// upTo draws a duration below most.
func (d *dice) upTo(most time.Duration) time.Duration { return time.Duration(d.n(int(most))) }
