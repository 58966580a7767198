package engine

import (
	"context"
	"strings"
	"time"
)

// Channel sends messages of one kind through one provider.
type Channel interface {
	// Send hands the message over and returns what the provider answered. It must be done within the
	// context's deadline, must not retry, and says by its error's verdict what should happen next. A
	// second call with the same Message.Delivery is the same message.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Careful is a Channel that says itself when a message is about to leave: it calls Message.Leaving right
// before the first byte that cannot be taken back. Until then a message has not left, whatever happens. For
// any other channel that instant is the call of Send.
type Careful interface {
	Careful() bool
}

// Deduper is a Channel whose provider knows a message by Message.Delivery and lets it reach its recipient
// once, however often it is sent.
type Deduper interface {
	Dedupes() bool
}

func careful(c Channel) bool {
	says, ok := c.(Careful)
	return ok && says.Careful()
}

func dedupes(c Channel) bool {
	says, ok := c.(Deduper)
	return ok && says.Dedupes()
}

// Closer is a Channel that keeps connections.
type Closer interface {
	Close() error
}

// Recipient is who gets a message: an identity, and the address the channel needs.
type Recipient struct {
	Ref      Ref    `json:"ref"`
	Name     string `json:"name,omitempty"`
	Address  string `json:"address"`
	Language string `json:"language,omitempty"`
}

// Masked is the address as the door and the history may show it: z…@acme.example, …12 for a number, the host alone of
// anything with a web address in it, such as the subscription of a browser, and id …x5 for an id. What is public, the
// channel ~town-square, stands as it is.
func (r Recipient) Masked() string {
	if _, rest, ok := strings.Cut(r.Address, "://"); ok {
		rest, _, _ = strings.Cut(rest+"/", "/")
		rest, _, _ = strings.Cut(rest, "?")
		return rest[strings.LastIndexByte(rest, '@')+1:] + "/…"
	}
	if r.Address == "" || strings.HasPrefix(r.Address, "~") {
		return r.Address
	}
	local, domain, ok := strings.Cut(r.Address, "@")
	if ok {
		first := []rune(local)
		return string(first[:min(1, len(first))]) + "…@" + domain
	}
	text := []rune(r.Address)
	end := "…" + string(text[max(0, len(text)-2):])
	if strings.Trim(r.Address, "+0123456789 ()-./") != "" {
		return "id " + end
	}
	return end
}

// Message is one rendered message to one recipient.
type Message struct {
	Delivery  ID // the provider's idempotency key
	Channel   string
	Recipient Recipient
	Content   Content
	Record    Ref // what the message is about: mails on one record make one thread
	Workflow  string
	Run       ID
	Created   time.Time // when the delivery was planned: the same at every try
	Heard     time.Time // when the recipient last wrote to us on the channel, if it converses; zero for never

	OnLeaving func() // what a Careful channel calls, by Leaving; nil for nothing
}

// Leaving is to be called right before the message may begin to have left.
func (m Message) Leaving() {
	if m.OnLeaving != nil {
		m.OnLeaving()
	}
}

// Receipt is what a provider answered to a message it took.
type Receipt struct {
	Provider string `json:"provider"`         // host or product that took it
	ID       string `json:"id,omitempty"`     // the provider's name for the message
	Detail   string `json:"detail,omitempty"` // its answer, one line
}
