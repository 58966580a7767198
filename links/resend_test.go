package links_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/links"
	"postern/tasks"
	"postern/workflows"
)

// letters is a book that sends a link with two answers to one question, and one that only shows.
var letters = map[string]string{
	"modules/HelpDesk.yaml": `
module: HelpDesk
external_id: cf_externalid
fields:
  ticket_title: text
  cf_externalid: { type: text, unique: true }
  ticketstatus: { type: picklist, options: [Open, Resolved] }
  email: email
`,
	"landings/answer.yaml": `
landing: answer
module: HelpDesk
show: ticket_title
actions:
  yes: { label: Yes, set: { ticketstatus: Resolved } }
  no: { label: No, set: { ticketstatus: Open } }
expires: 2h
uses: 1
`,
	"landings/seat.yaml": `
landing: seat
module: HelpDesk
show: ticket_title
actions: { yes: { label: Yes, set: { ticketstatus: Resolved } } }
bind: browser
by: [link, external_id]
expires: 2h
uses: 3
`,
	"templates/ask/email.en.subject": "Solved?",
	"templates/ask/email.en.txt":     "Yes: {{ links.yes }} No: {{ links.no }}",
	"ask.yaml": `
name: ask
on: { event: record.created, module: HelpDesk }
tasks:
  - notify:
      to: record.email
      via: email
      template: ask
      links:
        yes: { landing: answer, preset: yes }
        no: { landing: answer, preset: no }
`,
}

// post is a house whose workflow has sent a message with links.
type post struct{ *house }

func newPost(t *testing.T, change ...func(*links.DoorConfig)) post {
	t.Helper()
	book, diags, _ := workflows.LoadFiles(letters, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email", "sms"), KeepAll: true,
	})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	now := func(c *links.DoorConfig) { c.Book = func() *engine.Book { return book } }
	h := newHouse(t, append(change, now)...)
	h.book = book
	h.publish(engine.RecordCreated, engine.Fields{
		"ticket_title": "Printer on fire", "ticketstatus": "Open", "email": "zoe@acme.example", "cf_externalid": firstID,
	})
	return post{h}
}

// Two external ids of the ticket, one after the other.
const (
	firstID  = "q7m2n5k4t3w6x2z7r4p5s6v3aa"
	secondID = "b7m2n5k4t3w6x2z7r4p5s6v3bb"
)

// question is the ticket that the message is about.
var question = engine.Ref{Module: "HelpDesk", ID: "17x43"}

