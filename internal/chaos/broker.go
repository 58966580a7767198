package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"postern/internal/rig"
)

// brokerCommand lets this program be a broker, as a process of its own that can be killed.
const brokerCommand = "broker"

// runBroker serves NATS until SIGTERM. Each message is on the disk before it is acknowledged.
func runBroker(args []string, errOut io.Writer) int {
	flags := flag.NewFlagSet(brokerCommand, flag.ContinueOnError)
	flags.SetOutput(errOut)
	port := flags.Int("port", 0, "of 127.0.0.1")
	folder := flags.String("folder", "", "of its data")
	if flags.Parse(args) != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broker, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: *port, JetStream: true, StoreDir: *folder, SyncAlways: true, NoSigs: true,
	})
	if err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return 1
	}
	broker.Start()
	<-ctx.Done()
	broker.Shutdown()
	broker.WaitForShutdown()
	return 0
}

// farBroker is the part of the configuration that says: the broker is another process.
const farBroker = `{ url: "nats://{nats}" }`

// broker is a NATS server as a process of its own.
type broker struct {
	place rig.Place
	fail  func(error)

	mu    sync.Mutex
	child *rig.Child
}

// start runs the broker and waits until somebody can publish.
func (b *broker) start(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(b.place.NATS)
	if err != nil {
		return err
	}
	child, err := rig.StartOther(b.place, b.fail, program, brokerCommand,
		"-port", port, "-folder", filepath.Join(b.place.Folder, "broker"))
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.child = child
	b.mu.Unlock()
	return rig.Await(ctx, func() bool {
		crm, err := rig.ConnectCRM(b.place.NATSURL())
		if err == nil {
			crm.Close()
		}
		return err == nil
	})
}

// kill ends it with SIGKILL.
func (b *broker) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.child != nil {
		b.child.Kill()
	}
}

// brokerRestart kills the broker under load and starts it again with its data a little later. Postern stays.
func brokerRestart(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	b := &broker{}
	defer func() { s.end(err); b.kill() }()
	s.beforeStart = func(ctx context.Context, h *house) error {
		b.place, b.fail = h.place, h.failed
		return b.start(ctx)
	}
	ctx, err = s.begin(ctx, farBroker, "urgent")
	if err != nil {
		return err
	}
	s.fuse.kill = b.kill
	s.load(ctx)
	err = s.breakBroker(ctx, b)
	s.unload()
	if err != nil {
		return err
	}
	return s.settle(ctx, 0)
}

func (s *siege) breakBroker(ctx context.Context, b *broker) error {
	moments := []string{atRandom, atAck, atPublish, atTold}
	for round := range s.rounds {
		s.strike(ctx, round, moments)
		time.Sleep(s.dice.upTo(time.Second))
		began, seen := time.Now(), s.ledger.total()
		if err := b.start(ctx); err != nil {
			return err
		}
		if err := rig.Await(ctx, func() bool { return s.ledger.total() > seen }); err != nil {
			return fmt.Errorf("nothing goes on after the broker is back: %w", err)
		}
		s.recovered(time.Since(began))
	}
	return nil
}
