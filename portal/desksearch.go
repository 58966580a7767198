package portal

import (
	"context"
	"errors"
	"runtime"
	"time"

	"postern/engine"
	"postern/internal/turns"
)

// Limits of searches. Each page, record or count is one search, and one more for each module that its references lead
// to.
const (
	searchLine     = 250             // searches of one subject that wait for their turn
	searchPatience = 5 * time.Second // how long each of them waits
	searchRetry    = 5 * time.Second // after how long somebody who waited in vain may try again
)

// DefaultSearches is how many searches of kept records run at once: one for each processor.
func DefaultSearches() int { return runtime.NumCPU() }

// newSearches makes the turns of searches, half of which one subject may have at once.
func newSearches(all int) *turns.Turns {
	if all == 0 {
		all = DefaultSearches()
	}
	return turns.New(all, (all+1)/2, searchLine, searchPatience)
}

// search asks the CRM when it is the viewer's turn, so that nobody's questions keep those of the others from an answer.
// It fails with *BusyError where the turn does not come in time.
func (d *Desk) search(ctx context.Context, v Viewer, search engine.Search) (engine.Found, error) {
	leave, err := d.searches.Enter(ctx, v.Portal.Name+" "+v.Ref().String())
	switch {
	case errors.Is(err, turns.ErrLate), errors.Is(err, context.DeadlineExceeded):
		return engine.Found{}, &BusyError{RetryAfter: searchRetry}
	case err != nil:
		return engine.Found{}, err
	}
	defer leave()
	found, err := d.with.CRM.Search(ctx, search)
	if engine.IsBusy(err) {
		d.with.Logger.Warn("a search of a portal found no room", "module", search.Module.Name, "error", err)
		return engine.Found{}, &BusyError{RetryAfter: searchRetry}
	}
	return found, err
}
