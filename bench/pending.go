package main

import (
	"context"
	"fmt"
	"os"

	"postern/internal/rig"
)

// pendingTrial does the work of w1mail with a database in which 100,000 runs wait for another day, and with one that
// has taken in the same events under a book that lets nothing wait.
func pendingTrial() trial {
	return trial{
		name: "pending", sides: [2]string{"100k", "0"},
		figures: []figure{{"pending_100k_vs_0", atMost(1.3, 2), over("CPU-s/1000")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			mail, err := bookOf("mail")
			if err != nil {
				return nil, err
			}
			wait, err := bookOf("wait")
			if err != nil {
				return nil, err
			}
			wait["urgent.yaml"] = mail["urgent.yaml"]
			p := &pending{waits: b.events(100_000)}
			last := ticket(p.waits+1, "HelpDesk", true)
			before := append(tickets(1, p.waits, "Calls", all), last)
			made, err := openMailing(ctx, b, before, func(m *mailing) { m.books = [2]book{wait, mail} })
			if made == nil {
				return nil, err
			}
			p.mailing = made.(*mailing)
			if err != nil {
				return p, err
			}
			return p, p.prepare(ctx)
		},
	}
}

// pending is the stand of pendingTrial.
type pending struct {
	*mailing
	waits  int
	data   [2]rig.Place // that took in what came before
	memory [2]float64   // bytes that a process has on each of them
	table  float64      // bytes of the waits
	file   [2]float64   // bytes of the databases
}

// prepare lets both sides take in what came before, and fills the stream with what is measured.
func (p *pending) prepare(ctx context.Context) error {
	for side := range p.data {
		place, err := p.bench.place(p.sink, p.books[side], p.url)
		if err != nil {
			return err
		}
		if err := p.takeIn(ctx, place); err != nil {
			return err
		}
		if p.memory[side], err = p.bench.rest(ctx, place); err != nil {
			return err
		}
		table, file, err := tableBytes(ctx, place, "waits")
		if err != nil {
			return err
		}
		p.table, p.file[side], p.data[side] = max(p.table, table), file, place
	}
	p.events = p.bench.events(20_000)
	p.mails = p.events / 2
	return publish(ctx, p.url, tickets(p.waits+2, p.events, "HelpDesk", half))
}

// takeIn runs Postern until the last event has sent its mail and nothing more is written.
func (p *pending) takeIn(ctx context.Context, place rig.Place) error {
	p.sink.begin(1, false)
	child, _, err := p.bench.ready(ctx, place)
	if err != nil {
		return err
	}
	defer child.Kill()
	if _, err := p.sink.await(ctx, 1); err != nil {
		return fmt.Errorf("%w\n%s", err, child.Tail())
	}
	if _, err := settledRows(ctx, place); err != nil {
		return err
	}
	return child.Stop(stopTime)
}

// measure goes on from a copy of what was prepared.
func (p *pending) measure(ctx context.Context, side int) (sample, error) {
	p.sink.begin(p.each, false)
	place, err := p.bench.place(p.sink, p.books[side], p.url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(place.Data()) }() // it is large
	for _, name := range []string{"postern.db", "root.key"} {
		text, err := os.ReadFile(p.data[side].Data() + "/" + name)
		if err != nil {
			return nil, err
		}
		if err := place.Write("data/"+name, string(text)); err != nil {
			return nil, err
		}
	}
	child, err := p.bench.start(place)
	if err != nil {
		return nil, err
	}
	defer child.Kill()
	s, err := p.watch(ctx, child, true)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, child.Tail())
	}
	if side == 0 {
		n := float64(p.waits)
		s["memory-B/wait"], s["wait-B"] = (p.memory[0]-p.memory[1])/n, p.table/n
		s["database-B/wait"] = (p.file[0] - p.file[1]) / n
	}
	return s, child.Stop(stopTime)
}
