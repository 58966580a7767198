package engine

import (
	"fmt"
	"strings"
)

// Carrier is what a book has to know of a channel before anything is sent: its kind, and what reaches a recipient by
// it. It follows from the configuration alone.
type Carrier struct {
	Kind string // of channel: email, sms, whatsapp, push, webpush, mattermost, webhook
	Reach
	// Proper is an address in the form the channel sends to, +34600123456 say; its error tells what is wrong and does
	// not repeat the address. Nil takes every address as it is.
	Proper func(address string) (string, error)
	// Leads tells that a press on a message opens its link, whether its text shows it or not.
	Leads bool
	// Buttons tells that a message may carry actions of its landing, to be taken where it is read.
	Buttons bool
	// Replies tells that people may write back by it: a reply is about the record of the last message to their address.
	Replies bool
	// Segments are how many parts of an SMS a message has at most; 0 where that is not counted.
	Segments int
	// Converses tells that free text may be sent only while a conversation is open.
	Converses bool
}

// Reach is what reaches a recipient by a channel: the value of a field, or the record itself. The zero value needs
// nothing of the recipient: the channel's configuration says where its messages go.
type Reach struct {
	Type  FieldType // the first field of this type that holds something
	Field string    // or the field of this name
	ID    bool      // or the id of the record
}

// Needs is what a channel misses in a module that has nothing of it, in words: a field of type email.
func (r Reach) Needs() string {
	switch {
	case r.Field != "":
		return "field " + r.Field
	case r.Type != "":
		return "field of type " + string(r.Type)
	}
	return ""
}

// In tells whether a record of a module may have what the channel needs.
func (r Reach) In(m *Module) bool {
	if r.Field != "" {
		return m.Fields[r.Field] != nil
	}
	if r.Type == "" {
		return true
	}
	for _, field := range m.Fields {
		if field.Type == r.Type {
			return true
		}
	}
	return false
}

// find is what reaches a record of a module; "" where nothing is needed. The error says what the record misses.
func (r Reach) find(record Record, module *Module) (string, error) {
	switch {
	case r.Field != "":
		if address := strings.TrimSpace(record.Fields.Text(r.Field)); address != "" {
			return address, nil
		}
		return "", fmt.Errorf("%s has no %s", record.Ref, r.Field)
	case r.Type != "":
		for _, name := range module.Names {
			address := strings.TrimSpace(record.Fields.Text(name))
			if module.Fields[name].Type == r.Type && address != "" {
				return address, nil
			}
		}
		return "", fmt.Errorf("%s has no %s", record.Ref, r.Type)
	case r.ID:
		return record.ID, nil
	}
	return "", nil
}

// Literal is an address that is written down, in the form that the channel sends to. The error says why none reaches
// anybody by it.
func (c Carrier) Literal(address string) (string, error) {
	if c.ID {
		return "", fmt.Errorf("%s reaches a record, by its id", c.Kind)
	}
	return c.proper(address)
}

// proper is an address in the form that the channel sends to.
func (c Carrier) proper(address string) (string, error) {
	if c.Proper == nil || address == "" {
		return address, nil
	}
	return c.Proper(address)
}
