package portal

import "context"

// secondStep tells whether something has to follow before somebody is let in, and what.
func (g *Gate) secondStep(context.Context, entry) (SignedIn, bool, error) {
	return SignedIn{}, false, nil
}
