package links_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

var contact = engine.Ref{Module: "Contacts", ID: "12x7"}

// The factors of the tests.
const (
	pin    = "pin"
	bySMS  = "code-by-sms"
	byMail = "by-mail"
)

// factorHouse is a house whose ticket has a contact with a PIN, a telephone and a mail address, and whose landing
// ticket asks for a factor.
func factorHouse(t *testing.T, factor string, change ...func(*links.DoorConfig)) *house {
	t.Helper()
	return newHouse(t, change...).furnished(factor)
}

// furnished adds the contact, and has the landing ticket ask for a factor.
func (h *house) furnished(factor string) *house {
	h.t.Helper()
	parent := field("parent_id", engine.TypeReference, "Contact")
	parent.To = []string{"Contacts"}
	helpdesk := h.book.Modules["HelpDesk"]
	helpdesk.Fields["parent_id"] = parent
	contacts := &engine.Module{
		Name: "Contacts", Keep: true, Fields: map[string]*engine.Field{
			"email": field("email", engine.TypeEmail, "Email"), "mobile": field("mobile", engine.TypePhone, "Mobile"),
			"cf_pin": field("cf_pin", engine.TypeText, "PIN"), "lastname": field("lastname", engine.TypeText, "Name"),
		},
	}
	contacts.Names = []string{"lastname", "email", "mobile", "cf_pin"}
	h.book.Modules["Contacts"] = contacts
	for _, landing := range h.book.Landings {
		landing.Modules = h.book.Modules
	}
	h.book.Landings["ticket"].Factor = h.factor(factor)
	h.put(engine.Fields{"parent_id": contact.ID})
	h.person(engine.Fields{
		"lastname": "Zoe", "email": "zoe@acme.example", "mobile": "+34600000012", "cf_pin": "Blue-Whale 42",
	})
	return h
}

func (h *house) factor(name string) *engine.Factor {
	to := &engine.Route{Path: "parent_id", Field: h.book.Modules["HelpDesk"].Fields["parent_id"]}
	fields := h.book.Modules["Contacts"].Fields
	return map[string]*engine.Factor{
		pin: {Name: pin, Kind: engine.FactorSecurityCode, Field: &engine.Route{Path: "parent_id.cf_pin", Field: fields["cf_pin"]}},
		bySMS: {
			Name: bySMS, Kind: engine.FactorCode, To: to, Via: []string{"sms", "email"}, Digits: 6, Changed: engine.ChangedSend,
		},
		byMail: {
			Name: byMail, Kind: engine.FactorMailToken, To: &engine.Route{Path: "parent_id.email", Field: fields["email"]},
			Via: []string{"email"}, Changed: engine.ChangedSend,
		},
	}[name]
}

// person changes the contact from outside.
func (h *house) person(fields engine.Fields) {
	h.t.Helper()
	h.follow(&engine.Event{Type: engine.RecordUpdated, Subject: contact.String(), Change: &engine.Change{Record: fields}})
}

// delivered stores that a message to the contact's mail address carried a link, as a workflow's does.
func (h *house) delivered(terms *engine.LinkTerms) {
	h.t.Helper()
	terms.Delivery, terms.Address, terms.Masked = engine.DerivedID(engine.ID{9}, "delivery"), "zoe@acme.example", "z…@acme.example"
	to := engine.Recipient{Ref: contact, Address: terms.Address}
	link, err := h.minter.Mint(h.t.Context(), engine.LinkTerms{Landing: terms.Landing, Record: ticket}, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	message, err := h.engine.Engine().Plan(engine.Draft{
		ID: terms.Delivery, Ways: []engine.Way{{Channel: "email", Recipient: to}}, Link: link, Life: time.Minute,
		Contents: map[string]engine.Content{"email": {Language: "en", Text: "the message with the link"}},
	}, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	flow := links.Flow{ID: engine.DerivedID(engine.ID{9}, "flow"), Link: link.ID, Opened: h.clock.Now(), Expires: h.clock.Now()}
	_, err = h.store.Ask(h.t.Context(), links.Asking{
		Challenge: links.Challenge{ID: flow.ID, Flow: flow.ID, Link: link.ID, Made: flow.Opened, Expires: flow.Opened},
		Messages:  []*engine.Delivery{message}, At: h.clock.Now(),
	})
	if err == nil {
		h.t.Fatal("asked without a link")
	}
	if err := h.store.Mint(h.t.Context(), link); err != nil {
		h.t.Fatal(err)
	}
	opened, err := engine.NewLinkEvent(link, engine.LinkOpened, flow.ID, h.clock.Now(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.Open(h.t.Context(), links.Opening{Flow: flow, Event: opened}); err != nil {
		h.t.Fatal(err)
	}
	_, err = h.store.Ask(h.t.Context(), links.Asking{
		Challenge: links.Challenge{ID: flow.ID, Flow: flow.ID, Link: link.ID, Made: flow.Opened, Expires: flow.Opened},
		Messages:  []*engine.Delivery{message}, At: h.clock.Now(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// twin is a second door on the same store.
func (h *house) twin(config links.DoorConfig) *links.Door {
	h.t.Helper()
	config.Minter, config.Sends = h.minter, h.engine.Engine()
	door, err := links.NewDoor(config)
	if err != nil {
		h.t.Fatal(err)
	}
	return door
}

// ask presses the button that has a code or a mail sent, and has it delivered.
func (v *visitor) ask(page shown) shown {
	v.h.t.Helper()
	page = v.send("POST", page.path, url.Values{"do": {"send"}})
	v.h.settle()
	return page
}

// answer types a code into a page.
func (v *visitor) answer(page shown, code string) shown {
	v.h.t.Helper()
	return v.send("POST", page.path, url.Values{"do": {"check"}, "code": {code}})
}

// lastCode is the code in the message that was sent last over a channel.
func (h *house) lastCode(channel string) string {
	h.t.Helper()
	sent := h.sent[channel].Sent()
	if len(sent) == 0 {
		h.t.Fatalf("nothing was sent by %s", channel)
	}
	return regexp.MustCompile(`\d{6,8}`).FindString(sent[len(sent)-1].Content.Text)
}

// lastMail is the second link in the mail that was sent last.
func (h *house) lastMail() string {
	h.t.Helper()
	sent := h.sent["email"].Sent()
	if len(sent) == 0 {
		h.t.Fatal("no mail was sent")
	}
	return regexp.MustCompile(`http\S+/m/[a-z2-7]+`).FindString(sent[len(sent)-1].Content.Text)
}

// wrong is a code of the same length that is not the right one.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}

// unlock does what an operator does.
func (h *house) unlock(link engine.Link) {
	h.t.Helper()
	if _, err := h.store.UnlockLink(h.t.Context(), link.ID, engine.Order{By: "anna", At: h.clock.Now()}); err != nil {
		h.t.Fatal(err)
	}
}

// eventsOf are the events of a type that went out.
func (h *house) eventsOf(kind string) (found []*engine.Event) {
	for _, e := range h.events() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// secretRecord is what only who has proved enough may see.
var secretRecord = []string{"!TT42", "!Printer", "!smoke"}

// cookie is what the visitor's browser has of the door.
func (v *visitor) cookie() string {
	v.h.t.Helper()
	for _, c := range v.client.Jar.Cookies(mustURL(v.h.t, v.h.url)) {
		if strings.HasSuffix(c.Name, "postern") {
			return c.Value
		}
	}
	return ""
}
