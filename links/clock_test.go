package links_test

import (
	"strings"
	"testing"
	"time"
)

// A link is made by one node and opened at another, whose clock may be another: up to a minute nobody notices, beyond
// that who is early has to wait, and the log says why. A link ends by the clock of the door, to the millisecond.
func TestT20ClocksApart(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration // of the door's clock: the clock by which the link is made
		early time.Duration // how much too early the door is
	}{
		"59 s ahead":    {ahead: 59 * time.Second},
		"60 s ahead":    {ahead: time.Minute},
		"61 s ahead":    {ahead: 61 * time.Second, early: time.Second},
		"10 min ahead":  {ahead: 10 * time.Minute, early: 9 * time.Minute},
		"59 s behind":   {ahead: -59 * time.Second},
		"60 s behind":   {ahead: -time.Minute},
		"10 min behind": {ahead: -10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			start := h.clock.Now()
			h.clock.Advance(c.ahead)
			link, address := h.mint("once") // for an hour
			h.clock.Set(start)
			v := h.visitor()
			const warning = "a link is not valid yet: the clocks of those who make links and of those who answer them differ"
			if c.early > 0 {
				v.get(address).expect(t, 404, recordData...)
				v.send("POST", address, nil).expect(t, 404, recordData...)
				h.clock.Advance(c.early - time.Millisecond)
				v.get(address).expect(t, 404)
				if log := h.log.String(); !strings.Contains(log, warning) || !strings.Contains(log, "by="+c.early.String()) ||
					!strings.Contains(log, link.ID.String()) {
					t.Errorf("the log does not tell that clocks are %s apart:\n%s", c.early, log)
				}
				h.clock.Advance(time.Millisecond)
			} else if strings.Contains(h.log.String(), warning) {
				t.Errorf("the log warns of clocks:\n%s", h.log)
			}
			page := v.open(address)
			page.expect(t, 200)
			h.clock.Set(start.Add(time.Hour + c.ahead - time.Millisecond))
			v.get(address).expect(t, 200)
			h.clock.Advance(time.Millisecond)
			v.get(address).expect(t, 410, "This link has expired")
			v.send("POST", address, nil).expect(t, 410)
			v.get(page.path).expect(t, 404, "open your link again")
			if events := h.events(); len(events) != 0 {
				t.Errorf("it had the effects %+v", events)
			}
		})
	}
}
