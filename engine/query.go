package engine

import (
	"context"
	"fmt"
	"maps"
)

// MaxQueried is the most records that one query of an expression finds. More is an error: a list that was cut short
// would be a wrong answer.
const MaxQueried = 1000

// maxSifted is how many records a query looks at whose condition leaves some out.
const maxSifted = 50_000

// Query is a read of the CRM that a program needs before it is evaluated: the records of a module whose field has a
// value.
type Query struct {
	Key    string // under which Env.Found has what was found
	Module string
	Field  string  // "" for the id
	Value  Program // its value is a single one; an empty one finds nothing
	Where  Program // a condition on each record, which it sees as record; nil for none
	One    bool    // one record is enough
}

// Asking is a Program that reads the CRM. All programs of a book are, most of them without a query.
type Asking interface {
	// Queries are what must be asked before Eval, in this order: the value of one may depend on what another found.
	Queries() []Query
}

// QueriesOf are the queries of a program; none of nil.
func QueriesOf(p Program) []Query {
	if asking, ok := p.(Asking); ok {
		return asking.Queries()
	}
	return nil
}

// readFor reads what the expressions and templates of a step need of the CRM.
func (e *Engine) readFor(ctx context.Context, env *Env, step *Step) error {
	if err := e.follow(ctx, env, step.Routes); err != nil {
		return err
	}
	return e.ask(ctx, env, step.Queries)
}

// ask does queries and puts what they found into the environment. The same question is asked once for as long as the
// environment lives.
func (e *Engine) ask(ctx context.Context, env *Env, queries []Query) error {
	for _, q := range queries {
		value, err := q.Value.Eval(env)
		if err != nil {
			return Permanent(err)
		}
		text, plain := PlainText(value)
		if value != nil && !plain {
			return Permanent(fmt.Errorf("look for %s: only a single value can be looked for", q.Key))
		}
		question := fmt.Sprintf("%s|%s|%t|%s|%s", q.Module, q.Field, q.One, text, sourceOf(q.Where))
		found, known := env.answers[question]
		if !known {
			if found, err = e.find(ctx, env, q, text); err != nil {
				return err
			}
		}
		env.answer(question, q.Key, found)
	}
	return nil
}

// find reads the records that a query is about, as expressions see them.
func (e *Engine) find(ctx context.Context, env *Env, q Query, value string) ([]any, error) {
	env.Modules = e.modulesFor(env)
	module := env.Modules[q.Module]
	if module == nil || value == "" {
		return []any{}, nil
	}
	var records []Record
	var err error
	if q.Field == "" {
		records, err = e.CRM.Get(ctx, Ref{Module: q.Module, ID: value})
	} else {
		records, err = e.listAll(ctx, env, q, value)
	}
	if err != nil {
		return nil, fmt.Errorf("read records of %s: %w", q.Module, err)
	}
	found := make([]any, len(records))
	for i, record := range records {
		view, err := module.View(record.Fields)
		if err != nil {
			return nil, Permanent(fmt.Errorf("%s: %w", record.Ref, err))
		}
		view["id"], view[ModuleKey] = record.ID, q.Module
		found[i] = view
	}
	return found, nil
}

// ModuleKey holds the name of the module of a record that stands in a list. No expression can name it.
const ModuleKey = "$module"

// listAll reads page after page. The record of the run itself is as the run has left it.
func (e *Engine) listAll(ctx context.Context, env *Env, q Query, value string) ([]Record, error) {
	listing := Listing{Module: q.Module, Field: q.Field, Value: value, Limit: MaxListed}
	if q.One {
		listing.Limit = 1
	}
	var records []Record
	for seen := 0; ; {
		page, err := e.list(ctx, listing)
		if err != nil {
			return nil, err
		}
		seen += len(page.Records)
		for _, record := range page.Records {
			if record.Ref == env.Ref {
				record.Fields = env.Record
			}
			if fits, err := q.fits(env, record); err != nil {
				return nil, err
			} else if fits {
				records = append(records, record)
			}
		}
		switch {
		case seen > maxSifted:
			return nil, Permanent(fmt.Errorf("more than %d have this %s, too many to look at", maxSifted, q.Field))
		case q.One && len(records) > 0:
			return records[:1], nil
		case len(records) > MaxQueried:
			return nil, Permanent(fmt.Errorf("more than %d have this %s", MaxQueried, q.Field))
		case page.Next == "":
			return records, nil
		}
		listing.After = page.Next
	}
}

// fits tells whether a record is one of those that the condition of a query leaves in.
func (q Query) fits(env *Env, record Record) (bool, error) {
	if q.Where == nil {
		return true, nil
	}
	own := &Env{
		Ref: record.Ref, Module: env.Modules[record.Module], Modules: env.Modules, Record: record.Fields, Now: env.Now,
		Work: env.Work, Secret: env.Secret,
	}
	holds, err := True(q.Where, own)
	if err != nil {
		return false, Permanent(fmt.Errorf("%s: %w", record.Ref, err))
	}
	return holds, nil
}

// sourceOf is what the admin wrote; "" for nothing.
func sourceOf(p Program) string {
	if p == nil {
		return ""
	}
	return p.Source()
}

// Found is what queries gave, by their keys.
func (e *Env) Found() map[string][]any { return e.found }

// answer keeps what a question gave; maps that were handed out stay as they are.
func (e *Env) answer(question, key string, found []any) {
	e.answers, e.found = maps.Clone(e.answers), maps.Clone(e.found)
	if e.answers == nil {
		e.answers, e.found = map[string][]any{}, map[string][]any{}
	}
	e.answers[question], e.found[key] = found, found
	e.views = nil
}
