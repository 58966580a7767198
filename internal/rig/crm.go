package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ahead is how many events are published before their acknowledgements are waited for: a client that runs too far
// ahead is held up by its own library.
const ahead = 1000

// Event is a CloudEvent about a record, in structured mode. It is written down here once more, as a stranger would
// from the contract, so that a slip in Postern's own encoding is seen.
type Event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        EventData `json:"data"`
}

// EventData is what the event says of its record.
type EventData struct {
	Record  map[string]string `json:"record"`
	Changed []string          `json:"changed,omitempty"`
	Actor   string            `json:"actor,omitempty"`
}

// Created is record.created, of a record with its "id" among the fields.
func Created(source, id, module string, record map[string]string) Event {
	return Event{
		SpecVersion: "1.0", ID: id, Source: source, Type: "record.created", Subject: module + "/" + record["id"],
		Time: time.Now().UTC(), ContentType: "application/json", Data: EventData{Record: record, Actor: source},
	}
}

// Record is the id of the record that the event is about; "" when it is none of the module.
func (e Event) Record(module string) string {
	id, ok := strings.CutPrefix(e.Subject, module+"/")
	if !ok {
		return ""
	}
	return id
}

// OnlyChanged tells whether the event is about a change of this one field.
func (e Event) OnlyChanged(field string) bool {
	return e.Type == "record.updated" && slices.Equal(e.Data.Changed, []string{field})
}

// NATSSubject is the subject that the event belongs on.
func (e Event) NATSSubject() string {
	module, id, _ := strings.Cut(e.Subject, "/")
	return "crm." + module + "." + strings.TrimPrefix(e.Type, "record.") + "." + id
}

// CRM is a plain NATS client that tells of records, and listens to what becomes of them.
type CRM struct {
	Conn   *nats.Conn
	Stream jetstream.JetStream
}

// ConnectCRM connects over TCP, once: without options, a broker that goes away is a fault.
func ConnectCRM(url string, options ...nats.Option) (*CRM, error) {
	conn, err := nats.Connect(url, append([]nats.Option{nats.Name("CRM"), nats.NoReconnect()}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	stream, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(2*ahead))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return &CRM{Conn: conn, Stream: stream}, nil
}

// Listen hands over each message on a subject, from one goroutine, until Close. When it returns none is missed.
func (c *CRM) Listen(subject string, take func(subject string, data []byte)) error {
	_, err := c.Conn.Subscribe(subject, func(m *nats.Msg) { take(m.Subject, m.Data) })
	if err == nil {
		err = c.Conn.FlushTimeout(5 * time.Second)
	}
	if err != nil {
		return fmt.Errorf("listen on NATS: %w", err)
	}
	return nil
}

// Tell sends one event and does not wait for the answer.
func (c *CRM) Tell(e Event) error {
	_, err := c.tell(e)
	return err
}

func (c *CRM) tell(e Event) (jetstream.PubAckFuture, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", e.Subject, err)
	}
	answer, err := c.Stream.PublishAsync(e.NATSSubject(), data, jetstream.WithMsgID(e.Source+"/"+e.ID))
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", e.Subject, err)
	}
	return answer, nil
}

// Publish sends the events in order, many before their answers are waited for. Each is counted when the broker has
// acknowledged it; acknowledged may be nil.
func (c *CRM) Publish(ctx context.Context, events []Event, acknowledged func(Event)) error {
	for some := range slices.Chunk(events, ahead) {
		answers := make([]jetstream.PubAckFuture, len(some))
		for i, e := range some {
			var err error
			if answers[i], err = c.tell(e); err != nil {
				return err
			}
		}
		for i, answer := range answers {
			select {
			case <-answer.Ok():
				if acknowledged != nil {
					acknowledged(some[i])
				}
			case err := <-answer.Err():
				return fmt.Errorf("publish %s: %w", some[i].Subject, err)
			case <-ctx.Done():
				return fmt.Errorf("publish: %w", context.Cause(ctx))
			}
		}
	}
	return nil
}

// Close ends what listens too.
func (c *CRM) Close() { c.Conn.Close() }
