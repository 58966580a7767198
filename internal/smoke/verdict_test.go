package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"postern/internal/rig"
)

// perfect lets a ledger see what a run without fault shows.
func perfect(t *testing.T) *ledger {
	t.Helper()
	p := newPlan(8) // tickets 1, 3, 5 and 7 are urgent, 1 and 5 get resolved
	l := newLedger(p)
	for range p.order {
		l.acknowledged()
	}
	for _, urgent := range p.urgent() {
		l.update(told(t, "fill-"+urgent.id, urgent.id, "cf_externalid", "x"+urgent.id))
		l.mail(written(urgent))
		l.opened(urgent)
	}
	for _, resolved := range p.resolved() {
		l.acted(resolved)
		l.update(told(t, "act-"+resolved.id, resolved.id, "ticketstatus", "Resolved"))
	}
	return l
}

// told is an update as it comes from NATS.
func told(t *testing.T, id, ticket, field, value string) rig.Event {
	t.Helper()
	var e rig.Event
	text := fmt.Sprintf(`{"id": %q, "source": "postern", "type": "record.updated", "subject": "HelpDesk/%s",
		"data": {"record": {%q: %q}, "changed": [%q]}}`, id, ticket, field, value, field)
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func written(t *ticket) rig.Letter {
	return rig.Letter{To: t.customer.email, Subject: "Ticket " + t.number, Links: []string{"http://x/l/" + t.id}}
}

func TestVerdict(t *testing.T) {
	const good = "smoke events=8 matched=4 mails=4 opened=4 effects=2 updates=2 lost=0 duplicated=0 unknown=0"
	first := func(l *ledger) *ticket { return l.plan.tickets["17x1"] }
	tests := map[string]struct {
		also  func(l *ledger) // what happens besides the perfect run
		want  string          // the counts that differ
		wrong string          // of the complaints; "" for none
	}{
		"all as it should be": {func(*ledger) {}, "", ""},
		"a mail comes twice": {
			func(l *ledger) { l.mail(written(first(l))) }, "mails=5 duplicated=1", "duplicated: 17x1",
		},
		"a mail was lost": {
			func(l *ledger) { l.seen["17x3"].mails, l.letters = 0, 3 }, "mails=3 lost=1", "lost: 17x3",
		},
		"a mail nobody asked for": {
			func(l *ledger) { l.mail(written(l.plan.tickets["17x2"])) }, "mails=5 unknown=1", "unknown: mail",
		},
		"a mail to somebody else": {
			func(l *ledger) {
				l.mail(rig.Letter{To: "eve@people.example", Subject: "Ticket TT-000001"})
			}, "mails=5 unknown=1", "unknown: mail",
		},
		"a mail without a number": {
			func(l *ledger) { l.mail(rig.Letter{Subject: "Hello"}) }, "mails=5 unknown=1", "unknown: mail",
		},
		"two tickets with one link": {
			func(l *ledger) { l.link("17x3", "http://x/l/17x1") }, "", "got the same link",
		},
		"an action has two effects": {
			func(l *ledger) { l.update(told(t, "act-again", "17x1", "ticketstatus", "Resolved")) },
			"updates=3 duplicated=1", "duplicated: 17x1",
		},
		"the same event comes again": {
			func(l *ledger) { l.update(told(t, "act-17x1", "17x1", "ticketstatus", "Resolved")) }, "", "",
		},
		"an effect without an action": {
			func(l *ledger) { l.update(told(t, "act-17x3", "17x3", "ticketstatus", "Resolved")) },
			"unknown=1", "unknown: update",
		},
		"a change of another field": {
			func(l *ledger) { l.update(told(t, "other", "17x1", "ticket_title", "Hi")) }, "unknown=1", "unknown: update",
		},
		"a change that was lost": {
			func(l *ledger) { l.seen["17x5"].updates = 0 }, "updates=1 lost=1", "lost: 17x5",
		},
		"one external id for two": {
			func(l *ledger) { l.fill(first(l), "x17x3") }, "duplicated=1", "17x3 has it",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := perfect(t)
			test.also(l)
			counted, wrong := l.verdict()
			if got, want := counted.String(), replaced(good, test.want); got != want {
				t.Errorf("counted %s\nwant    %s", got, want)
			}
			if all := strings.Join(wrong, "\n"); (test.wrong == "") != (all == "") || !strings.Contains(all, test.wrong) {
				t.Errorf("complaints %q, want %q", all, test.wrong)
			}
		})
	}
}

// replaced puts the counts of changes in place of those with the same name.
func replaced(line, changes string) string {
	words := strings.Fields(line)
	for change := range strings.FieldsSeq(changes) {
		name, _, _ := strings.Cut(change, "=")
		for i, word := range words {
			if strings.HasPrefix(word, name+"=") {
				words[i] = change
			}
		}
	}
	return strings.Join(words, " ")
}

func TestPlanIsWhatAPerfectRunCounts(t *testing.T) {
	l := perfect(t)
	if counted, _ := l.verdict(); counted != l.plan.verdict() {
		t.Errorf("counted %v, planned %v", counted, l.plan.verdict())
	}
	if got, want := newPlan(1000).verdict().String(), "smoke events=1000 matched=500 mails=500 opened=500 "+
		"effects=250 updates=250 lost=0 duplicated=0 unknown=0"; got != want {
		t.Errorf("1000 events are to count %s", got)
	}
}
