package links

import (
	"crypto/hmac"
	"errors"
	"time"

	"postern/engine"
)

// Live tells whether a link opens at a time; if not, why. A link made for no effect at all only shows, and is never
// used up.
func Live(link engine.Link, now time.Time) error {
	switch {
	case !link.Revoked.IsZero():
		return ErrRevoked
	case now.Before(link.NotBefore):
		return ErrNoLink
	case Locked(link, now):
		return ErrLocked
	case !now.Before(link.Expires):
		return ErrExpired
	case link.MaxUses > 0 && link.Uses >= link.MaxUses:
		return ErrUsed
	}
	return nil
}

// hasUses tells whether an effect is left; a link made for none only shows.
func hasUses(link engine.Link) bool { return link.Uses < link.MaxUses }

// unchanged sees that a record still has the external id that it had when the link was made. One that has another, or
// none any more, has taken back every link that was made before. A link into a portal may have been ended otherwise.
func (d *Door) unchanged(c *call, link engine.Link, landing *engine.Landing) error {
	if err := d.unended(c.Context(), link, landing.Opens); err != nil {
		return err
	}
	name := landing.Module.ExternalID
	if link.External == nil || name == "" {
		return nil
	}
	if c.record == nil || c.record.Ref != link.Record {
		record, err := d.read(c.Context(), link.Record)
		if err != nil {
			return err
		}
		c.record = &record
	}
	now := keyedHash(d.with.Keys.Peppers, link.KeyID, "external", c.record.Fields.Text(name))
	if !hmac.Equal(now, link.External) {
		return ErrRevoked
	}
	return nil
}

// recordOf is the record of a passage. What was read already for this request is not read again, but once only: who
// asks a second time wants to know what it is by then.
func (d *Door) recordOf(c *call, p passage) (engine.Record, error) {
	if known := c.record; known != nil && known.Ref == p.link.Record {
		c.record = nil
		return *known, nil
	}
	return d.read(c.Context(), p.link.Record)
}

// tooEarly tells whether a link is not valid yet. It becomes valid a while before it is made, so only a clock that is
// wrong sees it earlier.
func tooEarly(link engine.Link, now time.Time) bool {
	return errors.Is(Live(link, now), ErrNoLink)
}
