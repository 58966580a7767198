// Package mailtest is an SMTP server for tests: it keeps what it takes, and fails in every way a server can.
package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Server is what a test sets before [Server.Start] and looks at afterwards.
type Server struct {
	TLS        string            // starttls, implicit, none
	Users      map[string]string // passwords by user; nil for no AUTH
	Mechanisms []string          // PLAIN, LOGIN, SCRAM-SHA-256; nil for the first two
	UTF8       bool              // offers SMTPUTF8
	MaxBytes   int64
	IdleAfter  time.Duration // the server hangs up on a silent client; zero for a minute

	// What the server does at each step; nil to go on. An error is a refusal, best a *smtp.SMTPError. Each may close
	// the dialogue and may block.
	OnMail func(d *Dialogue) error
	OnRcpt func(d *Dialogue, to string) error
	OnDot  func(d *Dialogue, mail Mail) error // before the mail is kept

	Port      int
	Authority *Authority

	mu          sync.Mutex
	mails       []Mail
	connections int
}

// Mail is a letter that the server took.
type Mail struct {
	From, To string
	UTF8     bool // the client asked for SMTPUTF8
	Raw      []byte
}

// Dialogue is one connection as a step sees it.
type Dialogue struct {
	conn *smtp.Conn
	// Letters counts the letters begun on this connection, from 1.
	Letters int
}

// HangUp closes the connection without a word.
func (d *Dialogue) HangUp() { _ = d.conn.Conn().Close() }

// Refuse is a reply with a code and an enhanced code.
func Refuse(code, class, subject, detail int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

// Start listens on a free port of this machine, 127.0.0.1, until the test ends.
func (s *Server) Start(t testing.TB) *Server {
	t.Helper()
	if s.Authority == nil {
		s.Authority = NewAuthority(t)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "mail.test"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = s.UTF8
	server.MaxMessageBytes = s.MaxBytes
	server.ReadTimeout = max(s.IdleAfter, time.Minute)
	if s.IdleAfter > 0 {
		server.ReadTimeout = s.IdleAfter
	}
	server.ErrorLog = log.New(io.Discard, "", 0)
	switch s.TLS {
	case "starttls":
		server.TLSConfig = s.Authority.Config()
	case "implicit":
		listener = tls.NewListener(listener, s.Authority.Config())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // which the server does not know yet when the test is over at once
		<-done
	})
	return s
}

// Mails are the letters taken so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections is how many were opened so far. Under STARTTLS each counts once.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

func (s *Server) session(conn *smtp.Conn) (smtp.Session, error) {
	// go-smtp opens a session at EHLO, and so twice under STARTTLS.
	if _, encrypted := conn.TLSConnectionState(); !encrypted || s.TLS == "implicit" {
		s.mu.Lock()
		s.connections++
		s.mu.Unlock()
	}
	return &session{server: s, dialogue: &Dialogue{conn: conn}}, nil
}

// session is one dialogue, as go-smtp calls it.
type session struct {
	server   *Server
	dialogue *Dialogue
	mail     Mail
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

// AuthMechanisms are those on offer; none before TLS where that is to come.
func (s *session) AuthMechanisms() []string {
	_, encrypted := s.dialogue.conn.TLSConnectionState()
	switch {
	case s.server.Users == nil, s.server.TLS == "starttls" && !encrypted:
		return nil
	case s.server.Mechanisms != nil:
		return s.server.Mechanisms
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth checks a user's password.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if want, ok := s.server.Users[user]; !ok || want != password {
			return Refuse(535, 5, 7, 8, "refused: "+user+" with "+password)
		}
		return nil
	}
	switch mechanism {
	case sasl.Login:
		return &loginServer{check: check}, nil
	case "SCRAM-SHA-256":
		return &scramServer{passwords: s.server.Users}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (s *session) Mail(from string, options *smtp.MailOptions) error {
	s.dialogue.Letters++
	s.mail = Mail{From: from, UTF8: options.UTF8}
	if s.server.OnMail != nil {
		return s.server.OnMail(s.dialogue)
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	if s.server.OnRcpt != nil {
		return s.server.OnRcpt(s.dialogue, to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return err
	}
	s.mail.Raw = raw.Bytes()
	if s.server.OnDot != nil {
		if err := s.server.OnDot(s.dialogue, s.mail); err != nil {
			return err
		}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

// loginServer asks for user and password in turn, since go-sasl has only the client of LOGIN.
type loginServer struct {
	check func(user, password string) error
	user  string
	step  int
}

// Next answers the client.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	case 3:
		return nil, true, l.check(l.user, string(response))
	}
	return nil, true, errors.New("login: too many answers")
}
