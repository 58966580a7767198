// Package nats fills engine.Bus with a JetStream stream, on a broker that runs inside this process or on one elsewhere.
//
//	bus, err := nats.Open(ctx, config, "data", logger) // by the configuration: Start and Connect in one
//	defer bus.Close()
//
// The stream POSTERN stores crm.> and postern.>, whatever their number of tokens: a message that follows no contract
// must reach the dead letters with its reason, not vanish. One of four tokens is stored with p.<partition>. before it,
// so that a reader can ask for one share of the records alone; plain subscribers hear the subject as published.
//
// What is published is on the disk before Publish returns: the embedded broker syncs every message (sync_interval:
// always), and a batch goes as one atomic publish, which needs four syncs rather than one for each event. A full stream
// refuses new messages (discard: new) and never drops old ones.
//
// A full disk is another matter than a full stream: the embedded broker gives its storage up and takes it up again only
// when it is started anew. From then on every call fails and Read ends, so that the process can end and be started
// again.
//
// This is the only package that knows the NATS libraries.
package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

const (
	requestTime = 5 * time.Second        // for one question to the broker
	closeTime   = 5 * time.Second        // for what is under way when the bus closes
	connectTime = 5 * time.Second        // for one connection to be set up
	reconnect   = 250 * time.Millisecond // between two tries to find a lost broker again
)

// Bus is the event stream on one connection to a broker. It is safe for concurrent use.
type Bus struct {
	conn   *natsgo.Conn
	js     jetstream.JetStream
	logger *slog.Logger
	server *Server       // the embedded broker that ends with the bus; nil otherwise
	broken *breakage     // of the embedded broker's storage; nil for a remote one, which mends itself or is away
	closed chan struct{} // closed once the connection is

	batches chan struct{} // one for each batch that is open at the broker
}

var _ engine.Bus = (*Bus)(nil)

// Open starts the embedded broker with its data under folder and connects to it, or connects to config.URL where one is
// given. Close ends both.
func Open(ctx context.Context, config Config, folder string, logger *slog.Logger) (*Bus, error) {
	if config.URL != "" {
		return Connect(ctx, config, logger)
	}
	server, err := Start(ctx, config, folder, logger)
	if err != nil {
		return nil, err
	}
	bus, err := server.Connect(ctx)
	if err != nil {
		server.Close()
		return nil, err
	}
	bus.server = server
	return bus, nil
}

// Connect opens a connection named "postern" to the broker at config.URL and sees to the stream. The first connection
// must succeed within 5 s; a connection lost later is sought again for ever.
func Connect(ctx context.Context, config Config, logger *slog.Logger) (*Bus, error) {
	bus, err := Watch(config, logger)
	if err != nil {
		return nil, err
	}
	return bus.withStream(ctx, config)
}

// withStream sees to the stream, and closes the bus where that cannot be.
func (b *Bus) withStream(ctx context.Context, config Config) (*Bus, error) {
	if err := b.ensureStream(ctx, config); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Watch is Connect for whoever only reads: it neither makes the stream nor changes it.
func Watch(config Config, logger *slog.Logger) (*Bus, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.URL == "" {
		return nil, errors.New("connect to NATS: no url is given")
	}
	options, err := config.remoteOptions()
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return dial(config, logger, options)
}

func dial(config Config, logger *slog.Logger, options []natsgo.Option) (*Bus, error) {
	bus := &Bus{logger: logger, closed: make(chan struct{}), batches: make(chan struct{}, openBatches)}
	options = append(options, bus.behaviour()...)
	conn, err := natsgo.Connect(config.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", config.place(), err)
	}
	bus.conn = conn
	if bus.js, err = jetstream.New(conn); err != nil {
		bus.Close()
		return nil, fmt.Errorf("connect to NATS at %s: %w", config.place(), err)
	}
	return bus, nil
}

// behaviour is how every connection of ours acts. Nothing is buffered while the broker is away: Publish tries again by
// itself, and what it gave up must not leave later.
func (b *Bus) behaviour() []natsgo.Option {
	return []natsgo.Option{
		natsgo.Name("postern"),
		natsgo.Timeout(connectTime),
		natsgo.MaxReconnects(-1),
		natsgo.ReconnectWait(reconnect),
		natsgo.ReconnectBufSize(-1),
		natsgo.DrainTimeout(closeTime),
		natsgo.DisconnectErrHandler(func(_ *natsgo.Conn, err error) {
			if err != nil {
				b.logger.Warn("event stream connection lost", "error", err)
			}
		}),
		natsgo.ReconnectHandler(func(conn *natsgo.Conn) {
			b.logger.Info("event stream connection is back", "server", conn.ConnectedServerName())
		}),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) {
			b.logger.Warn("event stream connection reports an error", "error", err)
		}),
		natsgo.ClosedHandler(func(*natsgo.Conn) { close(b.closed) }),
	}
}

// Address is where other NATS clients reach the same broker: the URL given, or the listener of the embedded broker;
// "" when that has none.
func (b *Bus) Address() string {
	if b.server != nil {
		return b.server.Address()
	}
	return b.conn.ConnectedUrlRedacted()
}

// Connected tells, without asking it, whether the broker is there as far as the connection knows. After a broker has
// vanished without a word that takes some minutes to notice.
func (b *Bus) Connected() bool { return b.conn.IsConnected() && b.broken.err() == nil }

// Close lets what is under way finish, at most 5 s, and ends the connection and the embedded broker that Open started.
func (b *Bus) Close() {
	if err := b.conn.Drain(); err != nil {
		b.conn.Close()
	}
	<-b.closed
	if b.server != nil {
		b.server.Close()
	}
}

// remoteOptions is how to prove who we are and whom to trust.
func (c Config) remoteOptions() ([]natsgo.Option, error) {
	var options []natsgo.Option
	if c.CA != "" {
		options = append(options, natsgo.RootCAs(c.CA))
	}
	if c.Cert != "" {
		options = append(options, natsgo.ClientCert(c.Cert, c.Key))
	}
	if c.Creds != "" {
		if _, err := os.Stat(c.Creds); err != nil {
			return nil, fmt.Errorf("creds: %w", err)
		}
		options = append(options, natsgo.UserCredentials(filepath.Clean(c.Creds)))
	}
	token, err := c.Token.Reveal()
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	if token != "" {
		options = append(options, natsgo.Token(token))
	}
	return options, nil
}

// batchID names one attempt at an atomic batch.
func batchID() string { return rand.Text() }
