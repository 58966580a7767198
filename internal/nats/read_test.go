package nats

import (
	"errors"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

// delivered is a message as a consumer delivers it, with its place in the stream and among the consumer's messages.
type delivered struct {
	jetstream.Msg

	stream, consumer uint64
}

func (d delivered) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: d.stream, Consumer: d.consumer}}, nil
}

func (d delivered) Subject() string        { return "crm.HelpDesk.updated" }
func (d delivered) Headers() natsgo.Header { return nil }
func (d delivered) Data() []byte           { return nil }

// A hole in the stream is a purged entry; a hole in what the consumer delivered is a lost one, and nothing after it may
// pass.
func TestLostMessageStopsTheFeed(t *testing.T) {
	f := &feed{arrived: make(chan engine.Entry, 10), trouble: make(chan error, 1)}
	for _, d := range []delivered{{stream: 4, consumer: 1}, {stream: 9, consumer: 2}} {
		f.put(t.Context(), d)
	}
	select {
	case err := <-f.trouble:
		t.Fatalf("a purged entry is taken for a lost one: %v", err)
	default:
	}
	for _, d := range []delivered{{stream: 11, consumer: 4}, {stream: 10, consumer: 3}, {stream: 12, consumer: 5}} {
		f.put(t.Context(), d)
	}
	if err := <-f.trouble; !errors.Is(err, errGap) {
		t.Errorf("a lost message is %v", err)
	}
	if got := f.gather(<-f.arrived); len(got) != 2 || got[0].Seq != 4 || got[1].Seq != 9 {
		t.Errorf("passed on: %+v", got)
	}
}
