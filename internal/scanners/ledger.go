package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/internal/rig"
)

// source is who tells of the tickets; all other events about them are Postern's.
const source = "scanners-crm"

// tally is what was seen of one ticket, or of several.
type tally struct {
	mails   int // that carry its links
	codes   int // other mails to its customer
	opened  int // link.opened
	used    int // link.used
	undone  int // link.undone
	changes int // of its record
	events  int // all of them
}

// effects is what visitors did, whichever way it shows.
func (t tally) effects() int { return max(t.used, t.changes-t.undone) }

// standing are the effects that were not taken back.
func (t tally) standing() int { return t.effects() - t.undone }

// ledger counts what is seen from outside. It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	tickets map[string]*ticket // by id
	mailbox map[string]*ticket // by address
	seen    map[*ticket]*tally
	letters map[*ticket][]rig.Letter // that carry codes
	heard   map[string]bool          // ids of events
	faults  []string
}

func newLedger() *ledger {
	return &ledger{
		tickets: map[string]*ticket{}, mailbox: map[string]*ticket{}, seen: map[*ticket]*tally{},
		letters: map[*ticket][]rig.Letter{}, heard: map[string]bool{},
	}
}

// expect lets the ledger know tickets before anything comes of them.
func (l *ledger) expect(tickets []*ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tickets {
		l.tickets[t.id], l.mailbox[t.address], l.seen[t] = t, t, &tally{}
	}
}

// mail attributes a letter: the first is the one with the links, any other one is what a factor sends.
func (l *ledger) mail(m rig.Letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.mailbox[m.To]
	switch {
	case t == nil:
		l.fault("a mail %q to %s, whom nobody knows", m.Subject, m.To)
	case len(t.links) > 0:
		l.seen[t].codes++
		l.letters[t] = append(l.letters[t], m)
	case len(m.Links) != t.kind.links || !strings.Contains(m.Subject, t.number):
		l.fault("the mail %q to %s has the links %d, not %d of its ticket", m.Subject, m.To, len(m.Links), t.kind.links)
	default:
		t.links = m.Links
		l.seen[t].mails++
	}
}

// event counts what Postern tells. An event that comes again under its id is the same one.
func (l *ledger) event(subject string, data []byte) {
	var e rig.Event
	err := json.Unmarshal(data, &e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.fault("event on %s: %v", subject, err)
		return
	}
	if e.Source == source || l.heard[e.ID] {
		return
	}
	l.heard[e.ID] = true
	t := l.tickets[e.Record(module)]
	if t == nil {
		l.fault("%s about %s, which is no ticket", e.Type, e.Subject)
		return
	}
	seen := l.seen[t]
	seen.events++
	switch e.Type {
	case "link.opened":
		seen.opened++
	case "link.used":
		if seen.used++; seen.used-seen.undone > 1 {
			l.fault("%s (%s) has two effects at the same time", t.id, t.kind.name)
		}
	case "link.undone":
		seen.undone++
	case "record.updated":
		seen.changes++
	default:
		if !strings.HasPrefix(e.Type, "link.") {
			l.fault("%s about %s, which nobody asked for", e.Type, e.Subject)
		}
	}
}

// fault is called under the lock.
func (l *ledger) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// of is what was seen of one ticket so far.
func (l *ledger) of(t *ticket) tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.seen[t]
}

// sum adds up what was seen of the tickets so far.
func (l *ledger) sum(tickets []*ticket) (all tally) {
	for _, t := range tickets {
		one := l.of(t)
		all.mails += one.mails
		all.codes += one.codes
		all.opened += one.opened
		all.used += one.used
		all.undone += one.undone
		all.changes += one.changes
		all.events += one.events
	}
	return all
}

// code is the latest letter that a factor sent to the ticket's customer.
func (l *ledger) code(t *ticket) (letter rig.Letter, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.letters[t]
	if len(all) == 0 {
		return letter, false
	}
	return all[len(all)-1], true
}

// proofs are the links that factors have mailed so far.
func (l *ledger) proofs(tickets []*ticket) (all []stop) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, t := range tickets {
		for _, letter := range l.letters[t] {
			for _, link := range letter.Links {
				all = append(all, stop{n, t, link})
			}
		}
	}
	return all
}

// wrong joins complaints with what is wrong beside them, some of each.
func (l *ledger) wrong(complaints []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Concat(complaints, l.faults)
	if len(all) == 0 {
		return nil
	}
	if more := len(all) - most; more > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", more))
	}
	return errors.New("it is otherwise than it must be:\n  " + strings.Join(all, "\n  "))
}
