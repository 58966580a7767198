package nats

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

const patience = 10 * time.Second

func event(id, key string) *engine.Event {
	return &engine.Event{
		ID: id, Source: "https://crm.example", Type: engine.RecordUpdated, Subject: "HelpDesk/" + key,
		Change: &engine.Change{Record: engine.Fields{"id": key}},
	}
}

func publish(t testing.TB, bus *Bus, events ...*engine.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := bus.Publish(ctx, events...); err != nil {
		t.Fatal(err)
	}
}

// read collects entries until there are count of them.
func read(t testing.TB, bus *Bus, after uint64, count int) []engine.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	errDone := errors.New("enough")
	var got []engine.Entry
	err := bus.Read(ctx, after, 500, func(_ context.Context, entries []engine.Entry) error {
		if got = append(got, entries...); len(got) >= count {
			return errDone
		}
		return nil
	})
	if !errors.Is(err, errDone) {
		t.Fatalf("read %d of %d entries: %v", len(got), count, err)
	}
	return got
}

// The broker and engine.Address must agree on the share of every record, or a partition's reader would miss events.
func TestPartitionIsTheBrokers(t *testing.T) {
	bus := open(t, Config{}, t.TempDir())
	random := rand.New(rand.NewPCG(1, 2))
	var events []*engine.Event
	for i := range 300 {
		key := make([]byte, 1+random.IntN(24))
		for j := range key {
			key[j] = byte(0x20 + random.IntN(0x5f))
		}
		if i%3 == 0 {
			key = []byte("ünïcode." + hex.EncodeToString(key))
		}
		e := event(fmt.Sprint(i), string(key))
		if i%2 == 0 {
			e.Type, e.Change = engine.LinkUsed, nil
		}
		events = append(events, e)
	}
	publish(t, bus, events...)
	shares := map[int]bool{}
	for i, entry := range read(t, bus, 0, len(events)) {
		at := events[i].Address()
		if want := fmt.Sprintf("p.%d.%s", at.Partition(), at.Subject()); entry.Subject != want {
			t.Fatalf("stored as %s, want %s", entry.Subject, want)
		}
		shares[at.Partition()] = true
	}
	if len(shares) < engine.Partitions/2 {
		t.Errorf("300 keys fell into %d partitions only", len(shares))
	}
}

// What CRMs publish by any client is stored, whatever it looks like, and heard by plain subscribers as published.
func TestPlainClient(t *testing.T) {
	bus := open(t, local(), t.TempDir())
	conn := client(t, bus.Address())
	heard, err := conn.SubscribeSync("crm.HelpDesk.updated.>")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	subjects := []string{"crm.HelpDesk.updated.17x5", "crm.HelpDesk.updated", "crm.too.many.tokens.here", "postern.x"}
	for _, subject := range subjects {
		message := natsgo.NewMsg(subject)
		message.Header["Ce-SpecVersion"] = []string{"1.0"}
		message.Data = []byte(subject)
		if _, err := js.PublishMsg(t.Context(), message); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
	}
	stored := []string{
		fmt.Sprintf("p.%d.%s", event("", "17x5").Address().Partition(), subjects[0]),
		subjects[1], subjects[2], subjects[3],
	}
	for i, entry := range read(t, bus, 0, len(subjects)) {
		if entry.Subject != stored[i] || string(entry.Data) != subjects[i] {
			t.Errorf("%s was stored as %s with %q", subjects[i], entry.Subject, entry.Data)
		}
		if got := entry.Header("ce-specversion"); got != "1.0" {
			t.Errorf("header reads %q", got)
		}
		if got := entry.Header("ce-id"); got != "" {
			t.Errorf("an absent header reads %q", got)
		}
	}
	if message, err := heard.NextMsg(patience); err != nil || message.Subject != subjects[0] {
		t.Errorf("a plain subscriber heard %v, %v; want %s", message, err, subjects[0])
	}
}

