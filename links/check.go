package links

import (
	"context"
	"errors"
	"net/http"
	"path"
	"time"

	"postern/engine"
)

// Standing is what a link allows now.
type Standing struct {
	Record   engine.Ref
	Landing  string
	Show     []string // fields
	Edit     []string // entries of the form
	Actions  []string
	Factor   string // name of the factor that a visitor has to pass before all that; "" for none
	Expires  time.Time
	UsesLeft int
}

// Check tells what the link of a token allows now, and changes nothing. The token may be the end of an address.
// ErrNoLink says that it opens nothing, whatever the reason; any other error that nobody can tell.
func (d *Door) Check(ctx context.Context, token string) (Standing, error) {
	c := d.nobody(ctx)
	c.SetPathValue("token", path.Base(token))
	link, err := d.linkOf(c)
	if err != nil {
		return Standing{}, inactive(err)
	}
	p := passage{link: link}
	if p.landing, err = d.landing(ctx, link); err != nil {
		return Standing{}, inactive(err)
	}
	if err := d.unchanged(c, link, p.landing); err != nil {
		return Standing{}, inactive(err)
	}
	record, err := d.recordOf(c, p)
	if err != nil {
		return Standing{}, inactive(err)
	}
	return d.standing(c, p, record)
}

// CheckExternal is Check for a landing that opens by the external id of a record.
func (d *Door) CheckExternal(ctx context.Context, name, external string) (Standing, error) {
	landing, record, err := d.byExternal(ctx, name, external)
	if err != nil {
		return Standing{}, err
	}
	c := d.nobody(ctx)
	link, err := d.keptExternal(c, landing, record, external)
	if err != nil {
		return Standing{}, inactive(err)
	}
	return d.standing(c, passage{link: link, landing: landing}, record)
}

// Known is the id of the link that a token is of, whatever has become of it; ErrNoLink if there is none.
func (d *Door) Known(ctx context.Context, token string) (engine.ID, error) {
	c := d.nobody(ctx)
	c.SetPathValue("token", path.Base(token))
	link, err := d.tokenOf(c)
	if link.ID.IsZero() {
		return engine.ID{}, inactive(err)
	}
	return link.ID, nil
}

// nobody is a call of no browser, so that a check goes the way of a visitor.
func (d *Door) nobody(ctx context.Context) *call {
	request := (&http.Request{Method: http.MethodGet, Header: http.Header{}}).WithContext(ctx)
	return &call{Request: request, now: d.with.Clock.Now()}
}

// standing says what a passage allows.
func (d *Door) standing(c *call, p passage, record engine.Record) (Standing, error) {
	standing := Standing{
		Record: p.link.Record, Landing: p.link.Landing, Show: p.landing.Show, Expires: p.link.Expires,
		UsesLeft: max(p.link.MaxUses-p.link.Uses, 0),
	}
	if p.landing.Factor != nil {
		standing.Factor = p.landing.Factor.Name
	}
	if !hasUses(p.link) {
		return standing, nil
	}
	for _, edit := range p.landing.Edit {
		standing.Edit = append(standing.Edit, edit.Field.Name)
	}
	for _, action := range p.landing.Actions {
		offered, err := d.offers(c, p, action, record)
		if err != nil {
			return Standing{}, err
		}
		if offered {
			standing.Actions = append(standing.Actions, action.Name)
		}
	}
	return standing, nil
}

// inactive makes one and the same error of every reason for which a link opens nothing.
func inactive(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return ErrNoLink
		}
	}
	return err
}
