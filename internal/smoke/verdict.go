package main

import (
	"fmt"
	"slices"
	"sync"

	"postern/internal/rig"
)

// verdict is what was counted from outside.
type verdict struct {
	Events     int // acknowledged by the broker
	Matched    int // tickets whose external id was heard of on NATS
	Mails      int // taken by the mail server, attributed or not
	Opened     int // links that showed their own record
	Effects    int // confirmed actions whose receipt was shown
	Updates    int // resolved tickets heard of on NATS
	Lost       int // tickets of which something is missing
	Duplicated int // tickets of which something came twice
	Unknown    int // mails and updates that no event asked for
}

// String is the last line of the program's output.
func (v verdict) String() string {
	return fmt.Sprintf("smoke events=%d matched=%d mails=%d opened=%d effects=%d updates=%d "+
		"lost=%d duplicated=%d unknown=%d",
		v.Events, v.Matched, v.Mails, v.Opened, v.Effects, v.Updates, v.Lost, v.Duplicated, v.Unknown)
}

// sightings counts what was seen of one ticket, or of all of them.
type sightings struct {
	fills   int // updates that gave it an external id
	mails   int // to its customer
	opened  int // pages that showed it
	effects int // receipts of its action
	updates int // updates that resolved it
}

// progress is everything that was seen so far. Two that are equal have nothing between them.
type progress struct {
	sightings
	unknown, repeats int
}

// ledger attributes what is seen to the tickets of a plan. It is safe for concurrent use.
type ledger struct {
	plan *plan

	mu      sync.Mutex
	events  int                   // acknowledged
	letters int                   // taken by the mail server
	seen    map[string]*sightings // by ticket
	links   map[string]string     // by ticket
	owner   map[string]string     // tickets by link
	filled  map[string]string     // tickets by external id
	heard   map[string]bool       // ids of CloudEvents
	repeats int                   // events that came again under their id
	unknown []string              // what no ticket asked for
	faults  []string              // what is wrong beside the counts
}

// newLedger knows every ticket of the plan and has seen nothing of it.
func newLedger(p *plan) *ledger {
	l := &ledger{
		plan: p, seen: map[string]*sightings{}, links: map[string]string{}, owner: map[string]string{},
		filled: map[string]string{}, heard: map[string]bool{},
	}
	for id := range p.tickets {
		l.seen[id] = &sightings{}
	}
	return l
}

// acknowledged counts an event that the broker has stored.
func (l *ledger) acknowledged() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events++
}

// mail attributes a letter by the number in its subject, and holds its recipient and link against the ticket.
func (l *ledger) mail(m rig.Letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.letters++
	t := l.plan.numbered(numberIn.FindString(m.Subject))
	switch {
	case t == nil || !t.urgent || m.To != t.customer.email:
		l.unknown = append(l.unknown, fmt.Sprintf("mail %q to %s", m.Subject, m.To))
		return
	case len(m.Links) != 1:
		l.faults = append(l.faults, fmt.Sprintf("the mail on %s has %d links", t.id, len(m.Links)))
	default:
		l.link(t.id, m.Links[0])
	}
	l.seen[t.id].mails++
}

// link notes whose a link is: each ticket has one, and no two the same.
func (l *ledger) link(id, link string) {
	if other, taken := l.owner[link]; taken && other != id {
		l.faults = append(l.faults, fmt.Sprintf("%s and %s got the same link", other, id))
	}
	if other := l.links[id]; other != "" && other != link {
		l.faults = append(l.faults, "the mails on "+id+" have different links")
	}
	l.owner[link], l.links[id] = id, link
}

// linkOf is the link that the ticket's customer got by mail; "" for none.
func (l *ledger) linkOf(t *ticket) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.links[t.id]
}

// update attributes an update that Postern published, by the field it changed. An event that comes again under its id
// is the same rig.Event (CloudEvents 1.0 section 3.1, id).
func (l *ledger) update(e rig.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard[e.ID] {
		l.repeats++
		return
	}
	l.heard[e.ID] = true
	t := l.plan.tickets[e.Record(module)]
	switch {
	case t != nil && t.urgent && e.Source == "postern" && e.OnlyChanged("cf_externalid"):
		l.fill(t, e.Data.Record["cf_externalid"])
	case t != nil && t.resolved && e.Source == "postern" && e.OnlyChanged("ticketstatus") &&
		e.Data.Record["ticketstatus"] == "Resolved":
		l.seen[t.id].updates++
	default:
		l.unknown = append(l.unknown, fmt.Sprintf("update %s of %s, fields %v", e.ID, e.Subject, e.Data.Changed))
	}
}

// fill counts a ticket's external id, which no other ticket may have.
func (l *ledger) fill(t *ticket, externalID string) {
	l.seen[t.id].fills++
	if other, taken := l.filled[externalID]; externalID == "" || taken {
		l.faults = append(l.faults, fmt.Sprintf("%s got the external id %q, %s has it", t.id, externalID, other))
	}
	l.filled[externalID] = t.id
}

// opened counts a link that showed its own record.
func (l *ledger) opened(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[t.id].opened++
}

// acted counts an action whose receipt was shown.
func (l *ledger) acted(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[t.id].effects++
}

// fault notes what is wrong beside the counts.
func (l *ledger) fault(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, err.Error())
}

// progress adds up what was seen.
func (l *ledger) progress() progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := progress{unknown: len(l.unknown), repeats: l.repeats}
	for _, s := range l.seen {
		sum.fills += s.fills
		sum.mails += s.mails
		sum.opened += s.opened
		sum.effects += s.effects
		sum.updates += s.updates
	}
	return sum
}

// verdict counts, and says what is wrong, ticket by ticket.
func (l *ledger) verdict() (verdict, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := verdict{Events: l.events, Mails: l.letters, Unknown: len(l.unknown)}
	wrong := slices.Clone(l.faults)
	for _, stray := range l.unknown {
		wrong = append(wrong, "unknown: "+stray)
	}
	for _, id := range l.plan.order {
		s, t := *l.seen[id], l.plan.tickets[id]
		v.Matched += min(s.fills, 1)
		v.Opened += s.opened
		v.Effects += s.effects
		v.Updates += s.updates
		if (t.urgent && min(s.fills, s.mails, s.opened) == 0) || (t.resolved && min(s.effects, s.updates) == 0) {
			v.Lost++ // once for a ticket, however much of it is missing
			wrong = append(wrong, fmt.Sprintf("lost: %s has %+v", id, s))
		}
		if max(s.fills, s.mails, s.opened, s.effects, s.updates) > 1 {
			v.Duplicated++
			wrong = append(wrong, fmt.Sprintf("duplicated: %s has %+v", id, s))
		}
	}
	return v, wrong
}
