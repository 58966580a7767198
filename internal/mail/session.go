package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"postern/engine"
)

// session is one connection to the server, greeted, encrypted and authenticated. It is used by one goroutine at a time.
type session struct {
	server *Server
	wire   *wire
	client *smtp.Client
	idle   time.Time // since when it waits for its next letter

	dead   bool // it takes no more letters
	handed bool // the server asked for the body of the present letter and may have some of it
}

// wire is a connection that remembers whether all that was to be written was handed to the network. Under TLS a record
// that is cut short cannot be read at all, so one failed write proves that what came last did not arrive.
type wire struct {
	net.Conn
	broken atomic.Bool
}

// Write notes a failure.
func (w *wire) Write(data []byte) (int, error) {
	n, err := w.Conn.Write(data)
	if err != nil {
		w.broken.Store(true)
	}
	return n, err
}

// dial opens a session. Its errors carry verdicts.
func dial(ctx context.Context, server *Server) (*session, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &session{server: server, wire: &wire{Conn: conn}}
	stop := s.guard(ctx)
	err = s.begin(ctx)
	if !stop() && err == nil {
		err = fmt.Errorf("connect: %w", ctx.Err())
	}
	if err != nil {
		_ = s.wire.Close()
		return nil, err
	}
	return s, nil
}

// guard makes every read and write fail once the context ends, until the returned function is called. That returns
// false if the context ended before.
func (s *session) guard(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = s.wire.SetDeadline(time.Unix(1, 0)) })
}

func (s *session) begin(ctx context.Context) error {
	var conn net.Conn = s.wire
	if s.server.TLS == Implicit {
		encrypted := tls.Client(s.wire, s.tlsConfig())
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return s.failed(ctx, atTLS, err)
		}
		conn = encrypted
	}
	var err error
	if s.client, err = smtp.NewClient(conn, s.server.Host); err != nil {
		return s.failed(ctx, atGreeting, err)
	}
	if err := s.client.Hello(s.server.Hello); err != nil {
		return s.failed(ctx, atHello, err)
	}
	if s.server.TLS == StartTLS {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return engine.Misconfigured(errors.New("the server does not offer STARTTLS"))
		}
		if err := s.client.StartTLS(s.tlsConfig()); err != nil {
			return s.failed(ctx, atTLS, err)
		}
	}
	return s.authenticate(ctx)
}

func (s *session) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.server.Host, RootCAs: s.server.Roots, MinVersion: tls.VersionTLS12}
}

// authenticate uses the best mechanism on offer: those that do not show the password first, and PLAIN and LOGIN under
// TLS or on this machine only (RFC 4954, section 4).
func (s *session) authenticate(ctx context.Context) error {
	user, password := s.server.User, s.server.Password
	if user == "" {
		return nil
	}
	_, offer := s.client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offer))
	unencrypted := s.server.TLS == None
	var auth smtp.Auth
	switch {
	case slices.Contains(mechanisms, "SCRAM-SHA-256"):
		auth = smtp.ScramSHA256Auth(user, password)
	case slices.Contains(mechanisms, "SCRAM-SHA-1"):
		auth = smtp.ScramSHA1Auth(user, password)
	case slices.Contains(mechanisms, "PLAIN"):
		auth = smtp.PlainAuth("", user, password, s.server.Host, unencrypted)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = smtp.LoginAuth(user, password, s.server.Host, unencrypted)
	default:
		return engine.Misconfigured(errors.New("a user is set, but the server offers no known way to log in"))
	}
	if err := s.client.Auth(auth); err != nil {
		return s.failed(ctx, atAuth, err, user, password)
	}
	return nil
}

// deliver hands one letter over and returns the server's answer; leaving is called before the final dot. After an error
// the session may be used again unless it is dead.
func (s *session) deliver(ctx context.Context, letter Letter, leaving func()) (string, error) {
	s.handed = false
	answer, err := s.transact(ctx, letter, leaving)
	if err != nil && !s.dead {
		s.dead = s.client.Reset() != nil
	}
	return answer, err
}

func (s *session) transact(ctx context.Context, letter Letter, leaving func()) (string, error) {
	beyond := !ascii(letter.To)
	if offered, _ := s.client.Extension("SMTPUTF8"); beyond && !offered {
		return "", engine.Permanent(errors.New("the server takes no addresses beyond ASCII (SMTPUTF8)"))
	}
	if most := s.most(); most > 0 && len(letter.Raw) > most {
		return "", engine.Permanent(fmt.Errorf("the server takes mails of at most %d bytes (SIZE)", most))
	}
	s.client.SkipSMTPUTF8(!beyond)
	if err := s.client.Mail(path(letter.From)); err != nil {
		return "", s.failed(ctx, atMail, err)
	}
	if err := s.client.Rcpt(path(letter.To)); err != nil {
		return "", s.failed(ctx, atRcpt, err, letter.To)
	}
	body, err := s.client.Data()
	if err != nil {
		return "", s.failed(ctx, atData, err, letter.To)
	}
	s.handed = true
	// A server that refuses a body halfway says why before it hangs up, so the answer is read in any case.
	_, cut := body.Write(letter.Raw)
	if cut == nil { // after a failed write nothing more is written: the dot cannot leave
		leaving()
	}
	if err := body.Close(); err != nil {
		at := atDot
		if cut != nil || s.wire.broken.Load() {
			at = atBody
		}
		return "", s.failed(ctx, at, err, letter.To)
	}
	if answered, ok := body.(interface{ ServerResponse() string }); ok {
		return answered.ServerResponse(), nil
	}
	return "", nil
}

// most is the longest letter that the server says it takes, in bytes (RFC 1870); zero for any.
func (s *session) most() int {
	_, offer := s.client.Extension("SIZE")
	most, err := strconv.Atoi(offer)
	if err != nil {
		return 0
	}
	return most
}

// path is an address as MAIL and RCPT take it.
func path(address string) string { return (&netmail.Address{Address: address}).String() }

// leave says goodbye without waiting for the answer.
func (s *session) leave() {
	_ = s.wire.SetDeadline(time.Now().Add(time.Second))
	_ = s.client.Text.PrintfLine("QUIT")
	_ = s.wire.Close()
}
