package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Limits of a batch of events. Within them the bus stores it at one go.
const (
	MaxBatchEvents = 1000
	MaxBatchBytes  = 2 << 20
)

// EventError is why one of several events is refused, and all of them with it.
type EventError struct {
	Index int // its place among them, from 0
	Err   error
}

// Error is the reason; the place is for whoever knows how the events are counted.
func (e *EventError) Error() string { return e.Err.Error() }

// Unwrap is the reason.
func (e *EventError) Unwrap() error { return e.Err }

// DecodeBatch reads a list of events in structured mode (CloudEvents JSON batch format 1.0.2) and checks
// each as DecodeUnaddressed does. An empty list is one. What is wrong with one event is an *EventError,
// and no event is returned then.
func DecodeBatch(body []byte) ([]*Event, error) {
	if len(body) > MaxBatchBytes {
		return nil, fmt.Errorf("the batch has %d bytes; at most %d are taken", len(body), MaxBatchBytes)
	}
	list := json.NewDecoder(bytes.NewReader(body))
	if open, err := list.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("the body is no list of events: it should begin with [")
	}
	var events []*Event
	for list.More() {
		if len(events) == MaxBatchEvents {
			return nil, fmt.Errorf("the batch has more than %d events", MaxBatchEvents)
		}
		var one json.RawMessage
		err := list.Decode(&one)
		if err != nil {
			err = fmt.Errorf("broken JSON at byte %d: %w", list.InputOffset(), err)
			return nil, &EventError{Index: len(events), Err: err}
		}
		event, err := DecodeUnaddressed(NoHeader, one)
		if err != nil {
			return nil, &EventError{Index: len(events), Err: err}
		}
		events = append(events, event)
	}
	if _, err := list.Token(); err != nil {
		return nil, errors.New("broken JSON: the list does not end with ]")
	}
	if _, err := list.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text follows the list")
	}
	return events, nil
}
