package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// NewLinkEvent tells what happened to a link, about its record: of a type such as link.used, with what the link is and
// where it came from, and more besides. Its cause is what led to the link.
func NewLinkEvent(link Link, kind string, id ID, at time.Time, more map[string]any) (*Event, error) {
	data := map[string]any{"link": link.ID, "landing": link.Landing}
	if !link.Run.IsZero() {
		data["run"] = link.Run
	}
	if link.Workflow != "" {
		data["workflow"] = link.Workflow
	}
	if !link.Recipient.IsZero() {
		data["recipient"] = link.Recipient.String()
	}
	maps.Copy(data, more)
	written, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", kind, err)
	}
	return &Event{
		ID: id.String(), Source: Source, Type: kind, Subject: link.Record.String(), Time: at, CauseID: link.Cause,
		Data: written,
	}, nil
}
