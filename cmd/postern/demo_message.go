package main

import (
	"fmt"
	"regexp"
	"time"

	"postern/channels"
	"postern/engine"
	"postern/internal/sms"
)

// inboxMessage is one message as the page shows it.
type inboxMessage struct {
	ID      engine.ID
	Channel string // as people call it
	Look    string // of the page: mail, bubble, notice, chat or data
	To      string
	Subject string
	At      string
	Parts   []inboxPart
	Facts   string // about its size, where that costs
	HasHTML bool
	Link    string // that a press on a notification opens

	Buttons []engine.Button
	Answer  engine.Pressed // to the last press
}

// inboxPart is a piece of text, or an address to be followed.
type inboxPart struct {
	Text string
	Link bool
}

// inboxLooks are the names that people have for the channels, and how the page shows what comes by them.
func inboxLooks() map[string][2]string {
	return map[string][2]string{
		"email": {"Mail", "mail"}, "sms": {"SMS", "bubble"}, "whatsapp": {"WhatsApp", "bubble"},
		"push": {"App", "notice"}, "webpush": {"Browser", "notice"},
		"mattermost": {"Mattermost", "chat"}, "webhook": {"Web service", "data"},
	}
}

func (d *demonstration) inboxMessage(c channels.Captured) inboxMessage {
	m := c.Message
	look := inboxLooks()[m.Channel]
	shown := inboxMessage{
		ID: m.Delivery, Channel: look[0], Look: look[1], To: addressee(m.Recipient), Subject: m.Content.Subject,
		At: c.At.Local().Format(time.TimeOnly), Parts: linkParts(m.Content.Text, d.house.base.String()),
		HasHTML: m.Content.HTML != "", Buttons: m.Content.Buttons, Answer: d.answered(m.Delivery),
	}
	switch m.Channel {
	case "sms":
		count := sms.Measure(m.Content.Text)
		shown.Facts = fmt.Sprintf("%d characters, %d SMS", len([]rune(m.Content.Text)), count.Segments)
	case "push", "webpush":
		shown.Link = m.Content.Link
	}
	if shown.Answer.Over {
		shown.Buttons = nil
	}
	return shown
}

// addressee is who gets a message, by name and address as far as there are.
func addressee(r engine.Recipient) string {
	switch {
	case r.Address == "" || r.Address == r.Ref.ID:
		return r.Name
	case r.Name == "":
		return r.Address
	}
	return r.Name + " <" + r.Address + ">"
}

// linkParts cuts a text at the addresses of the door under base: those of links, and of second links.
func linkParts(text, base string) []inboxPart {
	var parts []inboxPart
	last := 0
	link := regexp.MustCompile(regexp.QuoteMeta(base) + `/[lm]/[A-Za-z0-9_-]+`)
	for _, at := range link.FindAllStringIndex(text, -1) {
		parts = append(parts, inboxPart{Text: text[last:at[0]]}, inboxPart{Text: text[at[0]:at[1]], Link: true})
		last = at[1]
	}
	return append(parts, inboxPart{Text: text[last:]})
}
