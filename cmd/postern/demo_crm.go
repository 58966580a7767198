package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/engine"
)

// demoCRM plays a CRM: it publishes people, an invoice, an order and tickets, and now and then changes a ticket.
type demoCRM struct {
	bus      engine.Bus
	opinions string // external id of the participant who is asked for an opinion

	counting sync.Mutex // of the two below
	events   int
	tickets  int
}

// newDemoCRM makes an external id of 130 random bits, as fill would.
func newDemoCRM(bus engine.Bus) *demoCRM {
	return &demoCRM{bus: bus, opinions: strings.ToLower(rand.Text()), tickets: 100}
}

// The pace of the script: a few tickets at once to look at, then one now and then.
const (
	demoFirst = 3
	demoPause = 20 * time.Second
	demoMost  = 40
)

func (c *demoCRM) run(ctx context.Context) {
	for i, person := range demoPeople() {
		c.tell(ctx, demoPerson(i), person)
	}
	for _, record := range c.scene() {
		c.tell(ctx, record.Ref, record.Fields)
	}
	c.change(ctx, engine.Ref{Module: "HelpDesk", ID: demoWaiting}, engine.Fields{"ticketstatus": "Wait For Response"})
	for i := range demoMost {
		ticket := c.create(ctx, i)
		if i >= demoFirst-1 {
			if (engine.SystemClock{}).Wait(ctx, demoPause) != nil {
				return
			}
			c.begin(ctx, ticket)
		}
	}
}

func demoPerson(i int) engine.Ref {
	return engine.Ref{Module: "Contacts", ID: fmt.Sprintf("12x%d", i+1)}
}

// demoPIN is the security code of the first customer, who gets the invoice.
const demoPIN = "4711-2605"

// demoPeople are the customers; the reserved domain .example keeps their addresses imaginary.
func demoPeople() []engine.Fields {
	return []engine.Fields{
		{
			"firstname": "Zoë", "lastname": "O'Brien", "email": "zoe@acme.example", "template_language": "en",
			"cf_pin": demoPIN, "mobile": "+34600123456", "account_id": "11x1", "portal": true,
		},
		{
			"firstname": "Pilar", "lastname": "Núñez", "email": "pilar@umbrella.example", "template_language": "es",
			"account_id": "11x2", "portal": true,
		},
		{
			"firstname": "Joost", "lastname": "de Vries", "email": "joost@globex.example", "template_language": "nl",
			"mobile": "+31612345678",
		},
	}
}

func demoTitles() []string {
	return []string{
		"The coffee machine leaks", "La factura de marzo llegó dos veces", "Wachtwoord werkt niet meer",
		"Order 1001 arrived <damaged>", "No puedo cambiar mi dirección", "Graag een kopie van de offerte",
	}
}

// create publishes a new ticket.
func (c *demoCRM) create(ctx context.Context, i int) engine.Fields {
	number := c.next(&c.tickets)
	titles := demoTitles()
	ticket := engine.Fields{
		"id": fmt.Sprintf("17x%d", number), "ticket_no": fmt.Sprintf("TT%d", number),
		"ticket_title": titles[i%len(titles)], "parent_id": demoPerson(i % len(demoPeople())).ID,
		"ticketstatus": "Open", "ticketpriorities": "Normal", "description": "Reported by telephone.",
		"createdtime": time.Now().UTC().Format(time.DateTime),
	}
	ref := engine.Ref{Module: "HelpDesk", ID: ticket.Text("id")}
	c.tell(ctx, ref, ticket)
	return ticket
}

func (c *demoCRM) next(number *int) int {
	c.counting.Lock()
	defer c.counting.Unlock()
	*number++
	return *number
}

// follow gives tickets that are made in the portal what a CRM gives every new record: a number and a time.
func (c *demoCRM) follow(ctx context.Context) {
	position, err := c.bus.Position(ctx)
	if err != nil {
		return
	}
	_ = c.bus.Read(ctx, position.Last, 100, func(ctx context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			if made := madeElsewhere(entry); made != nil {
				c.change(ctx, made.Ref(), engine.Fields{
					"ticket_no":   fmt.Sprintf("TT%d", c.next(&c.tickets)),
					"createdtime": made.Time.UTC().Format(time.DateTime),
				})
			}
		}
		return nil
	})
}

// madeElsewhere is the event of a new ticket without a number; nil for any other.
func madeElsewhere(entry engine.Entry) *engine.Event {
	at, err := engine.ParseAddress(entry.Subject)
	if err != nil {
		return nil
	}
	event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
	if err != nil || event.Type != engine.RecordCreated || event.Ref().Module != "HelpDesk" ||
		event.Change.Record.Text("ticket_no") != "" {
		return nil
	}
	return event
}

// begin publishes that somebody works on a ticket.
func (c *demoCRM) begin(ctx context.Context, ticket engine.Fields) {
	c.change(ctx, engine.Ref{Module: "HelpDesk", ID: ticket.Text("id")}, engine.Fields{"ticketpriorities": "High"})
}

// change publishes that fields of a record changed. It tells only those: a customer may have changed others meanwhile.
func (c *demoCRM) change(ctx context.Context, ref engine.Ref, set engine.Fields) {
	c.publish(ctx, engine.RecordUpdated, ref, &engine.Change{
		Record: set, Changed: slices.Sorted(maps.Keys(set)), Partial: true, Actor: "demo",
	})
}

// tell publishes a new record.
func (c *demoCRM) tell(ctx context.Context, ref engine.Ref, fields engine.Fields) {
	c.publish(ctx, engine.RecordCreated, ref, &engine.Change{Record: fields, Actor: "demo"})
}

// publish tells one change. A broker that is gone ends with the demo, so its error needs no telling.
func (c *demoCRM) publish(ctx context.Context, eventType string, ref engine.Ref, change *engine.Change) {
	_ = c.bus.Publish(ctx, &engine.Event{
		ID: fmt.Sprintf("demo-%d-%d", time.Now().UnixNano(), c.next(&c.events)), Source: "demo-crm", Type: eventType,
		Subject: ref.String(), Time: time.Now(), Change: change,
	})
}
