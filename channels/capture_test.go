package channels

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/yamldoc"
)

func capture(t testing.TB) *Capture {
	t.Helper()
	c := CaptureKind().New().(*Capture)
	if err := c.Open(outfit()); err != nil {
		t.Fatal(err)
	}
	return c
}

func message(n int) engine.Message {
	return engine.Message{
		Delivery:  engine.DerivedID(engine.ID{}, fmt.Sprint(n)),
		Recipient: engine.Recipient{Address: "zoe@customer.example"},
		Content:   engine.Content{Subject: fmt.Sprint(n)},
	}
}

func keep(t testing.TB, c *Capture, n int) {
	t.Helper()
	if _, err := c.Send(t.Context(), message(n)); err != nil {
		t.Fatal(err)
	}
}

// captureTrial is a channel that keeps what it gets: its far end is what it kept, as the mails that it would be.
func captureTrial(t *testing.T) enginetest.ChannelTrial {
	t.Helper()
	c := capture(t)
	return enginetest.ChannelTrial{
		Channel: c, Address: "zoe@customer.example",
		Arrived: func(t *testing.T) []enginetest.Arrival {
			var arrived []enginetest.Arrival
			for _, captured := range c.Messages() {
				m := captured.Message
				raw, err := c.EML(m.Delivery)
				if err != nil {
					t.Fatal(err)
				}
				a := arrival(t, m.Recipient.Address, raw)
				arrived = append([]enginetest.Arrival{a}, arrived...)
			}
			return arrived
		},
	}
}

func TestCaptureCountsRepetitions(t *testing.T) {
	c := capture(t)
	for _, n := range []int{1, 2, 1} {
		keep(t, c, n)
	}
	got := c.Messages()
	if len(got) != 2 || got[0].Message.Content.Subject != "2" || got[1].Times != 2 {
		t.Errorf("kept %+v", got)
	}
	if one, ok := c.Message(message(1).Delivery); !ok || one.Times != 2 {
		t.Errorf("message 1 is %+v, %v", one, ok)
	}
}

func TestCaptureForgetsTheOldest(t *testing.T) {
	c := capture(t)
	for n := range capacity + 3 {
		keep(t, c, n)
	}
	if n := len(c.Messages()); n != capacity {
		t.Errorf("%d kept", n)
	}
	if _, ok := c.Message(message(2).Delivery); ok {
		t.Error("the third is still there")
	}
	if _, ok := c.Message(message(3).Delivery); !ok {
		t.Error("the fourth is gone")
	}
	if _, err := c.EML(message(0).Delivery); !errors.Is(err, ErrNotKept) {
		t.Errorf("the first as a mail: %v", err)
	}
}

func TestCaptureTellsOfChanges(t *testing.T) {
	c := capture(t)
	keep(t, c, 1)
	if seen, err := c.Await(t.Context(), 0); seen != 1 || err != nil {
		t.Fatalf("at once: %d, %v", seen, err)
	}
	var waiters sync.WaitGroup
	for range 3 {
		waiters.Go(func() {
			if seen, err := c.Await(t.Context(), 1); seen != 2 || err != nil {
				t.Errorf("after a change: %d, %v", seen, err)
			}
		})
	}
	keep(t, c, 2)
	waiters.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Await(ctx, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a change: %v", err)
	}
}

func TestCaptureChecksItsConfiguration(t *testing.T) {
	c := &Capture{From: "nobody"}
	if err := c.Open(outfit()); err == nil {
		t.Error("a sender that is no address passed")
	}
	c = &Capture{From: "a@acme.example", Of: "pigeon"}
	if err := c.Open(outfit()); err == nil || !strings.HasPrefix(err.Error(), "of: ") {
		t.Errorf("a kind that there is not: %v", err)
	}
}

func TestCaptureStandsInForAnyKind(t *testing.T) {
	for _, test := range []struct{ name, of, want string }{
		{"sms", "", "sms"}, {"test", "", "email"}, {"test", "push", "push"}, {"sms", "whatsapp", "whatsapp"},
	} {
		c := &Capture{Of: test.of}
		c.StandIn(test.name)
		if got := c.Carrier(); got.Kind != test.want || got.Reach != Carriers()[test.want].Reach {
			t.Errorf("%s of %q is %+v", test.name, test.of, got)
		}
	}
}

func TestKindsAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, kind := range Kinds() {
		if kind.Name == "" || kind.Summary == "" || kind.Example == "" || kind.New() == nil || names[kind.Name] {
			t.Errorf("kind %+v", kind)
		}
		names[kind.Name] = true
		example, diags := yamldoc.Parse("example.yaml", []byte(kind.Example))
		if diags.Err() != nil {
			t.Fatalf("example of %s: %v", kind.Name, diags)
		}
		if diags := yamldoc.Decode(example.Root(), kind.New()); diags.Err() != nil {
			t.Errorf("example of %s: %v", kind.Name, diags)
		}
	}
}
