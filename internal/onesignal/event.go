package onesignal

import (
	"encoding/json"
	"errors"
	"time"
)

// StreamTemplate is the body that an event stream is to have, in OneSignal's Liquid: what ParseEvent reads.
const StreamTemplate = `{
  "id": "{{ event.id }}",
  "kind": "{{ event.kind }}",
  "at": "{{ event.datetime }}",
  "app": "{{ event.app_id }}",
  "message": "{{ message.id }}",
  "name": "{{ message.name }}"
}
`

// Event is what OneSignal tells of a notification on one device.
type Event struct {
	ID      string    // names the event however often it is told
	Kind    string    // message.push.clicked
	At      time.Time // zero where it is not told
	App     string
	Message string // OneSignal's name for the notification
	Name    string // ours, as in Notification.Name; may be missing
}

// ParseEvent reads the body of an event stream that follows StreamTemplate. The error is a sentence for whoever set the
// stream up.
func ParseEvent(body []byte) (Event, error) {
	var told struct{ ID, Kind, At, App, Message, Name string }
	if json.Unmarshal(body, &told) != nil {
		return Event{}, errors.New("the body is not the JSON of the recommended template")
	}
	if told.ID == "" || len(told.ID) > 64 || told.Kind == "" || told.App == "" {
		return Event{}, errors.New("the body lacks id, kind or app, which the recommended template has")
	}
	e := Event{ID: told.ID, Kind: told.Kind, App: told.App, Message: told.Message, Name: told.Name}
	if at, err := time.Parse(time.RFC3339, told.At); err == nil {
		e.At = at
	}
	return e, nil
}
