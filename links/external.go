package links

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"postern/engine"
)

// An external id opens a landing that allows it only from this length on, in bytes: numbers that somebody counts up are
// no permission. What is longer than the most is none of ours.
const (
	minExternal = 16
	maxExternal = 200
)

// showExternal is the door for who comes with a record's external id. It is the same whatever stands in the address:
// nothing is looked up before somebody asks to go on.
func (d *Door) showExternal(c *call) (answer, error) { return d.doorPage(c, ""), nil }

// passExternal opens a flow through the link of a record's external id.
func (d *Door) passExternal(c *call) (answer, error) {
	name, external := c.PathValue("landing"), strings.TrimRight(c.PathValue("external"), strays)
	landing, record, err := d.byExternal(c.Context(), name, external)
	if err != nil {
		return answer{}, err
	}
	c.record = &record
	link, err := d.with.Store.Keep(c.Context(), d.externalLink(c, landing, record, external))
	if err != nil {
		return answer{}, fmt.Errorf("keep link: %w", err)
	}
	if err := Live(link, c.now); err != nil {
		return answer{}, err
	}
	return d.pass(c, link)
}

// byExternal finds the one record with an external id, for a landing that opens by it; ErrNoLink for everything else.
func (d *Door) byExternal(ctx context.Context, name, external string) (*engine.Landing, engine.Record, error) {
	landing := d.with.Book().Landings[name]
	if landing == nil || !landing.ByExternalID || landing.Module.ExternalID == "" ||
		len(external) < minExternal || len(external) > maxExternal || !utf8.ValidString(external) {
		return nil, engine.Record{}, ErrNoLink
	}
	field := landing.Module.ExternalID
	found, err := d.with.CRM.Find(ctx, landing.Module.Name, field, external, 2)
	if err != nil {
		return nil, engine.Record{}, fmt.Errorf("find record: %w", err)
	}
	if len(found) > 1 {
		d.with.Logger.WarnContext(ctx, "an external id names two records, and so opens neither",
			"module", landing.Module.Name, "records", []string{found[0].ID, found[1].ID})
		return nil, engine.Record{}, ErrNoLink
	}
	// A CRM may compare more loosely than we do.
	if len(found) == 0 || found[0].Deleted || found[0].Fields.Text(field) != external {
		return nil, engine.Record{}, ErrNoLink
	}
	return landing, found[0], nil
}

// externalID is the id of the link of a landing and a record's external id. Another external id is another link.
func externalID(landing *engine.Landing, record engine.Ref, external string) engine.ID {
	return engine.DerivedID(engine.ID{}, "external", landing.Name, record.String(), external)
}

// externalLink is that link as it would be made now. It has no token, so its generation is 0.
func (d *Door) externalLink(c *call, landing *engine.Landing, record engine.Record, external string) engine.Link {
	id, peppers := externalID(landing, record.Ref, external), d.with.Keys.Peppers
	key := peppers.Current()
	return engine.Link{
		ID: id, KeyID: key, Digest: keyedHash(peppers, key, "external link", id.String()),
		Landing: landing.Name, LandingVersion: landing.Version, Record: record.Ref,
		NotBefore: c.now.Add(-clockSlack), Expires: c.now.Add(engine.MaxExpires), MaxUses: landing.Uses,
		External: keyedHash(peppers, key, "external", external), Created: c.now,
	}
}

// keptExternal is the stored link of an external id, or what it would be while nobody has come by it.
func (d *Door) keptExternal(
	c *call, landing *engine.Landing, record engine.Record, external string,
) (engine.Link, error) {
	link, err := d.with.Store.LinkByID(c.Context(), externalID(landing, record.Ref, external))
	if errors.Is(err, ErrNoLink) {
		return d.externalLink(c, landing, record, external), nil
	}
	if err != nil {
		return engine.Link{}, err
	}
	link.MaxUses, link.Expires = landing.Uses, c.now.Add(engine.MaxExpires)
	return link, Live(link, c.now)
}
