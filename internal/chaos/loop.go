package main

import (
	"context"
	"fmt"
)

// depth is how many writes of Postern's own may follow from one another: the limit is 8, and the one that goes beyond
// it is told but starts nothing.
const depth = 9

// loop has two workflows chase one another, killed meanwhile. Each ticket goes there and back as often as the limit
// lets it, and no further.
func loop(ctx context.Context, t *trial) error {
	s := newSiege(t)
	s.effectOf = func(e told) string {
		for _, field := range e.Data.Changed {
			return hop(e.Data.Record[field])
		}
		return e.Type
	}
	s.teller.more = map[string]string{"hops": "0", "hops_back": "0"}
	s.teller.wants = nil
	for n := range depth {
		s.teller.wants = append(s.teller.wants, hop(n+1))
	}
	return besiege(ctx, s, "loop", atTold, atRandom, atAck)
}

func hop(n any) string { return fmt.Sprintf("hop %v", n) }
