package nats

import (
	"context"
	"log/slog"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"postern/engine"
	"postern/engine/enginetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// local is an embedded broker on any free port.
func local() Config { return Config{Listen: "127.0.0.1:0"} }

func open(t testing.TB, config Config, folder string) *Bus {
	t.Helper()
	bus, err := Open(t.Context(), config, folder, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

// client is a NATS client as any CRM may be, over TCP.
func client(t testing.TB, address string, options ...natsgo.Option) *natsgo.Conn {
	t.Helper()
	conn, err := natsgo.Connect(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func TestEmbeddedBus(t *testing.T) {
	enginetest.TestBus(t, func(t *testing.T) engine.Bus { return open(t, Config{}, t.TempDir()) })
}

func TestRemoteBus(t *testing.T) {
	enginetest.TestBus(t, func(t *testing.T) engine.Bus {
		server, err := Start(t.Context(), local(), t.TempDir(), quiet())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		bus, err := Connect(context.WithoutCancel(t.Context()), Config{URL: server.Address()}, quiet())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bus.Close)
		return bus
	})
}
