package portal

import (
	"cmp"
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

// AnswerAskings looks after everything that waits. What has waited for longer than a link for it would have lived is
// dropped: whoever asked has asked again by then, or does not expect a link any more.
func (g *Gate) AnswerAskings(ctx context.Context) error {
	dropped := 0
	defer func() {
		if dropped > 0 {
			g.with.Logger.WarnContext(ctx, "links were asked for so long ago that none is sent", "askings", dropped)
		}
	}()
	for {
		asking, err := g.with.Store.NextAsking(ctx)
		if errors.Is(err, engine.ErrNoThing) {
			return nil
		}
		if err != nil {
			return err
		}
		late := g.with.Clock.Now().Sub(asking.At) >= g.lifeOf(asking)
		if err := g.answer(ctx, asking, late); err != nil {
			return fmt.Errorf("answer what portal %s was asked for: %w", asking.Portal, err)
		}
		if late {
			dropped++
		}
	}
}

// lifeOf is how long a link for an asking lives: that of the landing that opens for longest; usual where there is none.
func (g *Gate) lifeOf(asking Asking) time.Duration {
	life, opens := time.Duration(0), engine.Opens{Portal: asking.Portal, What: asking.What}
	for _, landing := range g.with.Book().Landings {
		if landing.Opens != nil && *landing.Opens == opens {
			life = max(life, landing.Expires)
		}
	}
	return cmp.Or(life, engine.UsualOpens)
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
func (g *Gate) answer(ctx context.Context, asking Asking, late bool) error {
	now := g.with.Clock.Now()
	answer := Answer{Asking: asking.ID, Portal: asking.Portal, Deed: engine.Deed{
		At: now, Kind: engine.DeedPortalAsked, Actor: "portal:" + asking.Portal, Subject: "portal:" + asking.Portal,
	}}
	if late {
		answer.Deed.Detail = string(asking.What) + ": too long ago"
		return g.with.Store.AnswerAsking(ctx, answer)
	}
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
