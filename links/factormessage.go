package links

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/labels"
)

// letterBody is what the page of a message is filled with.
type letterBody struct {
	labels.Texts
	Brand, Subject   string
	Accent, OnAccent string // colours of the button and of what stands on it
	Parts            []letterPart
}

// letterPart is a paragraph. What is to be typed or followed stands by itself between two texts.
type letterPart struct {
	Before, Code, After string
	Link, Button        string
}

// factorMessage is the message that carries a code or a second link.
func (d *Door) factorMessage(c *call, p passage, ch Challenge, ways []engine.Way) (*engine.Delivery, error) {
	life := ch.Expires.Sub(c.now)
	contents := map[string]engine.Content{}
	for _, way := range ways {
		texts := d.speech.texts(p.link.Landing, way.Recipient.Language, p.link.Language)
		var err error
		if contents[way.Channel], err = d.factorContent(ch, texts, way.Channel, life); err != nil {
			return nil, err
		}
	}
	return d.draft(c, p, ch, ways, contents)
}

func (d *Door) factorContent(
	ch Challenge, texts labels.Texts, channel string, life time.Duration,
) (engine.Content, error) {
	minutes := int(life.Round(time.Minute) / time.Minute)
	if ch.Kind == engine.FactorMailToken {
		token, _ := d.mailToken(ch)
		link := mailURL(d.with.Base, token)
		return d.letter(texts, "message.mail.subject", letterPart{Link: link, Button: texts.Say("message.mail.button")},
			texts.Say("message.mail.text", "Brand", d.brand(), "Link", link, "Minutes", minutes))
	}
	code, ok := d.code(ch)
	if !ok {
		return engine.Content{}, fmt.Errorf("derive code: key generation %q is not in the key file", ch.KeyID)
	}
	by := d.with.Carriers[channel]
	if by.Type == engine.TypePhone {
		text := texts.Say("message.code.sms", "Brand", d.brand(), "Code", code)
		// By the last line the browser on a phone offers the code on our page and on no other.
		return engine.Content{Language: texts.Language, Text: text + "\n\n@" + d.with.Base.Host() + " #" + code}, nil
	}
	content, err := d.letter(texts, "message.code.subject", letterPart{Code: code},
		texts.Say("message.code.text", "Brand", d.brand(), "Code", code, "Minutes", minutes))
	return asCarried(content, by), err
}

// asCarried leaves away of a letter what a channel does not show.
func asCarried(content engine.Content, by engine.Carrier) engine.Content {
	if by.Kind != "email" {
		content.HTML = ""
	}
	if by.Type == engine.TypePhone {
		content.Subject = ""
	}
	return content
}

// changedMessage tells the address that a link was sent to that the proof went to another one.
func (d *Door) changedMessage(c *call, p passage, ch Challenge, sent engine.Way) (*engine.Delivery, error) {
	texts := d.speech.texts(p.link.Landing, sent.Recipient.Language, p.link.Language)
	content, err := d.letter(texts, "message.changed.subject", letterPart{},
		texts.Say("message.changed.text", "Brand", d.brand()))
	if err != nil {
		return nil, err
	}
	content = asCarried(content, d.with.Carriers[sent.Channel])
	return d.draft(c, p, ch, []engine.Way{sent}, map[string]engine.Content{sent.Channel: content})
}

func (d *Door) draft(
	c *call, p passage, ch Challenge, ways []engine.Way, contents map[string]engine.Content,
) (*engine.Delivery, error) {
	id, err := engine.NewID(c.now, d.with.Random)
	if err != nil {
		return nil, err
	}
	delivery, err := d.with.Sends.Plan(engine.Draft{
		ID: id, Ways: ways, Contents: contents, Link: p.link, Step: "factor " + ch.Factor, Life: ch.Expires.Sub(c.now),
	}, c.now)
	if err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return delivery, nil
}

// letter writes a mail: its text as it stands, and the same as a page.
func (d *Door) letter(texts labels.Texts, subject string, stands letterPart, text string) (engine.Content, error) {
	body := letterBody{Texts: texts, Brand: d.with.Brand.Name, Subject: texts.Say(subject, "Brand", d.brand())}
	body.Accent, body.OnAccent, _, _ = d.with.Brand.Colours()
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		part := letterPart{Before: paragraph}
		switch before, after, found := strings.Cut(paragraph, stands.Code); {
		case stands.Code != "" && found:
			part = letterPart{Before: before, Code: stands.Code, After: after}
		case stands.Link != "" && strings.TrimSpace(paragraph) == stands.Link:
			part = stands
		}
		body.Parts = append(body.Parts, part)
	}
	var html bytes.Buffer
	if err := d.paper.message.Execute(&html, body); err != nil {
		return engine.Content{}, fmt.Errorf("write message: %w", err)
	}
	return engine.Content{Language: texts.Language, Subject: body.Subject, Text: text, HTML: html.String()}, nil
}

// brand is whom messages speak of.
func (d *Door) brand() string { return cmp.Or(d.with.Brand.Name, d.with.Base.Host()) }
