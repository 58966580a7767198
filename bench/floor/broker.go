package floor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startBroker runs a NATS server with JetStream, its data in the folder. With sync each message is on the disk before
// it is acknowledged, as in Postern's own broker; otherwise the server's default holds.
func startBroker(listen, folder string, sync bool) (*server.Server, error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	broker, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: host, Port: port, NoSigs: true, NoLog: true, MaxPayload: 1 << 20,
		JetStream: true, StoreDir: folder, SyncAlways: sync, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 4 << 30,
	})
	if err != nil {
		return nil, err
	}
	broker.Start()
	if !broker.ReadyForConnections(10 * time.Second) {
		broker.Shutdown()
		return nil, errors.New("the broker is not ready")
	}
	return broker, nil
}

// Broker runs a NATS server until the context ends.
func Broker(ctx context.Context, listen, folder string, sync bool) error {
	broker, err := startBroker(listen, folder, sync)
	if err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	<-ctx.Done()
	broker.Shutdown()
	broker.WaitForShutdown()
	return nil
}

// connectInside opens a connection that stays in the process.
func connectInside(broker *server.Server) (jetstream.JetStream, error) {
	conn, err := nats.Connect("", nats.InProcessServer(broker))
	if err != nil {
		return nil, err
	}
	return jetstream.New(conn)
}

// makeStream makes the stream as Postern does, for a floor that has none yet.
func makeStream(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: Stream, Subjects: []string{"crm.>", "postern.>"}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: 1 << 30, Duplicates: 2 * time.Minute, AllowAtomicPublish: true,
		SubjectTransform: &jetstream.SubjectTransformConfig{
			Source:      "*.*.*.*",
			Destination: "p.{{partition(64,2,4)}}.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{wildcard(4)}}",
		},
	})
	return err
}
