package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

var errLost = engine.Unknown(errors.New("the answer was lost"))

func TestOnUnknown(t *testing.T) {
	for _, c := range []struct {
		name, beside string
		email        *provider
		tries        int // by email
		state        engine.DeliveryState
		channel      string
	}{
		{"held", "", answering(errLost), 1, engine.DeliveryUnknown, "email"},
		{"held by wish", ", on_unknown: hold", deduping(errLost), 1, engine.DeliveryUnknown, "email"},
		{"sent again where that is safe", "", deduping(errLost), 2, engine.DeliveryAccepted, "email"},
		{"sent again by wish", ", on_unknown: resend", answering(errLost, errLost), 3, engine.DeliveryAccepted, "email"},
		{"sent again in vain", ", on_unknown: resend", failing(errLost), 3, engine.DeliveryUnknown, "email"},
		{"the next way", ", on_unknown: next", answering(errLost), 1, engine.DeliveryAccepted, "sms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sms := answering()
			h := waysHouse(t, c.beside, c.email, sms)
			h.ticket("1")
			first := h.sent(c.email, c.tries)[0]
			if got := h.settled(first.Delivery, c.state); got.Channel != c.channel {
				t.Errorf("it went by %s", got.Channel)
			}
			h.clock.Advance(2 * time.Hour)
			h.ticket("2")
			h.until("the next message", func() bool { return len(c.email.Sent()) > c.tries })
			again := c.email.Sent()[c.tries-1]
			if again.Delivery != first.Delivery || !reflect.DeepEqual(again.Content, first.Content) {
				t.Errorf("try %d sent %q as %s", c.tries, again.Content.Text, again.Delivery)
			}
			if c.channel == "sms" {
				by := sms.Sent()
				if len(by) != 1 || by[0].Delivery != first.Delivery || by[0].Recipient.Address != "+34600111222" ||
					!strings.HasSuffix(first.Content.Text, strings.Fields(by[0].Content.Text)[1]) {
					t.Errorf("by sms: %+v", by)
				}
			}
		})
	}
}

func TestUnknownAndFailedAreTold(t *testing.T) {
	email := answering(errLost, engine.Permanent(errors.New("550 nobody")))
	h := waysHouse(t, ", on_unknown: hold", email, failing(engine.Permanent(errors.New("no such number"))))
	h.ticket("1")
	h.ticket("2")
	got := h.ownEvents(2)
	for i, event := range got {
		var data map[string]any
		if err := json.Unmarshal(event.Data, &data); err != nil {
			t.Fatal(err)
		}
		if data["delivery"] == "" || data["run"] == "" || event.CauseID == "" || event.Depth != 1 {
			t.Errorf("event %d: cause %q, depth %d, data %v", i, event.CauseID, event.Depth, data)
		}
		want := map[string]any{
			"delivery": data["delivery"], "run": data["run"], "workflow": "main", "step": "1", "attempts": 1.0,
			"channel": "email", "recipient": "z…@acme.example", "code": "", "reason": "the answer was lost",
		}
		if event.Type == engine.DeliveryFailedEvent {
			want["channel"], want["recipient"], want["reason"] = "sms", "…22", "no such number"
		}
		if diff := cmp.Diff(want, data); diff != "" {
			t.Errorf("%s (-want +got):\n%s", event.Type, diff)
		}
	}
	if types := []string{got[0].Type, got[1].Type}; !(types[0] == engine.DeliveryFailedEvent && types[1] == engine.DeliveryUnknownEvent ||
		types[1] == engine.DeliveryFailedEvent && types[0] == engine.DeliveryUnknownEvent) {
		t.Errorf("told %v", types)
	}
}

// deaf is a store that stores no outcome of a delivery any more: the process is about to be killed.
type deaf struct {
	engine.Store
	now *atomic.Bool
}

func (d deaf) Settle(ctx context.Context, s engine.Settle) error {
	if d.now.Load() {
		return errors.New("killed")
	}
	return d.Store.Settle(ctx, s)
}

// gate is a careful channel that stops before or behind the instant at which a message leaves.
type gate struct {
	leaves atomic.Bool
	inside atomic.Int64
}

func (*gate) Careful() bool { return true }

func (g *gate) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	if g.leaves.Load() {
		m.Leaving()
	}
	g.inside.Add(1)
	<-ctx.Done()
	return engine.Receipt{}, ctx.Err()
}

func TestOnlyWhatMayHaveLeftIsInDoubtAfterACrash(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprint("left: ", left), func(t *testing.T) {
			h := newHouse(t, bookOf(mainJob))
			channel, killed := &gate{}, &atomic.Bool{}
			channel.leaves.Store(left)
			h.email = channel
			h.wrap = func(s engine.Store) engine.Store { return deaf{s, killed} }
			h.start()
			h.person()
			const tickets = 60
			for i := range tickets {
				h.ticket(fmt.Sprint(i))
			}
			h.until("all to be on their way", func() bool { return channel.inside.Load() == tickets })
			killed.Store(true)
			h.stop()
			h.email, h.wrap = nil, nil
			h.start()
			h.ticket("another")
			want := 1
			if !left {
				want += tickets
			}
			h.until("the mails", func() bool { return len(h.mail.Sent()) >= want })
			h.stop()
			if n := len(h.mail.Sent()); n != want {
				t.Errorf("%d mails after the crash, want %d", n, want)
			}
			line := "never_left=60 unknown_held=0"
			if left {
				line = "never_left=0 unknown_held=60"
			}
			if !strings.Contains(h.logs.String(), line) {
				t.Errorf("the log does not say %s:\n%s", line, h.logs)
			}
		})
	}
}

func TestTryThatEndsTheProcessIsCounted(t *testing.T) {
	h := newHouse(t, mailJob(", on_unknown: resend"))
	channel, killed := &gate{}, &atomic.Bool{}
	channel.leaves.Store(true)
	h.email = channel
	h.wrap = func(s engine.Store) engine.Store { return deaf{s, killed} }
	h.start()
	h.person()
	h.ticket("1")
	for n := range int64(3) {
		h.until("a try", func() bool {
			h.clock.Advance(time.Second)
			return channel.inside.Load() == n+1
		})
		killed.Store(true)
		h.stop()
		killed.Store(false)
		h.start()
	}
	if told := h.ownEvents(1)[0]; told.Type != engine.DeliveryUnknownEvent {
		t.Errorf("told %s", told.Type)
	}
	if n := channel.inside.Load(); n != 3 {
		t.Errorf("%d tries", n)
	}
}
