package channels

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

// written is a mail to an address, as the engine hands it over.
func written(to string) engine.Message {
	return engine.Message{
		Delivery: engine.DerivedID(engine.ID{}, to), Recipient: engine.Recipient{Address: to}, Workflow: "greet",
		Content: engine.Content{Subject: "Hello", Text: "Hello\n"}, Created: time.Unix(1767323045, 0).UTC(),
	}
}

// exactly compares what was heard but for its time and key.
func exactly(t *testing.T, want, got []engine.Heard) {
	t.Helper()
	ignored := cmp.Options{
		cmpopts.IgnoreFields(engine.Heard{}, "At", "Key"), cmpopts.IgnoreFields(engine.Suppression{}, "At"),
	}
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// A server that knows no such mailbox has the address suppressed at once; one that refuses for another reason has not.
func TestEmailSuppressesWhoIsGone(t *testing.T) {
	server := (&mailtest.Server{
		TLS: "starttls", Users: map[string]string{"postern": "hunter2!"},
		OnRcpt: func(_ *mailtest.Dialogue, to string) error {
			switch local, _, _ := strings.Cut(to, "@"); local {
			case "gone":
				return mailtest.Refuse(550, 5, 1, 1, "<"+to+">: no")
			case "nobody":
				return mailtest.Refuse(550, 5, 0, 0, "no such user <"+to+">")
			case "full":
				return mailtest.Refuse(552, 5, 2, 2, "mailbox full")
			case "policy":
				return mailtest.Refuse(550, 5, 7, 1, "unknown user of a blocked sender")
			case "later":
				return mailtest.Refuse(450, 4, 1, 1, "user unknown at the moment")
			}
			return nil
		},
	}).Start(t)
	listening := new(ear)
	e := openedIn(t, earOfEmail(listening), server.Port, server.Authority.CertFile)
	defer e.Close()
	for _, local := range []string{"full", "policy", "later", "gone", "nobody", "zoe"} {
		_, err := e.Send(t.Context(), written(local+"@customer.example"))
		if (err == nil) != (local == "zoe") {
			t.Errorf("%s: %v", local, err)
		}
	}
	var want []engine.Heard
	for local, code := range map[string]string{"gone": "5.1.1", "nobody": "5.0.0"} {
		address := local + "@customer.example"
		want = append(want, engine.Heard{Channel: "email", Suppress: []engine.Suppression{{
			Channel: "email", Address: address, Masked: local[:1] + "…@customer.example",
			Reason: engine.SuppressedBounce, Detail: code, By: "provider",
		}}})
	}
	if len(listening.all()) == 2 && listening.all()[0].Suppress[0].Address != want[0].Suppress[0].Address {
		want[0], want[1] = want[1], want[0]
	}
	exactly(t, want, listening.all())
}

// What leaves comes back: the address that a mail left from is where its bounce goes, and the delivery is told by it.
func TestEmailHearsItsBounces(t *testing.T) {
	server := (&mailtest.Server{TLS: "starttls", Users: map[string]string{"postern": "hunter2!"}}).Start(t)
	listening := new(ear)
	port := freePort(t)
	e := openedIn(t, earOfEmail(listening), server.Port, server.Authority.CertFile, comingBack, func(e *Email) {
		e.Bounces.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	})
	defer e.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Listen(ctx) }()
	awaitPort(t, port)
	m := written("zoe@customer.example")
	if _, err := e.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	path := server.Mails()[0].From
	if !strings.HasPrefix(path, "b+"+m.Delivery.String()+".") || !strings.HasSuffix(path, "@bounces.acme.example") {
		t.Fatalf("it left from %s", path)
	}
	mailtest.Bounce(t, port, path, "zoe@customer.example", "5.1.1", "550 5.1.1 no zoe@customer.example here")
	mailtest.Bounce(t, port, path, "zoe@customer.example", "5.7.1", "550 5.7.1 we do not like it")
	report := func(code, detail string) *engine.Report {
		return &engine.Report{Delivery: m.Delivery, State: engine.DeliveryBounced, Code: code, Detail: detail}
	}
	exactly(t, []engine.Heard{
		{
			Channel: "email", Report: report("5.1.1", "550 5.1.1 no z…@customer.example here"),
			Suppress: []engine.Suppression{{
				Channel: "email", Reason: engine.SuppressedBounce, Detail: "5.1.1", By: "provider",
			}},
		},
		{Channel: "email", Report: report("5.7.1", "550 5.7.1 we do not like it")},
	}, listening.all())
	if keys := listening.all(); keys[0].Key == keys[1].Key {
		t.Errorf("two reports have the key %s", keys[0].Key)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A return path that anybody can make would let anybody suppress anybody.
func TestEmailNeedsAKeyForReturnPaths(t *testing.T) {
	o := earOfEmail(new(ear))
	o.Key = func(string) []byte { return nil }
	if err := email(comingBack).Open(o); err == nil || !strings.HasPrefix(err.Error(), "bounces: there is no key") {
		t.Errorf("got %v", err)
	}
}

func TestEmailWithoutBouncesHearsNothing(t *testing.T) {
	e := email(func(*Email) {})
	if err := e.Open(outfit()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := e.Listen(ctx); err != nil {
		t.Error(err)
	}
}
