package main

import (
	"context"
	"fmt"
	"slices"

	"postern/internal/rig"
)

// rowsTrial counts what a match with two mails writes to the database: the rows of events that match, less those of
// the same events when none does.
func rowsTrial() trial {
	return trial{
		name: "rows", sides: [2]string{"matching", "not"},
		figures: []figure{{"rows_per_match", atMost(8, 2), func(matching, not sample) float64 {
			return matching["rows/event"] - not["rows/event"]
		}}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			two, err := bookOf("two")
			if err != nil {
				return nil, err
			}
			idle, err := bookOf("idle")
			if err != nil {
				return nil, err
			}
			// One event at the end, which matches in both books, tells that all before it were taken in.
			last := "urgent-call.yaml"
			two[last], idle[last] = callWorkflow, callWorkflow
			count := b.events(2000)
			events := append(tickets(1, count, "HelpDesk", all), ticket(count+1, "Calls", true))
			made, err := openMailing(ctx, b, events, func(m *mailing) { m.books, m.each = [2]book{two, idle}, 2 })
			if made == nil {
				return nil, err
			}
			return &rowCounting{made.(*mailing)}, err
		},
	}
}

// callWorkflow sends one mail.
const callWorkflow = `name: urgent-call
on: { event: record.created, module: Calls }
if: record.ticketpriorities == "Urgent"
tasks:
  - notify: { to: record.email, via: email, template: call }
`

// rowCounting is a mailing whose sides have different numbers of mails.
type rowCounting struct{ *mailing }

// measure waits for all mails, and then until no row is written any more.
func (r *rowCounting) measure(ctx context.Context, side int) (sample, error) {
	r.sink.begin(r.each, false)
	p, err := r.bench.place(r.sink, r.books[side], r.url)
	if err != nil {
		return nil, err
	}
	child, _, err := r.bench.ready(ctx, p)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	want := 1
	if side == 0 {
		want += (r.events - 1) * r.each
	}
	if _, err := r.sink.await(ctx, want); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	rows, err := settledRows(ctx, p)
	if err != nil {
		return nil, err
	}
	return sample{"rows/event": rows / float64(r.events)}, child.Stop(stopTime)
}

// settledRows waits until Postern writes no more, and tells how many rows it has written since its start.
func settledRows(ctx context.Context, p rig.Place) (float64, error) {
	const same = 40 // looks in a row
	var counts []float64
	var failure error
	err := rig.Await(ctx, func() bool {
		var rows float64
		rows, failure = rowsOf(ctx, p)
		counts = append(counts, rows)
		n := len(counts)
		return failure != nil ||
			n > same && !slices.ContainsFunc(counts[n-same:], func(c float64) bool { return c != rows })
	})
	if err == nil {
		err = failure
	}
	if err != nil {
		return 0, err
	}
	return counts[len(counts)-1], nil
}
