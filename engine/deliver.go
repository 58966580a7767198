package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// dispatchEvery is how often the dispatcher looks for due deliveries at least: another process may
// have planned some.
const dispatchEvery = 30 * time.Second

// dispatch sends the planned deliveries as they fall due.
func (e *Engine) dispatch(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := e.takeDue(ctx)
		if errors.Is(err, ErrFenced) {
			return err
		}
		pause := dispatchEvery
		if err != nil && ctx.Err() == nil {
			e.Logger.Error("find due deliveries", "error", err)
			pause = insistMost
		}
		if !next.IsZero() {
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.pause(ctx, pause)
	}
	return nil
}

// takeDue claims what is due for the free slots. next is when the earliest of the others falls due.
func (e *Engine) takeDue(ctx context.Context) (next time.Time, err error) {
	free := e.slots.takeAll()
	if len(free) == 0 {
		return time.Time{}, nil // the backlog wakes us with the next free slot
	}
	taken, next, err := e.Store.Take(ctx, e.fences, free, e.Clock.Now())
	if err != nil {
		e.slots.give(free...)
		return time.Time{}, err
	}
	e.slots.give(free[len(taken):]...)
	e.backlog.Store(len(taken) == len(free))
	for _, d := range taken {
		env, err := e.unseal(d)
		if err != nil {
			e.settle(d, Receipt{}, Permanent(err))
			continue
		}
		e.send(d, env)
	}
	return next, nil
}

// pause waits for d, a nudge, or the end.
func (e *Engine) pause(ctx context.Context, d time.Duration) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	elapsed := make(chan struct{})
	go func() {
		defer close(elapsed)
		_ = e.Clock.Wait(waiting, d)
	}()
	select {
	case <-e.slots.wakeup:
		cancel()
		<-elapsed
	case <-elapsed:
	}
}

// send gives a delivery that holds a slot to its channel, in its own goroutine.
func (e *Engine) send(d *Delivery, env *Env) {
	e.senders.Go(func() {
		ctx, cancel := context.WithTimeout(e.work, e.settings.SendTimeout)
		defer cancel()
		receipt, err := e.try(ctx, d, env)
		e.settle(d, receipt, err)
	})
}

// try renders the message and hands it over once.
func (e *Engine) try(ctx context.Context, d *Delivery, env *Env) (receipt Receipt, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = Unknown(fmt.Errorf("the channel broke down: %v", panicked))
		}
	}()
	channel := e.Channels[d.Channel]
	if channel == nil {
		return Receipt{}, Misconfigured(fmt.Errorf("channel %s is not configured", d.Channel))
	}
	workflow, err := e.workflow(ctx, d.Workflow, d.Version)
	if err != nil {
		return Receipt{}, err
	}
	template := workflow.Templates[d.Template]
	if template == nil {
		return Receipt{}, Permanent(fmt.Errorf("workflow %s has no template %s", d.Workflow, d.Template))
	}
	for _, named := range d.Links {
		url, err := e.Minter.URL(named.Link)
		if err != nil {
			return Receipt{}, fmt.Errorf("write link: %w", err)
		}
		env.Links[named.Name] = url
	}
	content, err := template.Render(d.Channel, env.Recipient.Language, env)
	if err != nil {
		return Receipt{}, Permanent(fmt.Errorf("render %s: %w", d.Template, err))
	}
	return channel.Send(ctx, Message{
		Delivery: d.ID, Channel: d.Channel, Recipient: env.Recipient, Content: content,
		Record: d.Record, Workflow: d.Workflow, Run: d.Run, Created: d.Created,
	})
}

