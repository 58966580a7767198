package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Diversion keeps messages from their recipients, while an installation is tried out. The zero value diverts nothing.
type Diversion struct {
	To   map[string]string // by channel, the address to which all its messages go
	Only []string          // addresses that may get messages, in which * stands for anything; nil for all
}

// Divert sends a message to the address that all of its channel go to, if there is one: with the masked address that it
// was for in front of its subject, or else of its text.
func (d Diversion) Divert(m Message) Message {
	to, diverted := d.To[m.Channel]
	if !diverted {
		return m
	}
	masked := m.Recipient.Masked()
	m.Recipient.Address = to
	switch {
	case m.Content.Subject != "":
		m.Content.Subject = "[" + masked + "] " + m.Content.Subject
	case m.Content.Text != "" && !m.Content.JSON:
		// A line of its own, since a heading in Markdown begins one, and in ASCII, since SMS has no ellipsis.
		m.Content.Text = "[to " + strings.ReplaceAll(masked, "…", "..") + "]\n" + m.Content.Text
	}
	return m
}

// tell says in a receipt that the message went elsewhere: whoever looks it up must not take it for delivered to whom it
// was for.
func (d Diversion) tell(channel string, receipt Receipt) Receipt {
	if to, diverted := d.To[channel]; diverted && receipt.Provider != "" {
		receipt.Detail = "diverted to " + Recipient{Address: to}.Masked() + ": " + receipt.Detail
	}
	return receipt
}

// Address is where a message to an address goes by a channel.
func (d Diversion) Address(channel, address string) string {
	if to, diverted := d.To[channel]; diverted {
		return to
	}
	return address
}

// Allows tells whether a message may go to an address by a channel. What all messages of a channel go to may get them,
// and so may what needs no address.
func (d Diversion) Allows(channel, address string) bool {
	if _, diverted := d.To[channel]; diverted || d.Only == nil || address == "" {
		return true
	}
	return slices.ContainsFunc(d.Only, func(pattern string) bool { return fits(pattern, address) })
}

// fits tells whether an address is of a form in which * stands for anything.
func fits(pattern, address string) bool {
	pattern, address = strings.ToLower(pattern), strings.ToLower(address)
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == address
	}
	address, ok := strings.CutPrefix(address, first)
	for ok && more {
		first, rest, more = strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(address, first)
		}
		_, address, ok = strings.Cut(address, first)
	}
	return false
}

// allowed refuses a message to anybody but the only recipients.
func (e *Engine) allowed(_ context.Context, d *Delivery, l *letter) error {
	if e.settings.Diversion.Allows(d.Channel, l.env.Recipient.Address) {
		return nil
	}
	return Permanent(errors.New("only_to does not name this address"))
}
