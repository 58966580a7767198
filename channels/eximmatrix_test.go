package channels

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

func TestEmailThroughExim(t *testing.T) {
	server := startExim(t)
	key := dkimKey(t, "rsa")
	e := openedIn(t, earOfEmail(new(ear)), server.port, server.ca, signing(key), comingBack)
	defer e.Close()
	m := engine.Message{
		Delivery:  engine.DerivedID(engine.ID{}, "exim"),
		Recipient: engine.Recipient{Name: "Zoë Ünal", Address: "zoe@customer.example"},
		Content: engine.Content{
			Language: "de", Subject: "Störung behoben: " + strings.Repeat("Tür ", 30) + "auf",
			Text: ".\nGrüß Gott\n" + strings.Repeat("ü", 3000) + "\n", HTML: "<p>Grüß <b>Gott</b></p>\n",
		},
		Record: engine.Ref{Module: "HelpDesk", ID: "17x5"}, Created: time.Unix(1767323045, 0).UTC(),
	}
	receipt, err := e.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Provider != "127.0.0.1" || len(receipt.ID) < 16 || !strings.Contains(receipt.Detail, receipt.ID) {
		t.Errorf("receipt %+v", receipt)
	}
	raw := server.delivered(t)
	checkDelivered(t, m, raw)
	checkSigned(t, key, raw)
}

// checkSigned has a server's last word: what lies in the mailbox is still signed, by a verifier that is not ours.
func checkSigned(t *testing.T, key engine.Secret, raw []byte) {
	t.Helper()
	lookup := goodZone(t, key).txt
	found, err := dkim.VerifyWithOptions(bytes.NewReader(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))),
		&dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) { return lookup[name], nil }})
	if err != nil || len(found) != 1 || found[0].Err != nil || found[0].Domain != "acme.example" {
		t.Errorf("the signature did not survive: %v, %+v\n%s", err, found, raw)
	}
}

func checkDelivered(t *testing.T, m engine.Message, raw []byte) {
	t.Helper()
	read := mailtest.Parse(t, raw)
	for field, want := range map[string]string{
		"Subject": m.Content.Subject, "To": "Zoë Ünal <zoe@customer.example>", "From": "Acme <support@acme.example>",
		"Message-Id": "<" + m.Delivery.String() + "@acme.example>", "Date": "Fri, 02 Jan 2026 03:04:05 +0000",
		"Auto-Submitted": "auto-generated", "Content-Language": "de",
	} {
		if got := strings.ReplaceAll(read.Text(field), `"`, ""); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := read.Text("Received"); !strings.Contains(got, "esmtpsa") {
		t.Errorf("the mail did not come under TLS with a login: %s", got)
	}
	if read.Parts["text/plain"] != m.Content.Text || read.Parts["text/html"] != m.Content.HTML {
		t.Errorf("parts arrived as %q", read.Parts)
	}
}

// What a real server can answer, and what the channel makes of it.
func TestEximMatrix(t *testing.T) {
	server := startExim(t)
	at := func(port int, mode string) func(*Email) {
		return func(e *Email) { e.Port, e.TLS = port, mode }
	}
	for name, test := range map[string]struct {
		change  func(*Email)
		to      string
		subject string
		text    int // length
		want    string
	}{
		"STARTTLS":            {to: "zoe", want: "sent"},
		"TLS from the start":  {change: at(server.implicit, "implicit"), to: "zoe", want: "sent"},
		"STARTTLS taken away": {change: at(server.stripped, "starttls"), to: "zoe", want: "misconfigured: the server does"},
		"TLS where STARTTLS is": {
			change: at(server.port, "implicit"), to: "zoe", want: "misconfigured: TLS",
		},
		"an untrusted certificate": {
			change: func(e *Email) { e.CA = "" }, to: "zoe", want: "misconfigured: TLS",
		},
		"a wrong password": {
			change: func(e *Email) { e.Password = secretFile(t, "hunter3!") }, to: "zoe", want: "misconfigured: AUTH: 535",
		},
		"no login": {
			change: func(e *Email) { e.User, e.Password = "", engine.Secret{} }, to: "zoe", want: "permanent: RCPT TO: 550",
		},
		"nobody of that name":     {to: "gone.person", want: "permanent: RCPT TO: 550"},
		"greylisted":              {to: "later", want: "later: RCPT TO: 451"},
		"421":                     {to: "busy", want: "retry: RCPT TO: 421"},
		"452":                     {to: "full", want: "retry: RCPT TO: 452"},
		"552":                     {to: "large", want: "permanent: RCPT TO: 552"},
		"554":                     {to: "policy", want: "permanent: RCPT TO: 554"},
		"554 after the dot":       {to: "zoe", subject: "refuse me", want: "permanent: final dot: 554"},
		"beyond ASCII (SMTPUTF8)": {to: "zoë", want: "sent"},
		"a large mail":            {to: "zoe", text: 5 << 20, want: "sent"},
		"larger than 25 MB":       {to: "zoe", text: 26 << 20, want: "permanent: the server takes mails of at most"},
	} {
		t.Run(name, func(t *testing.T) {
			changes := []func(*Email){comingBack}
			if test.change != nil {
				changes = append(changes, test.change)
			}
			e := openedIn(t, earOfEmail(new(ear)), server.port, server.ca, changes...)
			defer e.Close()
			m := written(test.to + "@customer.example")
			m.Content.Subject, m.Content.Text = "Grüße "+test.subject, ".\n..\nGrüß Gott\n"
			if test.text > 0 {
				m.Content.Text = strings.Repeat(strings.Repeat("x", 70)+"\n", test.text/71)
			}
			_, err := e.Send(t.Context(), m)
			if got := outcome(err); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), test.to+"@") || strings.Contains(err.Error(), "hunter")) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// What a server takes from us and another refuses comes back as the report of a real server.
func TestEximBounces(t *testing.T) {
	mx := (&mailtest.Server{OnRcpt: func(_ *mailtest.Dialogue, to string) error {
		return mailtest.Refuse(550, 5, 1, 1, "<"+to+"> has moved away")
	}}).Start(t)
	server, listening := startExim(t, mx.Port), new(ear)
	e := openedIn(t, earOfEmail(listening), server.port, server.ca, comingBack, func(e *Email) {
		e.Bounces.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(server.back))
	})
	defer e.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Listen(ctx) }()
	awaitPort(t, server.back)
	m := written("moved@customer.example")
	if _, err := e.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	poll(t, "the bounce", func() bool { return len(listening.all()) > 0 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got := listening.all()[0]
	if r := got.Report; r == nil || r.Delivery != m.Delivery || r.State != engine.DeliveryBounced || r.Code != "5.1.1" ||
		!strings.Contains(r.Detail, "m…@customer.example") || strings.Contains(r.Detail, "moved@") {
		t.Errorf("reported %+v", got.Report)
	}
	if len(got.Suppress) != 1 || got.Suppress[0].Reason != engine.SuppressedBounce {
		t.Errorf("suppressed %+v", got.Suppress)
	}
}

// outcome is an error's verdict as a word, and what it says after the name of the server.
func outcome(err error) string {
	if err == nil {
		return "sent"
	}
	word := "retry"
	switch {
	case engine.IsPermanent(err):
		word = "permanent"
	case engine.IsUnknown(err):
		word = "unknown"
	case engine.IsMisconfigured(err):
		word = "misconfigured"
	case engine.RetryDelay(err) > 0:
		word = "later"
	}
	_, text, _ := strings.Cut(err.Error(), ": ")
	return word + ": " + text
}