// settle stores the outcome of a try and frees the slot.
func (e *Engine) settle(d *Delivery, receipt Receipt, cause error) {
	now := e.Clock.Now()
	d.Attempts++
	d.judge(now, receipt, cause)
	switch {
	case d.State == DeliveryAccepted:
	case IsMisconfigured(cause):
		e.Logger.Error("delivery failed: the channel needs an operator", "state", string(d.State), "channel", d.Channel,
			"delivery", d.ID.String(), "attempts", d.Attempts, "error", cause)
	default:
		e.Logger.Warn("delivery failed", "state", string(d.State), "channel", d.Channel, "delivery", d.ID.String(),
			"workflow", d.Workflow, "attempts", d.Attempts, "error", cause)
	}
	slot := d.Slot
	d.Slot = 0
	err := e.insist("settle delivery", func(ctx context.Context) error {
		return e.Store.Settle(ctx, Settle{Fence: e.fences[d.Partition], Delivery: d})
	})
	if err != nil {
		e.Logger.Error("settle delivery: it stays in doubt", "delivery", d.ID.String(), "error", err)
	}
	e.slots.give(slot)
	if d.State == DeliveryPlanned || e.backlog.Load() {
		e.slots.nudge()
	}
}

// judge turns the outcome of a try into the delivery's next state.
func (d *Delivery) judge(now time.Time, receipt Receipt, cause error) {
	switch {
	case cause == nil:
		d.State, d.Receipt, d.Reason = DeliveryAccepted, receipt, ""
		d.note(now, "accepted by %s: %s", receipt.Provider, receipt.Detail)
		return
	case IsUnknown(cause):
		d.State, d.Reason = DeliveryUnknown, cause.Error()
		d.note(now, "unknown, held: %v", cause)
		return
	case IsPermanent(cause):
		d.State, d.Reason = DeliveryRejected, cause.Error()
		d.note(now, "rejected: %v", cause)
		return
	}
	pause := max(d.Retry.Pause(d.Attempts), RetryDelay(cause))
	pause += rand.N(pause/5 + 1) //nolint:gosec // jitter spreads retries; nothing depends on it being secret
	next := now.Add(pause)
	if d.Attempts >= d.Retry.Attempts || next.After(d.Until) {
		d.State, d.Reason = DeliveryRejected, fmt.Sprintf("given up after %d tries: %v", d.Attempts, cause)
		d.note(now, "%s", d.Reason)
		return
	}
	d.State, d.Due, d.Reason = DeliveryPlanned, next, cause.Error()
	d.note(now, "try %d failed, next in %s: %v", d.Attempts, pause.Round(time.Second), cause)
}

func (d *Delivery) note(at time.Time, format string, args ...any) {
	d.History = append(d.History, Decision{At: at, Text: fmt.Sprintf(format, args...)})
}

// letter is what a template needs, as it is sealed in the store: a retry after a restart writes the
// same message from it.
type letter struct {
	Now       time.Time         `json:"now"`
	Recipient Recipient         `json:"recipient"`
	Record    Fields            `json:"record"`
	Module    string            `json:"module"`
	Routes    map[string]Record `json:"routes,omitempty"`
	Outputs   map[string]Fields `json:"outputs,omitempty"`
	Vars      map[string]any    `json:"vars,omitempty"`
}

func (e *Engine) seal(d *Delivery, env *Env) ([]byte, error) {
	plain, err := json.Marshal(letter{
		Now: env.Now, Recipient: env.Recipient, Record: env.Record, Module: env.Module.Name,
		Routes: env.Routes, Outputs: env.Outputs, Vars: env.Vars,
	})
	if err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	return e.Sealer.Seal("delivery:"+d.ID.String(), plain)
}

func (e *Engine) unseal(d *Delivery) (*Env, error) {
	plain, err := e.Sealer.Open("delivery:"+d.ID.String(), d.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open letter: %w", err)
	}
	var l letter
	if err := strictJSON(plain, &l); err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	module := e.Book().Modules[l.Module]
	if module == nil {
		return nil, fmt.Errorf("module %s is no longer described", l.Module)
	}
	return &Env{
		Now: l.Now, Recipient: l.Recipient, Ref: d.Record, Record: l.Record, Module: module,
		Routes: l.Routes, Outputs: l.Outputs, Vars: l.Vars, Links: map[string]string{},
	}, nil
}
