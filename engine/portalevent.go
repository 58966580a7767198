package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// NewPortalEvent tells of somebody who signs in to a portal, about their record: of a type such as portal.signed_in,
// with the portal's name and more besides. cause is the id of the event that led to it, "" for none.
func NewPortalEvent(
	portal string, subject Ref, kind string, id ID, at time.Time, cause string, more map[string]any,
) (*Event, error) {
	data := map[string]any{"portal": portal}
	maps.Copy(data, more)
	written, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", kind, err)
	}
	return &Event{
		ID: id.String(), Source: Source, Type: kind, Subject: subject.String(), Time: at, CauseID: cause, Data: written,
	}, nil
}
