package engine

import (
	"context"
	"errors"
	"time"
)

// ErrFull is why a Bus refuses an event: its stream has reached max_bytes. Nothing old was dropped; Purge or a larger
// limit makes room.
var ErrFull = errors.New("the event stream is full")

// Bus is the stream of events: replayable, in order, shared with the CRM.
type Bus interface {
	// Publish stores events in the order given and returns once all of them are stored; an event is
	// de-duplicated by source and id for some minutes. An error may leave some of them stored, but not
	// a permanent one: an *EventError in it names the event that never can be.
	Publish(ctx context.Context, events ...*Event) error
	// Read calls take with the entries after a position, in stream order, as many at a time as are at
	// hand (at most max), until the context ends or take fails. An entry is offered again only by a
	// new Read.
	Read(ctx context.Context, after uint64, max int, take func(context.Context, []Entry) error) error
	// Position tells which stream this is and what it holds.
	Position(ctx context.Context) (Position, error)
	// Purge removes the entries up to a position that are older than keep.
	Purge(ctx context.Context, upTo uint64, keep time.Duration) error
}

// Entry is one stored message, not yet decoded.
type Entry struct {
	Seq     uint64
	Stored  time.Time // by the broker's clock; information only
	Subject string
	Header  Header
	Data    []byte
}

// Position is the state of the stream.
type Position struct {
	Stream string // its identity: another stream under the same name differs
	First  uint64
	Last   uint64
	Full   float64 // share of its bytes in use; 1 when an event of the greatest size no longer fits
}
