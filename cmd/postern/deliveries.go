package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

// The operations on deliveries.
var (
	deliveryList   = operation[deliveryListOrder, []deliveryLine]{"deliveries/ls", needsStore, (*house).deliveryLines}
	deliveryShow   = operation[string, deliveryWhole]{"deliveries/show", needsStore, (*house).deliveryWhole}
	deliveryRetry  = operation[changeOrder, deliveryWhole]{"deliveries/retry", needsStore, (*house).retryDelivery}
	deliveryCancel = operation[changeOrder, deliveryWhole]{"deliveries/cancel", needsStore, (*house).cancelDelivery}
)

// deliveryListOrder asks for a list of deliveries.
type deliveryListOrder struct {
	States   []engine.DeliveryState `json:"states,omitempty"`
	Channel  string                 `json:"channel,omitempty"`
	Workflow string                 `json:"workflow,omitempty"`
	Record   engine.Ref             `json:"record,omitzero"`
	Since    time.Time              `json:"since,omitzero"`
	Before   string                 `json:"before,omitempty"`
	Limit    int                    `json:"limit,omitempty"`
}

// changeOrder asks for one thing to be changed.
type changeOrder struct {
	opOrder
	ID         string `json:"id"`
	Deliveries bool   `json:"deliveries,omitempty"` // of a run, to cancel them with it
}

// deliveryLine is a delivery in a list.
type deliveryLine struct {
	ID       engine.ID            `json:"id"`
	State    engine.DeliveryState `json:"state"`
	Channel  string               `json:"channel"`
	To       string               `json:"to"` // masked
	Record   string               `json:"record"`
	Workflow string               `json:"workflow"`
	Run      engine.ID            `json:"run"`
	Template string               `json:"template"`
	Attempts int                  `json:"attempts"`
	Due      time.Time            `json:"due,omitzero"` // of one that is planned
	Reason   string               `json:"reason,omitempty"`
	Created  time.Time            `json:"created"`
}

// deliveryWhole is a delivery with its history.
type deliveryWhole struct {
	deliveryLine
	Step      string            `json:"step"`
	Recipient string            `json:"recipient"`
	Until     time.Time         `json:"until,omitzero"`
	Receipt   *engine.Receipt   `json:"receipt,omitempty"`
	Links     []linkView        `json:"links,omitempty"`
	History   []engine.Decision `json:"history"`
}

func lineOfDelivery(d *engine.Delivery) deliveryLine {
	line := deliveryLine{
		ID: d.ID, State: d.State, Channel: d.Channel, To: d.Masked, Record: d.Record.String(), Workflow: d.Workflow,
		Run: d.Run, Template: d.Template, Attempts: d.Attempts, Reason: d.Reason, Created: d.Created,
	}
	if d.State == engine.DeliveryPlanned {
		line.Due = d.Due
	}
	return line
}

// deliveryLines lists the deliveries in doubt before the others, unless states are chosen.
func (h *house) deliveryLines(ctx context.Context, order deliveryListOrder) ([]deliveryLine, error) {
	sel := engine.DeliverySelection{
		States: order.States, Channel: order.Channel, Workflow: order.Workflow, Record: order.Record,
		Since: order.Since, Limit: order.Limit,
	}
	var err error
	if sel.Before, err = h.before(ctx, engine.ThingDelivery, order.Before); err != nil {
		return nil, err
	}
	if len(order.States) > 0 {
		return h.addDeliveries(ctx, []deliveryLine{}, sel)
	}
	past, err := h.pastDoubt(ctx, sel.Before)
	if err != nil {
		return nil, err
	}
	lines := []deliveryLine{}
	if !past {
		doubtful := sel
		doubtful.States = []engine.DeliveryState{engine.DeliveryUnknown}
		if lines, err = h.addDeliveries(ctx, lines, doubtful); err != nil || len(lines) >= sel.Limit {
			return lines, err
		}
		sel.Limit, sel.Before = sel.Limit-len(lines), engine.ID{}
	}
	sel.States = slices.DeleteFunc(engine.DeliveryStates(), func(s engine.DeliveryState) bool {
		return s == engine.DeliveryUnknown
	})
	return h.addDeliveries(ctx, lines, sel)
}

// pastDoubt tells whether an earlier page, by the last line of it, went past the deliveries in doubt.
func (h *house) pastDoubt(ctx context.Context, last engine.ID) (bool, error) {
	if last.IsZero() {
		return false, nil
	}
	d, err := h.store.Delivery(ctx, last)
	if err != nil {
		return false, plainly(err)
	}
	return d.State != engine.DeliveryUnknown, nil
}

func (h *house) addDeliveries(
	ctx context.Context, lines []deliveryLine, sel engine.DeliverySelection,
) ([]deliveryLine, error) {
	found, err := h.store.DeliveryLines(ctx, sel)
	for _, d := range found {
		lines = append(lines, lineOfDelivery(d))
	}
	return lines, err
}

