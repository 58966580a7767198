package channels

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/mail"
)

// Capture keeps messages in memory in place of sending them: the inbox of demonstrations and tests. It keeps the
// newest 500 and is safe for concurrent use.
type Capture struct {
	// Sender that captured messages show when they are looked at as mails.
	From string `yaml:"from"`
	// The kind of channel that it stands in for. By default it is its own name, if that is a kind, else email.
	Of string `yaml:"of"`

	letterhead mail.Letterhead
	clock      engine.Clock

	mu      sync.Mutex
	kept    []Captured // the oldest first
	version uint64
	changed chan struct{} // closed at the next change; nil while nobody waits
	closed  bool
}

// Captured is a message that was kept.
type Captured struct {
	Message engine.Message
	At      time.Time // when it came first
	Times   int       // how often it was sent
}

var (
	_ engine.Channel = (*Capture)(nil)
	_ engine.Carried = (*Capture)(nil)
	_ engine.Opener  = (*Capture)(nil)
	_ engine.Closer  = (*Capture)(nil)
	_ engine.Careful = (*Capture)(nil)
	_ engine.Deduper = (*Capture)(nil)
)

const captureName = "capture"

// capacity is how many messages a Capture keeps.
const capacity = 500

// CaptureKind describes the channel kind capture.
func CaptureKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    captureName,
		Summary: "Keeps messages in memory in place of sending them, to look at.",
		Example: "from: Acme Support <support@acme.example>\n",
		New:     func() engine.Channel { return &Capture{From: "Postern <postern@postern.invalid>"} },
	}
}

// StandIn has it stand in for the kind of its name, if the configuration names none and that is a kind.
func (c *Capture) StandIn(name string) {
	if _, isKind := Carriers()[name]; isKind && c.Of == "" {
		c.Of = name
	}
}

// Carrier is that of the kind that it stands in for.
func (c *Capture) Carrier() engine.Carrier { return Carriers()[cmp.Or(c.Of, "email")] }

// Open checks the configuration.
func (c *Capture) Open(outfit engine.Outfit) error {
	if _, isKind := Carriers()[c.Of]; !isKind && c.Of != "" {
		return fmt.Errorf("of: there is no kind of channel %q to stand in for", c.Of)
	}
	from, err := mail.ParseMailbox(c.From)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	c.letterhead = mail.Letterhead{From: *from, Domain: mail.Domain(from.Address)}
	c.clock = outfit.Clock
	return nil
}

// Send keeps the message. The same delivery again is counted, not kept twice.
func (c *Capture) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return engine.Receipt{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.Receipt{}, errors.New("capture is closed")
	}
	m.Leaving()
	m.OnLeaving = nil // what is kept is the message alone
	if i := c.index(m.Delivery); i >= 0 {
		c.kept[i].Times++
	} else {
		c.kept = append(c.kept, Captured{Message: m, At: c.clock.Now(), Times: 1})
		c.kept = c.kept[max(0, len(c.kept)-capacity):]
	}
	c.change()
	return engine.Receipt{Provider: "capture", ID: m.Delivery.String(), Detail: "kept in memory"}, nil
}

// Careful tells that it says when a message is about to be kept.
func (c *Capture) Careful() bool { return true }

// Dedupes tells that a message is kept once.
func (c *Capture) Dedupes() bool { return true }

// index finds a delivery among those kept, from the newest; -1 if it is not there.
func (c *Capture) index(id engine.ID) int {
	for i := len(c.kept) - 1; i >= 0; i-- {
		if c.kept[i].Message.Delivery == id {
			return i
		}
	}
	return -1
}

func (c *Capture) change() {
	c.version++
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Messages are those kept, the newest first.
func (c *Capture) Messages() []Captured {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := slices.Clone(c.kept)
	slices.Reverse(kept)
	return kept
}

// Message is one of those kept.
func (c *Capture) Message(id engine.ID) (Captured, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.index(id); i >= 0 {
		return c.kept[i], true
	}
	return Captured{}, false
}

// ErrNotKept says that a message is not, or no longer, among those kept.
var ErrNotKept = errors.New("no such message is kept")

// EML is a message that was kept as the mail that the channel email would have sent (RFC 5322). It fails with
// ErrNotKept, and for messages that do not go to a mail address.
func (c *Capture) EML(id engine.ID) ([]byte, error) {
	captured, ok := c.Message(id)
	if !ok {
		return nil, ErrNotKept
	}
	letter, err := c.letterhead.Write(captured.Message)
	if err != nil {
		return nil, err
	}
	return letter.Raw, nil
}

// Await waits until there were more than seen changes, or the context ends, and returns how many there were: what a
// page asks with that has shown the changes up to seen.
func (c *Capture) Await(ctx context.Context, seen uint64) (uint64, error) {
	for {
		c.mu.Lock()
		if c.version > seen {
			defer c.mu.Unlock()
			return c.version, nil
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return seen, ctx.Err()
		}
	}
}

// Close takes no more messages; those kept can still be looked at.
func (c *Capture) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}
