package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

const (
	oneTime    = 500 * time.Millisecond // for one attempt at one event
	batchTime  = 2 * time.Second        // for one attempt at a batch
	retryPause = 50 * time.Millisecond  // between two attempts

	maxBatch      = 1000    // events; the broker's own limit (ADR-50)
	maxBatchBytes = 8 << 20 // so that an attempt fits its time
	openBatches   = 8       // at the same time; the broker gives up those beyond 50, and stores them one by one anyway
)

// Headers of an atomic batch (ADR-50).
const (
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// Error codes of the broker that this package tells apart.
const (
	codeNoResources       = 10023 // the broker's own limits are reached
	codeNoStorage         = 10047 // the account's limits are reached
	codeMessageTooLarge   = 10054 // beyond the stream's own limit of one message
	codeStoreRefused      = 10077 // with discard: new, the stream is full
	codeBatchIncomplete   = 10176 // a message of the batch was lost on the way; nothing was stored
	codeBatchHasDuplicate = 10201 // a message id of the batch is stored already
)

// Publish stores events in the order given: one as a message, more as atomic batches of at most 1,000 events and 8 MiB,
// each of them stored whole or not at all. Attempts are short and repeated until ctx ends; message ids keep an event
// from being stored twice within two minutes, however often and in whatever company it is published. A full stream is
// engine.ErrFull at once; an event that can never be stored (its subject is no subject, it is larger than
// engine.MaxEventBytes) is a permanent error, and then none of them is stored.
func (b *Bus) Publish(ctx context.Context, events ...*engine.Event) error {
	if err := b.broken.err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	messages := make([]*natsgo.Msg, 0, len(events))
	for i, event := range events {
		message, err := encode(event)
		if err != nil {
			err = &engine.EventError{Index: i, Err: err}
			return engine.Permanent(fmt.Errorf("publish event %q: %w", event.ID, err))
		}
		messages = append(messages, message)
	}
	switch len(messages) {
	case 0:
		return nil
	case 1:
		if err := b.publishOne(ctx, messages[0]); err != nil {
			return fmt.Errorf("publish event %q: %w", events[0].ID, err)
		}
		return nil
	}
	if err := b.publishMany(ctx, messages); err != nil {
		return fmt.Errorf("publish %d events: %w", len(events), err)
	}
	return nil
}

// publishMany waits for its turn: batches that the broker gives up because too many are open are all tried again, and
// given up again.
func (b *Bus) publishMany(ctx context.Context, messages []*natsgo.Msg) error {
	select {
	case b.batches <- struct{}{}:
		defer func() { <-b.batches }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for len(messages) > 0 {
		n := batchLen(messages)
		if err := b.publishBatch(ctx, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// encode writes an event in structured mode.
func encode(event *engine.Event) (*natsgo.Msg, error) {
	at := event.Address()
	if !engine.PlainToken(at.Noun) || !engine.PlainToken(at.Verb) {
		return nil, fmt.Errorf("type %q and subject %q make no NATS subject: "+
			"module and verb hold only letters, digits, - and _", event.Type, event.Subject)
	}
	data, err := event.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if len(data) > engine.MaxEventBytes {
		return nil, fmt.Errorf("it has %d bytes; at most %d are taken", len(data), engine.MaxEventBytes)
	}
	message := natsgo.NewMsg(at.Subject())
	message.Data = data
	message.Header.Set(jetstream.MsgIDHeader, messageID(event))
	return message, nil
}

// messageID is what the broker knows an event by for two minutes. CloudEvents makes an id unique within its source
// only, so both are part of it, and so that a/b and c are not a and b/c, the length of the source is too. The id of a
// foreign event is none that a CRM gives its own messages, source/id: the event may have come in such a message,
// without a key, and the broker would take its keyed copy for a repetition. So it would a dead letter that is replayed
// soon; but whoever copies that attribute to an event of theirs tells another event.
func messageID(event *engine.Event) string {
	if event.Source == engine.Source && event.Letter == "" {
		return event.Source + "/" + event.ID
	}
	id := fmt.Sprintf("keyed/%d/%s/%s", len(event.Source), event.Source, event.ID)
	if event.Letter != "" {
		id = fmt.Sprintf("letter/%d/%s/%s", len(event.Letter), event.Letter, id)
	}
	return id
}

// batchLen is how many of the messages go into the next batch.
func batchLen(messages []*natsgo.Msg) int {
	size := 0
	for i, message := range messages {
		size += len(message.Data)
		if i == maxBatch || (i > 0 && size > maxBatchBytes) {
			return i
		}
	}
	return len(messages)
}

func (b *Bus) publishOne(ctx context.Context, message *natsgo.Msg) error {
	return persist(ctx, oneTime, func(ctx context.Context) error {
		_, err := b.js.PublishMsg(ctx, message)
		return err
	})
}

// publishBatch sends all messages without waiting; the answer to the last one is about the whole batch. The broker
// refuses a batch for one id that it knows. An earlier attempt has stored such an event, alone or with others, so the
// events then go one by one.
func (b *Bus) publishBatch(ctx context.Context, messages []*natsgo.Msg) error {
	err := persist(ctx, batchTime, func(ctx context.Context) error { return b.sendBatch(ctx, messages) })
	if code(err) != codeBatchHasDuplicate {
		return err
	}
	for _, message := range messages {
		for _, header := range []string{headerBatchID, headerBatchSequence, headerBatchCommit} {
			message.Header.Del(header)
		}
		if err := b.publishOne(ctx, message); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) sendBatch(ctx context.Context, messages []*natsgo.Msg) error {
	batch := batchID() // a broken attempt must not be continued by the next
	last := len(messages) - 1
	for i, message := range messages {
		message.Header.Set(headerBatchID, batch)
		message.Header.Set(headerBatchSequence, strconv.Itoa(i+1))
		if i == last {
			break
		}
		if err := b.conn.PublishMsg(message); err != nil {
			return err
		}
	}
	messages[last].Header.Set(headerBatchCommit, "1")
	_, err := b.js.PublishMsg(ctx, messages[last])
	return err
}

// persist repeats attempt, each with a deadline of its own, until it succeeds, can never succeed, or ctx ends.
func persist(ctx context.Context, limit time.Duration, attempt func(context.Context) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for {
		within, cancel := context.WithTimeout(ctx, limit)
		err := attempt(within)
		cancel()
		if err == nil || isFinal(err) {
			return classify(err)
		}
		if (engine.SystemClock{}).Wait(ctx, retryPause) != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// isFinal tells an answer that will not change from a broker that is away, busy or electing a leader.
func isFinal(err error) bool {
	switch code(err) {
	case 0:
		return errors.Is(err, natsgo.ErrConnectionClosed) || errors.Is(err, natsgo.ErrMaxPayload)
	case codeNoResources, codeNoStorage, codeStoreRefused:
		return true
	case codeBatchIncomplete:
		return false
	}
	refused, ok := errors.AsType[*jetstream.APIError](err)
	return ok && refused.Code == 400
}

// classify gives the errors that callers act upon a name of ours.
func classify(err error) error {
	switch code(err) {
	case codeNoResources, codeNoStorage, codeStoreRefused:
		return fmt.Errorf("%w (max_bytes of the stream or its broker): %w", engine.ErrFull, err)
	}
	if errors.Is(err, natsgo.ErrMaxPayload) || code(err) == codeMessageTooLarge {
		return engine.Permanent(err)
	}
	return err
}

// code is the broker's own number for an error, 0 when the error is not the broker's.
func code(err error) jetstream.ErrorCode {
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok {
		return refused.ErrorCode
	}
	return 0
}
