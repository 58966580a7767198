package links

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"postern/engine"
)

// newAct is an act under its key: the same thing asked for again has the same one, whatever the record has
// become meanwhile.
func newAct(p passage, name string, set engine.Fields, id engine.ID) (Act, error) {
	wanted, err := json.Marshal(set) // the keys of a map come sorted
	if err != nil {
		return Act{}, fmt.Errorf("name the act: %w", err)
	}
	h := sha256.New()
	for _, part := range []string{p.link.ID.String(), name, string(wanted)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return Act{ID: id, Flow: p.flow.ID, Link: p.link.ID, Name: name, Key: h.Sum(nil)}, nil
}

// usage is the data of a link.used event.
type usage struct {
	Link      engine.ID `json:"link"`
	Landing   string    `json:"landing"`
	Action    string    `json:"action"`
	Run       string    `json:"run,omitempty"`
	Workflow  string    `json:"workflow,omitempty"`
	Recipient string    `json:"recipient,omitempty"`
}

// usedEvent tells that a link had its effect. It is the cause of the change that follows.
func usedEvent(p passage, name string, id engine.ID) (*engine.Event, error) {
	u := usage{Link: p.link.ID, Landing: p.link.Landing, Action: name, Workflow: p.link.Workflow}
	if !p.link.Run.IsZero() {
		u.Run = p.link.Run.String()
	}
	if !p.link.Recipient.IsZero() {
		u.Recipient = p.link.Recipient.String()
	}
	data, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", engine.LinkUsed, err)
	}
	return &engine.Event{
		ID: id.String(), Source: engine.Source, Type: engine.LinkUsed, Subject: p.link.Record.String(),
		CauseID: p.link.Cause, Data: data,
	}, nil
}

// actor is who did it, as far as the door knows: whoever the link was sent to.
func actor(link engine.Link) string { return "link:" + cmp.Or(link.Masked, link.Landing) }
