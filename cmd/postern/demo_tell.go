package main

import (
	"cmp"
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

// tellMessage prints that a message reached the inbox.
func (d *demonstration) tellMessage(m engine.Message) {
	about := m.Content.Subject
	switch {
	case m.Content.JSON:
		about = "a JSON document"
	case about == "":
		about, _, _ = strings.Cut(strings.TrimLeft(m.Content.Text, "# \n"), "\n")
	}
	d.line(m.Channel, "to "+cmp.Or(m.Recipient.Name, "a web service"), about)
}

func (d *demonstration) line(who, what, about string) {
	d.say("%s  %-10s  %-18s  %s\n", time.Now().Format(time.TimeOnly), who, what, about)
}
