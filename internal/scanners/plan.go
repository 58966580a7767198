package main

import "fmt"

const module = "HelpDesk"

// kind is a sort of mail: what its links lead to.
type kind struct {
	name  string // of its workflow and its landing
	links int    // in one mail
	// clicks may act: nothing is asked for but a click. Such an effect can be taken back.
	clicks bool
	acts   bool // there is something to do
}

// kinds are the landings of the book. Where clicks do not act, something has to be proved or typed first.
var kinds = []kind{
	{name: "show", links: 1},
	{name: "edit", links: 1, acts: true},
	{name: "undo", links: 1, acts: true, clicks: true},
	{name: "ask", links: 1, acts: true},
	{name: "code", links: 1, acts: true},
	{name: "mail", links: 1, acts: true},
	{name: "pair", links: 2, acts: true, clicks: true},
}

// actingKinds are those where a person can do something.
func actingKinds() (some []kind) {
	for _, k := range kinds {
		if k.acts {
			some = append(some, k)
		}
	}
	return some
}

// ticket is what one mail is about, sent to somebody who gets no other.
type ticket struct {
	kind              kind
	id, number, title string
	customer, address string
	pin               string // that the customer knows
	links             []string
}

// newPlan makes tickets of these kinds in turn. The mails of round 1 carry so many links together, those of any other
// go to so many people.
func newPlan(round, count int, of []kind) (tickets []*ticket) {
	for have := 0; have < count; {
		n := round*10_000 + len(tickets)
		k := of[len(tickets)%len(of)]
		if round == 1 && have+k.links > count {
			k = of[0]
		}
		tickets = append(tickets, &ticket{
			kind: k, id: fmt.Sprintf("17x%d", n), number: fmt.Sprintf("TT-%06d", n),
			title: fmt.Sprintf("Printer %d is out of paper", n), customer: fmt.Sprintf("12x%d", n),
			address: fmt.Sprintf("customer%d@people.example", n), pin: fmt.Sprintf("%08d", 10_000_000+n*37),
		})
		if round == 1 {
			have += k.links
		} else {
			have++
		}
	}
	return tickets
}

func countLinks(tickets []*ticket) (count int) {
	for _, t := range tickets {
		count += len(t.links)
	}
	return count
}

// from is the address of a network of its own for each n of a round, as of people at home.
func from(round, n int) string { return fmt.Sprintf("100.%d.%d.7", 64+8*round+n/256, n%256) }
