package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Index makes the indexes by which the kept records are looked up for a portal: who signs in, by their name, and for
// each role the records that its predicates compare by a value. See RecordStore.Index for what it costs.
func (p *Portal) Index(ctx context.Context, records RecordStore) error {
	if err := records.IndexFolded(ctx, p.Subject.Module.Name, p.Subject.Login); err != nil {
		return fmt.Errorf("portal %s: %w", p.Name, err)
	}
	for at := range p.indexed() {
		if err := records.Index(ctx, at.module.Name, at.field); err != nil {
			return fmt.Errorf("portal %s: %w", p.Name, err)
		}
	}
	return nil
}

// Indexes tells which indexes there are.
type Indexes interface {
	// Indexed tells whether Index has made an index, or IndexFolded where folded is true.
	Indexed(ctx context.Context, module, field string, folded bool) (bool, error)
}

// Unindexed are the indexes of Index that are not there, each as "Contacts by email", sorted.
func (p *Portal) Unindexed(ctx context.Context, records Indexes) (lacks []string, err error) {
	look := func(module, field string, folded bool) error {
		there, err := records.Indexed(ctx, module, field, folded)
		if err == nil && !there {
			lacks = append(lacks, module+" by "+field)
		}
		return err
	}
	if err := look(p.Subject.Module.Name, p.Subject.Login, true); err != nil {
		return nil, fmt.Errorf("portal %s: %w", p.Name, err)
	}
	for at := range p.indexed() {
		if err := look(at.module.Name, at.field, false); err != nil {
			return nil, fmt.Errorf("portal %s: %w", p.Name, err)
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks), nil
}

// indexed are the fields that all roles look records up by.
func (p *Portal) indexed() map[fieldOf]bool {
	found := map[fieldOf]bool{}
	for _, role := range p.Roles {
		for _, access := range role.Modules {
			maps.Copy(found, p.compared(access))
		}
	}
	return found
}

// fieldOf is a field of a module.
type fieldOf struct {
	module *Module
	field  string
}

// compared are the fields that an access looks records up by: those that its predicate compares for equality, with the
// references that lead there, and those that lists beside a record go by.
func (p *Portal) compared(access *Access) map[fieldOf]bool {
	found := map[fieldOf]bool{}
	access.Rows.each(func(leaf Predicate) {
		if leaf.Op == OpEqual || leaf.Op == OpIn {
			p.along(found, access.Module, leaf.Path)
		}
	})
	for _, list := range access.Related {
		if module := p.Modules[list.Module]; module != nil && list.By != "" {
			p.along(found, module, list.By)
		}
	}
	return found
}

// along adds the fields of a path, those that references lead to among them.
func (p *Portal) along(found map[fieldOf]bool, module *Module, path string) {
	first, rest, further := strings.Cut(path, ".")
	field := module.Fields[first]
	if field == nil || !field.IsText() {
		return
	}
	found[fieldOf{module, field.Name}] = true
	if !further {
		return
	}
	for _, to := range field.To {
		if next := p.Modules[to]; next != nil {
			p.along(found, next, rest)
		}
	}
}