// A message too large for an event still comes in, so that it can be seen; one beyond the payload limit does not.
func TestOversized(t *testing.T) {
	bus := open(t, local(), t.TempDir())
	conn := client(t, bus.Address())
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "crm.HelpDesk.updated.1", make([]byte, engine.MaxEventBytes+1)); err != nil {
		t.Fatalf("a message that is too large for an event: %v", err)
	}
	_, err = js.Publish(t.Context(), "crm.HelpDesk.updated.1", make([]byte, maxPayload+1))
	if !errors.Is(err, natsgo.ErrMaxPayload) {
		t.Errorf("a message beyond the payload limit gave %v", err)
	}
	if got := len(read(t, bus, 0, 1)[0].Data); got != engine.MaxEventBytes+1 {
		t.Errorf("read %d bytes", got)
	}
}

func TestFullStreamRefuses(t *testing.T) {
	bus := open(t, Config{MaxBytes: minMaxBytes}, t.TempDir())
	large := func(id string) *engine.Event {
		e := event(id, "1")
		e.Change.Record["text"] = strings.Repeat("x", 200<<10)
		return e
	}
	for i := range 5 {
		publish(t, bus, large(fmt.Sprint(i)))
	}
	for _, events := range [][]*engine.Event{{large("one")}, {event("small", "1"), large("in a batch")}} {
		err := bus.Publish(t.Context(), events...)
		if !errors.Is(err, engine.ErrFull) {
			t.Errorf("publishing %d events to a full stream gave %v", len(events), err)
		}
	}
	position, err := bus.Position(t.Context())
	if err != nil || position.Last != 5 || position.First != 1 || position.Full != 1 {
		t.Errorf("a full stream is at %+v, %v; want the first five events alone", position, err)
	}
	if err := bus.Purge(t.Context(), 2, 0); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, large("room again"))
}

func TestPurgeKeepsTheYoung(t *testing.T) {
	bus := open(t, Config{}, t.TempDir())
	publish(t, bus, event("old", "1"), event("old too", "1"))
	keep := 150 * time.Millisecond
	stored := time.Now()
	for deadline := stored.Add(2 * keep); time.Now().Before(deadline); {
		if _, err := bus.Position(t.Context()); err != nil { // pass the time until the first two are old
			t.Fatal(err)
		}
	}
	publish(t, bus, event("young", "1"), event("young too", "1"))
	published := time.Now()
	if err := bus.Purge(t.Context(), 4, keep); err != nil {
		t.Fatal(err)
	}
	position, err := bus.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(published) < keep && position.First != 3 {
		t.Errorf("the first entry is %d, want 3", position.First)
	}
}

