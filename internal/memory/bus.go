// Package memory holds ports that are filled in memory, for rehearsals and for tests that need thousands of them: the
// event stream.
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postern/engine"
)

// Bus is an event stream that lives in memory and is gone with the process.
type Bus struct {
	now func() time.Time // what ids are forgotten by

	mu      sync.Mutex
	entries []engine.Entry
	first   int // entries before it are purged
	bytes   int
	known   map[string]time.Time
	changed chan struct{}
}

const (
	mostBytes = 256 << 20       // what counts as full
	recall    = 2 * time.Minute // for how long an event is known again
)

// NewBus makes an empty stream. now is what it goes by where it forgets the ids of events.
func NewBus(now func() time.Time) *Bus {
	return &Bus{now: now, known: map[string]time.Time{}, changed: make(chan struct{})}
}

// Publish stores events.
func (b *Bus) Publish(ctx context.Context, events ...*engine.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bodies := make([][]byte, len(events))
	for i, event := range events {
		body, err := event.MarshalJSON()
		at := event.Address()
		switch {
		case err != nil:
		case !engine.PlainToken(at.Noun) || !engine.PlainToken(at.Verb):
			err = fmt.Errorf("type %q and subject %q make no subject", event.Type, event.Subject)
		case len(body) > engine.MaxEventBytes:
			err = errors.New("it is too large")
		}
		if err != nil {
			return engine.Permanent(&engine.EventError{Index: i, Err: err})
		}
		bodies[i] = body
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, event := range events {
		at := event.Address()
		id := fmt.Sprintf("%q/%q/%q", event.Source, event.ID, event.Letter)
		b.store(at.Subject(), id, bodies[i])
	}
	return nil
}

// Tell stores a message as any client may send it.
func (b *Bus) Tell(subject, id string, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store(subject, id, body)
}

func (b *Bus) store(subject, id string, body []byte) {
	now := b.now()
	if at, ok := b.known[id]; ok && now.Sub(at) < recall {
		return
	}
	b.known[id] = now
	b.bytes += len(body)
	b.entries = append(b.entries, engine.Entry{
		Seq: uint64(len(b.entries) + 1), Stored: time.Now(), Subject: subject, Header: engine.NoHeader, Data: body,
	})
	close(b.changed)
	b.changed = make(chan struct{})
}

// Read hands over what is stored after a position, and then what comes.
func (b *Bus) Read(
	ctx context.Context, after uint64, most int, take func(context.Context, []engine.Entry) error,
) error {
	for {
		b.mu.Lock()
		from := max(int(after), b.first)
		group := b.entries[from:min(len(b.entries), from+most)]
		changed := b.changed
		b.mu.Unlock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(group) == 0 {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		if err := take(ctx, group); err != nil {
			return err
		}
		after = group[len(group)-1].Seq
	}
}

// Position tells how far the stream goes.
func (b *Bus) Position(ctx context.Context) (engine.Position, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return engine.Position{
		Stream: "memory", First: uint64(b.first + 1), Last: uint64(len(b.entries)),
		Full: float64(b.bytes) / mostBytes,
	}, ctx.Err()
}

// Purge removes entries. They still take their place in All.
func (b *Bus) Purge(ctx context.Context, upTo uint64, keep time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.first < int(upTo) && time.Since(b.entries[b.first].Stored) >= keep {
		b.bytes -= len(b.entries[b.first].Data)
		b.first++
	}
	return ctx.Err()
}

// All are the entries that were ever stored.
func (b *Bus) All() []engine.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]engine.Entry(nil), b.entries...)
}

var _ engine.Bus = (*Bus)(nil)
