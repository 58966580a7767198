package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Memory is what a workflow remembers of a record beyond its runs: that it has run for it, or the values with which it
// last began. It is kept for as long as the store.
type Memory struct {
	Workflow string
	Kind     MemoryKind
	Key      string // what is remembered of: a record, or the value of first.key; at most 64 bytes or a hash
	Value    string
}

// MemoryKind is what sort of thing is remembered.
type MemoryKind string

// The kinds of memories.
const (
	MemoryFirst MemoryKind = "first" // that a run succeeded
	MemorySeen  MemoryKind = "seen"  // a hash of the values of only_on_change with which a run last began
)

// First lets a workflow succeed once for each value of a key.
type First struct {
	Key Program // nil: the record
}

// remembers tells whether the workflow's start depends on what was before.
func (w *Workflow) remembers() bool { return w.First != nil || len(w.OnlyOnChange) > 0 }

// recollect decides, where its workflow remembers, whether a run whose condition holds begins. It notes what is to be
// remembered from now on, to be stored together with what the run does next.
func (e *Engine) recollect(ctx context.Context, w *Workflow, s *stretch, env *Env) error {
	if w.First != nil {
		key, err := e.firstKey(ctx, w, s, env)
		if err != nil {
			return err
		}
		s.run.Progress.First = key
		if _, known, err := e.Store.Recall(ctx, w.Name, MemoryFirst, key); err != nil || known {
			if known {
				s.end(RunStopped, NotAgain, env.Now)
			}
			return err
		}
	}
	if len(w.OnlyOnChange) == 0 {
		return nil
	}
	seen := Memory{
		Workflow: w.Name, Kind: MemorySeen, Key: gateKey(s.run.Record.String()),
		Value: fingerprint(env.Record, w.OnlyOnChange),
	}
	last, known, err := e.Store.Recall(ctx, w.Name, MemorySeen, seen.Key)
	switch {
	case err != nil:
		return err
	case known && last == seen.Value:
		s.end(RunStopped, Unchanged, env.Now)
	default:
		s.memories = append(s.memories, seen)
	}
	return nil
}

// firstKey is what the run counts as the first of.
func (e *Engine) firstKey(ctx context.Context, w *Workflow, s *stretch, env *Env) (string, error) {
	if w.First.Key == nil {
		return gateKey(s.run.Record.String()), nil
	}
	if err := e.follow(ctx, env, w.First.Key.Routes()); err != nil {
		return "", err
	}
	value, err := w.First.Key.Eval(env)
	if err != nil {
		return "", Permanent(fmt.Errorf("first key %s: %w", w.First.Key.Source(), err))
	}
	return gateKey(fmt.Sprint(value)), nil
}

// remember adds what a run that has succeeded is remembered by.
func (s *stretch) remember() {
	if p := s.run.Progress; s.run.State == RunDone && p.First != "" {
		first := Memory{Workflow: s.run.Workflow, Kind: MemoryFirst, Key: p.First, Value: s.run.ID.String()}
		s.memories = append(s.memories, first)
	}
}

// fingerprint is a hash of some fields of a record.
func fingerprint(record Fields, names []string) string {
	some := pick(record, names)
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(some)) {
		value, _ := json.Marshal(some[name]) // plain values always have a form
		_, _ = fmt.Fprintf(h, "%s=%s;", name, value)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
