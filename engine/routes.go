package engine

import (
	"context"
	"fmt"
	"strings"
)

// MaxHops is the longest route over references.
const MaxHops = 5

// Getter reads records by what they are, as every CRM does.
type Getter interface {
	// Get reads those of the records that are there, in any order.
	Get(ctx context.Context, refs ...Ref) ([]Record, error)
}

// follow reads what routes lead to, all routes of one hop count in one read, and puts it into the
// environment. An empty or dangling reference leads nowhere, which is no error.
func (e *Engine) follow(ctx context.Context, env *Env, paths []string) error {
	return e.followAll(ctx, []*Env{env}, paths)
}

// Trace reads what routes of a record lead to, for those who have no run: of env it needs Ref, Module, Modules and
// Record, and puts what it finds into Routes.
func Trace(ctx context.Context, crm Getter, env *Env, paths []string) error {
	return followIn(ctx, crm, env.Modules, []*Env{env}, paths)
}

// followAll is follow for several environments of one run together.
func (e *Engine) followAll(ctx context.Context, envs []*Env, paths []string) error {
	if len(envs) == 0 {
		return nil
	}
	return followIn(ctx, e.CRM, e.modulesFor(envs[0]), envs, paths)
}

func followIn(ctx context.Context, crm Getter, modules map[string]*Module, envs []*Env, paths []string) error {
	for hops := 1; hops <= MaxHops; hops++ {
		asked := map[Ref][]routeOf{}
		for _, path := range paths {
			if strings.Count(path, ".") != hops-1 {
				continue
			}
			for _, env := range envs {
				if _, known := env.Routes[path]; known {
					continue
				}
				for _, ref := range env.targets(path, modules) {
					asked[ref] = append(asked[ref], routeOf{env, path})
				}
			}
		}
		if err := fetch(ctx, crm, envs[0].asks, asked); err != nil {
			return err
		}
	}
	return nil
}

// routeOf is a route of an environment.
type routeOf struct {
	env  *Env
	path string
}

// targets are the records that the last reference of a path may mean: one for each module it may
// point at.
func (e *Env) targets(path string, modules map[string]*Module) []Ref {
	from, fields, name := e.Module, e.Record, path
	if at := strings.LastIndexByte(path, '.'); at >= 0 {
		record, ok := e.Routes[path[:at]]
		if !ok {
			return nil
		}
		from, fields, name = modules[record.Module], record.Fields, path[at+1:]
	}
	if from == nil || from.Fields[name] == nil || fields.Text(name) == "" {
		return nil
	}
	var refs []Ref
	for _, module := range from.Fields[name].To {
		refs = append(refs, Ref{Module: module, ID: fields.Text(name)})
	}
	return refs
}

func fetch(ctx context.Context, crm Getter, asks *asks, asked map[Ref][]routeOf) error {
	if len(asked) == 0 {
		return nil
	}
	refs := make([]Ref, 0, len(asked))
	for ref := range asked {
		refs = append(refs, ref)
	}
	records, err := crm.Get(ctx, refs...)
	if err != nil {
		return fmt.Errorf("read related records: %w", err)
	}
	for _, record := range asks.unstored(refs, records) {
		for _, of := range asked[record.Ref] {
			of.env.route(of.path, record)
		}
	}
	return nil
}

func (e *Env) route(path string, record Record) {
	if e.Routes == nil {
		e.Routes = map[string]Record{}
	}
	e.Routes[path] = record
	e.views = nil
}
