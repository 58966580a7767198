package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"postern/engine"
)

// Security is how the connection to a server is protected.
type Security string

// The kinds of protection.
const (
	StartTLS Security = "starttls" // asked for in clear and required (RFC 3207)
	Implicit Security = "implicit" // TLS from the first byte (RFC 8314)
	None     Security = "none"     // for servers on this machine
)

// Server says where letters go and how.
type Server struct {
	Host           string // also the name its certificate must have
	Port           int
	User, Password string // "" for no login
	TLS            Security
	Roots          *x509.CertPool // nil for those of the system
	Hello          string         // the name this side gives itself
	Connections    int            // how many at once, at least 1
	Timeout        time.Duration  // for one letter, from connecting to the last answer
}

// idleLimit is how long a connection is kept without a letter: shorter than the patience of servers (five minutes by
// RFC 5321, section 4.5.3.2.7) and of what forgets silent connections on the way.
const idleLimit = 30 * time.Second

// ErrClosed says that the pool takes no more letters.
var ErrClosed = errors.New("mail: pool is closed")

// Pool hands letters to a server over connections that it keeps for a while. It is safe for concurrent use.
type Pool struct {
	server Server
	clock  engine.Clock
	slots  chan struct{} // holds one token for every letter under way
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	idle []*session // the one used last comes last
}

// NewPool makes a pool without connecting yet.
func NewPool(server Server, clock engine.Clock) *Pool {
	return &Pool{
		server: server, clock: clock, slots: make(chan struct{}, server.Connections), closed: make(chan struct{}),
	}
}

// Send hands a letter over within the context's deadline and the server's timeout, whichever ends first; it may wait
// for a free connection before. It calls leaving right before the final dot; until then the letter has not left. Errors
// carry a verdict: Permanent for a letter that was refused, Misconfigured for what concerns every letter, Unknown when
// the answer to the final dot was lost, Busy when no connection became free, none when another try may help.
func (p *Pool) Send(ctx context.Context, letter Letter, leaving func()) (engine.Receipt, error) {
	if err := p.enter(ctx); err != nil {
		return engine.Receipt{}, err
	}
	defer func() { <-p.slots }()
	ctx, cancel := context.WithTimeout(ctx, p.server.Timeout)
	defer cancel()
	answer, err := p.deliver(ctx, letter, leaving)
	if err != nil {
		return engine.Receipt{}, fmt.Errorf("mail to %s: %w", p.server.Host, err)
	}
	return receipt(p.server.Host, answer, letter.To), nil
}

func (p *Pool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return engine.Busy(fmt.Errorf("wait for a mail connection: %w", ctx.Err()))
	case <-p.closed:
		return ErrClosed
	case p.slots <- struct{}{}:
	}
	select {
	case <-p.closed:
		<-p.slots
		return ErrClosed
	default:
		return nil
	}
}

// deliver uses an idle connection and, when that turns out to be closed, a new one.
func (p *Pool) deliver(ctx context.Context, letter Letter, leaving func()) (string, error) {
	if s := p.take(); s != nil {
		answer, err := p.use(ctx, s, letter, leaving)
		closedMeanwhile := err != nil && s.dead && !s.handed
		if !closedMeanwhile || ctx.Err() != nil {
			return answer, err
		}
	}
	s, err := dial(ctx, &p.server)
	if err != nil {
		return "", err
	}
	return p.use(ctx, s, letter, leaving)
}

func (p *Pool) use(ctx context.Context, s *session, letter Letter, leaving func()) (string, error) {
	stop := s.guard(ctx)
	answer, err := s.deliver(ctx, letter, leaving)
	if inTime := stop(); s.dead || !inTime {
		_ = s.wire.Close()
		return answer, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.idle = p.clock.Now()
	p.idle = append(p.idle, s)
	return answer, err
}

// take returns the connection used last, or nil, and lets go of those that were idle for too long.
func (p *Pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && p.clock.Now().Sub(p.idle[0].idle) > idleLimit {
		p.idle[0].leave()
		p.idle = p.idle[1:]
	}
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	s := p.idle[last]
	p.idle = p.idle[:last]
	return s
}

// Close takes no more letters, waits for those under way and then closes the connections.
func (p *Pool) Close() error {
	p.once.Do(func() {
		close(p.closed)
		for range cap(p.slots) {
			p.slots <- struct{}{}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.idle {
			s.leave()
		}
		p.idle = nil
	})
	return nil
}
