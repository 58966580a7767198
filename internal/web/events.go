package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern/engine"
)

// storeTime is how long a client waits for its event to be stored before it is told to come again.
const storeTime = 5 * time.Second

// Seconds after which a refused event is worth sending again.
const (
	retryWhenDown = "5"
	retryWhenFull = "60" // a full stream needs a purge or an operator
)

// EventsHandler takes one CloudEvent per POST, in structured mode (application/cloudevents+json or application/json) or
// binary mode (ce-… headers, a JSON body), from whoever shows one of the keys. It answers 202 and {"id": "…"} only when
// the bus has stored the event; anything else it answers, as {"code", "message"}, means that it has not or cannot tell,
// and that sending the same event again does no harm.
func EventsHandler(bus engine.Bus, keys Keys, logger *slog.Logger) http.Handler {
	return &events{bus: bus, keys: keys, logger: logger}
}

type events struct {
	bus    engine.Bus
	keys   Keys
	logger *slog.Logger
}

// refusal is the answer to a request that led to no event.
type refusal struct {
	status  int
	Code    string `json:"code"`    // stable, for programs
	Message string `json:"message"` // for people
}

// ServeHTTP asks who it is before it reads anything that they sent.
func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, refusal{http.StatusMethodNotAllowed, "method_not_allowed", "Send an event by POST."})
		return
	}
	name, known := e.keys.Who(r)
	if !known {
		w.Header().Set("WWW-Authenticate", `Bearer realm="postern"`)
		refuse(w, refusal{http.StatusUnauthorized, "unauthorized", "Send a valid key as Authorization: Bearer …"})
		return
	}
	event, bad := readEvent(w, r)
	if bad != nil {
		refuse(w, *bad)
		return
	}
	e.store(w, r, name, event)
}

// store answers for the event only once its fate is known.
func (e *events) store(w http.ResponseWriter, r *http.Request, sender string, event *engine.Event) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	err := e.bus.Publish(ctx, event)
	switch {
	case err == nil:
		answer(w, http.StatusAccepted, struct {
			ID string `json:"id"`
		}{event.ID})
		return
	case engine.IsPermanent(err):
		refuse(w, refusal{http.StatusBadRequest, "bad_event", err.Error()})
		return
	}
	e.logger.Warn("event not stored", "sender", sender, "event", event.ID, "error", err)
	if errors.Is(err, engine.ErrFull) {
		w.Header().Set("Retry-After", retryWhenFull)
		refuse(w, refusal{http.StatusServiceUnavailable, "stream_full", "The event stream is full; try again later."})
		return
	}
	w.Header().Set("Retry-After", retryWhenDown)
	refuse(w, refusal{http.StatusServiceUnavailable, "unavailable", "The event could not be stored now; try again."})
}

// readEvent decodes the request and refuses what nobody but Postern may say.
func readEvent(w http.ResponseWriter, r *http.Request) (*engine.Event, *refusal) {
	header, bad := modeOf(r)
	if bad != nil {
		return nil, bad
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, engine.MaxEventBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		message := fmt.Sprintf("An event has at most %d bytes.", engine.MaxEventBytes)
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", message}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "bad_request", "The body ended early."}
	}
	event, err := engine.DecodeUnaddressed(header, body)
	if err == nil {
		err = notOurs(event)
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "bad_event", err.Error()}
	}
	return event, nil
}

// notOurs refuses what only Postern may tell: others could speak for it otherwise.
func notOurs(event *engine.Event) error {
	if event.Source == engine.Source {
		return fmt.Errorf("source %q is Postern itself: name the system that the event comes from", event.Source)
	}
	if noun, _, _ := strings.Cut(event.Type, "."); engine.OwnNoun(noun) {
		return fmt.Errorf("events of %q are told by Postern itself", noun)
	}
	return nil
}

// modeOf tells by the content type how the event is written: a header for binary mode, NoHeader for structured.
func modeOf(r *http.Request) (engine.Header, *refusal) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	binary := r.Header.Get("Ce-Specversion") != ""
	switch {
	case err != nil || kind == "application/cloudevents-batch+json":
	case kind == "application/cloudevents+json":
		return engine.NoHeader, nil
	case binary && (kind == "application/json" || strings.HasSuffix(kind, "+json")):
		return binaryHeader(r.Header), nil
	case kind == "application/json":
		return engine.NoHeader, nil
	}
	return nil, &refusal{
		http.StatusUnsupportedMediaType, "unsupported_media_type",
		"Send one event as application/cloudevents+json, or JSON data with ce-… headers.",
	}
}

// binaryHeader reads ce-… headers, which are percent-encoded (CloudEvents HTTP binding 1.0.2, 3.1.3.2).
func binaryHeader(headers http.Header) engine.Header {
	return func(name string) string {
		text := headers.Get(name)
		if plain, err := url.PathUnescape(text); err == nil {
			return plain
		}
		return text
	}
}

// refuse gives the reason in place of what was asked for.
func refuse(w http.ResponseWriter, r refusal) { answer(w, r.status, r) }

// answer writes JSON that nobody may keep or take for something else.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may have gone; there is nobody to tell
}
