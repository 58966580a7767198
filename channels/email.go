package channels

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/mail"
)

// Email sends mails through an SMTP server.
type Email struct {
	// Name or address of the SMTP server; its certificate must be for this name.
	Host string `yaml:"host,required"`
	// Port of the SMTP server: 587 is usual with starttls, 465 with implicit.
	Port int `yaml:"port"`
	// User to log in with; none for a server that takes mail without.
	User string `yaml:"user"`
	// Where the user's password is: env or file.
	Password engine.Secret `yaml:"password"`
	// Sender of every mail, such as "Acme Support <support@acme.example>".
	From string `yaml:"from,required"`
	// Where answers go; the sender if not set.
	ReplyTo string `yaml:"reply_to"`
	// How the connection is protected: starttls, implicit, or none, which only a server on this machine allows.
	TLS string `yaml:"tls"`
	// PEM file with certificates that are trusted besides those of the system.
	CA string `yaml:"ca"`
	// Name this machine gives itself; its host name if not set.
	Helo string `yaml:"helo"`
	// What follows the @ in a Message-ID; the domain of from if not set.
	MessageIDDomain string `yaml:"message_id_domain"`
	// Keys that sign every mail (DKIM).
	DKIM []EmailKey `yaml:"dkim"`
	// Where bounces come back to; without it they go to the sender of the mail.
	Bounces *EmailBounces `yaml:"bounces"`
	// How many connections are open at once, at most.
	Connections int `yaml:"connections"`
	// The longest time for one mail, from connecting to the server's last answer.
	Timeout time.Duration `yaml:"timeout"`

	outfit     engine.Outfit
	letterhead mail.Letterhead
	pool       *mail.Pool
	listener   *mail.Listener // nil for none
}

var (
	_ engine.Channel  = (*Email)(nil)
	_ engine.Opener   = (*Email)(nil)
	_ engine.Closer   = (*Email)(nil)
	_ engine.Careful  = (*Email)(nil)
	_ engine.Carried  = (*Email)(nil)
	_ engine.Listener = (*Email)(nil)
)

// maxConnections is more than a mail server grants one client.
const maxConnections = 100

// EmailKind describes the channel kind email.
func EmailKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "email",
		Summary: "Sends mails through an SMTP server.",
		Example: `host: smtp.acme.example
user: postern
password: {env: SMTP_PASSWORD}
from: Acme Support <support@acme.example>
`,
		New: func() engine.Channel {
			return &Email{Port: 587, TLS: string(mail.StartTLS), Connections: 8, Timeout: 30 * time.Second}
		},
	}
}

// Carrier reaches a recipient by the first field of type email that holds something.
func (e *Email) Carrier() engine.Carrier {
	return engine.Carrier{Kind: "email", Reach: engine.Reach{Type: engine.TypeEmail}, Proper: properMailbox}
}

// properMailbox is a mail address without the blanks around it that people leave.
func properMailbox(address string) (string, error) {
	address = strings.TrimSpace(address)
	if _, err := mail.ParseAddress(address); err != nil {
		return "", err
	}
	return address, nil
}

// Open checks every key and reads the password, without a connection yet.
func (e *Email) Open(outfit engine.Outfit) error {
	if err := e.openLetterhead(); err != nil {
		return err
	}
	if err := e.checkNumbers(); err != nil {
		return err
	}
	if err := e.checkTLS(); err != nil {
		return err
	}
	signers, err := e.signers(outfit, mail.Domain(e.letterhead.From.Address))
	if err != nil {
		return err
	}
	e.letterhead.Signers = signers
	server, err := e.server(outfit)
	if err != nil {
		return err
	}
	if err := e.openBounces(outfit, server.Hello); err != nil {
		return fmt.Errorf("bounces: %w", err)
	}
	e.outfit, e.pool = outfit, mail.NewPool(server, outfit.Clock)
	return nil
}

// hostName is a name that can stand in a Message-ID and in EHLO.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

