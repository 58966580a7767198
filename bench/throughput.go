package main

import (
	"context"
	"fmt"
	"maps"
)

// trials are all there are, in the order in which they run.
func trials() []trial {
	return []trial{
		ignoredTrial(), bothTrial(), mailTrial(), mirrorTrial(), fillTrial(), mailsTrial(), postsTrial(), intakeTrial(),
		landingTrial(), postTrial(), crowdTrial(), latencyTrial(), bookTrial(), actTrial(), pendingTrial(),
		rowsTrial(), sizesTrial(),
	}
}

// ignoredTrial reads events that no workflow listens to, between a first and a last that send a mail. The records are
// in a CRM, so that nobody needs them; both sides tell by the subject.
func ignoredTrial() trial {
	return trial{
		name: "ignored", sides: [2]string{"postern", "floor"},
		figures: []figure{{"ignored_vs_consume", atLeast(0.70), over("events/s")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			count := b.events(100_000)
			events := tickets(1, count, "Calls", func(int) bool { return false })
			events[0], events[count-1] = ticket(1, "HelpDesk", true), ticket(count, "HelpDesk", true)
			mail, err := bookOf("mail")
			if err != nil {
				return nil, err
			}
			return openMailing(ctx, b, events, func(m *mailing) {
				m.books[0], m.crm, m.only = mail, elsewhere, "HelpDesk"
			})
		},
	}
}

// bothTrial is W1: a broker in a process of its own, a stream filled before, a condition that half of the events meet,
// and for each that does a mail over SMTP and a message to a web service, a link with a random id in each. The records
// are in a CRM, which is not asked. The floor acknowledges each event when it is done with it.
func bothTrial() trial {
	return trial{
		name: "w1", sides: [2]string{"postern", "floor"},
		figures: []figure{
			{"w1_vs_floor", atLeast(0.50), over("events/s")},
			{"w1_cpu_vs_floor", atMost(2.5, 2), over("CPU-s/1000")},
		},
		open: func(ctx context.Context, b *bench) (stand, error) {
			both, err := bookOf("both")
			if err != nil {
				return nil, err
			}
			events := tickets(1, b.events(20_000), "HelpDesk", half)
			return fillMailing(ctx, b, events, true, func(m *mailing) {
				m.books[0], m.ack, m.crm = both, true, elsewhere
			})
		},
	}
}

// mailTrial is W1-mail: the same without the web service. The mirror trial is as this, with a copy of each record kept.
func mailTrial() trial {
	return trial{
		name: "w1mail", sides: [2]string{"postern", "floor"},
		figures: []figure{
			{"w1mail_vs_floor", atLeast(0.50), over("events/s")},
			{"w1mail_cpu_vs_floor", atMost(2.5, 2), over("CPU-s/1000")},
		},
		open: func(ctx context.Context, b *bench) (stand, error) {
			mail, err := bookOf("mail")
			if err != nil {
				return nil, err
			}
			events := tickets(1, b.events(20_000), "HelpDesk", half)
			return openMailing(ctx, b, events, func(m *mailing) { m.books[0], m.ack, m.crm = mail, true, elsewhere })
		},
	}
}

// mirrorTrial is W1-mail where Postern keeps a copy of each record, which the floor does not.
func mirrorTrial() trial {
	return trial{
		name: "mirror", sides: [2]string{"postern", "floor"},
		figures: []figure{{"w1mail_mirror_vs_floor", atLeast(0.40), over("events/s")}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			mail, err := bookOf("mail")
			if err != nil {
				return nil, err
			}
			events := tickets(1, b.events(20_000), "HelpDesk", half)
			return openMailing(ctx, b, events, func(m *mailing) { m.books[0], m.ack = mail, true })
		},
	}
}

// bookTrial reads the same events with a large and a small book. The large one has ten workflows for each of 1,000
// modules, half on created and half on updated records; the small one has those of the first module. Half of the
// events are of the first module, and half of these match one workflow in either book; the others are of all the other
// modules and match none.
func bookTrial() trial {
	return trial{
		name: "workflows", sides: [2]string{"10000", "10"},
		figures: []figure{{"workflows_10000_vs_10", atMost(1.2, 2), func(large, small sample) float64 {
			return small["events/s"] / large["events/s"]
		}}},
		open: func(ctx context.Context, b *bench) (stand, error) {
			shared, err := bookOf("mail")
			if err != nil {
				return nil, err
			}
			delete(shared, "urgent.yaml")
			modules := b.events(1000)
			events := tickets(1, b.events(20_000), "HelpDesk", func(i int) bool { return i%4 == 0 })
			for i := range events {
				if i%2 != 0 {
					events[i] = ticket(i+1, moduleName(i%modules), false)
				}
			}
			return openMailing(ctx, b, events, func(m *mailing) {
				m.books = [2]book{largeBook(shared, modules, modules), largeBook(shared, modules, 1)}
			})
		},
	}
}

// moduleName names the modules; the first is the one whose events may match.
func moduleName(i int) string {
	if i == 0 {
		return "HelpDesk"
	}
	return fmt.Sprintf("Module%d", i)
}

// thingModule describes a module whose records have the fields of tickets.
const thingModule = `module: %s
label: { en: Thing }
title: [ticket_no]
fields:
  ticket_no: { type: text, label: { en: Number } }
  ticket_title: { type: text, label: { en: Title } }
  email: { type: email, label: { en: Email } }
  ticketstatus: { type: text, label: { en: Status } }
  ticketpriorities: { type: text, label: { en: Priority } }
  description: { type: text, label: { en: Description } }
`

// largeBook describes some modules, the first few of which have ten workflows each.
func largeBook(shared book, modules, busy int) book {
	made := book{}
	maps.Copy(made, shared)
	for i := range modules {
		name := moduleName(i)
		if i > 0 {
			made["modules/"+name+".yaml"] = fmt.Sprintf(thingModule, name)
		}
		for w := range 10 {
			if i >= busy {
				break
			}
			event, condition := "record.created", `record.ticketpriorities == "Urgent"`
			if w >= 5 {
				event = "record.updated"
			}
			if i > 0 || w != 0 {
				condition += fmt.Sprintf(" && record.ticketstatus == \"Closed\" && record.ticket_no != \"TT-%d\"", w)
			}
			flow := fmt.Sprintf("w-%d-%d", i, w)
			made[flow+".yaml"] = fmt.Sprintf("name: %s\non: { event: %s, module: %s }\nif: %s\ntasks:\n"+
				"  - notify: { to: record.email, via: email, template: call }\n", flow, event, name, condition)
		}
	}
	return made
}
