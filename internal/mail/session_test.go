package mail

import (
	"bytes"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

func TestProtectionAndLogin(t *testing.T) {
	asks := func(tls Security, mechanisms ...string) *mailtest.Server {
		users := map[string]string{"postern": "hunter2!"}
		return &mailtest.Server{TLS: string(tls), Users: users, Mechanisms: mechanisms}
	}
	tests := map[string]struct {
		server *mailtest.Server
		change func(*Server)
		want   string
	}{
		"STARTTLS and PLAIN": {asks(StartTLS), nil, "sent"},
		"STARTTLS and LOGIN": {asks(StartTLS, "LOGIN"), nil, "sent"},
		"implicit and PLAIN": {asks(Implicit), func(s *Server) { s.TLS = Implicit }, "sent"},
		"in clear on this machine": {
			asks(None), func(s *Server) { s.TLS = None }, "sent",
		},
		"SCRAM before PLAIN": {
			asks(StartTLS, "PLAIN", "SCRAM-SHA-256"), nil, "sent",
		},
		"wrong password, SCRAM": {
			asks(StartTLS, "SCRAM-SHA-256"),
			func(s *Server) { s.Password = "hunter3!" }, "misconfigured",
		},
		"wrong password, PLAIN": {
			asks(StartTLS), func(s *Server) { s.Password = "hunter3!" }, "misconfigured",
		},
		"wrong password, LOGIN": {
			asks(StartTLS, "LOGIN"),
			func(s *Server) { s.Password = "hunter3!" }, "misconfigured",
		},
		"nothing known to log in by": {
			asks(StartTLS, "GSSAPI", "CRAM-MD5"), nil, "misconfigured",
		},
		"no login on offer": {&mailtest.Server{TLS: "starttls"}, nil, "misconfigured"},
		"STARTTLS stripped": {asks(None), nil, "misconfigured"},
		"untrusted certificate": {
			asks(StartTLS), func(s *Server) { s.Roots = x509.NewCertPool() }, "misconfigured",
		},
		"untrusted certificate, implicit": {
			asks(Implicit),
			func(s *Server) { s.TLS, s.Roots = Implicit, x509.NewCertPool() }, "misconfigured",
		},
		"no TLS at the port": {
			asks(None), func(s *Server) { s.TLS = Implicit }, "misconfigured",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := test.server.Start(t)
			p := pool(t, server.Port, func(s *Server) {
				s.TLS, s.Roots, s.User, s.Password = StartTLS, server.Authority.Roots, "postern", "hunter2!"
				if test.change != nil {
					test.change(s)
				}
			})
			receipt, err := p.Send(t.Context(), letter(t), unwatched)
			if got := verdict(err); got != test.want {
				t.Fatalf("verdict %s, want %s: %v", got, test.want, err)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "postern")) {
				t.Errorf("the error tells a secret: %v", err)
			}
			if err == nil && receipt.Provider != "127.0.0.1" {
				t.Errorf("receipt %+v", receipt)
			}
			if n := len(server.Mails()); (n == 1) != (err == nil) {
				t.Errorf("%d mails arrived, error %v", n, err)
			}
		})
	}
}

func TestPasswordIsNotShownToAStrippedServer(t *testing.T) {
	port := script{
		{"220 hi\r\n", "EHLO"}, {"250-hi\r\n250 AUTH PLAIN LOGIN\r\n", "AUTH"}, {"235 thanks\r\n", "QUIT"},
	}.start(t)
	p := pool(t, port, func(s *Server) { s.TLS, s.User, s.Password = StartTLS, "postern", "hunter2!" })
	_, err := p.Send(t.Context(), letter(t), unwatched)
	if verdict(err) != "misconfigured" || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("got %v", err)
	}
}

func TestTemporaryLoginTroubleIsRetried(t *testing.T) {
	port := script{
		{"220 hi\r\n", "EHLO"},
		{"250-hi\r\n250 AUTH PLAIN\r\n", "AUTH"},
		{"454 4.7.0 later\r\n", "*"},
		{"501 ok\r\n", "QUIT"},
	}.start(t)
	p := pool(t, port, func(s *Server) { s.User, s.Password = "postern", "hunter2!" })
	if _, err := p.Send(t.Context(), letter(t), unwatched); verdict(err) != "retry" {
		t.Errorf("verdict %s: %v", verdict(err), err)
	}
}

