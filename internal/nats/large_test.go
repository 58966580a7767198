package nats

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// A broker elsewhere may have taken far larger messages than ours does. One of 10 MB is no event, and must not keep the
// reader from those that follow; from now on it is refused.
func TestHugeMessageIsReadOver(t *testing.T) {
	broker, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		MaxPayload: 16 << 20, MaxPending: 64 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	if !broker.ReadyForConnections(patience) {
		t.Fatal("the broker is not ready")
	}
	js, err := jetstream.New(client(t, broker.ClientURL()))
	if err != nil {
		t.Fatal(err)
	}
	open := newStream(Config{})
	open.MaxMsgSize = -1
	if _, err := js.CreateStream(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Repeat([]byte("x"), 10_000_000)
	if _, err := js.Publish(t.Context(), "crm.HelpDesk.updated.1", huge); err != nil {
		t.Fatal(err)
	}
	bus, err := Connect(t.Context(), Config{URL: broker.ClientURL()}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	publish(t, bus, event("2", "1"))
	if n := len(read(t, bus, 0, 2)[0].Data); n != len(huge) {
		t.Errorf("the huge message came with %d bytes", n)
	}
	_, err = js.Publish(t.Context(), "crm.HelpDesk.updated.1", huge)
	if code(err) != codeMessageTooLarge {
		t.Errorf("another huge message gave %v", err)
	}
	publish(t, bus, event("3", "1"))
}