// Who reads from some time ago on begins with the first entry stored since.
func TestSince(t *testing.T) {
	bus := open(t, Config{}, t.TempDir())
	at := func(d time.Duration) uint64 {
		t.Helper()
		after, err := bus.Since(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	if got := at(time.Hour); got != 0 {
		t.Errorf("in an empty stream one begins after %d", got)
	}
	publish(t, bus, event("1", "1"), event("2", "1"))
	first := read(t, bus, 0, 2)
	for age := time.Duration(0); age < 50*time.Millisecond; age = time.Since(first[1].Stored) {
		publish(t, bus, event("1", "1")) // pass the time by what the broker drops
	}
	publish(t, bus, event("3", "1"))
	third := read(t, bus, 2, 1)[0]
	if got := at(time.Since(third.Stored) + 20*time.Millisecond); got != 2 {
		t.Errorf("one begins after %d, want 2", got)
	}
	if got := at(time.Hour); got != 0 {
		t.Errorf("an hour ago is after %d, want 0", got)
	}
	if err := bus.Purge(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	if got := at(time.Hour); got != 1 {
		t.Errorf("an hour ago is after %d once the first is gone, want 1", got)
	}
	if got := at(0); got != 3 {
		t.Errorf("now is after %d, want 3", got)
	}
}

// Who watches leaves no trace: no stream is made, and none is changed.
func TestWatchMakesNothing(t *testing.T) {
	server, err := Start(t.Context(), local(), t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	watching, err := Watch(Config{URL: server.Address(), MaxBytes: minMaxBytes}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Close()
	if position, err := watching.Position(t.Context()); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("there is a stream at %+v, %v", position, err)
	}
	bus, err := server.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	publish(t, bus, event("1", "1"))
	if got := len(read(t, watching, 0, 1)); got != 1 {
		t.Errorf("read %d entries", got)
	}
	if info, err := watching.info(t.Context()); err != nil || info.Config.MaxBytes != defaultMaxBytes {
		t.Errorf("the stream is %+v, %v", info, err)
	}
}

// A batch whose answer was lost is sent again; the broker must know it.
func TestRepeatedBatchIsStoredOnce(t *testing.T) {
	bus := open(t, Config{}, t.TempDir())
	batch := []*engine.Event{event("1", "1"), event("2", "2"), event("3", "3")}
	for range 2 {
		publish(t, bus, batch...)
	}
	publish(t, bus, event("3", "3"), event("4", "4")) // partly the same
	publish(t, bus, event("2", "2"))                  // alone what came in a batch
	publish(t, bus, event("5", "5"))
	publish(t, bus, event("5", "5"), event("6", "6")) // in a batch what came alone
	if position, err := bus.Position(t.Context()); err != nil || position.Last != 6 {
		t.Errorf("the stream is at %+v, %v; want 6 entries", position, err)
	}
}

func TestLargeBatches(t *testing.T) {
	bus := open(t, Config{}, t.TempDir())
	var events []*engine.Event
	for i := range 2*maxBatch + 1 {
		events = append(events, event(fmt.Sprint(i), "1"))
	}
	publish(t, bus, events...)
	if position, err := bus.Position(t.Context()); err != nil || position.Last != uint64(len(events)) {
		t.Errorf("the stream is at %+v, %v; want %d entries", position, err, len(events))
	}
	large := event("large", "1")
	large.Change.Record["text"] = strings.Repeat("x", 200<<10)
	message, err := encode(large)
	if err != nil {
		t.Fatal(err)
	}
	messages := make([]*natsgo.Msg, 100)
	for i := range messages {
		messages[i] = message
	}
	if n := batchLen(messages); n*len(message.Data) > maxBatchBytes || n < 30 {
		t.Errorf("a batch takes %d messages of %d bytes", n, len(message.Data))
	}
}

// makeStream makes the stream where one was just deleted: the broker clears its folder a moment later.
func makeStream(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (jetstream.Stream, error) {
	const folderNotReady = 10049
	deadline := time.Now().Add(patience)
	for {
		stream, err := js.CreateStream(ctx, c)
		if code(err) != folderNotReady || time.Now().After(deadline) {
			return stream, err
		}
	}
}

func TestExistingStream(t *testing.T) {
	server, err := Start(t.Context(), local(), t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	js, err := jetstream.New(client(t, server.Address()))
	if err != nil {
		t.Fatal(err)
	}
	remake := func(change func(*jetstream.StreamConfig)) jetstream.Stream {
		t.Helper()
		config := newStream(Config{MaxBytes: 5 << 20})
		change(&config)
		_ = js.DeleteStream(t.Context(), Stream)
		stream, err := makeStream(t.Context(), js, config)
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	connect := func() error {
		bus, err := Connect(t.Context(), Config{URL: server.Address()}, quiet())
		if err == nil {
			bus.Close()
		}
		return err
	}

	stream := remake(func(c *jetstream.StreamConfig) {
		c.Subjects, c.Discard, c.MaxAge, c.Description = []string{"crm.>"}, jetstream.DiscardOld, time.Hour, "ours"
		c.AllowAtomicPublish = false
	})
	if err := connect(); err != nil {
		t.Fatalf("a stream that can be mended: %v", err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := info.Config
	if len(c.Subjects) != 2 || c.Discard != jetstream.DiscardNew || c.MaxAge != 0 || !c.AllowAtomicPublish {
		t.Errorf("the stream was not brought to the contract: %+v", c)
	}
	if c.MaxBytes != 5<<20 || c.Description != "ours" {
		t.Errorf("what is the operator's was changed: %+v", c)
	}

	remake(func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage })
	if err := connect(); err == nil || !strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("a stream in memory gave %v", err)
	}

	remake(func(c *jetstream.StreamConfig) { c.SubjectTransform = nil })
	if _, err := js.Publish(t.Context(), "crm.HelpDesk.updated.1", nil); err != nil {
		t.Fatal(err)
	}
	if err := connect(); err == nil || !strings.Contains(err.Error(), "partitions") {
		t.Errorf("a stream divided otherwise gave %v", err)
	}
}
