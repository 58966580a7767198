package mail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"postern/engine"
)

// What the world may ask of a Listener.
const (
	listenBytes       = 1 << 20 // of a mail; what comes back of ours is small
	listenRecipients  = 10      // of a mail
	listenConnections = 50      // at once; one more waits to be accepted
	listenPatience    = time.Minute
	listenLife        = 5 * time.Minute  // of a connection in all
	listenEnd         = 5 * time.Second  // for a mail that is being sent when this is to end
	listenTake        = 10 * time.Second // for what a mail said to be kept
)

// complaints is the local part that feedback reports come to, which providers send where an operator registered it.
const complaints = "complaints"

// Listener takes the mails that come back: by SMTP from the world or a server in front, or by LMTP (RFC 2033).
type Listener struct {
	Path    ReturnPath
	Address string // host:port to listen on
	LMTP    bool
	Hello   string // the name this side gives itself
	Logger  *slog.Logger
	// Take is told what a mail said of a delivery. After an error the sending server tries again later.
	Take func(ctx context.Context, delivery engine.ID, b Bounce) error

	ready    func(net.Addr) // nil for nobody who waits
	underWay sync.RWMutex   // held for reading by every mail
	ended    bool           // no more are taken
}

// Listen works until the context ends, and waits for the mails under way.
func (l *Listener) Listen(ctx context.Context) error {
	var config net.ListenConfig
	port, err := config.Listen(ctx, "tcp", l.Address)
	if err != nil {
		return fmt.Errorf("listen for bounces: %w", err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &hearing{listener: l, ctx: ctx}, nil
	}))
	server.Domain, server.LMTP, server.EnableSMTPUTF8 = l.Hello, l.LMTP, true
	server.MaxMessageBytes, server.MaxRecipients = listenBytes, listenRecipients
	server.ReadTimeout, server.WriteTimeout = listenPatience, listenPatience
	server.ErrorLog = silence{}
	if l.ready != nil {
		l.ready(port.Addr())
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		err = server.Serve(&bounded{Listener: port, free: make(chan struct{}, listenConnections)})
	}()
	select {
	case <-served:
	case <-ctx.Done():
	}
	idle := l.finish()
	select {
	case <-idle:
	case <-time.After(listenEnd):
	}
	_, _ = server.Close(), port.Close() // the server may not know the port yet
	<-idle
	<-served
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("listen for bounces: %w", err)
	}
	return nil
}

// silence logs nothing: what strangers do wrong is their business.
type silence struct{}

// Printf and Println are what go-smtp calls.
func (silence) Printf(string, ...any) {}
func (silence) Println(...any)        {}

// finish has no more mails taken, and tells when those under way are done.
func (l *Listener) finish() (idle <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.underWay.Lock()
		defer l.underWay.Unlock()
		l.ended = true
	}()
	return done
}

// hearing is one dialogue, as go-smtp calls it.
type hearing struct {
	listener   *Listener
	ctx        context.Context //nolint:containedctx // go-smtp hands none on
	deliveries []engine.ID     // of the present mail; zero for one that names its own
}

// Reset and the others are what go-smtp asks for.
func (h *hearing) Reset()        { h.deliveries = nil }
func (h *hearing) Logout() error { return nil }

// Mail takes every sender: bounces come from nobody, and some servers send them from somebody.
func (h *hearing) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes the return paths that we made, and the address of complaints.
func (h *hearing) Rcpt(to string, _ *smtp.RcptOptions) error {
	delivery, ok := h.listener.Path.Delivery(to)
	if !ok && !strings.EqualFold(to, complaints+"@"+h.listener.Path.Domain) {
		return reply(550, smtp.EnhancedCode{5, 1, 1}, "this takes nothing but what comes back of our own mails")
	}
	h.deliveries = append(h.deliveries, delivery)
	return nil
}

// Data reads a mail and hands on what it says.
func (h *hearing) Data(r io.Reader) error {
	h.listener.underWay.RLock()
	defer h.listener.underWay.RUnlock()
	if h.listener.ended {
		return reply(421, smtp.EnhancedCode{4, 3, 2}, "this ends, please come back")
	}
	bounce := ReadBounce(r)
	if _, err := io.Copy(io.Discard, r); err != nil { // what is too large, too
		return err
	}
	for _, delivery := range h.deliveries {
		if err := h.listener.take(h.ctx, delivery, bounce); err != nil {
			return reply(451, smtp.EnhancedCode{4, 3, 0}, "not just now, please try again")
		}
	}
	return nil
}

// take hands on what a mail said of a delivery. One without names its delivery by the return path that it quotes.
func (l *Listener) take(ctx context.Context, delivery engine.ID, b Bounce) error {
	if b.State == "" {
		return nil
	}
	if named, ok := l.Path.Delivery(b.Path); delivery.IsZero() {
		if !ok || b.State != engine.DeliveryComplained {
			l.Logger.WarnContext(ctx, "a complaint names no mail of ours", "code", b.Code)
			return nil
		}
		delivery = named
	}
	// What was taken must be kept even while the process ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenTake)
	defer cancel()
	err := l.Take(ctx, delivery, b)
	if engine.IsPermanent(err) {
		l.Logger.ErrorContext(ctx, "take a bounce: it is none", "delivery", delivery.String(), "error", err)
		return nil
	}
	if err != nil {
		l.Logger.ErrorContext(ctx, "take a bounce: it is asked for again", "delivery", delivery.String(), "error", err)
	}
	return err
}

func reply(code int, enhanced smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// bounded is a port with so many connections at once, each of which ends some time.
type bounded struct {
	net.Listener

	free chan struct{}
}

// Accept waits for a free place.
func (b *bounded) Accept() (net.Conn, error) {
	b.free <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &limited{Conn: conn, end: time.AfterFunc(listenLife, func() { _ = conn.Close() }), free: b.free}, nil
}

// limited is a connection that gives its place back once.
type limited struct {
	net.Conn

	end  *time.Timer
	once sync.Once
	free chan struct{}
}

// Close ends it.
func (c *limited) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		c.end.Stop()
		err = c.Conn.Close()
		<-c.free
	})
	return err
}
