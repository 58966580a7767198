package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
)

const (
	// maxPayload lets a message that is too large for an event come in, so that it ends among the dead letters where
	// somebody sees it. What is beyond even this the broker refuses to the publisher.
	maxPayload = 1 << 20
	maxMemory  = 64 << 20  // for the state of readers
	spareStore = 256 << 20 // beside the stream: batches being staged, and streams of others
	startTime  = 10 * time.Second
	pollTime   = 10 * time.Millisecond
)

// Server is a NATS server with JetStream inside this process.
type Server struct {
	config  Config
	token   string
	broker  *server.Server
	address string
	log     *brokerLog
	close   sync.Once
}

// Start runs a broker with its data in folder/nats until Close. At most one process may use a folder; who owns it is
// the caller's to see to.
func Start(ctx context.Context, config Config, folder string, logger *slog.Logger) (*Server, error) {
	config.URL = "" // what is not for the embedded broker does not count here
	if err := config.Validate(); err != nil {
		return nil, err
	}
	token, err := config.Token.Reveal()
	if err != nil {
		return nil, fmt.Errorf("start NATS: token: %w", err)
	}
	if err := config.tryListen(ctx); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	folder = filepath.Join(folder, "nats")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	options, err := config.serverOptions(folder, token)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	broker, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	s := &Server{config: config, token: token, broker: broker, log: newBrokerLog(folder, logger)}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	return s, nil
}

// serverOptions is the broker's configuration. No signal is caught and nothing is printed: both belong to the program.
func (c Config) serverOptions(folder, token string) (*server.Options, error) {
	host, port, on, err := c.listener()
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName:         "postern",
		Host:               host,
		Port:               port,
		DontListen:         !on,
		Authorization:      token,
		MaxPayload:         maxPayload,
		NoSigs:             true, // or the broker would end the program
		JetStream:          true,
		StoreDir:           folder,
		SyncAlways:         true,      // the default syncs every two minutes, and acknowledges before
		JetStreamMaxMemory: maxMemory, // unset, it and the next would be shares of the machine
		JetStreamMaxStore:  c.streamBytes() + spareStore,
	}, nil
}

// tryListen takes the address for a moment, because the broker itself only logs that it could not have it.
func (c Config) tryListen(ctx context.Context) error {
	host, port, on, err := c.listener()
	if err != nil || !on {
		return err
	}
	address := net.JoinHostPort(host, strconv.Itoa(port))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken, perhaps by another NATS server or another Postern: "+
			"stop that one, set listen to another address, or to \"off\" to do without", address)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return listener.Close()
}

// start waits until the broker takes connections or gives up.
func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s.broker.SetLoggerV2(s.log, false, false, false)
	s.broker.Start()
	for !s.broker.ReadyForConnections(pollTime) {
		select {
		case reason := <-s.log.fatal:
			return errors.New(reason)
		case <-ctx.Done():
			return fmt.Errorf("the broker is not ready: %w", context.Cause(ctx))
		default:
		}
	}
	select { // without a listener the broker calls itself ready whatever has failed
	case reason := <-s.log.fatal:
		return errors.New(reason)
	default:
	}
	if _, _, on, _ := s.config.listener(); on {
		s.address = "nats://" + s.broker.Addr().String()
	}
	return nil
}

// Connect opens a connection that stays inside the process and sees to the stream.
func (s *Server) Connect(ctx context.Context) (*Bus, error) {
	config := s.config
	config.MaxBytes = config.streamBytes()
	options := []natsgo.Option{natsgo.InProcessServer(s.broker)}
	if s.token != "" {
		options = append(options, natsgo.Token(s.token))
	}
	bus, err := dial(config, s.log.logger, options)
	if err != nil {
		return nil, err
	}
	bus.broken = s.log.broken
	return bus.withStream(ctx, config)
}

// Address is where NATS clients of this machine find the broker, nats://127.0.0.1:4222; "" when it has no listener.
func (s *Server) Address() string { return s.address }

// Close ends the broker and waits until its files are closed. What was acknowledged before is on the disk.
func (s *Server) Close() {
	s.close.Do(func() {
		s.broker.Shutdown()
		s.broker.WaitForShutdown()
	})
}
