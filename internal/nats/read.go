package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

const (
	fetchMessages = 1000                   // asked of the broker ahead of the reader
	fetchBytes    = 8 << 20                // the same in bytes, for one request
	headerBytes   = 64 << 10               // which the broker counts to a message, beside its payload
	heartbeat     = 5 * time.Second        // the broker's sign of life; two missed ones are a reason to begin anew
	idleTime      = time.Minute            // after which the broker forgets a consumer that asks for nothing
	restartPause  = 250 * time.Millisecond // before a reader begins anew
)

// Why a consumer is given up for a new one.
var (
	errReconnected = errors.New("the connection was lost in between")
	errGap         = errors.New("a message was lost on the way")
	errEnded       = errors.New("the broker ended the consumer")
)

// errReplaced ends a Read: the positions it was given mean other entries now.
var errReplaced = errors.New("the stream was replaced by another of the same name")

// Read reads without acknowledging, from a consumer of its own in the broker's memory. Whenever that or the connection
// fails, it begins anew after the last entry it handed on, so that none is missed and none comes twice. It ends with
// the error of ctx or of take, when the connection is closed, when the stream was deleted or replaced, or when the
// embedded broker has given up its storage.
func (b *Bus) Read(
	ctx context.Context, after uint64, atMost int, take func(context.Context, []engine.Entry) error,
) error {
	info, err := b.info(ctx)
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	r := &reader{bus: b, stream: identity(info), last: after, atMost: max(atMost, 1), take: take}
	for {
		err := r.untilTrouble(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case r.taken != nil:
			return r.taken
		case errors.Is(err, natsgo.ErrConnectionClosed),
			errors.Is(err, jetstream.ErrStreamNotFound),
			errors.Is(err, errReplaced),
			errors.Is(err, errStorage):
			return fmt.Errorf("read the stream: %w", err)
		case b.conn.IsConnected():
			b.logger.Warn("event stream reader begins anew", "after", r.last, "error", err)
		}
		if err := (engine.SystemClock{}).Wait(ctx, restartPause); err != nil {
			return err
		}
	}
}

// reader is one Read under way.
type reader struct {
	bus    *Bus
	stream string // identity of the stream the positions belong to
	last   uint64 // the last entry handed on
	atMost int
	take   func(context.Context, []engine.Entry) error
	taken  error // what take ended with
}

// untilTrouble reads from one consumer until that can no longer be trusted to have everything in order.
func (r *reader) untilTrouble(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reconnected := r.bus.conn.StatusChanged(natsgo.CONNECTED)
	defer r.bus.conn.RemoveStatusListener(reconnected)
	consumer, err := r.consumer(ctx)
	if err != nil {
		return err
	}
	f := &feed{arrived: make(chan engine.Entry, r.atMost), trouble: make(chan error, 1)}
	consuming, err := consumer.Consume(
		func(message jetstream.Msg) { f.put(ctx, message) },
		jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, r.bus.fetchBytes()),
		jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { f.report(err) }),
	)
	if err != nil {
		return err
	}
	closed := consuming.Closed()
	defer func() {
		cancel() // first, so that a put that waits for room lets go
		consuming.Stop()
		<-closed
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-reconnected:
			return errReconnected
		case <-r.bus.broken.done():
			return r.bus.broken.err()
		case err := <-f.trouble:
			return err
		case <-closed:
			return r.ended()
		case first := <-f.arrived:
			if err := r.hand(ctx, f.gather(first)); err != nil {
				return err
			}
		}
	}
}

// fetchBytes has room for the largest message that the broker may hold: it never answers a request that the next
// message does not fit, and nobody is told.
func (b *Bus) fetchBytes() int { return max(fetchBytes, int(b.conn.MaxPayload())+headerBytes) }

// consumer makes a consumer that begins after the last entry handed on, if the stream still is the one it came from.
// Nothing is acknowledged: the reader's position is kept by whoever took the entries.
func (r *reader) consumer(ctx context.Context) (jetstream.Consumer, error) {
	if err := r.bus.broken.err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	stream, err := r.bus.js.Stream(ctx, Stream)
	if err != nil {
		return nil, err
	}
	if found := identity(stream.CachedInfo()); found != r.stream {
		return nil, fmt.Errorf("%w: %s is now %s", errReplaced, r.stream, found)
	}
	return stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: idleTime,
	})
}

// ended tells why a consumer stopped by itself.
func (r *reader) ended() error {
	if r.bus.conn.IsClosed() {
		return natsgo.ErrConnectionClosed
	}
	return errEnded
}

// hand passes entries on and moves the position. An error of take is kept apart: it ends the Read, not one consumer.
func (r *reader) hand(ctx context.Context, entries []engine.Entry) error {
	r.taken = r.take(ctx, entries)
	r.last = entries[len(entries)-1].Seq
	return r.taken
}

// feed is what one consumer delivers.
type feed struct {
	arrived chan engine.Entry
	trouble chan error // the first reason not to trust the consumer
	count   uint64     // messages put so far; used by put alone, which the library calls from one goroutine
	broken  bool       // a message is missing: those after it must not pass
}

// put passes a message on once there is room; until then nothing more is asked of the broker.
func (f *feed) put(ctx context.Context, message jetstream.Msg) {
	meta, err := message.Metadata()
	if err != nil || meta.Sequence.Consumer != f.count+1 {
		f.broken = true
		f.report(errGap)
	}
	if f.broken {
		return
	}
	f.count++
	entry := engine.Entry{
		Seq:     meta.Sequence.Stream,
		Stored:  meta.Timestamp,
		Subject: message.Subject(),
		Header:  headerOf(message.Headers()),
		Data:    message.Data(),
	}
	select {
	case f.arrived <- entry:
	case <-ctx.Done():
	}
}

// report keeps the first trouble; one is enough to give the consumer up.
func (f *feed) report(err error) {
	select {
	case f.trouble <- err:
	default:
	}
}

// gather adds to the first entry what else is at hand.
func (f *feed) gather(first engine.Entry) []engine.Entry {
	entries := append(make([]engine.Entry, 0, min(1+len(f.arrived), cap(f.arrived))), first)
	for len(entries) < cap(f.arrived) {
		select {
		case next := <-f.arrived:
			entries = append(entries, next)
		default:
			return entries
		}
	}
	return entries
}
