package engine

import (
	"context"
	"errors"
	"time"
)

// Retention says how long what is over is kept.
type Retention struct {
	// History is how long runs, deliveries, effects and dead letters are kept after they began.
	History time.Duration `yaml:"history"`
	// Links is how long a link is still recognised after it has expired, to say so to who follows it.
	Links time.Duration `yaml:"links"`
	// Keys is for how long an event that comes again starts nothing, counted from when its run began. It
	// must not be shorter than the history.
	Keys time.Duration `yaml:"keys"`
	// Audit is how long entries of the audit are kept.
	Audit time.Duration `yaml:"audit"`
	// Files is how long files that visitors sent are kept, for the CRM to fetch.
	Files time.Duration `yaml:"files"`
}

// DefaultRetention keeps history and files for 90 days and what protects them for 400.
func DefaultRetention() Retention {
	return Retention{
		History: 2160 * time.Hour, Links: 2160 * time.Hour, Keys: 9600 * time.Hour, Audit: 9600 * time.Hour,
		Files: 2160 * time.Hour,
	}
}

// Validate finds what cannot be meant.
func (r Retention) Validate() error {
	switch {
	case min(r.History, r.Links, r.Keys, r.Audit, r.Files) < 24*time.Hour:
		return errors.New("nothing is kept for less than 1d")
	case r.Keys < r.History:
		return errors.New("keys must be kept for at least as long as the history: " +
			"an event that comes again would start its workflows again")
	}
	return nil
}

// Forgotten counts what one bite of forgetting removed.
type Forgotten struct {
	Runs, Deliveries, Links, Others int
	More                            bool // there is more to remove
}

// Keeper forgets what is older than the retention.
type Keeper interface {
	// Forget removes some of what is too old, in one small change, beginning where the bite before ended;
	// a run, delivery or link that is not over stays. The keys of the runs are kept on their own.
	Forget(ctx context.Context, keep Retention, now time.Time) (Forgotten, error)
}

const (
	forgetEvery = time.Hour
	forgetPause = 50 * time.Millisecond // between two bites, for others to pass
)

// forget removes what is too old, in small bites, and seals the audit, until the context ends.
func (e *Engine) forget(ctx context.Context) {
	defer e.sealAudit(e.work) // what the last hour added
	for ctx.Err() == nil {
		e.sealAudit(ctx)
		gone, err := e.forgetAll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.Logger.Error("remove what is too old", "error", err)
		case gone != Forgotten{}:
			e.Logger.Info("removed what is too old", "runs", gone.Runs, "deliveries", gone.Deliveries,
				"links", gone.Links, "others", gone.Others)
		}
		_ = e.Clock.Wait(ctx, forgetEvery)
	}
}

func (e *Engine) sealAudit(ctx context.Context) {
	if e.Signer == nil {
		return
	}
	if err := e.Store.SealAudit(ctx, e.Signer, e.Clock.Now()); err != nil && ctx.Err() == nil {
		e.Logger.Error("seal the audit", "error", err)
	}
}

// forgetAll removes one bite after the other until nothing is too old.
func (e *Engine) forgetAll(ctx context.Context) (all Forgotten, err error) {
	for {
		bite, err := e.Store.Forget(ctx, e.settings.Retention, e.Clock.Now())
		if err != nil {
			return all, err
		}
		all.Runs, all.Deliveries = all.Runs+bite.Runs, all.Deliveries+bite.Deliveries
		all.Links, all.Others = all.Links+bite.Links, all.Others+bite.Others
		if !bite.More {
			return all, nil
		}
		if err := e.Clock.Wait(ctx, forgetPause); err != nil {
			return all, err
		}
	}
}
