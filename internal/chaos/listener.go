package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"postern/internal/rig"
)

// streamName is the name of the stream of events.
const streamName = "POSTERN"

// told is an event of Postern's own, as far as anybody here looks.
type told struct {
	ID      string `json:"id"`
	Source  string `json:"source"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Data    struct {
		Record   map[string]any `json:"record"`
		Changed  []string       `json:"changed"`
		Workflow string         `json:"workflow"`
		Reason   string         `json:"reason"`
	} `json:"data"`
}

// listener reads the stream from its beginning, as anybody may who wants to know what happened, and goes on where it
// was whenever the broker is there again.
type listener struct {
	url  string
	take func(e told, raw []byte) // gets the events of Postern's own
	next uint64                   // position to read from
}

// follow reads until the context ends.
func (l *listener) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if crm, err := rig.ConnectCRM(l.url); err == nil {
			_ = l.read(ctx, crm) // ends with the connection
			crm.Close()
		}
		time.Sleep(retryTime)
	}
}

// read follows the stream until the connection or the context ends. The consumer is one that notices a gap and fetches
// what is missing.
func (l *listener) read(ctx context.Context, crm *rig.CRM) error {
	within, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	consumer, err := crm.Stream.OrderedConsumer(within, streamName, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(l.next, 1),
	})
	if err != nil {
		return err
	}
	reading, err := consumer.Consume(l.hear)
	if err != nil {
		return err
	}
	for ctx.Err() == nil && crm.Conn.IsConnected() {
		time.Sleep(retryTime)
	}
	reading.Stop()
	<-reading.Closed()
	return ctx.Err()
}

func (l *listener) hear(message jetstream.Msg) {
	meta, err := message.Metadata()
	if err != nil {
		return
	}
	l.next = meta.Sequence.Stream + 1
	var e told
	if json.Unmarshal(message.Data(), &e) == nil && e.Source == "postern" {
		l.take(e, message.Data())
	}
}