func (h *house) deliveryWhole(ctx context.Context, name string) (deliveryWhole, error) {
	id, err := h.idOf(ctx, engine.ThingDelivery, name)
	if err != nil {
		return deliveryWhole{}, err
	}
	d, err := h.store.Delivery(ctx, id)
	if err != nil {
		return deliveryWhole{}, plainly(err)
	}
	return wholeOfDelivery(d), nil
}

func wholeOfDelivery(d *engine.Delivery) deliveryWhole {
	whole := deliveryWhole{
		deliveryLine: lineOfDelivery(d), Step: d.Step, Recipient: d.Recipient.Ref.String(), Until: d.Until,
		History: d.History,
	}
	if d.State.Taken() {
		whole.Receipt = &d.Receipt
	}
	seen := map[engine.ID]bool{}
	for _, named := range d.Links {
		if !seen[named.ID] {
			seen[named.ID] = true
			link := named.Link
			link.ID = named.ID // also of one that is gone
			whole.Links = append(whole.Links, viewOfLink(link))
		}
	}
	return whole
}

func (h *house) retryDelivery(ctx context.Context, order changeOrder) (deliveryWhole, error) {
	id, err := h.idOf(ctx, engine.ThingDelivery, order.ID)
	if err != nil {
		return deliveryWhole{}, err
	}
	d, err := h.store.RetryDelivery(ctx, id, order.order())
	if err != nil {
		return deliveryWhole{}, plainly(err)
	}
	if h.engine != nil {
		h.engine.Hurry()
	}
	return wholeOfDelivery(d), nil
}

func (h *house) cancelDelivery(ctx context.Context, order changeOrder) (deliveryWhole, error) {
	id, err := h.idOf(ctx, engine.ThingDelivery, order.ID)
	if err != nil {
		return deliveryWhole{}, err
	}
	d, err := h.store.CancelDelivery(ctx, id, order.order())
	if err != nil {
		return deliveryWhole{}, plainly(err)
	}
	return wholeOfDelivery(d), nil
}

func layOutDeliveries(out *strings.Builder, lines []deliveryLine, page *listFlags) {
	if len(lines) == 0 {
		out.WriteString("no deliveries\n")
		return
	}
	var t table
	t.row("ID", "STATE", "CHANNEL", "TO", "RECORD", "WORKFLOW", "TRIES", "PLANNED", "REASON")
	for _, l := range lines {
		reason := l.Reason
		if l.State == engine.DeliveryUnknown {
			reason = fmt.Sprintf("look for Message-ID <%s@…>: %s", l.ID, reason)
		}
		t.row(shortID(l.ID), string(l.State), l.Channel, oneLine(l.To, 40), oneLine(l.Record, 60), l.Workflow,
			fmt.Sprint(l.Attempts), clockText(l.Created), oneLine(reason, 250))
	}
	t.write(out)
	page.more(out, len(lines), shortID(lines[len(lines)-1].ID))
}

func layOutDelivery(out *strings.Builder, d deliveryWhole) {
	fmt.Fprintf(out, "delivery %s\n%s%s\n\n", d.ID, d.State, because(d.Reason))
	var t table
	t.row("message", d.Template+" by "+d.Channel+" to "+oneLine(d.To, 60)+" ("+oneLine(d.Recipient, 60)+")")
	t.row("record", oneLine(d.Record, 100))
	t.row("run", d.Run.String()+" of "+d.Workflow+", step "+d.Step)
	t.row("tries", fmt.Sprint(d.Attempts))
	if !d.Due.IsZero() {
		t.row("next try", clockText(d.Due)+", none after "+clockText(d.Until))
	}
	if d.Receipt != nil {
		t.row("taken by", oneLine(d.Receipt.Provider+": "+d.Receipt.Detail, 200))
	}
	for _, link := range d.Links {
		t.row("link", link.text())
	}
	t.write(out)
	out.WriteString("\n")
	times := timeline{began: d.Created}
	times.add(d.Created, "", "planned")
	times.addAll(d.Channel, d.History)
	times.write(out)
	layOutNext(out, nextForDelivery(d.deliveryLine))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + oneLine(reason, 1000)
}

// nextForDelivery is what an operator may do about a delivery.
func nextForDelivery(d deliveryLine) []string {
	id := shortID(d.ID)
	switch d.State {
	case engine.DeliveryUnknown:
		return []string{
			fmt.Sprintf("look for Message-ID <%s@…> in the mail server's log", d.ID),
			"if it did not leave, or may come twice: postern deliveries retry " + id,
			"if it left: postern deliveries cancel " + id,
		}
	case engine.DeliveryPlanned:
		return []string{"postern deliveries cancel " + id}
	case engine.DeliveryRejected:
		return []string{"once its cause is mended: postern deliveries retry " + id}
	case engine.DeliveryBounced, engine.DeliveryComplained:
		return []string{"whether the address gets anything more: postern suppress ls --channel " + d.Channel}
	}
	return nil
}

func layOutNext(out *strings.Builder, next []string) {
	if len(next) == 0 {
		return
	}
	out.WriteString("\n")
	for _, line := range next {
		out.WriteString(line + "\n")
	}
}
