package engine

// ending is the data of the events that tell how a delivery ended.
type ending struct {
	Delivery  ID     `json:"delivery"`
	Run       ID     `json:"run"`
	Workflow  string `json:"workflow"`
	Step      string `json:"step"`
	Channel   string `json:"channel"`
	Recipient string `json:"recipient"` // masked
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
	data, err := plainJSON(ending{
		Delivery: d.ID, Run: d.Run, Workflow: d.Workflow, Step: d.Step, Channel: d.Channel, Recipient: d.Masked,
		Reason: d.Reason, Attempts: d.Attempts,
	})
	if err != nil {
		e.Logger.Error("tell how a delivery ended", "delivery", d.ID.String(), "error", err)
		return nil
	}
	now := e.Clock.Now()
	event := &Event{
		ID: DerivedID(d.ID, told, now.String()).String(), Source: Source, Type: told, Subject: d.Record.String(),
		Time: now, Depth: 1, Data: data,
	}
	if l != nil {
		event.CauseID, event.Depth, event.Chain = l.origin.Cause, max(l.origin.Depth, 1), l.origin.Chain
	}
	return []*Event{event}
}
