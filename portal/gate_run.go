package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

const (
	// askEvery is how often the worker looks for what another node was asked for.
	askEvery = 5 * time.Second
	// sweepEvery is how often what is over is forgotten.
	sweepEvery = 10 * time.Minute
)

// Run looks after what people asked for without a proof, one after the other, and forgets what is over, until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	var swept time.Time
	for ctx.Err() == nil {
		err := g.AnswerAskings(ctx)
		if now := g.with.Clock.Now(); err == nil && now.Sub(swept) >= sweepEvery {
			swept, err = now, g.with.Store.SweepPortals(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			g.with.Logger.WarnContext(ctx, "what the portals were asked for has to wait", "error", err)
		}
		g.rest(ctx, err != nil)
	}
	return nil
}

// AnswerAskings looks after everything that waits.
func (g *Gate) AnswerAskings(ctx context.Context) error {
	for {
		asking, err := g.with.Store.NextAsking(ctx)
		if errors.Is(err, engine.ErrNoThing) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := g.answer(ctx, asking); err != nil {
			return fmt.Errorf("answer what portal %s was asked for: %w", asking.Portal, err)
		}
	}
}

// rest waits until somebody asks for something, or for a while. After a failure it waits in any case.
func (g *Gate) rest(ctx context.Context, failed bool) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	elapsed := make(chan struct{})
	go func() {
		defer close(elapsed)
		_ = g.with.Clock.Wait(waiting, askEvery)
	}()
	asked := g.asked
	if failed {
		asked = nil
	}
	select {
	case <-asked:
		cancel()
		<-elapsed
	case <-elapsed:
	}
}

// answer finds whose name was given, and tells that they asked. Of everybody else the audit notes that somebody did.
func (g *Gate) answer(ctx context.Context, asking Asking) error {
	now := g.with.Clock.Now()
	answer := Answer{Asking: asking.ID, Portal: asking.Portal, Deed: engine.Deed{
		At: now, Kind: engine.DeedPortalAsked, Actor: "portal:" + asking.Portal, Subject: "portal:" + asking.Portal,
	}}
	who, why, err := g.asker(ctx, asking)
	if err != nil {
		return err
	}
	if answer.Deed.Detail = string(asking.What) + ": " + why; why != "" {
		return g.with.Store.AnswerAsking(ctx, answer)
	}
	answer.Subject = who.record.Ref
	answer.Deed.Subject, answer.Deed.Detail = answer.Subject.String(), string(asking.What)
	kind := engine.PortalRecovery
	if asking.What == engine.OpensSignIn {
		kind = engine.PortalSignInAsked
	}
	answer.Event, err = g.event(kind, who, now, "", nil)
	if err != nil {
		return err
	}
	return g.with.Store.AnswerAsking(ctx, answer)
}

// asker is who asked, or why nobody is to be told.
func (g *Gate) asker(ctx context.Context, asking Asking) (who person, why string, err error) {
	p, err := g.by(asking.Portal, methodOf(asking.What))
	if err != nil {
		return who, "the portal does not let anybody in this way any more", nil //nolint:nilerr // that is the answer
	}
	var w wanted
	plain, err := g.with.Sealer.Open(askingPurpose, asking.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &w)
	}
	if err != nil { // its key is gone
		return who, "what was asked for can no longer be read", nil //nolint:nilerr // that is the answer
	}
	if who, err = g.byName(ctx, p, w.Name); err != nil {
		return who, "", err
	}
	if !w.Of.IsZero() && w.Of != who.record.Ref { // it was counted as their own, and is a stranger's
		wait, err := g.with.Store.Admit(ctx, g.askLimits(p.Name, w.Name), g.with.Clock.Now())
		if err != nil || wait > 0 {
			return who, "too often, from the browser of somebody else", err
		}
	}
	switch {
	case !who.known():
		return who, "by nobody who is known", nil
	case !who.opens:
		return who, "by somebody who may not sign in", nil
	}
	return who, "", nil
}
