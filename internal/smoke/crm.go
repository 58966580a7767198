package main

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

// ahead is how many events are published before their acknowledgements are waited for.
const ahead = 1000

// event is a CloudEvent about a record, in structured mode. It is written down here once more, as a stranger would
// from the contract, so that a slip in Postern's own encoding is seen.
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        struct {
		Record  map[string]string `json:"record"`
		Changed []string          `json:"changed,omitempty"`
		Actor   string            `json:"actor,omitempty"`
	} `json:"data"`
}

// record is the id of the ticket that the event is about; "" when it is about no ticket.
func (e event) record() string {
	id, ok := strings.CutPrefix(e.Subject, module+"/")
	if !ok {
		return ""
	}
	return id
}

// changed tells whether the event is about a change of this one field.
func (e event) changed(field string) bool {
	return e.Type == "record.updated" && slices.Equal(e.Data.Changed, []string{field})
}

// crm is the CRM: one client that tells of new records, and listens to what becomes of them.
type crm struct {
	conn   *nats.Conn
	stream jetstream.JetStream
	sent   int // events so far, to number them
}

// connectCRM connects over TCP, once: a broker that goes away is a fault here.
func connectCRM(url string, l *ledger) (*crm, error) {
	conn, err := nats.Connect(url, nats.Name("smoke CRM"), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	stream, err := jetstream.New(conn)
	if err == nil {
		_, err = conn.Subscribe("crm.*.updated.*", func(m *nats.Msg) { hear(l, m) })
	}
	if err == nil {
		err = conn.FlushTimeout(5 * time.Second) // or the first updates could come before the subscription
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen on NATS: %w", err)
	}
	return &crm{conn: conn, stream: stream}, nil
}

// hear reads an update. The subject must name the same record as the event.
func hear(l *ledger, m *nats.Msg) {
	var e event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		l.fault(fmt.Errorf("update on %s: %w", m.Subject, err))
		return
	}
	if want := "crm." + module + ".updated." + e.record(); m.Subject != want {
		l.fault(fmt.Errorf("update of %s came on %s", e.Subject, m.Subject))
	}
	l.update(e)
}

// tellCustomers publishes the customers, whom the tickets refer to.
func (c *crm) tellCustomers(ctx context.Context, customers []customer) error {
	var records []map[string]string
	for i, who := range customers {
		records = append(records, map[string]string{
			"id": who.id, "firstname": "Ada", "lastname": fmt.Sprintf("Number %d", i+1), "email": who.email,
		})
	}
	return c.create(ctx, "Contacts", records, func() {})
}

// tellTickets publishes the tickets; each is counted when the broker has acknowledged it.
func (c *crm) tellTickets(ctx context.Context, p *plan, acknowledged func()) error {
	var records []map[string]string
	for _, id := range p.order {
		t := p.tickets[id]
		priority := "Normal"
		if t.urgent {
			priority = "Urgent"
		}
		records = append(records, map[string]string{
			"id": t.id, "ticket_no": t.number, "ticket_title": t.title, "parent_id": t.customer.id,
			"ticketstatus": "Open", "ticketpriorities": priority,
		})
	}
	return c.create(ctx, module, records, acknowledged)
}

// create publishes record.created for each record, many before it waits for their answers: a client that runs too far
// ahead is held up by its own library.
func (c *crm) create(ctx context.Context, module string, records []map[string]string, acknowledged func()) error {
	for some := range slices.Chunk(records, ahead) {
		answers := make([]jetstream.PubAckFuture, len(some))
		for i, record := range some {
			answer, err := c.publish(module, record)
			if err != nil {
				return fmt.Errorf("publish %s/%s: %w", module, record["id"], err)
			}
			answers[i] = answer
		}
		for i, answer := range answers {
			select {
			case <-answer.Ok():
				acknowledged()
			case err := <-answer.Err():
				return fmt.Errorf("publish %s/%s: %w", module, some[i]["id"], err)
			case <-ctx.Done():
				return fmt.Errorf("publish: %w", context.Cause(ctx))
			}
		}
	}
	return nil
}

// publish sends one event in structured mode, without waiting for the answer.
func (c *crm) publish(module string, record map[string]string) (jetstream.PubAckFuture, error) {
	c.sent++
	e := event{
		SpecVersion: "1.0", ID: fmt.Sprintf("change-%d", c.sent), Source: "smoke-crm", Type: "record.created",
		Subject: module + "/" + record["id"], Time: time.Now().UTC(), ContentType: "application/json",
	}
	e.Data.Record, e.Data.Actor = record, "smoke"
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	subject := "crm." + module + ".created." + record["id"]
	return c.stream.PublishAsync(subject, data, jetstream.WithMsgID(e.Source+"/"+e.ID))
}

// close ends the subscription too.
func (c *crm) close() { c.conn.Close() }
