package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// clicker is the one that comes to every link, and what it left behind.
type clicker struct {
	chromium string
	mu       sync.Mutex
	walks    map[*ticket][]walk
	reached  map[string]int // pages by the first letter of their paths
}

// come lets the clicker come by, and go on for two to six clicks.
func (c *clicker) come(ctx context.Context, stops []stop) error {
	return browse(ctx, c.chromium, stops, func(tab context.Context, at stop) error {
		w, err := clicks(tab, at.link, 2+at.n/len(kinds)%5, false)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.walks[at.ticket] = append(c.walks[at.ticket], w)
		for _, path := range w.pages {
			c.reached[path[:min(len(path), 3)]]++
		}
		return err
	})
}

// clickAll lets a clicker come to every link, then to those in the mails that came of that. Afterwards what it has left
// behind is counted, and taken back by the page that it had last.
func (s *stand) clickAll(ctx context.Context, chromium string, tickets []*ticket) (string, error) {
	c := &clicker{chromium: chromium, walks: map[*ticket][]walk{}, reached: map[string]int{}}
	if err := c.come(ctx, stops(tickets)); err != nil {
		return "", err
	}
	if _, err := s.settle(tickets); err != nil {
		return "", err
	}
	proofs := s.ledger.proofs(tickets)
	if len(proofs) > 0 {
		if err := c.come(ctx, proofs); err != nil {
			return "", err
		}
	}
	if _, err := s.settle(tickets); err != nil {
		return "", err
	}
	effects, undoable, complaints := 0, 0, []string(nil)
	for _, t := range tickets {
		one := s.ledger.of(t)
		switch standing := one.standing(); {
		case !t.kind.clicks && one.effects() > 0, standing > 1, standing < 0:
			complaints = append(complaints,
				fmt.Sprintf("%s (%s) was clicked on, and this came of it: %+v", t.id, t.kind.name, one))
		case standing == 1:
			effects++
			if err := s.takeBack(ctx, t, c.walks[t]); err != nil {
				complaints = append(complaints, fmt.Sprintf("%s (%s): %v", t.id, t.kind.name, err))
				continue
			}
			undoable++
		}
	}
	if effects == 0 {
		complaints = append(complaints, "the clicker has had no effect anywhere: it did not really click")
	}
	s.tell("clickers links=%d effects=%d undoable=%d", countLinks(tickets), effects, undoable)
	return fmt.Sprintf("%d links of second mails too; pages behind the door: %s", len(proofs), paths(c.reached)),
		s.ledger.wrong(complaints)
}

func paths(reached map[string]int) string {
	var parts []string
	for _, path := range slices.Sorted(maps.Keys(reached)) {
		parts = append(parts, fmt.Sprintf("%d %s", reached[path], path))
	}
	return strings.Join(parts, ", ")
}

// takeBack presses undo on the receipt of the walk that had the effect.
func (s *stand) takeBack(ctx context.Context, t *ticket, walks []walk) error {
	before := s.ledger.of(t).undone
	for _, w := range walks {
		if w.flow == "" {
			continue
		}
		p := newPerson(from(1, 0), s.postern.Place.WebURL())
		p.keep(w.cookies)
		receipt, err := p.get(ctx, "/r/"+w.flow)
		if err != nil || !strings.Contains(receipt.text, undoPath(w.flow)) {
			continue // it is a flow by the other link, which is over, or one that did nothing
		}
		if _, err := p.post(ctx, undoPath(w.flow), receipt.form); err != nil {
			return err
		}
		return s.await(func() bool { return s.ledger.of(t).undone == before+1 })
	}
	return errors.New("no receipt offers to take the effect back")
}

func undoPath(flow string) string { return "/r/" + flow + "/undo" }
