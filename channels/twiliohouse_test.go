package channels

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/twilio/twiliotest"
)

const mobile = "+34600123456"

// twilioHouse is a channel's surroundings: a stand-in for Twilio, what the channel hears and what it says.
type twilioHouse struct {
	server *twiliotest.Server
	clock  *enginetest.Clock
	log    strings.Builder
	outfit engine.Outfit
	token  engine.Secret

	mu    sync.Mutex
	heard []engine.Heard
	fail  error // of Outfit.Hear
}

func newTwilioHouse(t *testing.T, channel string) *twilioHouse {
	t.Helper()
	h := &twilioHouse{
		server: new(twiliotest.Server).Start(t), token: secretFile(t, twiliotest.Token),
		clock: enginetest.NewClock(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)),
	}
	h.outfit = engine.Outfit{
		Clock: h.clock, Logger: slog.New(slog.NewTextHandler(&h.log, nil)), Channel: channel,
		Callbacks: "https://go.acme.example/callbacks/" + channel, Hear: h.hear,
	}
	return h
}

func (h *twilioHouse) hear(_ context.Context, heard engine.Heard) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail == nil {
		h.heard = append(h.heard, heard)
	}
	return h.fail
}

// one is the only thing that was heard since the last call.
func (h *twilioHouse) one(t *testing.T) engine.Heard {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.heard) != 1 {
		t.Fatalf("heard %+v, want one", h.heard)
	}
	heard := h.heard[0]
	h.heard = nil
	return heard
}

// sms is an open channel at the stand-in, with one change.
func (h *twilioHouse) sms(t *testing.T, change func(*SMS)) *SMS {
	t.Helper()
	s := SMSKind().New().(*SMS)
	s.Account, s.Token, s.From, s.Endpoint = twiliotest.Account, h.token, twiliotest.Number, h.server.URL
	change(s)
	if err := s.Open(h.outfit); err != nil {
		t.Fatal(err)
	}
	h.server.CallTo = s.Callbacks()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (h *twilioHouse) whatsApp(t *testing.T) *WhatsApp {
	t.Helper()
	w := WhatsAppKind().New().(*WhatsApp)
	w.Account, w.Token, w.From, w.Endpoint = twiliotest.Account, h.token, twiliotest.Number, h.server.URL
	if err := w.Open(h.outfit); err != nil {
		t.Fatal(err)
	}
	h.server.CallTo = w.Callbacks()
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// texted is a message of some text to somebody.
func texted(to, text string) engine.Message {
	return engine.Message{
		Delivery: engine.DerivedID(engine.ID{}, to, text), Recipient: engine.Recipient{Address: to},
		Content: engine.Content{Text: text},
	}
}

// arrivedBy reads what came to the stand-in as phones show it.
func (h *twilioHouse) arrivedBy(prefix string, text func(twiliotest.Message) string) []enginetest.Arrival {
	var arrived []enginetest.Arrival
	for _, m := range h.server.Messages() {
		arrived = append(arrived, enginetest.Arrival{
			Delivery: m.Callback, Address: strings.TrimPrefix(m.To, prefix), Text: text(m), Fields: m.Fields,
		})
	}
	return arrived
}

// trial is what every channel at Twilio is tried with.
func (h *twilioHouse) trial(t *testing.T, channel engine.Channel) enginetest.ChannelTrial {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return enginetest.ChannelTrial{
		Channel: channel, Address: mobile, Refused: twiliotest.Refused,
		Stall: func() { h.server.Always(twiliotest.Stall(over)) },
		Cut:   func() { h.server.Always(twiliotest.LoseReply) },
		Carries: func(c engine.Content) engine.Content {
			return engine.Content{Text: strings.TrimSpace(c.Text)}
		},
	}
}
