package tasks_test

import (
	"strings"
	"testing"

	"postern/engine"
)

const telling = `
name: telling
on: { event: record.created, module: Tickets }
tasks:
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket, expires: 1h } }
    id: told
  - emit: { type: ticket.told, data: { by: "{{ steps.told.channel }}" } }
`

func TestNotifyNeutralisesFields(t *testing.T) {
	h := newHouse(t, telling)
	h.tell("People/p1", engine.Fields{"name": "Zoë\r\nBcc: eve@evil.example", "email": " zoe@acme.example "})
	h.tell("Tickets/1", engine.Fields{"no": "T1\r\nBcc: eve@evil.example\n<script>x</script>", "contact": "p1"})
	mail := h.sent(1)[0]
	if want := "Ticket T1 Bcc: eve@evil.example <script>x</script>"; mail.Content.Subject != want {
		t.Errorf("the subject is %q", mail.Content.Subject)
	}
	if strings.ContainsAny(mail.Recipient.Name+mail.Recipient.Address, "\r\n") || mail.Recipient.Address != "zoe@acme.example" {
		t.Errorf("the recipient is %q %q", mail.Recipient.Name, mail.Recipient.Address)
	}
	if !strings.Contains(mail.Content.HTML, "&lt;script&gt;x&lt;/script&gt;") {
		t.Errorf("the HTML is %q", mail.Content.HTML)
	}
	end := h.ended("1")
	if string(end.Events[0].Data) != `{"by":"email"}` || len(end.Links) != 1 {
		t.Errorf("%s, %d links", end.Events[0].Data, len(end.Links))
	}
	if life := end.Links[0].Expires.Sub(end.Deliveries[0].Created).Hours(); life != 1 {
		t.Errorf("the link lives %v hours", life)
	}
	if got := end.Run.History[0].Text; got != "message hello to z…@acme.example by email" {
		t.Errorf("the history says %q", got)
	}
}

