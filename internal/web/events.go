package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"postern/engine"
)

// storeTime is how long a client waits for its events to be stored before it is told to come again.
const storeTime = 5 * time.Second

// Seconds after which a refused request is worth sending again.
const (
	retryWhenBusy = "1"
	retryWhenDown = "5"
	retryWhenFull = "60" // a full stream needs a purge or an operator
)

// EventsHandler takes CloudEvents by POST from whoever shows one of the keys: one in structured mode
// (application/cloudevents+json or application/json) or binary mode (ce-… headers, a JSON body), or a list of at most
// engine.MaxBatchEvents and engine.MaxBatchBytes in batch mode (application/cloudevents-batch+json). It answers 202,
// with {"id": "…"} or {"ids": ["…"]}, only when the bus has stored them all. Any other answer, {"code", "message"} and
// for one bad event of a list its "index", means that it has not or cannot tell; a 4xx one that nothing was stored.
// Sending the same events again does no harm in any case.
//
// It reads and stores 128 requests and 8 MiB of bodies at the same time, and answers 429 to more. While refusing gives
// a reason, a sentence for the client, it answers 503; refusing is asked for each request, so it must be quick. Both
// carry Retry-After.
func EventsHandler(bus engine.Bus, keys Keys, refusing func() string, logger *slog.Logger) http.Handler {
	return &events{
		bus: bus, keys: keys, refusing: refusing, logger: logger, bodyTime: bodyTime, storeTime: storeTime,
	}
}

type events struct {
	bus       engine.Bus
	keys      Keys
	refusing  func() string
	logger    *slog.Logger
	bodyTime  time.Duration
	storeTime time.Duration
	room      room
}

// refusal is the answer to a request that led to no event.
type refusal struct {
	status  int
	retry   string // seconds, or ""
	Code    string `json:"code"`            // stable, for programs
	Message string `json:"message"`         // for people
	Index   *int   `json:"index,omitempty"` // of the bad event in a list, from 0
}

// ServeHTTP asks who it is, and whether there is room, before it reads anything that they sent.
func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, bad := e.keys.admit(w, r, http.MethodPost, ScopeEvents)
	if bad != nil {
		refuse(w, *bad)
		return
	}
	if reason := e.refusing(); reason != "" {
		refuse(w, refusal{
			status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "not_ready", Message: reason,
		})
		return
	}
	p, bad := readForm(r)
	if bad != nil {
		refuse(w, *bad)
		return
	}
	leave, ok := e.room.claim(p.size)
	if !ok {
		const message = "Too many events are coming in at the same time; send this again."
		refuse(w, refusal{status: http.StatusTooManyRequests, retry: retryWhenBusy, Code: "too_many", Message: message})
		return
	}
	defer leave()
	if bad = p.read(w, r, e.bodyTime); bad == nil {
		bad = e.store(r.Context(), name, p)
	}
	if bad != nil {
		refuse(w, *bad)
		return
	}
	answer(w, http.StatusAccepted, p.stored())
}

// store returns once the fate of the events is known.
func (e *events) store(ctx context.Context, sender string, p *parcel) *refusal {
	ctx, cancel := context.WithTimeout(ctx, e.storeTime)
	defer cancel()
	err := e.bus.Publish(ctx, p.events...)
	switch {
	case err == nil:
		return nil
	case engine.IsPermanent(err):
		return p.bad(err)
	}
	e.logger.Warn("events not stored", "sender", sender, "events", len(p.events), "error", err)
	if errors.Is(err, engine.ErrFull) {
		return &refusal{
			status: http.StatusServiceUnavailable, retry: retryWhenFull,
			Code: "stream_full", Message: "The event stream is full; try again later.",
		}
	}
	return &refusal{
		status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "unavailable",
		Message: "It is not known whether everything was stored; send the same again, which does no harm.",
	}
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

// refuse gives the reason in place of what was asked for.
func refuse(w http.ResponseWriter, r refusal) {
	if r.retry != "" {
		w.Header().Set("Retry-After", r.retry)
	}
	answer(w, r.status, r)
}

// answer writes JSON that nobody may keep or take for something else.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may have gone; there is nobody to tell
}
