package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// channelPatience is how long a channel may take for anything this suite asks of it.
const channelPatience = 10 * time.Second

// ChannelTrial is a channel together with its far end.
type ChannelTrial struct {
	Channel engine.Channel // opened
	Address string         // one that the far end takes
	Refused string         // one that the far end refuses for good; "" if it refuses none
	// Carries is what of a message's subject, text and HTML reaches the recipient, and how; nil for all of it as it is.
	Carries func(engine.Content) engine.Content
	MaxText int // characters that a message may have; 0 for any number
	// Arrived is everything that reached the far end, in order.
	Arrived func(t *testing.T) []Arrival
	// Stall makes the far end leave everything unanswered until the test ends; nil where nobody answers.
	Stall func()
	// Cut makes the far end take messages and hang up without an answer; nil where nobody answers.
	Cut func()
}

// Arrival is a message as its recipient sees it.
type Arrival struct {
	Delivery            string // what the far end recognises a repetition by
	Address             string
	Subject, Text, HTML string   // decoded; lines end with LF
	Fields              []string // the names of all other things that were said along with it
}

// TestChannel holds a Channel against what the engine relies on. open gives a channel and a far end that live as long
// as their test.
func TestChannel(t *testing.T, open func(t *testing.T) ChannelTrial) {
	for name, test := range map[string]func(*testing.T, ChannelTrial){
		"a message arrives as it was written":      channelSends,
		"a repetition can be recognised":           channelRepeats,
		"the deadline is kept":                     channelDeadline,
		"nothing leaves after the context's end":   channelCancelled,
		"a refusal is permanent and names nobody":  channelRefuses,
		"fields cannot add to a message":           channelInjection,
		"any text arrives unchanged":               channelText,
		"many may send at once":                    channelConcurrent,
		"close waits, and nothing leaves after it": channelCloses,
		"a lost answer leaves a message in doubt":  channelCut,
		"nothing leaves before it says so":         channelLeaves,
		"a repetition arrives once":                channelDedupes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := open(t)
			t.Cleanup(func() {
				if closer, ok := trial.Channel.(engine.Closer); ok {
					if err := closer.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				}
			})
			test(t, trial)
		})
	}
}

// message is the nth message of a test, to the address that works.
func (c ChannelTrial) message(n int) engine.Message {
	return engine.Message{
		Delivery:  engine.DerivedID(engine.ID{}, "channel", fmt.Sprint(n)),
		Recipient: engine.Recipient{Ref: engine.Ref{Module: "Contacts", ID: "12x7"}, Name: "Zoë", Address: c.Address},
		Content: engine.Content{
			Language: "en", Subject: fmt.Sprintf("Message %d", n), Text: fmt.Sprintf("This is message %d.\n", n),
			HTML: fmt.Sprintf("<p>This is message <b>%d</b>.</p>\n", n),
		},
		Record: engine.Ref{Module: "HelpDesk", ID: "17x5"}, Workflow: "greet", Created: time.Unix(1767323045, 0).UTC(),
	}
}

// carried is what of a message reaches its recipient.
func (c ChannelTrial) carried(m engine.Message) engine.Content {
	if c.Carries == nil {
		return m.Content
	}
	return c.Carries(m.Content)
}

// try hands a message over. A careful channel must have said that it leaves before it was taken or may have been.
func (c ChannelTrial) try(ctx context.Context, t *testing.T, m engine.Message) (engine.Receipt, error) {
	t.Helper()
	var left atomic.Bool
	m.OnLeaving = func() { left.Store(true) }
	receipt, err := c.Channel.Send(ctx, m)
	if says, ok := c.Channel.(engine.Careful); !ok || !says.Careful() || left.Load() {
		return receipt, err
	}
	if err == nil || engine.IsUnknown(err) {
		t.Errorf("the channel never said that the message leaves, and then: %v", err)
	}
	return receipt, err
}

// send hands a message over, which must work, and returns the receipt.
func (c ChannelTrial) send(t *testing.T, m engine.Message) engine.Receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), channelPatience)
	defer cancel()
	receipt, err := c.try(ctx, t, m)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	return receipt
}

