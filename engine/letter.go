package engine

import (
	"encoding/json"
	"fmt"
	"time"
)

// letter is what a template needs, as it is sealed in the store: a retry after a restart writes the
// same message from it.
type letter struct {
	Now       time.Time         `json:"now"`
	Recipient Recipient         `json:"recipient"`
	Record    Fields            `json:"record"`
	Module    string            `json:"module"`
	Routes    map[string]Record `json:"routes,omitempty"`
	Outputs   map[string]Fields `json:"outputs,omitempty"`
}

func (e *Engine) seal(d *Delivery, env *Env) ([]byte, error) {
	plain, err := json.Marshal(letter{
		Now: env.Now, Recipient: env.Recipient, Record: env.Record, Module: env.Module.Name,
		Routes: env.Routes, Outputs: env.Outputs,
	})
	if err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	return e.Sealer.Seal("delivery:"+d.ID.String(), plain)
}

func (e *Engine) unseal(d *Delivery) (*Env, error) {
	plain, err := e.Sealer.Open("delivery:"+d.ID.String(), d.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open letter: %w", err)
	}
	var l letter
	if err := strictJSON(plain, &l); err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	module := e.Book().Modules[l.Module]
	if module == nil {
		return nil, fmt.Errorf("module %s is no longer described", l.Module)
	}
	return &Env{
		Now: l.Now, Recipient: l.Recipient, Ref: d.Record, Record: l.Record, Module: module,
		Routes: l.Routes, Outputs: l.Outputs, Links: map[string]string{},
	}, nil
}
