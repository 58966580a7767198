package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"postern/internal/rig"
)

//go:embed book
var files embed.FS

// numberIn finds the number of a ticket; nothing else looks like it.
var numberIn = regexp.MustCompile(`TT-\d{6}`)

// configuration is what an operator would write. The password is in the environment.
const configuration = `book: book
data: data
web:
  listen: {web}
  base_url: http://{web}
  brand: Acme Support
nats:
  listen: {nats}
channels:
  email:
    host: 127.0.0.1
    port: %d
    user: %s
    password: { env: %s }
    from: Acme Support <support@acme.example>
    tls: starttls
    ca: mail-ca.pem
`

// passwordEnv names the variable that the child finds its mail password in.
const passwordEnv = "POSTERN_SMOKE_PASSWORD"

// furnish writes configuration, certificate and book into the folder.
func furnish(folder string, mails *rig.MailServer) (rig.Place, error) {
	p, err := rig.NewPlace(folder)
	if err != nil {
		return p, err
	}
	book, err := fs.Sub(files, "book")
	if err != nil {
		return p, err
	}
	return p, errors.Join(
		p.Configure(fmt.Sprintf(configuration, mails.Port, mails.User, passwordEnv)),
		p.Write("mail-ca.pem", string(mails.Certificate)),
		p.Book(book),
	)
}

// crm is the CRM: one client that tells of new records, and listens to what becomes of them.
type crm struct {
	*rig.CRM
	sent int // events so far, to number them
}

func connectCRM(url string, l *ledger) (*crm, error) {
	client, err := rig.ConnectCRM(url)
	if err != nil {
		return nil, err
	}
	err = client.Listen("crm.*.updated.*", func(subject string, data []byte) { hear(l, subject, data) })
	if err != nil {
		client.Close()
		return nil, err
	}
	return &crm{CRM: client}, nil
}

// hear reads an update. The subject must name the same record as the event.
func hear(l *ledger, subject string, data []byte) {
	var e rig.Event
	if err := json.Unmarshal(data, &e); err != nil {
		l.fault(fmt.Errorf("update on %s: %w", subject, err))
		return
	}
	if want := "crm." + module + ".updated." + e.Record(module); subject != want {
		l.fault(fmt.Errorf("update of %s came on %s", e.Subject, subject))
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
	return c.create(ctx, "Contacts", records, nil)
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
	return c.create(ctx, module, records, func(rig.Event) { acknowledged() })
}

// create publishes record.created for each record.
func (c *crm) create(ctx context.Context, module string, records []map[string]string, told func(rig.Event)) error {
	var events []rig.Event
	for _, record := range records {
		c.sent++
		events = append(events, rig.Created("smoke-crm", fmt.Sprintf("change-%d", c.sent), module, record))
	}
	return c.Publish(ctx, events, told)
}
