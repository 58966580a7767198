package links

import (
	"errors"
	"slices"

	"postern/internal/crowd"
)

// looking is for what looks up what its path names: it notes what does not exist, and asks for patience with it who has
// tried too much. A link that exists always opens: whoever has it was not guessing, whatever others try from there.
func (d *Door) looking(h handler) handler {
	return func(c *call) (answer, error) {
		reply, err := h(c)
		if !missing(err) {
			return reply, err
		}
		if wait := d.crowd.Enter(c.from, c.now); wait > 0 {
			return answer{}, &crowd.Error{Wait: wait}
		}
		d.crowd.Missed(c.from, c.URL.Path, c.now)
		return reply, err
	}
}

// entering is for what costs the CRM something: who has tried too much has to wait before anything is looked up.
func (d *Door) entering(h handler) handler {
	return func(c *call) (answer, error) {
		if wait := d.crowd.Enter(c.from, c.now); wait > 0 {
			return answer{}, &crowd.Error{Wait: wait}
		}
		return h(c)
	}
}

// missing tells whether an error is that there is nothing of that name. Who has a revoked link had it honestly.
func missing(err error) bool {
	return slices.ContainsFunc([]error{ErrNoLink, errUnknown, errLost}, func(none error) bool {
		return errors.Is(err, none)
	})
}

// guessing is to be asked before a form that asks for a proof or brings one is looked at: an error is the answer.
func (d *Door) guessing(c *call) error {
	if wait := d.crowd.Guess(c.from, c.now); wait > 0 {
		return &crowd.Error{Wait: wait}
	}
	return nil
}
