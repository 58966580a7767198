package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// The operations on addresses that get nothing more.
var (
	suppressList   = operation[suppressListOrder, []suppressLine]{"suppress/ls", needsStore, (*house).suppressLines}
	suppressAdd    = operation[suppressOrder, []suppressLine]{"suppress/add", needsStore, (*house).suppress}
	suppressRemove = operation[suppressOrder, []suppressLine]{"suppress/rm", needsStore, (*house).unsuppress}
)

// suppressListOrder asks for a list of suppressed addresses.
type suppressListOrder struct {
	Channel string                   `json:"channel,omitempty"`
	Address string                   `json:"address,omitempty"`
	List    string                   `json:"list,omitempty"`
	Reason  engine.SuppressionReason `json:"reason,omitempty"`
	Since   time.Time                `json:"since,omitzero"`
	Limit   int                      `json:"limit,omitempty"`
}

// suppressOrder asks for an address to be suppressed, or not any more: one on a channel, or one by its id.
type suppressOrder struct {
	opOrder
	ID      string        `json:"id,omitempty"`
	Channel string        `json:"channel,omitempty"`
	Address string        `json:"address,omitempty"`
	List    string        `json:"list,omitempty"`
	For     time.Duration `json:"for,omitempty"`
}

// suppressLine is a suppressed address in a list.
type suppressLine struct {
	ID      engine.ID                `json:"id"` // of the address on the channel
	Channel string                   `json:"channel"`
	To      string                   `json:"to"` // masked
	List    string                   `json:"list,omitempty"`
	Reason  engine.SuppressionReason `json:"reason"`
	Detail  string                   `json:"detail,omitempty"`
	By      string                   `json:"by"`
	At      time.Time                `json:"at"`
	Until   time.Time                `json:"until,omitzero"`
}

func linesOfSuppressed(all []engine.Suppressed) []suppressLine {
	lines := []suppressLine{}
	for _, s := range all {
		lines = append(lines, suppressLine{
			ID: engine.ID(s.ID), Channel: s.Channel, To: s.Masked, List: s.List, Reason: s.Reason, Detail: s.Detail,
			By: s.By, At: s.At, Until: s.Until,
		})
	}
	return lines
}

func (h *house) suppressLines(ctx context.Context, order suppressListOrder) ([]suppressLine, error) {
	sel := engine.SuppressionSelection{
		Channel: order.Channel, List: order.List, Reason: order.Reason, Since: order.Since, Limit: order.Limit,
	}
	if order.Address != "" {
		if order.Channel == "" {
			return nil, errors.New("an address is found by its channel: add --channel")
		}
		sel.ID = h.addressID(order.Channel, order.Address)
	}
	found, err := h.store.SuppressionLines(ctx, sel)
	return linesOfSuppressed(found), err
}

// suppress keeps messages from an address because an operator wants it so.
func (h *house) suppress(ctx context.Context, order suppressOrder) ([]suppressLine, error) {
	if err := h.config.knowsChannel(order.Channel); err != nil {
		return nil, err
	}
	address, err := h.proper(order.Channel, order.Address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", order.Channel, err)
	}
	wanted := order.order()
	s := engine.Suppression{
		Channel: order.Channel, Address: address, List: order.List, Reason: engine.SuppressedOperator,
		Detail: order.Reason, By: order.By,
	}
	if order.For > 0 {
		s.Until = wanted.At.Add(order.For)
	}
	hashed := s.Hashed(h.address, wanted.At)
	if err := h.store.Suppress(ctx, hashed, wanted); err != nil {
		return nil, plainly(err)
	}
	return linesOfSuppressed([]engine.Suppressed{hashed}), nil
}

// proper is an address as the channel sends to it.
func (h *house) proper(channel, address string) (string, error) {
	if proper := h.config.carriers()[channel].Proper; proper != nil {
		return proper(address)
	}
	return address, nil
}

// addressID is the id of an address, also of one that the channel would not take any more.
func (h *house) addressID(channel, address string) engine.AddressID {
	if proper, err := h.proper(channel, address); err == nil {
		address = proper
	}
	return engine.HashAddress(h.address, channel, address)
}

// unsuppress lets an address get messages again.
func (h *house) unsuppress(ctx context.Context, order suppressOrder) ([]suppressLine, error) {
	sel := engine.SuppressionSelection{Channel: order.Channel, List: order.List}
	if order.ID != "" {
		id, err := h.idOf(ctx, engine.ThingAddress, order.ID)
		if err != nil {
			return nil, err
		}
		sel.ID = engine.AddressID(id)
	} else {
		sel.ID = h.addressID(order.Channel, order.Address)
	}
	removed, err := h.store.Unsuppress(ctx, sel, order.order())
	if errors.Is(err, engine.ErrNoThing) {
		return nil, errors.New("the address is not suppressed: `postern suppress ls` lists those that are")
	}
	if err != nil {
		return nil, plainly(err)
	}
	return linesOfSuppressed(removed), nil
}

func layOutSuppressed(out *strings.Builder, lines []suppressLine) {
	if len(lines) == 0 {
		out.WriteString("no suppressed addresses\n")
		return
	}
	var t table
	t.row("ID", "CHANNEL", "TO", "MESSAGES", "REASON", "BY", "SINCE", "UNTIL", "DETAIL")
	for _, l := range lines {
		until := "for good"
		if !l.Until.IsZero() {
			until = clockText(l.Until)
		}
		t.row(shortID(l.ID), l.Channel, oneLine(l.To, 40), l.messages(), string(l.Reason), oneLine(l.By, 40),
			clockText(l.At), until, oneLine(l.Detail, 100))
	}
	t.write(out)
}

// messages are what the address does not get.
func (l suppressLine) messages() string {
	if l.List == "" {
		return "all"
	}
	return "of " + l.List
}

func layOutSuppressChange(out *strings.Builder, lines []suppressLine, what string) {
	for _, l := range lines {
		fmt.Fprintf(out, "%s on %s %s (messages: %s)\n", oneLine(l.To, 60), l.Channel, what, l.messages())
	}
}

// knowsChannel refuses a channel that is not configured: nothing is sent by it that could be kept back.
func (c config) knowsChannel(name string) error {
	var names []string
	for _, entry := range c.Channels {
		if entry.Key.Text() == name {
			return nil
		}
		names = append(names, entry.Key.Text())
	}
	if near, ok := yamldoc.Suggest(name, names); ok {
		return fmt.Errorf("channel %q is not configured; did you mean %q?", name, near)
	}
	return fmt.Errorf("channel %q is not configured: there is %s", name, strings.Join(names, ", "))
}
