package channels

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/engine"
)

// webhookDocument is what a webhook is sent where no template writes a document of its own.
type webhookDocument struct {
	// Delivery names the message: the same at every try, and in the header Idempotency-Key.
	Delivery string `json:"delivery"`
	// Workflow is the name of the workflow whose message it is, Run one run of it.
	Workflow string `json:"workflow"`
	Run      string `json:"run,omitempty"`
	// Created is when the message was planned, in UTC.
	Created time.Time `json:"created"`
	// Record is what the message is about, Recipient who gets it.
	Record    webhookRef `json:"record"`
	Recipient webhookRef `json:"recipient"`
	// Language is that of the texts: es.
	Language string `json:"language,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Text     string `json:"text"`
	HTML     string `json:"html,omitempty"`
	// Link is where the message's link leads, Unsubscribe where one click ends such messages.
	Link        string `json:"link,omitempty"`
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

type webhookRef struct {
	Module string `json:"module,omitempty"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
}

// webhookBody is what is sent: what the template wrote, or else our own document.
func webhookBody(m engine.Message) ([]byte, error) {
	body := []byte(m.Content.Text)
	if !m.Content.JSON {
		var written bytes.Buffer
		encoder := json.NewEncoder(&written)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(documentOf(m)); err != nil {
			return nil, fmt.Errorf("write the message as JSON: %w", err)
		}
		body = written.Bytes()
	} else if !json.Valid(body) {
		return nil, fmt.Errorf("the template's json part gave no JSON document")
	}
	if len(body) > engine.MaxCallBody {
		return nil, fmt.Errorf("the message has %d kB; at most %d are sent", len(body)>>10, engine.MaxCallBody>>10)
	}
	return body, nil
}

func documentOf(m engine.Message) webhookDocument {
	d := webhookDocument{
		Delivery: m.Delivery.String(), Workflow: m.Workflow, Created: m.Created.UTC(),
		Record: webhookRef{Module: m.Record.Module, ID: m.Record.ID},
		Recipient: webhookRef{
			Module: m.Recipient.Ref.Module, ID: m.Recipient.Ref.ID, Name: oneLine(m.Recipient.Name),
		},
		Language: m.Content.Language, Subject: oneLine(m.Content.Subject), Text: m.Content.Text,
		HTML: m.Content.HTML, Link: m.Content.Link, Unsubscribe: m.Content.Unsubscribe,
	}
	if !m.Run.IsZero() {
		d.Run = m.Run.String()
	}
	return d
}

// oneLine is a text with a space in place of each stretch of control characters.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