func channelSends(t *testing.T, c ChannelTrial) {
	m := c.message(1)
	receipt := c.send(t, m)
	if receipt.Provider == "" {
		t.Error("the receipt names no provider")
	}
	if strings.ContainsAny(receipt.Detail, "\r\n") || len([]rune(receipt.Detail)) > 200 {
		t.Errorf("the receipt's detail is not one line of at most 200 characters: %q", receipt.Detail)
	}
	arrived := c.Arrived(t)
	if len(arrived) != 1 {
		t.Fatalf("%d messages arrived, want one", len(arrived))
	}
	got := arrived[0]
	sent := c.carried(m)
	want := Arrival{
		Delivery: got.Delivery, Address: c.Address, Fields: got.Fields,
		Subject: sent.Subject, Text: sent.Text, HTML: sent.HTML,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +arrived):\n%s", diff)
	}
}

func channelRepeats(t *testing.T, c ChannelTrial) {
	for range 2 {
		c.send(t, c.message(1))
	}
	c.send(t, c.message(2))
	arrived := c.Arrived(t)
	first, other := arrived[0], arrived[len(arrived)-1]
	for _, again := range arrived[:len(arrived)-1] {
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second try differs (-first +second):\n%s", diff)
		}
	}
	if first.Delivery == "" || first.Delivery == other.Delivery {
		t.Errorf("two messages arrived as %q and %q", first.Delivery, other.Delivery)
	}
}

func channelDeadline(t *testing.T, c ChannelTrial) {
	if c.Stall == nil {
		t.Skip("nobody answers on this channel")
	}
	c.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.try(ctx, t, c.message(1))
	if took := time.Since(began); err == nil || took > channelPatience/2 {
		t.Errorf("after %v: %v", took, err)
	}
	if engine.IsPermanent(err) || engine.IsMisconfigured(err) {
		t.Errorf("a slow provider is taken for more than that: %v", err)
	}
}

func channelCancelled(t *testing.T, c ChannelTrial) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.try(ctx, t, c.message(1)); err == nil || engine.IsPermanent(err) || engine.IsUnknown(err) {
		t.Errorf("got %v, want an error that allows another try", err)
	}
	if n := len(c.Arrived(t)); n != 0 {
		t.Errorf("%d messages arrived", n)
	}
}

func channelRefuses(t *testing.T, c ChannelTrial) {
	if c.Refused == "" {
		t.Skip("nobody is refused on this channel")
	}
	m := c.message(1)
	m.Recipient.Address = c.Refused
	_, err := c.try(t.Context(), t, m)
	if !engine.IsPermanent(err) {
		t.Fatalf("got %v, want a permanent error", err)
	}
	if strings.Contains(err.Error(), c.Refused) {
		t.Errorf("the error shows the address: %v", err)
	}
	c.send(t, c.message(2))
	if n := len(c.Arrived(t)); n != 1 {
		t.Errorf("%d messages arrived, want the second only", n)
	}
}

func channelInjection(t *testing.T, c ChannelTrial) {
	c.send(t, c.message(1))
	evil := "Hi\r\nBcc: all@victim.example\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\x00"
	m := c.message(2)
	m.Content.Subject, m.Content.Text, m.Recipient.Name = evil, "<b>not HTML</b>\n", evil
	m.Workflow, m.Record.ID = evil, evil
	c.send(t, m)
	arrived := c.Arrived(t)
	if len(arrived) != 2 {
		t.Fatalf("%d messages arrived, want 2", len(arrived))
	}
	if diff := cmp.Diff(arrived[0].Fields, arrived[1].Fields); diff != "" {
		t.Errorf("fields changed what is said along (-plain +evil):\n%s", diff)
	}
	got, sent := arrived[1], c.carried(m)
	whole := sent.Subject == "" || strings.Contains(got.Subject, "<script>alert(1)</script>")
	if strings.ContainsAny(got.Subject, "\r\n\x00") || !whole {
		t.Errorf("subject arrived as %q", got.Subject)
	}
	if got.Text != sent.Text || got.HTML != sent.HTML {
		t.Errorf("text arrived as %q, HTML as %q", got.Text, got.HTML)
	}
}