func TestHangingUpIsNoMisconfiguration(t *testing.T) {
	begin := func(offer, last string) script {
		return script{{"220 hi\r\n", "EHLO"}, {"250-hi\r\n250 " + offer + "\r\n", last}}
	}
	for name, test := range map[string]struct {
		script script
		tls    Security
	}{
		"at AUTH":     {begin("AUTH PLAIN", "AUTH"), None},
		"at STARTTLS": {begin("STARTTLS", "STARTTLS"), StartTLS},
		"in TLS":      {append(begin("STARTTLS", "STARTTLS"), script{{"220 go\r\n", ""}}...), StartTLS},
	} {
		t.Run(name, func(t *testing.T) {
			p := pool(t, test.script.start(t), func(s *Server) {
				s.TLS, s.User, s.Password = test.tls, "postern", "hunter2!"
			})
			if _, err := p.Send(t.Context(), letter(t), unwatched); verdict(err) != "retry" {
				t.Errorf("verdict %s: %v", verdict(err), err)
			}
		})
	}
}

func TestAddressesBeyondASCII(t *testing.T) {
	beyond := func() Letter {
		m := message()
		m.Recipient.Address = "zoë@customer.example"
		l, err := letterhead.Write(m)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	able := (&mailtest.Server{UTF8: true}).Start(t)
	p := pool(t, able.Port, nil)
	for _, l := range []Letter{beyond(), letter(t)} {
		if _, err := p.Send(t.Context(), l, unwatched); err != nil {
			t.Fatal(err)
		}
	}
	mails := able.Mails()
	if !mails[0].UTF8 || mails[0].To != "zoë@customer.example" || mails[1].UTF8 {
		t.Errorf("SMTPUTF8 asked for: %v for %s, %v for %s", mails[0].UTF8, mails[0].To, mails[1].UTF8, mails[1].To)
	}
	unable := (&mailtest.Server{}).Start(t)
	if _, err := pool(t, unable.Port, nil).Send(t.Context(), beyond(), unwatched); !engine.IsPermanent(err) {
		t.Errorf("a server without SMTPUTF8: %v", err)
	}
}

func TestLettersBeyondTheSize(t *testing.T) {
	server := (&mailtest.Server{MaxBytes: 1 << 20}).Start(t)
	p, l := pool(t, server.Port, nil), letter(t)
	line := []byte(strings.Repeat("x", 998) + "\r\n")
	l.Raw = append(l.Raw, bytes.Repeat(line, (1<<20-len(l.Raw))/len(line))...)
	if _, err := p.Send(t.Context(), l, unwatched); err != nil {
		t.Fatal(err)
	}
	l.Raw = append(l.Raw, line...)
	_, err := p.Send(t.Context(), l, func() { t.Error("it leaves") })
	if !engine.IsPermanent(err) || !strings.Contains(err.Error(), "at most 1048576 bytes") {
		t.Errorf("beyond the size: %v", err)
	}
	if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil || len(server.Mails()) != 2 {
		t.Errorf("the next letter: %v, %d arrived", err, len(server.Mails()))
	}
	if n := server.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestBytesArriveAsWritten(t *testing.T) {
	server := (&mailtest.Server{}).Start(t)
	m := message()
	m.Content.Text = ".\n..\n.dots\n" + strings.Repeat("ü long ", 2000)
	l, err := letterhead.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool(t, server.Port, nil).Send(t.Context(), l, unwatched); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(l.Raw), string(server.Mails()[0].Raw)); diff != "" {
		t.Errorf("(-sent +arrived):\n%s", diff)
	}
}

func TestReceiptNamesTheLetter(t *testing.T) {
	for answer, want := range map[string]string{
		"2.0.0 Ok: queued as 4XyZabc12":                          "4XyZabc12",
		"OK id=1w4Abc-000000012AB-0xYz":                          "1w4Abc-000000012AB-0xYz",
		"2.0.0 5A1Bx7Kq012345 Message accepted for delivery":     "5A1Bx7Kq012345",
		"Ok 010001933d0f8a7e-1f2b-4c3d-9e8f-0123456789ab-000000": "010001933d0f8a7e-1f2b-4c3d-9e8f-0123456789ab-000000",
		"2.0.0 OK  1700000000 ffacd0b85a97d-38a9e5c3b1esi.7":     "",
		"": "",
	} {
		if got := receipt("h", answer, "").ID; got != want {
			t.Errorf("%q names %q, want %q", answer, got, want)
		}
	}
	got := receipt("mx.example", "ok\nfor zoe@customer.example", "zoe@customer.example")
	if got.Detail != "250 ok for z…@customer.example" || got.Provider != "mx.example" {
		t.Errorf("receipt %+v", got)
	}
}
