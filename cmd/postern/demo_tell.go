package main

import (
	"context"
	"strings"
	"time"

	"postern/engine"
)

// tellEvents prints what happens on the event stream, one line an event.
func (d *demonstration) tellEvents(ctx context.Context) {
	position, err := d.house.bus.Position(ctx)
	if err != nil {
		return
	}
	_ = d.house.bus.Read(ctx, position.Last, 100, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			d.tellEvent(entry)
		}
		return nil
	})
}

func (d *demonstration) tellEvent(entry engine.Entry) {
	at, err := engine.ParseAddress(entry.Subject)
	if err != nil {
		return
	}
	event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
	if err != nil {
		d.line("event", entry.Subject, "no event: "+err.Error())
		return
	}
	d.line(event.Source, event.Type, d.describe(event))
}

// describe says in a few words what an event is about.
func (d *demonstration) describe(event *engine.Event) string {
	ref := event.Ref()
	module := d.house.book.Modules[ref.Module]
	if event.Change == nil || module == nil {
		return ref.String()
	}
	words := []string{ref.String()}
	if title := module.TitleOf(engine.Record{Ref: ref, Fields: event.Change.Record}); title != ref.ID {
		words = append(words, title)
	}
	for _, name := range event.Change.Changed {
		words = append(words, name+" = "+event.Change.Record.Text(name))
	}
	if event.Source == engine.Source && event.Change.Actor != "" {
		words = append(words, "by "+event.Change.Actor)
	}
	return strings.Join(words, "  ")
}

// tellMails prints each message that reaches the inbox.
func (d *demonstration) tellMails(ctx context.Context) {
	told := map[engine.ID]bool{}
	for seen := uint64(0); ; {
		var err error
		if seen, err = d.inbox.Await(ctx, seen); err != nil {
			return
		}
		kept := d.inbox.Messages()
		for i := len(kept) - 1; i >= 0; i-- {
			if m := kept[i].Message; !told[m.Delivery] {
				told[m.Delivery] = true
				d.line("mail", "to "+m.Recipient.Name, m.Content.Subject)
			}
		}
	}
}

func (d *demonstration) line(who, what, about string) {
	d.say("%s  %-8s  %-18s  %s\n", time.Now().Format(time.TimeOnly), who, what, about)
}