func (e *Email) openLetterhead() error {
	from, err := mail.ParseMailbox(e.From)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	var replyTo *netmail.Address
	if e.ReplyTo != "" {
		if replyTo, err = mail.ParseMailbox(e.ReplyTo); err != nil {
			return fmt.Errorf("reply_to: %w", err)
		}
	}
	domain := e.MessageIDDomain
	if domain == "" {
		domain = mail.Domain(from.Address)
	}
	if !hostName.MatchString(domain) {
		return fmt.Errorf("message_id_domain: %q is no domain", domain)
	}
	e.letterhead = mail.Letterhead{From: *from, ReplyTo: replyTo, Domain: domain}
	return nil
}

func (e *Email) server(outfit engine.Outfit) (mail.Server, error) {
	password, err := e.password(outfit)
	if err != nil {
		return mail.Server{}, fmt.Errorf("password: %w", err)
	}
	roots, err := e.roots(outfit.Path(e.CA))
	if err != nil {
		return mail.Server{}, fmt.Errorf("ca: %w", err)
	}
	hello, err := e.hello()
	if err != nil {
		return mail.Server{}, fmt.Errorf("helo: %w", err)
	}
	return mail.Server{
		Host: e.Host, Port: e.Port, User: e.User, Password: password, TLS: mail.Security(e.TLS), Roots: roots,
		Hello: hello, Connections: e.Connections, Timeout: e.Timeout,
	}, nil
}

func (e *Email) checkNumbers() error {
	switch {
	case e.Port < 1 || e.Port > 65535:
		return fmt.Errorf("port: %d is not between 1 and 65535", e.Port)
	case e.Connections < 1 || e.Connections > maxConnections:
		return fmt.Errorf("connections: %d is not between 1 and %d", e.Connections, maxConnections)
	case e.Timeout <= 0:
		return errors.New("timeout: must be longer than nothing")
	}
	return nil
}

func (e *Email) checkTLS() error {
	ip := net.ParseIP(e.Host)
	if ip == nil && !hostName.MatchString(e.Host) {
		return fmt.Errorf("host: %q is neither a host name nor an address", e.Host)
	}
	switch mail.Security(e.TLS) {
	case mail.StartTLS, mail.Implicit:
		return nil
	case mail.None:
		if e.Host == "localhost" || ip != nil && ip.IsLoopback() {
			return nil
		}
		return fmt.Errorf("tls: none is for a server on this machine; %s needs starttls or implicit", e.Host)
	}
	return fmt.Errorf("tls: %q is not one of starttls, implicit, none", e.TLS)
}

func (e *Email) password(outfit engine.Outfit) (string, error) {
	switch {
	case e.User == "" && !e.Password.IsZero():
		return "", errors.New("is set, but user is not")
	case e.User != "" && e.Password.IsZero():
		return "", errors.New("is not set, but user is")
	}
	password, err := e.Password.In(outfit.Folder).Reveal()
	if err == nil && e.User != "" && password == "" {
		err = errors.New("is empty")
	}
	return password, err
}

func (e *Email) roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, errors.New(strconv.Quote(path) + " holds no PEM certificate")
	}
	return roots, nil
}

func (e *Email) hello() (string, error) {
	name := e.Helo
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return "", err
		}
	}
	if !hostName.MatchString(name) {
		return "", fmt.Errorf("%q is no host name", name)
	}
	return name, nil
}

// Send hands a mail over. It writes the same bytes under the same Message-ID at every try, by which a recipient's
// server or mail program may recognise a repetition.
func (e *Email) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	letter, err := e.letterhead.Write(m)
	if err != nil {
		return engine.Receipt{}, err
	}
	receipt, err := e.pool.Send(ctx, letter, m.Leaving)
	if code, gone := mail.Gone(err); gone {
		suppress(ctx, e.outfit, m, code, 0)
	}
	return receipt, err
}

// Close waits for the mails under way and closes the connections.
func (e *Email) Close() error { return e.pool.Close() }

// Careful tells that it says when a mail is about to leave: before the final dot.
func (e *Email) Careful() bool { return true }
