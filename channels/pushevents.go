package channels

import (
	"io"
	"net/http"
	"strings"

	"postern/engine"
	"postern/internal/onesignal"
)

// pushStates are what the kinds of events of a stream say of a notification.
var pushStates = map[string]engine.DeliveryState{
	"message.push.sent": engine.DeliverySent, "message.push.received": engine.DeliveryDelivered,
	"message.push.clicked": engine.DeliveryRead, "message.push.failed": engine.DeliveryUndelivered,
	"message.push.unsubscribed": engine.DeliveryUndelivered,
}

// Callbacks takes an event stream: POST with the secret that events names.
func (p *Push) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.events == "":
			http.Error(w, "this channel hears no event stream: it has no events key", http.StatusNotFound)
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "event streams are posted", http.StatusMethodNotAllowed)
		case !sameSecret(r.Header.Get("Authorization"), "Bearer "+p.events):
			http.Error(w, "the secret is wrong", http.StatusUnauthorized)
		default:
			p.hear(w, r)
		}
	})
}

// hear hands on what an event of a stream tells, if it tells of one of our notifications.
func (p *Push) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	event, err := onesignal.ParseEvent(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !strings.EqualFold(event.App, p.App) {
		http.Error(w, "the event is of another app", http.StatusForbidden)
		return
	}
	state, known := pushStates[event.Kind]
	if !known || event.Message == "" {
		w.WriteHeader(http.StatusNoContent) // not about a notification of ours
		return
	}
	if err := p.outfit.Hear(r.Context(), p.heard(event, state)); err != nil {
		p.outfit.Logger.Error("an event of a stream was not taken in", "channel", p.outfit.Channel, "error", err)
		http.Error(w, "the event was not taken in", again(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *Push) heard(event onesignal.Event, state engine.DeliveryState) engine.Heard {
	report := &engine.Report{ProviderID: event.Message, State: state}
	report.Delivery, _ = engine.ParseID(event.Name) // zero where the stream does not tell it
	if state == engine.DeliveryUndelivered {
		report.Code = strings.TrimPrefix(event.Kind, "message.push.")
	}
	at := event.At
	if at.IsZero() {
		at = p.outfit.Clock.Now()
	}
	return engine.Heard{Channel: p.outfit.Channel, Key: "event:" + event.ID, At: at, Report: report}
}
