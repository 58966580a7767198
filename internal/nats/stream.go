package nats

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

// Stream is the name of the one stream that holds the events.
const Stream = "POSTERN"

// duplicateTime is how long the broker remembers the ids of messages, to refuse one that comes again.
const duplicateTime = 2 * time.Minute

// partitioned makes a subject with a key tell its share of the records. The hash is over the second and fourth token,
// module and key; engine.Address.Partition computes the same.
func partitioned() *jetstream.SubjectTransformConfig {
	return &jetstream.SubjectTransformConfig{
		Source: "*.*.*.*",
		Destination: fmt.Sprintf("p.{{partition(%d,2,4)}}.", engine.Partitions) +
			"{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{wildcard(4)}}",
	}
}

// ensureStream makes the stream, or brings one that exists to what the contract says and leaves the rest of it (its
// place in the cluster, its compression) to whoever runs the broker.
func (b *Bus) ensureStream(ctx context.Context, config Config) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	stream, err := b.js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, newStream(config))
		return wrapStream("create", err)
	}
	if err != nil {
		return wrapStream("look up", err)
	}
	existing := stream.CachedInfo()
	wanted := byContract(existing.Config, config)
	if reflect.DeepEqual(existing.Config, wanted) {
		return nil
	}
	// The partition is part of what is stored: a change would leave old entries under numbers that mean others now.
	if existing.State.Msgs > 0 && !reflect.DeepEqual(existing.Config.SubjectTransform, wanted.SubjectTransform) {
		return fmt.Errorf("stream %s holds %d messages that were not divided into %d partitions as this version does; "+
			"let the version that wrote them finish, or delete the stream",
			Stream, existing.State.Msgs, engine.Partitions)
	}
	if _, err := b.js.UpdateStream(ctx, wanted); err != nil {
		return fmt.Errorf("stream %s exists and cannot be changed to what Postern needs: %w", Stream, err)
	}
	return nil
}

// newStream is the stream as it is first made: on one machine and with a limit, unless the configuration says more.
func newStream(config Config) jetstream.StreamConfig {
	fresh := jetstream.StreamConfig{
		Name:        Stream,
		Description: "record changes of the CRM and what Postern did",
		MaxBytes:    config.streamBytes(),
		Replicas:    max(config.Replicas, 1),
	}
	return byContract(fresh, config)
}

// byContract sets what a stream must have for no event to be lost or read out of order: nothing ages out, a full stream
// refuses, a batch is stored whole. It takes no message that is larger than the embedded broker would take, wherever it
// is, so that what is no event costs a bounded amount of memory.
func byContract(stream jetstream.StreamConfig, config Config) jetstream.StreamConfig {
	stream.Subjects = []string{engine.DomainCRM + ".>", engine.DomainPostern + ".>"}
	stream.SubjectTransform = partitioned()
	stream.Retention = jetstream.LimitsPolicy
	stream.Discard = jetstream.DiscardNew
	stream.Storage = jetstream.FileStorage
	stream.MaxAge = 0
	stream.MaxMsgs = -1
	stream.MaxMsgsPerSubject = -1
	stream.MaxMsgSize = maxPayload
	stream.MaxConsumers = -1
	stream.NoAck = false
	stream.Duplicates = max(stream.Duplicates, duplicateTime)
	stream.AllowAtomicPublish = true
	if config.MaxBytes != 0 {
		stream.MaxBytes = config.MaxBytes
	}
	if config.Replicas != 0 {
		stream.Replicas = config.Replicas
	}
	return stream
}

// wrapStream says what was tried, and what to do where the reason is a setting of the broker.
func wrapStream(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%s stream %s: the broker has JetStream switched off: %w", verb, Stream, err)
	}
	return fmt.Errorf("%s stream %s: %w", verb, Stream, err)
}

// Position asks the broker for the state of the stream. Its identity is name and time of creation. It fails once the
// embedded broker has given up its storage, though the broker itself would still answer.
func (b *Bus) Position(ctx context.Context) (engine.Position, error) {
	info, err := b.info(ctx)
	if err != nil {
		return engine.Position{}, fmt.Errorf("ask for the stream's position: %w", err)
	}
	position := engine.Position{Stream: identity(info), First: info.State.FirstSeq, Last: info.State.LastSeq}
	position.Full = fullness(info.State.Bytes, info.Config.MaxBytes)
	return position, nil
}

// fullness is the share of a stream's bytes in use. A stream never holds its very last byte: it is full, 1, once there
// is no room for an event of the greatest size.
func fullness(bytes uint64, limit int64) float64 {
	switch {
	case limit <= 0:
		return 0
	case int64(min(bytes, math.MaxInt64)) > limit-engine.MaxEventBytes:
		return 1
	}
	return float64(bytes) / float64(limit)
}

func (b *Bus) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	if err := b.broken.err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	stream, err := b.js.Stream(ctx, Stream)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// identity tells a stream from a later one of the same name, whose positions begin anew.
func identity(info *jetstream.StreamInfo) string {
	return info.Config.Name + "/" + info.Created.UTC().Format(time.RFC3339Nano)
}

// Purge removes what is both at or below upTo and, by the broker's clock, older than keep.
func (b *Bus) Purge(ctx context.Context, upTo uint64, keep time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	stream, err := b.js.Stream(ctx, Stream)
	if err != nil {
		return fmt.Errorf("purge the stream: %w", err)
	}
	below := upTo + 1 // the first entry that stays
	if keep > 0 {
		young, err := firstSince(ctx, stream, stream.CachedInfo().TimeStamp.Add(-keep))
		if err != nil {
			return fmt.Errorf("purge the stream: %w", err)
		}
		below = min(below, young)
	}
	// To the broker a purge below 0 is a purge of everything.
	if below <= max(stream.CachedInfo().State.FirstSeq, 1) {
		return nil
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(below)); err != nil {
		return fmt.Errorf("purge the stream: %w", err)
	}
	return nil
}

// Since is the position after which the entries are that were stored within the last d, by the broker's clock.
func (b *Bus) Since(ctx context.Context, d time.Duration) (after uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	stream, err := b.js.Stream(ctx, Stream)
	if err != nil {
		return 0, fmt.Errorf("find a place in the stream: %w", err)
	}
	first, err := firstSince(ctx, stream, stream.CachedInfo().TimeStamp.Add(-d))
	if err != nil {
		return 0, fmt.Errorf("find a place in the stream: %w", err)
	}
	return first - 1, nil
}

// firstSince finds the first entry stored at or after a time. The broker looks it up when it makes a reader that starts
// there, and tells the entry before it as the last one delivered; nothing is read.
func firstSince(ctx context.Context, stream jetstream.Stream, since time.Time) (uint64, error) {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartTimePolicy,
		OptStartTime:      &since,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: requestTime,
	})
	if err != nil {
		return 0, err
	}
	info := consumer.CachedInfo()
	return info.Delivered.Stream + 1, stream.DeleteConsumer(ctx, info.Name)
}
