package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// watched is the CRM as the engine asks it: it remembers since when reads fail, so that an operator hears of
// it. Runs that need a read rest meanwhile, each by itself and without a word.
type watched struct {
	CRM
	clock Clock

	mu    sync.Mutex
	since time.Time // of the first read that failed with no answer after it; zero while it answers
}

// Get reads records and notes whether there was an answer.
func (w *watched) Get(ctx context.Context, refs ...Ref) ([]Record, error) {
	records, err := w.CRM.Get(ctx, refs...)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.since = time.Time{}
	case errors.Is(err, context.Canceled): // we stopped asking
	case w.since.IsZero():
		w.since = w.clock.Now()
	}
	return records, err
}

// warnings are a sentence if the CRM does not answer reads.
func (w *watched) warnings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since.IsZero() {
		return nil
	}
	lasts := w.clock.Now().Sub(w.since).Round(time.Second)
	return []string{fmt.Sprintf("the CRM: reads fail, for %s by now; what needs them is taken again", lasts)}
}

var _ CRM = (*watched)(nil)
