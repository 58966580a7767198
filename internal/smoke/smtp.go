package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"regexp"
	"slices"
	"time"

	_ "github.com/emersion/go-message/charset" // knows the character sets of mails
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var (
	numberIn = regexp.MustCompile(`TT-\d{6}`)           // of a ticket; nothing else looks like it
	linkIn   = regexp.MustCompile(`https?://\S+/l/\S+`) // as a mail program makes it clickable
)

// letter is what the smoke test reads of a mail.
type letter struct {
	to, subject string
	links       []string // those in the plain text, each once
}

// mailServer takes mail from whoever encrypts and logs in.
type mailServer struct {
	port           int
	user, password string              // of the one who may send
	certificate    []byte              // PEM, for the sender to trust
	take           func(letter, error) // gets each mail; one that cannot be read comes with an error
	server         *smtp.Server
	done           chan struct{}
}

// startMailServer listens on a free port of this machine. Each letter goes to take before the sender gets its answer.
func startMailServer(take func(letter, error)) (*mailServer, error) {
	certificate, text, err := selfSigned()
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open SMTP port: %w", err)
	}
	m := &mailServer{
		port: listener.Addr().(*net.TCPAddr).Port, user: "postern", password: rand.Text(),
		certificate: text, take: take, done: make(chan struct{}),
	}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{mails: m}, nil
	}))
	m.server.Domain = "mail.example"
	m.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	m.server.ReadTimeout = time.Minute
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	go func() {
		defer close(m.done)
		_ = m.server.Serve(listener)
	}()
	return m, nil
}

// close hangs up on everybody and waits until the port is free.
func (m *mailServer) close() {
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
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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
	mails *mailServer
	known bool     // logged in
	to    []string // recipients of the letter under way
}

func (s *session) Reset()                   { s.to = nil }
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth checks the password.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.mails.user || password != s.mails.password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail refuses who has not logged in.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt takes any recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data takes the letter, once for each recipient.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		s.mails.take(readLetter(to, raw))
	}
	return nil
}

// readLetter decodes a mail as a mail program does.
func readLetter(to string, raw []byte) (letter, error) {
	l := letter{to: to}
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return l, fmt.Errorf("read mail: %w", err)
	}
	if l.subject, err = reader.Header.Subject(); err != nil {
		return l, fmt.Errorf("read mail: subject: %w", err)
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, fmt.Errorf("read mail: %w", err)
		}
		header, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		text, err := io.ReadAll(part.Body)
		if err != nil {
			return l, fmt.Errorf("read mail: %w", err)
		}
		if kind, _, _ := header.ContentType(); kind == "text/plain" {
			found := linkIn.FindAllString(string(text), -1)
			slices.Sort(found)
			l.links = slices.Compact(found)
		}
	}
}