// publish lets the CRM tell of that ticket, and everything happen that follows.
func (h *house) publish(kind string, fields engine.Fields) {
	h.t.Helper()
	h.published++
	event := &engine.Event{
		ID: fmt.Sprint("crm-", h.published), Source: "crm", Type: kind, Subject: question.String(), Time: h.clock.Now(),
		Change: &engine.Change{Record: fields},
	}
	if err := h.bus.Publish(h.t.Context(), event); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// links are the addresses in the message that was sent last, and how many were sent.
func (p post) links() (yes, no string, sent int) {
	p.t.Helper()
	messages := p.sent["email"].Sent()
	if len(messages) == 0 {
		p.t.Fatalf("nothing was sent\n%s", p.log.String())
	}
	last := messages[len(messages)-1]
	if last.Recipient.Address != "zoe@acme.example" {
		p.t.Errorf("sent to %s", last.Recipient.Address)
	}
	found := regexp.MustCompile(`http\S+`).FindAllString(last.Content.Text, -1)
	if len(found) != 2 {
		p.t.Fatalf("links %q in %q", found, last.Content.Text)
	}
	return found[0], found[1], len(messages)
}

func TestT25ResendFromTheExpiredPage(t *testing.T) {
	p := newPost(t)
	yes, no, _ := p.links()
	v := p.visitor()
	v.send("POST", yes+"/again", nil).expect(t, 200, "Is this for you?") // it lives: there is nothing to send
	p.clock.Advance(2 * time.Hour)
	v.get(yes).expect(t, 410, "This link has expired", "z…@acme.example", "Send me a new link", "!zoe@acme.example")
	if _, _, sent := p.links(); sent != 1 {
		t.Fatalf("%d messages were sent by looking", sent)
	}
	v.send("POST", yes+"/again", nil).expect(t, 200, "A new link is on its way", "z…@acme.example")
	p.settle()
	newYes, newNo, sent := p.links()
	if sent != 2 || newYes == yes || newNo == no {
		t.Fatalf("%d messages, links %s and %s", sent, newYes, newNo)
	}
	v.get(yes).expect(t, 410, "There is a newer link", "Send me a new link")
	v.get(no).expect(t, 410, "There is a newer link")
	v.send("POST", no, nil).expect(t, 410, append(recordData, "There is a newer link")...)

	// Three visitors with both links share one limit.
	visitors := []*visitor{v, p.visitor(), p.visitor()}
	for i, c := range []struct {
		after  time.Duration
		status int
	}{{0, 429}, {59 * time.Second, 429}, {time.Second, 200}, {time.Minute, 200}, {time.Minute, 429}, {10 * time.Minute, 429}} {
		p.clock.Advance(c.after)
		reply := visitors[i%3].send("POST", []string{yes, no}[i%2]+"/again", nil)
		reply.expect(t, c.status)
		if wait := reply.head.Get("Retry-After"); (wait != "") != (c.status == 429) {
			t.Errorf("ask %d: Retry-After %q", i, wait)
		}
		p.settle()
	}
	// The link lives, so that what was sent again is the same.
	again, _, sent := p.links()
	if sent != 4 || again != newYes {
		t.Errorf("%d messages, the last with %s, not %s", sent, again, newYes)
	}
	p.visitor().open(again).expect(t, 200, "Confirm")
}

func TestUsesAreSharedByAnswersAndGenerations(t *testing.T) {
	p := newPost(t)
	yes, no, _ := p.links()
	p.clock.Advance(2 * time.Hour)
	p.visitor().send("POST", no+"/again", nil).expect(t, 200, "on its way")
	p.settle()
	newYes, newNo, _ := p.links()
	v := p.visitor()
	v.submit(v.open(newYes), nil).expect(t, 200, "Saved")
	for _, link := range []string{newYes, newNo} {
		p.visitor().get(link).expect(t, 410, "This link has been used", "!Send me a new link")
		p.visitor().send("POST", link+"/again", nil).expect(t, 410, "This link has been used")
	}
	p.clock.Advance(2 * time.Hour)
	for _, link := range []string{yes, newNo} { // used is used, also when it has expired since
		p.visitor().get(link).expect(t, 410, "!Send me a new link")
	}
	if _, _, sent := p.links(); sent != 2 {
		t.Errorf("%d messages", sent)
	}
}

func TestT24ResendGoesToTheAddressOfTheFirstMessage(t *testing.T) {
	p := newPost(t)
	yes, _, _ := p.links()
	p.publish(engine.RecordUpdated, engine.Fields{
		"ticket_title": "Printer on fire", "ticketstatus": "Open", "email": "mallory@evil.example", "cf_externalid": firstID,
	})
	p.clock.Advance(2 * time.Hour)
	p.visitor().send("POST", yes+"/again", nil).expect(t, 200, "z…@acme.example")
	p.settle()
	if _, _, sent := p.links(); sent != 2 { // links sees to whom
		t.Errorf("%d messages", sent)
	}
}

func TestLinkMadeByHandIsNotSentAgain(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("once")
	h.clock.Advance(time.Hour)
	v := h.visitor()
	v.get(address).expect(t, 410, "has expired", "ask whoever sent it", "!Send me a new link", "!<form")
	v.send("POST", address+"/again", nil).expect(t, 410, "ask whoever sent it")
	v.send("POST", h.url+"/l/a"+strings.Repeat("b", 26)+"/again", nil).expect(t, 404, "This link does not work")
	v.head = http.Header{"Origin": {"https://evil.example"}}
	v.send("POST", address+"/again", nil).expect(t, 403)
}

func TestOperatorSendsAgain(t *testing.T) {
	p := newPost(t)
	yes, _, _ := p.links()
	story := p.stored(yes)
	order := engine.Order{By: "ann", Reason: "she deleted the mail", At: p.clock.Now()}
	renewed, err := p.door.Resend(t.Context(), story.ID, order)
	if err != nil || renewed.Generation != 2 {
		t.Fatalf("%+v, %v", renewed, err)
	}
	p.settle()
	newYes, _, sent := p.links()
	if sent != 2 || newYes == yes {
		t.Errorf("%d messages with %s", sent, newYes)
	}
	p.visitor().get(yes).expect(t, 410, "There is a newer link")
	told, err := p.store.LinkStory(t.Context(), story.ID)
	if err != nil || len(told.Notes) != 1 || told.Notes[0].Text != "sent again by ann: she deleted the mail" {
		t.Errorf("notes %+v, %v", told.Notes, err)
	}
	if _, err := p.store.RevokeLinks(t.Context(), engine.LinkSelection{IDs: []engine.ID{story.ID}}, order); err != nil {
		t.Fatal(err)
	}
	if _, err := p.door.Resend(t.Context(), story.ID, order); !engine.IsPermanent(err) {
		t.Errorf("a revoked link: %v", err)
	}
	p.visitor().get(yes).expect(t, 404, "This link does not work")
	p.visitor().send("POST", yes+"/again", nil).expect(t, 404, "This link does not work")
}

// stored is the link of an address.
func (p post) stored(address string) engine.Link {
	p.t.Helper()
	lines, err := p.store.LinkLines(p.t.Context(), engine.LinkSelection{Limit: 9})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, link := range lines {
		if url, err := p.minter.URL(link); err == nil && url == address {
			return link
		}
	}
	p.t.Fatalf("there is no link %s", address)
	return engine.Link{}
}
