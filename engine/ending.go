package engine

import (
	"fmt"
	"time"
)

// ending is the data of the events that tell how a delivery ended.
type ending struct {
	Delivery  ID     `json:"delivery"`
	Run       ID     `json:"run"`
	Workflow  string `json:"workflow"`
	Step      string `json:"step"`
	Channel   string `json:"channel"`
	Recipient string `json:"recipient"` // masked
	Code      string `json:"code"`      // the provider's, where it reported
	Reason    string `json:"reason"`
	Attempts  int    `json:"attempts"`
}

// ending are the events of a delivery that will not be tried again by itself though nobody took it; none for others.
// They are about the record that the message is about.
func (e *Engine) ending(d *Delivery, l *letter) []*Event {
	told, tells := map[DeliveryState]string{
		DeliveryRejected: DeliveryFailedEvent, DeliveryUnknown: DeliveryUnknownEvent,
	}[d.State]
	if !tells {
		return nil
	}
	var lineage Lineage
	if l != nil {
		lineage = l.lineage
	}
	now := e.Clock.Now()
	event, err := d.event(told, DerivedID(d.ID, told, now.String()), "", now, lineage)
	if err != nil {
		e.Logger.Error("tell how a delivery ended", "delivery", d.ID.String(), "error", err)
		return nil
	}
	return []*Event{event}
}

// event tells what became of a delivery. code is the provider's.
func (d *Delivery) event(told string, id ID, code string, at time.Time, from Lineage) (*Event, error) {
	data, err := plainJSON(ending{
		Delivery: d.ID, Run: d.Run, Workflow: d.Workflow, Step: d.Step, Channel: d.Channel, Recipient: d.Masked,
		Code: code, Reason: d.Reason, Attempts: d.Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("write event data: %w", err)
	}
	return &Event{
		ID: id.String(), Source: Source, Type: told, Subject: d.Record.String(), Time: at, Data: data,
		CauseID: from.Cause, Depth: max(from.Depth, 1), Chain: from.Chain,
	}, nil
}
