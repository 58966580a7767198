package facade

import (
	"context"
	"errors"
	"strings"

	"postern/engine"
	"postern/portal"
)

// find reads the record that an id stands for. Ids are those of the CRM, such as 17x12, as they are: what stands before
// the x tells the module where web.portal.facade.prefixes says so. Another id is looked for in the modules that the
// role has, or in the one that the client named.
func (f *Facade) find(ctx context.Context, v portal.Viewer, id, named string) (portal.Row, error) {
	modules, err := f.modulesOf(v, id, named)
	if err != nil {
		return portal.Row{}, err
	}
	var found *portal.Row
	for _, module := range modules {
		row, err := f.with.Records.Get(ctx, v, engine.Ref{Module: module, ID: id})
		if errors.Is(err, portal.ErrNotFound) || errors.Is(err, portal.ErrForbidden) {
			continue
		}
		if err != nil {
			return portal.Row{}, err
		}
		if found != nil {
			return portal.Row{}, fault(codeID, "Id specified is incorrect: two records have it; set "+
				"web.portal.facade.prefixes, or send elementType")
		}
		found = &row
	}
	if found == nil {
		return portal.Row{}, portal.ErrNotFound
	}
	return *found, nil
}

// modulesOf are the modules that an id may belong to, of those that the role has.
func (f *Facade) modulesOf(v portal.Viewer, id, named string) ([]string, error) {
	if id == "" || len(id) > maxID {
		return nil, fault(codeID, "Id specified is incorrect")
	}
	prefix, _, _ := strings.Cut(id, "x")
	var all []string
	for _, m := range f.with.Records.Modules(v) {
		if own := f.with.Prefixes[m.Name]; own != "" && own == prefix {
			return []string{m.Name}, nil
		}
		if named == "" || named == m.Name {
			all = append(all, m.Name)
		}
	}
	return all, nil
}

// maxID is how long an id may be, in bytes.
const maxID = 200

// module is what the role has of a module.
func (f *Facade) module(v portal.Viewer, name string) (portal.ModuleView, error) {
	for _, m := range f.with.Records.Modules(v) {
		if m.Name == name {
			return m, nil
		}
	}
	return portal.ModuleView{}, fault(codeDenied, deniedText+" for "+clip(name))
}

// clip shortens what an error repeats of what a client sent.
func clip(text string) string {
	if runes := []rune(text); len(runes) > maxRepeated {
		return string(runes[:maxRepeated]) + "…"
	}
	return text
}

const maxRepeated = 60
