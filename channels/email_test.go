package channels

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/mail"
	"postern/internal/mail/mailtest"
)

const gone = "gone.person@customer.example"

func outfit() engine.Outfit { return engine.Outfit{Clock: engine.SystemClock{}} }

// email is a channel that passes Open, with one change.
func email(change func(*Email)) *Email {
	e := EmailKind().New().(*Email)
	e.Host, e.From = "smtp.acme.example", "Acme <support@acme.example>"
	change(e)
	return e
}

// opened is a channel to a server on this machine, with some changes.
func opened(t *testing.T, port int, ca string, changes ...func(*Email)) *Email {
	t.Helper()
	return openedIn(t, outfit(), port, ca, changes...)
}

func openedIn(t *testing.T, outfit engine.Outfit, port int, ca string, changes ...func(*Email)) *Email {
	t.Helper()
	e := email(func(e *Email) {
		e.Host, e.Port, e.CA, e.User = "127.0.0.1", port, ca, "postern"
		e.Password = engine.Secret{File: filepath.Join(t.TempDir(), "password")}
	})
	if err := os.WriteFile(e.Password.File, []byte("hunter2!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(e)
	}
	if err := e.Open(outfit); err != nil {
		t.Fatal(err)
	}
	return e
}

// earOfEmail is an outfit with a key, for an email channel.
func earOfEmail(e *ear) engine.Outfit {
	o := e.outfit("email")
	o.Key = func(purpose string) []byte {
		sum := sha256.Sum256([]byte(purpose))
		return sum[:]
	}
	return o
}

// all is what was heard so far.
func (e *ear) all() []engine.Heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

// signing and comingBack are what an email channel does in earnest.
func signing(key engine.Secret) func(*Email) {
	return func(e *Email) { e.DKIM = []EmailKey{{Selector: "a", Key: key}} }
}

func comingBack(e *Email) {
	e.Bounces = &EmailBounces{Domain: "bounces.acme.example", Listen: "127.0.0.1:0"}
}

// emailTrial is a channel that logs in, signs and takes bounces, and its server.
func emailTrial(t *testing.T) enginetest.ChannelTrial {
	over := make(chan struct{})
	var stalled, cut atomic.Bool
	server := (&mailtest.Server{
		TLS: "starttls", Users: map[string]string{"postern": "hunter2!"},
		OnRcpt: func(_ *mailtest.Dialogue, to string) error {
			if stalled.Load() {
				<-over
			}
			if to == gone {
				return mailtest.Refuse(550, 5, 1, 1, "<"+to+"> gone.person is unknown")
			}
			return nil
		},
		OnDot: func(d *mailtest.Dialogue, _ mailtest.Mail) error {
			if cut.Load() {
				d.HangUp()
			}
			return nil
		},
	}).Start(t)
	t.Cleanup(func() { close(over) })
	channel := openedIn(t, earOfEmail(new(ear)), server.Port, server.Authority.CertFile,
		signing(dkimKey(t, "ed25519")), comingBack)
	return enginetest.ChannelTrial{
		Channel: channel, Address: "zoe@customer.example", Refused: gone,
		Stall: func() { stalled.Store(true) },
		Cut:   func() { cut.Store(true) },
		Arrived: func(t *testing.T) []enginetest.Arrival {
			var arrived []enginetest.Arrival
			for _, mail := range server.Mails() {
				arrived = append(arrived, arrival(t, mail.To, mail.Raw))
			}
			return arrived
		},
	}
}

// arrival reads a mail as its recipient's mail program does.
func arrival(t *testing.T, to string, raw []byte) enginetest.Arrival {
	t.Helper()
	read := mailtest.Parse(t, raw)
	a := enginetest.Arrival{
		Delivery: read.Text("Message-Id"), Address: to, Subject: read.Text("Subject"),
		Text: read.Parts["text/plain"], HTML: read.Parts["text/html"],
	}
	for fields := read.Header.Fields(); fields.Next(); {
		a.Fields = append(a.Fields, fields.Key())
	}
	return a
}

func TestEmailChecksItsConfiguration(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(notPEM, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	key := dkimKey(t, "ed25519")
	wrong := map[string]struct {
		change func(*Email)
		want   string
	}{
		"no host":               {func(e *Email) { e.Host = "" }, "host: "},
		"a URL for a host":      {func(e *Email) { e.Host = "smtp://x" }, "host: "},
		"port":                  {func(e *Email) { e.Port = 70000 }, "port: 70000 is not between 1 and 65535"},
		"no from":               {func(e *Email) { e.From = "" }, "from: "},
		"from without a domain": {func(e *Email) { e.From = "Acme" }, "from: "},
		"reply_to":              {func(e *Email) { e.ReplyTo = "x@" }, "reply_to: "},
		"no such protection":    {func(e *Email) { e.TLS = "ssl" }, `tls: "ssl" is not one of starttls, `},
		"none, but far away":    {func(e *Email) { e.TLS = "none" }, "tls: none is for a server on this machine"},
		"no such ca":            {func(e *Email) { e.CA = "/no/such.pem" }, "ca: "},
		"empty ca":              {func(e *Email) { e.CA = notPEM }, "ca: "},
		"helo":                  {func(e *Email) { e.Helo = "a b\r\nMAIL" }, "helo: "},
		"message_id_domain":     {func(e *Email) { e.MessageIDDomain = "a>b" }, "message_id_domain: "},
		"no connections":        {func(e *Email) { e.Connections = 0 }, "connections: "},
		"no time":               {func(e *Email) { e.Timeout = 0 }, "timeout: "},
		"user without password": {func(e *Email) { e.User = "u" }, "password: is not set, but user is"},
		"password without user": {func(e *Email) { e.Password.Env = "X" }, "password: is set, but user is not"},
		"no selector":           {func(e *Email) { e.DKIM = []EmailKey{{Key: key}} }, "dkim[0]: selector: "},
		"no key":                {func(e *Email) { e.DKIM = []EmailKey{{Selector: "a"}} }, "dkim[0]: key: names neither "},
		"a key that is none": {
			func(e *Email) { e.DKIM = []EmailKey{{Selector: "a", Key: engine.Secret{File: notPEM}}} }, "dkim[0]: key: ",
		},
		"a signature that would not count": {
			func(e *Email) { e.DKIM = []EmailKey{{Domain: "other.example", Selector: "a", Key: key}} },
			"dkim[0]: domain: other.example is neither the sender's domain acme.example nor above it",
		},
		"one above all": {
			func(e *Email) { e.DKIM = []EmailKey{{Domain: "example", Selector: "a", Key: key}} }, "dkim[0]: domain: ",
		},
		"bounces to no domain": {
			func(e *Email) { e.Bounces = &EmailBounces{Domain: "a b", Listen: ":25"} }, `bounces: domain: "a b" is no `,
		},
		"bounces to no port": {
			func(e *Email) { e.Bounces = &EmailBounces{Domain: "b.example", Listen: "25"} }, `bounces: listen: "25" `,
		},
		"bounces by nothing known": {
			func(e *Email) { comingBack(e); e.Bounces.Protocol = "uucp" }, `bounces: protocol: "uucp" is neither `,
		},
		"the same key twice": {
			func(e *Email) { e.DKIM = []EmailKey{{Selector: "a", Key: key}, {Selector: "a", Key: key}} },
			"dkim[1]: selector: a._domainkey.acme.example is there twice",
		},
		"password that is not there": {
			func(e *Email) { e.User, e.Password.Env = "u", "POSTERN_NO_SUCH" },
			"password: environment variable POSTERN_NO_SUCH is not set",
		},
	}
	for name, test := range wrong {
		t.Run(name, func(t *testing.T) {
			err := email(test.change).Open(outfit())
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	right := map[string]func(*Email){
		"the defaults":             func(*Email) {},
		"implicit":                 func(e *Email) { e.TLS, e.Port = "implicit", 465 },
		"none on this machine":     func(e *Email) { e.TLS, e.Host = "none", "localhost" },
		"none on ::1":              func(e *Email) { e.TLS, e.Host = "none", "::1" },
		"a key of the sender's":    func(e *Email) { e.DKIM = []EmailKey{{Selector: "a", Key: key}} },
		"bounces of mails by hand": comingBack,
		"two keys, one above": func(e *Email) {
			e.From = "Acme <support@mail.Acme.example>"
			e.DKIM = []EmailKey{{Domain: "Acme.example", Selector: "a", Key: key}, {Selector: "b", Key: key}}
		},
	}
	for name, change := range right {
		t.Run(name, func(t *testing.T) {
			e := email(change)
			if err := e.Open(outfit()); err != nil {
				t.Fatal(err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// dkimKey is a fresh key in a file.
func dkimKey(t *testing.T, kind string) engine.Secret {
	t.Helper()
	key, err := mail.NewKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	return engine.Secret{File: file}
}

func TestEmailReachesMailboxes(t *testing.T) {
	carrier := email(func(*Email) {}).Carrier()
	if carrier.Kind != "email" || carrier.Type != engine.TypeEmail {
		t.Errorf("carrier %+v", carrier)
	}
	for _, address := range []string{"zoe@customer.example", "zoë+crm@customer.example"} {
		if got, err := carrier.Proper(" " + address + " "); got != address || err != nil {
			t.Errorf("%s became %q, %v", address, got, err)
		}
	}
	for _, address := range []string{"", "zoe", "Zoe <zoe@customer.example>", "zoe@customer.example, bo@customer.example"} {
		if got, err := carrier.Proper(address); err == nil || strings.Contains(err.Error(), "zoe") {
			t.Errorf("%q became %q, %v", address, got, err)
		}
	}
}

func TestEmailUsesItsNames(t *testing.T) {
	server := (&mailtest.Server{TLS: "starttls", Users: map[string]string{"postern": "hunter2!"}}).Start(t)
	e := opened(t, server.Port, server.Authority.CertFile)
	e.ReplyTo, e.MessageIDDomain = "Desk <desk@acme.example>", "id.acme.example"
	if err := e.Open(outfit()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m := engine.Message{Recipient: engine.Recipient{Address: "zoe@customer.example"}, Created: time.Unix(0, 0)}
	if _, err := e.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	read := mailtest.Parse(t, server.Mails()[0].Raw)
	want := "<" + m.Delivery.String() + "@id.acme.example>"
	if got := read.Text("Message-Id"); got != want {
		t.Errorf("Message-ID is %s, want %s", got, want)
	}
	if got := read.Header.Get("Reply-To"); got != `"Desk" <desk@acme.example>` {
		t.Errorf("Reply-To is %s", got)
	}
}

func TestEmailToNoAddressIsRefusedUnsent(t *testing.T) {
	e := email(func(*Email) {})
	if err := e.Open(outfit()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Send(t.Context(), engine.Message{}); !engine.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}
