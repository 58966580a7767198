package portal

import (
	"context"

	"postern/engine"
)

// Admitted counts those whose record lets them in now, among the first records of the portal's module.
type Admitted struct {
	In     int
	Looked int
	More   bool // there are records that were not looked at
}

// Admits counts whom the records of the CRM let in, and looks at no more than limit of them: whoever an operator has
// shut out counts too. Errors: ErrNoPortal, ErrUnavailable.
func (g *Gate) Admits(ctx context.Context, portal string, limit int) (Admitted, error) {
	var count Admitted
	p, err := g.portal(portal)
	if err != nil {
		return count, err
	}
	listing := engine.Listing{Module: p.Subject.Module.Name}
	for {
		if listing.Limit = min(limit-count.Looked, engine.MaxListed); listing.Limit <= 0 {
			count.More = true
			return count, nil
		}
		page, err := g.with.CRM.List(ctx, listing)
		if err != nil {
			return count, unavailable(err)
		}
		for _, record := range page.Records {
			opens, err := g.opens(ctx, person{portal: p, record: record})
			if err != nil {
				return count, err
			}
			if count.Looked++; opens && record.Fields.Text(p.Subject.Login) != "" {
				count.In++
			}
		}
		if listing.After = page.Next; page.Next == "" {
			return count, nil
		}
	}
}
