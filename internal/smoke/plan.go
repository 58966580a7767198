package main

import "fmt"

const (
	module    = "HelpDesk"
	customers = 50 // between whom the tickets are shared
)

// customer is somebody to whom mails go.
type customer struct {
	id, email string
}

// ticket is one event to publish, and what must come of it.
type ticket struct {
	id, number, title string
	customer          customer
	urgent            bool // the workflow matches it
	resolved          bool // its customer confirms the action of the link
	insisted          bool // and then tries the used link again
}

// plan is everything that the CRM will tell.
type plan struct {
	customers []customer
	tickets   map[string]*ticket // by id
	order     []string           // their ids, as they are published
}

// newPlan makes as many tickets as asked for: every other one is urgent, every other of those gets resolved.
func newPlan(events int) *plan {
	p := &plan{tickets: make(map[string]*ticket, events)}
	for i := range min(customers, events) {
		p.customers = append(p.customers, customer{
			id: fmt.Sprintf("12x%d", i+1), email: fmt.Sprintf("customer%d@people.example", i+1),
		})
	}
	for i := range events {
		t := &ticket{
			id: fmt.Sprintf("17x%d", i+1), number: fmt.Sprintf("TT-%06d", i+1),
			title:    fmt.Sprintf("Printer %d is out of paper & \"toner\"", i+1),
			customer: p.customers[i%len(p.customers)],
			urgent:   i%2 == 0, resolved: i%4 == 0, insisted: i%40 == 0,
		}
		p.tickets[t.id] = t
		p.order = append(p.order, t.id)
	}
	return p
}

// numbered finds the ticket with a number; nil when there is none.
func (p *plan) numbered(number string) *ticket {
	var i int
	if _, err := fmt.Sscanf(number, "TT-%06d", &i); err != nil || i < 1 || i > len(p.order) {
		return nil
	}
	return p.tickets[p.order[i-1]]
}

// which are the tickets that chosen says, in order.
func (p *plan) which(chosen func(*ticket) bool) []*ticket {
	var some []*ticket
	for _, id := range p.order {
		if t := p.tickets[id]; chosen(t) {
			some = append(some, t)
		}
	}
	return some
}

func (p *plan) urgent() []*ticket   { return p.which(func(t *ticket) bool { return t.urgent }) }
func (p *plan) resolved() []*ticket { return p.which(func(t *ticket) bool { return t.resolved }) }

// verdict is what a run without fault counts.
func (p *plan) verdict() verdict {
	urgent, resolved := len(p.urgent()), len(p.resolved())
	return verdict{
		Events: len(p.order), Matched: urgent, Mails: urgent, Opened: urgent, Effects: resolved, Updates: resolved,
	}
}
