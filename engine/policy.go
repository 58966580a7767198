package engine

import (
	"context"
	"errors"
	"fmt"
)

// policy is a rule that a message must pass before it is handed over.
type policy struct {
	name string // begins the line of the history
	// rule is nil to let the message pass. A Permanent error rejects it, and the next way takes it; any other puts the
	// try off as an error of the channel would. Its text, after the name, is the line of the history.
	rule func(e *Engine, ctx context.Context, d *Delivery, l *letter) error
}

// policies are the rules in their order. The address and its form, the first of all, are settled before there is a
// delivery, by Route.Recipient; a redirection and a list of the only recipients stand right behind it.
//
// What is to come has its place: consent before suppression; behind it the window in which a message is a repetition,
// the throttle of a recipient and a workflow, the quiet hours of the recipient's zone, all before the budget.
// The provider with its breaker and its rate, the writing and the sending follow.
func policies() []policy {
	return []policy{
		{"kept back", (*Engine).allowed},
		{"suppressed", (*Engine).suppressed},
		{"budget", (*Engine).withinBudget},
	}
}

// passes holds a message against the policies.
func (e *Engine) passes(ctx context.Context, d *Delivery, l *letter) error {
	for _, p := range e.policies {
		if err := p.rule(e, ctx, d, l); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// suppressed refuses a message to an address that gets nothing more, or nothing more of its workflow.
func (e *Engine) suppressed(_ context.Context, d *Delivery, l *letter) error {
	if !e.Store.Suppressing(d.Channel) {
		return nil
	}
	list := ""
	if l.class.Refusable() {
		list = d.Workflow
	}
	address := e.hashAddress(d.Channel, l.env.Recipient.Address)
	reason, holds := e.Store.Suppressed(d.Channel, address, list, e.Clock.Now())
	if !holds {
		return nil
	}
	return Permanent(errors.New(reason.Says()))
}
