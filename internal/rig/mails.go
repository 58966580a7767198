package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is what the mail server takes.
type Mail struct {
	To  string // one recipient: a mail to two is taken twice
	Raw []byte
}

// MailServer plays the mail server. It is set up, started and closed, and may be started again on the same port.
type MailServer struct {
	// Plain lets everybody send, without encryption or login (for a channel with tls: none). Otherwise who sends must
	// encrypt and log in.
	Plain bool
	// Take gets each mail before its sender gets an answer; an error, best a *smtp.SMTPError, refuses it. It is called
	// from many connections at once, and may wait.
	Take func(d *Dialogue, m Mail) error
	// OnRcpt may refuse a recipient; nil takes any.
	OnRcpt func(d *Dialogue, to string) error
	// OnBody is called when the sender was told to go ahead, before a byte of the mail is read; it may refuse the mail,
	// hang up or wait. Nil for nothing.
	OnBody func(d *Dialogue) error
	// OnAnswer is called once the answer to a mail that was taken is on its way. Nil for nothing.
	OnAnswer func(d *Dialogue)

	Port           int // of 127.0.0.1; a free one is taken at the first start
	User, Password string
	Certificate    []byte // PEM, for the sender to trust

	keyPair tls.Certificate
	server  *smtp.Server
	done    chan struct{}
}

// Dialogue is one connection of a sender, as a hook sees it.
type Dialogue struct{ conn *smtp.Conn }

// HangUp closes the connection without a word. Done in Take, the mail was taken and its answer is lost.
func (d *Dialogue) HangUp() { _ = d.conn.Conn().Close() }

// Refuse is an answer with a code such as 451 and text.
func Refuse(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}

// Start listens on the port.
func (m *MailServer) Start() error {
	if m.Certificate == nil && !m.Plain {
		var err error
		if m.keyPair, m.Certificate, err = selfSigned(); err != nil {
			return fmt.Errorf("make certificate: %w", err)
		}
		m.User, m.Password = "postern", rand.Text()
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", m.Port))
	if err != nil {
		return fmt.Errorf("open SMTP port: %w", err)
	}
	m.Port = listener.Addr().(*net.TCPAddr).Port
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{mails: m, dialogue: &Dialogue{c}}, nil
	}))
	server.Domain = "mail.example"
	server.ReadTimeout = time.Minute
	server.ErrorLog = log.New(io.Discard, "", 0)
	if !m.Plain {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{m.keyPair}, MinVersion: tls.VersionTLS12}
	}
	m.server, m.done = server, make(chan struct{})
	done := m.done
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return nil
}

// Close hangs up on everybody and waits until the port is free.
func (m *MailServer) Close() {
	_ = m.server.Close()
	<-m.done
}

// selfSigned makes a certificate that vouches for itself, also as PEM.
func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text, nil
}

// session is one dialogue, as go-smtp calls it. It offers AUTH only once the connection is encrypted.
type session struct {
	mails    *MailServer
	dialogue *Dialogue
	known    bool     // logged in
	to       []string // recipients of the letter under way
	taken    bool     // the letter was
}

// Reset comes after each answer to a mail, too.
func (s *session) Reset() {
	if s.taken && s.mails.OnAnswer != nil {
		s.mails.OnAnswer(s.dialogue)
	}
	s.to, s.taken = nil, false
}

func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string {
	if s.mails.Plain {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks the password.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.mails.User || password != s.mails.Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail refuses who has not logged in.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known && !s.mails.Plain {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mails.OnRcpt != nil {
		if err := s.mails.OnRcpt(s.dialogue, to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail, once for each recipient.
func (s *session) Data(r io.Reader) error {
	if s.mails.OnBody != nil {
		if err := s.mails.OnBody(s.dialogue); err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		if err := s.mails.Take(s.dialogue, Mail{To: to, Raw: raw}); err != nil {
			return err
		}
	}
	s.taken = true
	return nil
}
