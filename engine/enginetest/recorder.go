package enginetest

import (
	"context"
	"sync"

	"postern/engine"
)

// Recorder is a channel that keeps what it is given.
type Recorder struct {
	// Answer decides a try; nil accepts every message.
	Answer func(m engine.Message) (engine.Receipt, error)

	mu   sync.Mutex
	sent []engine.Message
}

// Send keeps the message and answers.
func (r *Recorder) Send(_ context.Context, m engine.Message) (engine.Receipt, error) {
	r.mu.Lock()
	r.sent = append(r.sent, m)
	r.mu.Unlock()
	if r.Answer != nil {
		return r.Answer(m)
	}
	return engine.Receipt{Provider: "recorder", ID: m.Delivery.String()}, nil
}

// Sent returns every message given so far, retries included, in order.
func (r *Recorder) Sent() []engine.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]engine.Message(nil), r.sent...)
}

var _ engine.Channel = (*Recorder)(nil)
