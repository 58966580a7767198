package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Way is a channel with the recipient's address on it.
type Way struct {
	Channel   string    `json:"channel"`
	Recipient Recipient `json:"recipient"`
}

// letter is what a delivery needs besides its row.
type letter struct {
	env     *Env  // what the template sees; of one that is written, no more than the recipient
	ways    []Way // those of the step that the recipient has an address for, in the step's order
	class   Class
	lineage Lineage
	buttons []Offer

	written map[string]Content // by channel: what is sent as it stands; nil where a template writes it
}

// Lineage is where the events of a delivery come from: see Event.
type Lineage struct {
	Cause string `json:"cause,omitempty"`
	Depth int    `json:"depth,omitempty"`
	Chain string `json:"chain,omitempty"`
}

// recipient is who gets the message by a channel.
func (l *letter) recipient(channel string) (Recipient, bool) {
	i := slices.IndexFunc(l.ways, func(w Way) bool { return w.Channel == channel })
	if i < 0 {
		return Recipient{}, false
	}
	return l.ways[i].Recipient, true
}

// after is the way that follows a channel; nil if there is none.
func (l *letter) after(channel string) *Way {
	i := slices.IndexFunc(l.ways, func(w Way) bool { return w.Channel == channel })
	if i < 0 || i+1 == len(l.ways) {
		return nil
	}
	return &l.ways[i+1]
}

// sealedLetter is a letter as it lies sealed in the store: a retry after a restart writes the same message from it.
type sealedLetter struct {
	Now       time.Time         `json:"now"`
	Recipient Recipient         `json:"recipient"` // by the first way
	Ways      []Way             `json:"ways,omitempty"`
	Record    Fields            `json:"record"`
	Module    string            `json:"module"`
	Routes    map[string]Record `json:"routes,omitempty"`
	Outputs   map[string]Fields `json:"outputs,omitempty"`
	Vars      Values            `json:"vars,omitempty"`
	Item      Items             `json:"item,omitempty"` // the one, if it is no record
	Lineage   Lineage           `json:"origin"`
	Buttons   []Offer           `json:"buttons,omitempty"`

	Written map[string]Content `json:"written,omitempty"`
}

func (e *Engine) seal(d *Delivery, l *letter) ([]byte, error) {
	sealed := sealedLetter{
		Now: l.env.Now, Recipient: l.env.Recipient, Record: l.env.Record, Module: l.env.Module.Name,
		Routes: l.env.Routes, Outputs: l.env.Outputs, Vars: l.env.Vars, Lineage: l.lineage, Buttons: l.buttons,
	}
	if l.env.Item != nil {
		sealed.Item = Items{l.env.Item}
	}
	if len(l.ways) > 1 {
		sealed.Ways = l.ways
	}
	return e.close(d.ID, sealed)
}

// close encrypts a letter for one delivery.
func (e *Engine) close(delivery ID, sealed sealedLetter) ([]byte, error) {
	plain, err := json.Marshal(sealed)
	if err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	return e.Sealer.Seal("delivery:"+delivery.String(), plain)
}

// open decrypts the letter of a delivery.
func (e *Engine) open(d *Delivery) (sealedLetter, error) {
	plain, err := e.Sealer.Open("delivery:"+d.ID.String(), d.Sealed)
	if err != nil {
		return sealedLetter{}, fmt.Errorf("open letter: %w", err)
	}
	var sealed sealedLetter
	if err := strictJSON(plain, &sealed); err != nil {
		return sealedLetter{}, fmt.Errorf("read letter: %w", err)
	}
	return sealed, nil
}

// unseal reads the letter of a delivery, with the recipient's address on the delivery's channel.
func (e *Engine) unseal(d *Delivery) (*letter, error) {
	sealed, err := e.open(d)
	if err != nil {
		return nil, err
	}
	l := &letter{ways: sealed.Ways, lineage: sealed.Lineage, buttons: sealed.Buttons, written: sealed.Written}
	if len(l.ways) == 0 {
		l.ways = []Way{{d.Channel, sealed.Recipient}}
	}
	recipient, ok := l.recipient(d.Channel)
	if !ok {
		return nil, fmt.Errorf("the letter has no address for channel %s", d.Channel)
	}
	if l.written != nil {
		l.env = &Env{Now: sealed.Now, Recipient: recipient, Ref: d.Record}
		return l, nil
	}
	workflow, err := e.workflow(e.work, d.Workflow, d.Version)
	if err != nil {
		return nil, err
	}
	l.class = workflow.Class
	module := workflow.Modules[sealed.Module]
	if module == nil {
		return nil, fmt.Errorf("module %s is no longer described", sealed.Module)
	}
	l.env = &Env{
		Now: sealed.Now, Recipient: recipient, Ref: d.Record, Record: sealed.Record, Module: module,
		Routes: sealed.Routes, Outputs: sealed.Outputs, Vars: sealed.Vars, Links: map[string]string{},
	}
	if len(sealed.Item) > 0 {
		l.env.Item = sealed.Item[0]
	}
	return l, nil
}
