package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

func TestRestartKeepsTheStream(t *testing.T) {
	folder := t.TempDir()
	first, err := Open(t.Context(), Config{}, folder, quiet())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, first, event("1", "1"))
	publish(t, first, event("2", "2"), event("3", "3"))
	before, err := first.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Close()

	second := open(t, Config{}, folder)
	after, err := second.Position(t.Context())
	if err != nil || before != after {
		t.Errorf("before the restart %+v, after it %+v, %v", before, after, err)
	}
	publish(t, second, event("1", "1")) // remembered over the restart
	publish(t, second, event("4", "4"))
	if got := read(t, second, 3, 1)[0]; got.Seq != 4 || !strings.Contains(string(got.Data), `"id":"4"`) {
		t.Errorf("entry %d is %s", got.Seq, got.Data)
	}
}

// A reader and a publisher live through the broker's restarts: nothing is missed, nothing comes twice.
func TestReaderSurvivesRestarts(t *testing.T) {
	const count = 300
	config, folder := local(), t.TempDir()
	server, err := Start(t.Context(), config, folder, quiet())
	if err != nil {
		t.Fatal(err)
	}
	config.Listen = strings.TrimPrefix(server.Address(), "nats://")
	bus, err := Connect(t.Context(), Config{URL: server.Address()}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	published := make(chan error, 1)
	go func() {
		for i := range count {
			if err := bus.Publish(ctx, event(fmt.Sprint(i), "1")); err != nil {
				published <- err
				return
			}
		}
		published <- nil
	}()

	errDone := errors.New("all came")
	last, restarts := uint64(0), 0
	err = bus.Read(ctx, 0, 16, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			id := fmt.Sprintf(`"id":"%d"`, last)
			if entry.Seq != last+1 || !strings.Contains(string(entry.Data), id) {
				return fmt.Errorf("after entry %d came entry %d: %s", last, entry.Seq, entry.Data)
			}
			last = entry.Seq
		}
		if last >= uint64(100*(restarts+1)) && restarts < 2 {
			restarts++
			server.Close()
			if server, err = Start(ctx, config, folder, quiet()); err != nil {
				return err
			}
		}
		if last == count {
			return errDone
		}
		return nil
	})
	defer func() { server.Close() }()
	if !errors.Is(err, errDone) || restarts != 2 {
		t.Fatalf("after entry %d and %d restarts: %v", last, restarts, err)
	}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
}

func TestReplacedStreamEndsTheReading(t *testing.T) {
	bus := open(t, local(), t.TempDir())
	js, err := jetstream.New(client(t, bus.Address()))
	if err != nil {
		t.Fatal(err)
	}
	before, err := bus.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, bus, event("1", "1"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = bus.Read(ctx, 0, 10, func(context.Context, []engine.Entry) error {
		if err := js.DeleteStream(ctx, Stream); err != nil {
			return err
		}
		_, err := makeStream(ctx, js, newStream(Config{}))
		return err
	})
	if !errors.Is(err, errReplaced) {
		t.Errorf("the reading ended with %v", err)
	}
	if after, err := bus.Position(t.Context()); err != nil || after.Stream == before.Stream {
		t.Errorf("the new stream is %q like the old one, %v", after.Stream, err)
	}
}

func TestTokenIsAsked(t *testing.T) {
	t.Setenv("BROKER_TOKEN", "s3cret")
	config := local()
	config.Token = engine.Secret{Env: "BROKER_TOKEN"}
	bus := open(t, config, t.TempDir())
	publish(t, bus, event("1", "1"))
	if conn, err := natsgo.Connect(bus.Address()); err == nil {
		conn.Close()
		t.Error("a client without the token came in")
	}
	remote, err := Connect(t.Context(), Config{URL: bus.Address(), Token: config.Token}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	remote.Close()
	_, err = Connect(t.Context(), Config{URL: bus.Address()}, quiet())
	if err == nil || !strings.Contains(err.Error(), bus.Address()) {
		t.Errorf("connecting without the token gave %v", err)
	}
}

func TestNoListener(t *testing.T) {
	for _, listen := range []string{"", "off"} {
		if bus := open(t, Config{Listen: listen}, t.TempDir()); bus.Address() != "" {
			t.Errorf("listen %q opened %s", listen, bus.Address())
		}
	}
}

func TestStartTellsWhatIsWrong(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address, path := taken.Addr().String(), engine.Secret{Env: "PATH"} // that variable is always set
	for name, test := range map[string]struct {
		config Config
		folder string
		want   []string
	}{
		"port taken":      {Config{Listen: address}, t.TempDir(), []string{address, "set listen"}},
		"open to all":     {Config{Listen: "0.0.0.0:0"}, t.TempDir(), []string{"0.0.0.0:0", "token"}},
		"token not set":   {Config{Token: engine.Secret{Env: "NO_SUCH_TOKEN"}}, t.TempDir(), []string{"NO_SUCH_TOKEN"}},
		"folder unusable": {Config{}, file, []string{"start NATS", file}},
		"foreign address": {Config{Listen: "192.0.2.1:0", Token: path}, t.TempDir(), []string{"192.0.2.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			bus, err := Open(t.Context(), test.config, test.folder, quiet())
			if err == nil {
				bus.Close()
				t.Fatal("it started")
			}
			for _, word := range test.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

func TestConnectTellsWhere(t *testing.T) {
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	_, err = Connect(t.Context(), Config{URL: "nats://" + address}, quiet())
	if err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("connecting to nobody gave %v", err)
	}
	if _, err = Connect(t.Context(), Config{}, quiet()); err == nil {
		t.Error("connecting without a url succeeded")
	}
}

// A publisher gives up with its context, not before and not much later, while the broker is away.
func TestPublishWithoutBroker(t *testing.T) {
	server, err := Start(t.Context(), local(), t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	bus, err := Connect(t.Context(), Config{URL: server.Address()}, quiet())
	if err != nil {
		server.Close()
		t.Fatal(err)
	}
	defer bus.Close()
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	for _, events := range [][]*engine.Event{{event("1", "1")}, {event("2", "2"), event("3", "3")}} {
		if err := bus.Publish(ctx, events...); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("publishing %d events gave %v", len(events), err)
		}
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("giving up took %v", took)
	}
}

// A broker that takes messages and does not answer is asked again every half second, until the publisher gives up.
func TestAttemptsAreShort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*oneTime+oneTime/2)
	defer cancel()
	var took []time.Duration
	err := persist(ctx, oneTime, func(ctx context.Context) error {
		began := time.Now()
		<-ctx.Done()
		took = append(took, time.Since(began))
		return ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) || len(took) < 2 { // a busy machine may lose the third
		t.Fatalf("%d attempts, %v", len(took), err)
	}
	for _, d := range took[:len(took)-1] {
		if d < 500*time.Millisecond {
			t.Errorf("an attempt took %v", d)
		}
	}
}
