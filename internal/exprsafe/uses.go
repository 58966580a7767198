package exprsafe

import (
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Uses is what the value of an expression depends on beside constants: while none of it changes, the
// value does not either, unless Random is set. The lists are sorted.
type Uses struct {
	// Names are the names read, each a root name with the first name taken from it: "record.status",
	// "steps.told", "actor". Of a name behind a followed reference only that of the reference is
	// listed; the rest is in Routes.
	Names []string
	// Changes are the fields of the record that change words ask about.
	Changes []string
	// Secrets are the names of the secrets that hmac takes as its key.
	Secrets []string
	// Now tells that now() is called, or another function that reads the time.
	Now bool
	// Random tells that random() or uuid() is called: the value is a new one each time.
	Random bool
}

// uses collects Uses during a compilation.
type uses struct {
	names, changes, secrets map[string]bool
	now, random             bool
}

func newUses() uses {
	return uses{names: map[string]bool{}, changes: map[string]bool{}, secrets: map[string]bool{}}
}

// name notes a root name and the names taken from it.
func (u *uses) name(root string, steps []*ast.StringNode) {
	if len(steps) > 0 {
		root += "." + steps[0].Value
	}
	u.names[root] = true
}

// add notes what another expression of the same text uses.
func (u *uses) add(other Uses) {
	for _, name := range other.Names {
		u.names[name] = true
	}
	for _, field := range other.Changes {
		u.changes[field] = true
	}
	for _, name := range other.Secrets {
		u.secrets[name] = true
	}
	u.now, u.random = u.now || other.Now, u.random || other.Random
}

func (u *uses) sorted() Uses {
	return Uses{
		Names: slices.Sorted(maps.Keys(u.names)), Changes: slices.Sorted(maps.Keys(u.changes)),
		Secrets: slices.Sorted(maps.Keys(u.secrets)), Now: u.now, Random: u.random,
	}
}

// Uses is what the value depends on.
func (p *Program) Uses() Uses {
	u := p.uses
	u.Names, u.Changes, u.Secrets = slices.Clone(u.Names), slices.Clone(u.Changes), slices.Clone(u.Secrets)
	return u
}

// Uses is what the text depends on.
func (t *TextProgram) Uses() Uses {
	all := newUses()
	for _, p := range t.parts {
		if p.program != nil {
			all.add(p.program.uses)
		}
	}
	return all.sorted()
}
