package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// send gives a delivery that holds a slot to its channel, in its own goroutine. The holder is the channel
// that the slot counts for.
func (e *Engine) send(holder string, d *Delivery, env *Env) {
	e.senders.Go(func() {
		d.Attempts++
		receipt, err := e.try(d, env)
		e.settle(holder, d, receipt, err)
	})
}

// try writes the message and hands it over once.
func (e *Engine) try(d *Delivery, env *Env) (Receipt, error) {
	channel := e.Channels[d.Channel]
	if channel == nil {
		return Receipt{}, Misconfigured(fmt.Errorf("channel %s is not configured", d.Channel))
	}
	message, err := e.compose(d, env)
	if err != nil {
		return Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(e.work, e.settings.SendTimeout)
	defer cancel()
	return e.handOver(ctx, channel, message)
}

// compose renders the message.
func (e *Engine) compose(d *Delivery, env *Env) (m Message, err error) {
	defer e.onPanic("template broke down", func(broken error) { err = Permanent(broken) })
	workflow, err := e.workflow(e.work, d.Workflow, d.Version)
	if err != nil {
		return Message{}, err
	}
	template := workflow.Templates[d.Template]
	if template == nil {
		return Message{}, Permanent(fmt.Errorf("workflow %s has no template %s", d.Workflow, d.Template))
	}
	for _, named := range d.Links {
		url, err := e.Minter.URL(named.Link)
		if err != nil {
			return Message{}, Misconfigured(fmt.Errorf("write link: %w", err))
		}
		env.Links[named.Name] = url
	}
	content, err := template.Render(d.Channel, env.Recipient.Language, env)
	if err != nil {
		return Message{}, Permanent(fmt.Errorf("render %s: %w", d.Template, err))
	}
	return Message{
		Delivery: d.ID, Channel: d.Channel, Recipient: env.Recipient, Content: content,
		Record: d.Record, Workflow: d.Workflow, Run: d.Run, Created: d.Created,
	}, nil
}

// handOver sends. After a panic nobody knows whether the message left.
func (e *Engine) handOver(ctx context.Context, channel Channel, m Message) (receipt Receipt, err error) {
	defer e.onPanic("channel broke down", func(broken error) { err = Unknown(broken) })
	return channel.Send(ctx, m)
}

// onPanic is deferred: it turns a panic into an error and logs where it came from.
func (e *Engine) onPanic(what string, report func(error)) {
	if panicked := recover(); panicked != nil {
		e.Logger.Error("panic", "what", what, "panic", panicked, "stack", string(debug.Stack()))
		report(errors.New(what))
	}
}