func channelText(t *testing.T, c ChannelTrial) {
	m := c.message(1)
	m.Content.Subject = "Grüße 你好 🚪 " + strings.Repeat("lang ", 30) + "Ende"
	m.Content.Text = ".\n..\n.dot\nFrom here\n\n--\n" + strings.Repeat("é=", 2000) + "\n" +
		strings.Repeat("x", 3000) + "\nend \n"
	m.Content.HTML = "<p>" + strings.Repeat("ж&amp;", 3000) + "</p>\n.\n"
	if text := []rune(m.Content.Text); c.MaxText > 0 && len(text) > c.MaxText {
		m.Content.Text = string(text[:c.MaxText])
	}
	c.send(t, m)
	got, sent := c.Arrived(t)[0], c.carried(m)
	if got.Subject != sent.Subject {
		t.Errorf("subject arrived as %q", got.Subject)
	}
	if diff := cmp.Diff(sent.Text, got.Text); diff != "" {
		t.Errorf("text (-sent +arrived):\n%s", diff)
	}
	if diff := cmp.Diff(sent.HTML, got.HTML); diff != "" {
		t.Errorf("HTML (-sent +arrived):\n%s", diff)
	}
}

func channelConcurrent(t *testing.T, c ChannelTrial) {
	const messages = 60
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 6 {
		senders.Go(func() {
			for n := next.Add(1); n <= messages; n = next.Add(1) {
				if _, err := c.try(t.Context(), t, c.message(int(n))); err != nil {
					t.Errorf("message %d: %v", n, err)
				}
			}
		})
	}
	senders.Wait()
	var want, got []string
	for n := range messages {
		want = append(want, c.carried(c.message(n+1)).Text)
	}
	for _, arrival := range c.Arrived(t) {
		got = append(got, arrival.Text)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +arrived):\n%s", diff)
	}
}

func channelCloses(t *testing.T, c ChannelTrial) {
	closer, ok := c.Channel.(engine.Closer)
	if !ok {
		t.Skip("this channel keeps nothing open")
	}
	var next, taken atomic.Int64
	var senders sync.WaitGroup
	running := make(chan struct{}, 4)
	for range cap(running) {
		senders.Go(func() {
			for n := next.Add(1); n <= 400; n = next.Add(1) { // a far end may forget what came long ago
				if _, err := c.try(t.Context(), t, c.message(int(n))); err != nil {
					return
				}
				if taken.Add(1) <= int64(cap(running)) {
					running <- struct{}{}
				}
			}
		})
	}
	<-running
	if err := closer.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	atClose := len(c.Arrived(t))
	senders.Wait()
	if n := len(c.Arrived(t)); n != atClose || int64(n) != taken.Load() {
		t.Errorf("%d messages had arrived when Close returned, %d at last; %d were taken", atClose, n, taken.Load())
	}
	if _, err := c.try(t.Context(), t, c.message(0)); err == nil {
		t.Error("a closed channel still sends")
	}
}

func channelCut(t *testing.T, c ChannelTrial) {
	if c.Cut == nil {
		t.Skip("nobody answers on this channel")
	}
	c.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), channelPatience)
	defer cancel()
	if _, err := c.try(ctx, t, c.message(1)); !engine.IsUnknown(err) {
		t.Errorf("got %v, want an error that leaves it open", err)
	}
}

// channelLeaves ends the hand-over, as a crash would, at the instant when the channel says that the message leaves.
func channelLeaves(t *testing.T, c ChannelTrial) {
	if says, ok := c.Channel.(engine.Careful); !ok || !says.Careful() {
		t.Skip("this channel does not say when a message leaves")
	}
	m := c.message(1)
	crash := errors.New("crash")
	m.OnLeaving = func() { panic(crash) }
	func() {
		defer func() {
			if got := recover(); got != crash { //nolint:errorlint // the very value, or nil
				t.Errorf("the channel never said that the message leaves: %v", got)
			}
		}()
		_, err := c.Channel.Send(t.Context(), m)
		t.Errorf("sent: %v", err)
	}()
	c.send(t, c.message(2))
	arrived := c.Arrived(t)
	if len(arrived) != 1 || arrived[0].Text != c.carried(c.message(2)).Text {
		t.Errorf("%d messages arrived, want the second alone", len(arrived))
	}
}

func channelDedupes(t *testing.T, c ChannelTrial) {
	if says, ok := c.Channel.(engine.Deduper); !ok || !says.Dedupes() {
		t.Skip("the far end of this channel knows no repetition")
	}
	for range 3 {
		c.send(t, c.message(1))
	}
	if n := len(c.Arrived(t)); n != 1 {
		t.Errorf("%d messages arrived, want one", n)
	}
}