func TestNotifyWithoutAnAddressSaysSo(t *testing.T) {
	h := newHouse(t, telling)
	h.tell("People/p1", engine.Fields{"name": "Bob", "email": " "})
	for contact, want := range map[string]string{
		"p1":     "no message sent: email: People/p1 has no email",
		"":       "no message sent: email: record.contact leads to no record",
		"nobody": "no message sent: email: record.contact leads to no record",
	} {
		id := "t" + contact
		h.tell("Tickets/"+id, engine.Fields{"contact": contact})
		end := h.ended(id)
		if end.Run.State != engine.RunDone || len(end.Deliveries)+len(end.Links) != 0 || end.Run.History[0].Text != want {
			t.Errorf("%q: the run is %s, %d deliveries, it says %+v", contact, end.Run.State, len(end.Deliveries), end.Run.History)
		}
		if string(end.Events[0].Data) != `{"by":""}` {
			t.Errorf("the steps that follow see %s", end.Events[0].Data)
		}
	}
	if n := len(h.mail.Sent()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestNotifySpeaksTheRecipientsLanguage(t *testing.T) {
	h := newHouse(t, telling)
	told := 0
	for tongue, want := range map[string]string{"es-MX": "Hola Zoë", "fr": "Hello Zoë", "": "Hello Zoë"} {
		id := "in" + tongue
		h.tell("People/"+id, engine.Fields{"name": "Zoë", "email": "zoe@acme.example", "tongue": tongue})
		h.tell("Tickets/"+id, engine.Fields{"no": "T1", "contact": id})
		told++
		if got := h.sent(told)[told-1].Content.Text; !strings.HasPrefix(got, want) {
			t.Errorf("in %q the mail says %q", tongue, got)
		}
	}
}

func TestNotifyWithSeveralLinks(t *testing.T) {
	h := newHouse(t, strings.Replace(telling, "template: hello, link: { landing: ticket, expires: 1h }",
		"template: several, links: { see: { landing: ticket }, done: { landing: ticket, preset: resolve, expires: 2d } }", 1))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	urls := strings.Fields(h.sent(1)[0].Content.Text)
	if len(urls) != 3 || urls[0] == urls[1] || urls[2] != urls[0] {
		t.Errorf("the mail has the links %q; the third is the first by name", urls)
	}
	presets := map[string]float64{}
	end := h.ended("1")
	for _, link := range end.Links {
		presets[link.Preset] = link.Expires.Sub(end.Deliveries[0].Created).Hours()
	}
	if len(presets) != 2 || presets[""] != 7*24 || presets["resolve"] != 2*24 {
		t.Errorf("presets and hours are %v", presets)
	}
}

func TestNotifyToAnAddress(t *testing.T) {
	h := newHouse(t, strings.Replace(telling, "to: record.contact", "to: record.contact.email", 1))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	h.tell("Tickets/2", engine.Fields{"no": "T2"})
	if mail := h.sent(1)[0]; mail.Recipient.Address != "zoe@acme.example" || mail.Record.ID != "1" {
		t.Errorf("the mail goes to %+v", mail.Recipient)
	}
	if got := h.ended("2").Run.History[0].Text; got != "no message sent: email: record.contact.email is empty" {
		t.Errorf("without an address it says %q", got)
	}
}

func TestNotifyReachesAnAddressThatIsWrittenDown(t *testing.T) {
	h := newHouse(t, strings.Replace(telling, "record.contact", "desk@acme.example", 1))
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	mail := h.sent(1)[0]
	if mail.Recipient.Address != "desk@acme.example" || !mail.Recipient.Ref.IsZero() || mail.Content.Subject != "Ticket T1" {
		t.Errorf("the mail is %+v", mail)
	}
	if got := h.ended("1").Run.History[0].Text; got != "message hello to d…@acme.example by email" {
		t.Errorf("the history says %q", got)
	}
}

func TestNotifyLinksToAnotherRecord(t *testing.T) {
	h := newHouse(t, strings.Replace(telling, "landing: ticket, expires: 1h", "landing: person, about: record.contact", 1))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example", "badge": "b-1"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	links := h.ended("1").Links
	if len(links) != 1 || links[0].Record.String() != "People/p1" || len(links[0].External) == 0 {
		t.Errorf("the links are %+v", links)
	}
}

func TestNotifyWithoutTheRecordOfItsLinkSaysSo(t *testing.T) {
	h := newHouse(t, `
name: telling
on: { event: record.created, module: Tickets }
tasks:
  - notify: { to: desk@acme.example, via: email, template: hello, link: { landing: person, about: record.contact } }
    id: told
  - emit: { type: ticket.told, data: { by: "{{ steps.told.channel }}" } }
`)
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	end := h.ended("1")
	if got := end.Run.History[0].Text; got != "no message sent: link link: record.contact leads to no record" {
		t.Errorf("the history says %q", got)
	}
	if len(end.Deliveries)+len(end.Links) != 0 || string(end.Events[0].Data) != `{"by":""}` {
		t.Errorf("%d deliveries, %d links, %s", len(end.Deliveries), len(end.Links), end.Events[0].Data)
	}
}

func TestNotifyLinksToEachItem(t *testing.T) {
	h := newHouse(t, `
name: telling
on: { event: record.updated, module: People }
tasks:
  - for_each: related("Tickets")
    notify: { to: record, via: email, template: several, links: { see: { landing: ticket, about: item }, done: { landing: ticket, about: item, preset: resolve } } }
`)
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	h.tell("Tickets/2", engine.Fields{"no": "T2", "contact": "p1"})
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{
		Record: engine.Fields{"name": "Zoe", "email": "zoe@acme.example"}, Changed: []string{"name"},
	})
	h.sent(2)
	seen := map[string]int{}
	for _, link := range h.ended("p1").Links {
		seen[link.Record.String()]++
		if link.Counts.IsZero() {
			t.Errorf("the links of one message to %s do not count together", link.Record)
		}
	}
	if seen["Tickets/1"] != 2 || seen["Tickets/2"] != 2 || len(seen) != 2 {
		t.Errorf("the links are about %v", seen)
	}
}
