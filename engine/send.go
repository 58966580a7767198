package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// try is one try of a delivery and its outcome.
type try struct {
	holder string    // the channel that the slot counts for
	slot   int       // that the delivery holds
	letter *letter   // nil if it could not be read
	until  time.Time // the delivery's, before the try

	over    bool // it never began: the time for trying was over
	refused bool // a policy forbade it
	handed  bool // the channel was asked
	receipt Receipt
	err     error
}

// send gives a delivery that holds a slot to its channel, in its own goroutine.
func (e *Engine) send(holder string, d *Delivery, l *letter) {
	e.senders.launch(func() {
		t := &try{holder: holder, slot: d.Slot, letter: l, until: d.Until}
		d.begin(e.Clock.Now())
		t.receipt, t.err = e.try(d, t)
		e.settle(d, t)
	})
}

// try writes the message and hands it over once.
func (e *Engine) try(d *Delivery, t *try) (Receipt, error) {
	channel := e.Channels[d.Channel]
	if channel == nil {
		return Receipt{}, Misconfigured(fmt.Errorf("channel %s is not configured", d.Channel))
	}
	ctx, cancel := context.WithTimeout(e.work, e.settings.SendTimeout)
	defer cancel()
	if err := e.passes(ctx, d, t.letter); err != nil {
		t.refused = true
		return Receipt{}, err
	}
	message, err := e.compose(ctx, d, t.letter)
	if err != nil {
		return Receipt{}, err
	}
	t.handed = true
	e.outlets.begin(t.holder)
	receipt, err := e.handOver(ctx, channel, message, func() { e.Store.Leaving(t.slot, d.ID, d.Attempts) })
	return e.settings.Diversion.tell(d.Channel, receipt), err
}

// compose writes the message.
func (e *Engine) compose(ctx context.Context, d *Delivery, l *letter) (Message, error) {
	ends, err := e.optOut(d, l)
	if err != nil {
		return Message{}, err
	}
	content, written := l.written[d.Channel]
	if !written {
		if content, err = e.render(d, l.env); err != nil {
			return Message{}, err
		}
		content.Buttons = l.offered(d, content.Language)
	}
	content.Unsubscribe = ends
	heard, err := e.lastHeard(ctx, d.Channel, l.env.Recipient.Address)
	if err != nil {
		return Message{}, err
	}
	return e.settings.Diversion.Divert(Message{
		Delivery: d.ID, Channel: d.Channel, Recipient: l.env.Recipient, Content: content,
		Record: d.Record, Workflow: d.Workflow, Run: d.Run, Created: d.Created, Heard: heard,
	}), nil
}

// optOut is the address at which the recipient of a mail ends the messages of its workflow, if those are of a class
// that may be refused; "" for none. Layouts know it as links.unsubscribe.
func (e *Engine) optOut(d *Delivery, l *letter) (address string, err error) {
	if e.OptOut == nil || !l.class.Refusable() || e.Carriers[d.Channel].Kind != "email" {
		return "", nil
	}
	to := l.env.Recipient
	address, err = e.OptOut(OptOut{Channel: d.Channel, Address: to.Address, List: d.Workflow, Language: to.Language})
	if err != nil {
		return "", Permanent(fmt.Errorf("make the address to unsubscribe at: %w", err))
	}
	l.env.Links["unsubscribe"] = address
	return address, nil
}

// lastHeard is when an address last wrote to us, on a channel that converses; zero for never.
func (e *Engine) lastHeard(ctx context.Context, channel, address string) (time.Time, error) {
	if !e.Carriers[channel].Converses {
		return time.Time{}, nil
	}
	return e.Store.LastHeard(ctx, channel, e.hashAddress(channel, address))
}

// render writes what the template of the delivery's workflow says.
func (e *Engine) render(d *Delivery, env *Env) (content Content, err error) {
	defer e.onPanic("template broke down", func(broken error) { err = Permanent(broken) })
	workflow, err := e.workflow(e.work, d.Workflow, d.Version)
	if err != nil {
		return Content{}, err
	}
	template := workflow.Templates[d.Template]
	if template == nil {
		return Content{}, Permanent(fmt.Errorf("workflow %s has no template %s", d.Workflow, d.Template))
	}
	for _, named := range d.Links {
		url, err := e.Minter.URL(named.Link)
		if err != nil {
			return Content{}, Misconfigured(fmt.Errorf("write link: %w", err))
		}
		env.Links[named.Name] = url
	}
	content, err = template.Render(d.Channel, env.Recipient.Language, env)
	if err != nil {
		return Content{}, Permanent(fmt.Errorf("render %s: %w", d.Template, err))
	}
	return content, nil
}

// handOver sends, and notes when the message may begin to have left. After a panic behind that instant nobody
// knows whether it did.
func (e *Engine) handOver(ctx context.Context, channel Channel, m Message, leaving func()) (r Receipt, err error) {
	left := false
	m.OnLeaving = func() {
		left = true
		leaving()
	}
	if !careful(channel) {
		m.Leaving()
	}
	defer e.onPanic("channel broke down", func(broken error) {
		if err = broken; left {
			err = Unknown(broken)
		}
	})
	return channel.Send(ctx, m)
}

// onPanic is deferred: it turns a panic into an error and logs where it came from.
func (e *Engine) onPanic(what string, report func(error)) {
	if panicked := recover(); panicked != nil {
		e.Logger.Error("panic", "what", what, "panic", panicked, "stack", string(debug.Stack()))
		report(errors.New(what))
	}
}
