package main

import (
	"fmt"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/crm"
)

// unanswered are the reasons why the CRM will never answer what portals ask of it.
func unanswered(config crm.Config, book *engine.Book) (wrong []error) {
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		p := book.Portals[name]
		for _, role := range slices.Sorted(maps.Keys(p.Roles)) {
			for _, module := range slices.Sorted(maps.Keys(p.Roles[role].Modules)) {
				access := p.Roles[role].Modules[module]
				search := engine.Search{Module: access.Module, Modules: p.Modules, Where: access.Rows}
				if err := config.CanSearch(search); err != nil {
					wrong = append(wrong, fmt.Errorf("portal %s, role %s, rows of %s: %w", name, role, module, err))
				}
				if err := relates(config, p, access); err != nil {
					wrong = append(wrong, fmt.Errorf("portal %s, role %s, related of %s: %w", name, role, module, err))
				}
			}
		}
	}
	return wrong
}

// relates refuses lists beside a record that go by what the CRM relates, where it does not say that.
func relates(config crm.Config, p *engine.Portal, access *engine.Access) error {
	for _, list := range access.Related {
		where := engine.Predicate{Op: engine.OpRelated, Module: access.Module.Name}
		search := engine.Search{Module: p.Modules[list.Module], Modules: p.Modules, Where: where}
		if err := config.CanSearch(search); list.By == "" && err != nil {
			return err
		}
	}
	return nil
}
