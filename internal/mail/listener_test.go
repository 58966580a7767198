package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// post is a listener for bounces that runs, and what it has taken.
type post struct {
	t       *testing.T
	address string
	path    ReturnPath
	stop    context.CancelFunc
	ended   chan error

	mu    sync.Mutex
	taken []string // delivery, state, code
	fails error
	hold  chan struct{} // Take waits for it; nil for not at all
	holds chan struct{} // gets a token as Take begins to wait
}

func newPost(t *testing.T, lmtp bool) *post {
	t.Helper()
	p := &post{t: t, path: returnPath(), ended: make(chan error, 1), holds: make(chan struct{}, 10)}
	listening := make(chan net.Addr, 1)
	l := &Listener{
		Path: p.path, Address: "127.0.0.1:0", LMTP: lmtp, Hello: "bounces.test", Logger: slog.New(slog.DiscardHandler),
		Take: p.take, ready: func(a net.Addr) { listening <- a },
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(t.Context())
	go func() { p.ended <- l.Listen(ctx) }()
	p.address = (<-listening).String()
	t.Cleanup(p.stop)
	return p
}

func (p *post) take(_ context.Context, delivery engine.ID, b Bounce) error {
	p.mu.Lock()
	hold, fails := p.hold, p.fails
	p.taken = append(p.taken, fmt.Sprintf("%s %s %s", delivery, b.State, b.Code))
	p.mu.Unlock()
	if hold != nil {
		p.holds <- struct{}{}
		<-hold
	}
	return fails
}

func (p *post) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// client speaks to the listener.
func (p *post) client(lmtp bool) *smtp.Client {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	c := smtp.NewClient(conn)
	if lmtp {
		c = smtp.NewClientLMTP(conn)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}

// code is the reply code in an error, 250 for none.
func code(err error) int {
	if refusal, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return refusal.Code
	}
	if err != nil {
		return 0
	}
	return 250
}

// bring hands a mail over and returns the code of the last answer.
func (p *post) bring(c *smtp.Client, raw []byte, to ...string) int {
	p.t.Helper()
	if err := c.Mail("", nil); err != nil {
		return code(err)
	}
	for _, recipient := range to {
		if err := c.Rcpt(recipient, nil); err != nil {
			_ = c.Reset()
			return code(err)
		}
	}
	body, err := c.Data()
	if err != nil {
		return code(err)
	}
	if _, err := io.Copy(body, bytes.NewReader(raw)); err != nil {
		return code(err)
	}
	return code(body.Close())
}

func TestListenerTakesWhatComesBack(t *testing.T) {
	for name, lmtp := range map[string]bool{"SMTP": false, "LMTP": true} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, lmtp)
			delivery := message().Delivery
			own := p.path.Address(delivery)
			c := p.client(lmtp)
			steps := []struct {
				file, to string
				want     int
			}{
				{"postfix-unknown", own, 250},
				{"postfix-unknown", strings.ToUpper(own), 250},
				{"postfix-delayed", own, 250},
				{"absence", own, 250},
				{"no-mail", own, 250},
				{"complaint", own, 250},
				{"complaint", "complaints@bounces.acme.example", 250}, // it names somebody else's return path
				{"postfix-unknown", "complaints@bounces.acme.example", 250},
				{"postfix-unknown", "postmaster@bounces.acme.example", 550},
				{"postfix-unknown", strings.Replace(own, ".", ".a", 1), 550},
				{"postfix-unknown", pathOfTestdata, 550},
			}
			for _, step := range steps {
				if got := p.bring(c, bounceFile(t, step.file), step.to); got != step.want {
					t.Errorf("%s to %s is answered %d, want %d", step.file, step.to, got, step.want)
				}
			}
			ours := bytes.ReplaceAll(bounceFile(t, "complaint"), []byte(pathOfTestdata), []byte(own))
			if got := p.bring(c, ours, "complaints@bounces.acme.example"); got != 250 {
				t.Errorf("a complaint is answered %d", got)
			}
			id := delivery.String()
			want := []string{
				id + " bounced 5.1.1", id + " bounced 5.1.1", id + " complained abuse", id + " complained abuse",
			}
			if diff := cmp.Diff(want, p.all()); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListenerAsksAgainForWhatWasNotKept(t *testing.T) {
	p := newPost(t, false)
	own, c := p.path.Address(message().Delivery), p.client(false)
	p.fails = errors.New("the database is away")
	if got := p.bring(c, bounceFile(t, "postfix-unknown"), own); got != 451 {
		t.Errorf("answered %d", got)
	}
	p.fails = engine.Permanent(errors.New("it will never be"))
	if got := p.bring(c, bounceFile(t, "postfix-unknown"), own); got != 250 {
		t.Errorf("what no other try can mend is answered %d", got)
	}
	p.fails = nil
	if got := p.bring(c, bounceFile(t, "postfix-unknown"), own); got != 250 || len(p.all()) != 3 {
		t.Errorf("answered %d, %d taken", got, len(p.all()))
	}
}

func TestListenerHasLimits(t *testing.T) {
	p := newPost(t, false)
	own, c := p.path.Address(message().Delivery), p.client(false)
	huge := append(bounceFile(t, "absence"), bytes.Repeat([]byte("all of it\r\n"), listenBytes/10)...)
	if got := p.bring(c, huge, own); got != 552 {
		t.Errorf("a huge mail is answered %d", got)
	}
	c = p.client(false)
	many := make([]string, listenRecipients+1)
	for i := range many {
		many[i] = p.path.Address(engine.DerivedID(engine.ID{}, fmt.Sprint(i)))
	}
	if got := p.bring(c, bounceFile(t, "postfix-unknown"), many...); got != 452 {
		t.Errorf("many recipients are answered %d", got)
	}
	if got := p.bring(c, bounceFile(t, "postfix-unknown"), many[1:]...); got != 250 || len(p.all()) != listenRecipients {
		t.Errorf("some recipients are answered %d, %d taken", got, len(p.all()))
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	p := newPost(t, false)
	var open []net.Conn
	for range listenConnections {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		greeted(t, conn)
		open = append(open, conn)
	}
	late, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	_ = late.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := late.Read(make([]byte, 10)); err == nil {
		t.Errorf("one more is greeted with %d bytes", n)
	}
	_ = open[0].Close()
	_ = late.SetReadDeadline(time.Time{})
	greeted(t, late)
}

func greeted(t *testing.T, conn net.Conn) {
	t.Helper()
	line := make([]byte, 4)
	if _, err := io.ReadFull(conn, line); err != nil || string(line) != "220 " {
		t.Fatalf("greeted with %q, %v", line, err)
	}
}

func TestListenerEndsInGoodOrder(t *testing.T) {
	p := newPost(t, false)
	p.hold = make(chan struct{})
	idle := p.client(false)
	if err := idle.Noop(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	c := p.client(false)
	go func() { answered <- p.bring(c, bounceFile(t, "postfix-unknown"), p.path.Address(message().Delivery)) }()
	<-p.holds
	p.stop()
	select {
	case err := <-p.ended:
		t.Fatalf("ended with a mail under way: %v", err)
	default:
	}
	close(p.hold)
	if err := <-p.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	<-answered // 250, or nothing where the connection was closed before: then it comes again
	if _, err := net.Dial("tcp", p.address); err == nil {
		t.Error("it still listens")
	}
}

func TestListenerNeedsItsPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l := &Listener{Address: taken.Addr().String()}
	if err := l.Listen(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "listen for bounces: ") {
		t.Errorf("got %v", err)
	}
}
