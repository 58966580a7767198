package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of a step that is taken for each item of a list.
const (
	MaxItems       = 1000      // of the list
	MaxItemBytes   = 256 << 10 // of the list as it is kept, as JSON; a record is kept as its id
	MaxItemOutputs = 256 << 10 // of what the items give together, as JSON
	MaxParallel    = 32        // how many items' effects may be under way together
	biteItems      = 100       // how many items are committed together at most
	itemNotes      = 100       // how many lines the items may add to the history
)

// ItemRoute is the path of the record that an item is; the references of it follow: "$item.parent_id".
const ItemRoute = "$item"

// Loop is where a run stands among the items of a step.
type Loop struct {
	Items   Items       `json:"items"`             // as they were when the loop began; a record is a Ref
	Next    int         `json:"next"`              // index of the first item that has not begun
	Open    map[int]int `json:"open,omitempty"`    // items whose effects are under way, with the round of each
	Again   map[int]int `json:"again,omitempty"`   // items that are taken again, with how often they were before
	Outputs Items       `json:"outputs,omitempty"` // what items gave, by index; none if the step has no id
	Count   int         `json:"count,omitempty"`   // items for which the step was taken
	Failed  int         `json:"failed,omitempty"`  // items that failed where on_error lets the others go on
	Error   string      `json:"error,omitempty"`   // why the first of them did
	Bytes   int         `json:"bytes,omitempty"`   // of Outputs
	Notes   int         `json:"notes,omitempty"`   // lines of the history
}

// itemError is the failure of a certain item.
type itemError struct {
	index int
	error
}

// Error names the item, counted from 1.
func (e itemError) Error() string { return fmt.Sprintf("item %d: %v", e.index+1, e.error) }

// Unwrap returns the cause.
func (e itemError) Unwrap() error { return e.error }

func (l *Loop) clone() *Loop {
	if l == nil {
		return nil
	}
	c := *l
	c.Open, c.Again, c.Outputs = maps.Clone(l.Open), maps.Clone(l.Again), slices.Clone(l.Outputs)
	return &c
}

// current is the item that is taken next: those that are taken again come first. At the end it is none.
func (l *Loop) current() (index int, ok bool) {
	if len(l.Again) > 0 {
		return slices.Min(slices.Collect(maps.Keys(l.Again))), true
	}
	return l.Next, l.Next < len(l.Items)
}

// window are the next items, at most n.
func (l *Loop) window(n int) []int {
	window := slices.Sorted(maps.Keys(l.Again))
	for i := l.Next; i < len(l.Items) && len(window) < n; i++ {
		window = append(window, i)
	}
	return window[:min(n, len(window))]
}

// leave takes an item out of those that are to be taken, and tells how often it was taken before.
func (l *Loop) leave(index int) (before int) {
	before, again := l.Again[index]
	delete(l.Again, index)
	if !again {
		l.Next = index + 1
	}
	return before
}

// summary is what the step gives in the end.
func (l *Loop) summary() Fields {
	items := slices.Clone([]any(l.Outputs))
	for len(items) < len(l.Items) {
		items = append(items, nil)
	}
	return Fields{"count": l.Count, "items": items, "failures": l.Failed, "failed": l.Failed > 0, "error": l.Error}
}

// ofItem is a step as it is taken for an item: what it asks is told apart by its path.
func (s *Step) ofItem(index int) *Step {
	one := *s
	one.Path = fmt.Sprintf("%s[%d]", s.Path, index+1)
	return &one
}

// stepOf is the path of a step without the item.
func stepOf(path string) string {
	step, _, _ := strings.Cut(path, "[")
	return step
}

// beginLoop computes the list of a step.
func (e *Engine) beginLoop(ctx context.Context, step *Step, s *stretch, env *Env) error {
	if err := e.ask(ctx, env, QueriesOf(step.ForEach)); err != nil {
		return err
	}
	value, err := step.ForEach.Eval(env)
	if err != nil {
		return Permanent(fmt.Errorf("for_each %s: %w", step.ForEach.Source(), err))
	}
	list, ok := value.([]any)
	if !ok && value != nil && value != "" {
		return Permanent(fmt.Errorf("for_each %s: gives %s, not a list", step.ForEach.Source(), kindOf(value)))
	}
	if len(list) > MaxItems {
		return Permanent(fmt.Errorf("for_each %s: gives %d items, at most %d are taken",
			step.ForEach.Source(), len(list), MaxItems))
	}
	items := make(Items, len(list))
	for i, item := range list {
		items[i] = recordAsRef(item)
	}
	written, err := json.Marshal(items)
	if err != nil {
		return Permanent(fmt.Errorf("for_each %s: %w", step.ForEach.Source(), innermost(err)))
	}
	if len(written) > MaxItemBytes {
		return Permanent(fmt.Errorf("for_each %s: the list has %d kB, at most %d are kept",
			step.ForEach.Source(), (len(written)+1<<10-1)>>10, MaxItemBytes>>10))
	}
	if err := items.UnmarshalJSON(written); err != nil { // the form it will have after a crash
		return Permanent(fmt.Errorf("for_each %s: %w", step.ForEach.Source(), err))
	}
	s.run.Progress.Loop = &Loop{Items: items}
	return nil
}

// recordAsRef keeps of a record only which it is: it is read when its turn comes.
func recordAsRef(item any) any {
	if record, ok := item.(map[string]any); ok {
		module, _ := record[ModuleKey].(string)
		if id, _ := record["id"].(string); module != "" && id != "" {
			return Ref{Module: module, ID: id}
		}
	}
	return item
}

// takeItems takes a step for as many items as one commit may hold. more: it goes on after the commit.
func (e *Engine) takeItems(ctx context.Context, step *Step, s *stretch, env *Env) (more bool, err error) {
	if s.run.Progress.Loop == nil {
		if err := e.beginLoop(ctx, step, s, env); err != nil {
			return false, err
		}
		if s.began = true; s.single {
			return true, nil
		}
	}
	loop := s.run.Progress.Loop
	for width := max(step.Parallel, 1); ; width = min(2*width, biteItems) {
		window := loop.window(width)
		if len(window) == 0 {
			break
		}
		envs, err := e.itemEnvs(ctx, step, s, env, window)
		if err != nil {
			return false, err
		}
		for i, index := range window {
			if s.bitten(step, env) {
				return len(loop.Open) == 0, nil
			}
			one := envs[i]
			one.Record, one.Vars, one.answers = env.Record, env.Vars, env.answers
			// It was read before what the items ahead asked for is done.
			s.asks.since([2]int{}, func(w Write) { one.WriteRoutes(w.Ref, w.Patch.Set) })
			before := s.asks.mark()
			if err := e.takeItem(ctx, step, s, one, index); err != nil {
				if len(loop.Open) > 0 { // it is taken again when those before it are over
					s.run.State = RunWriting
					return false, nil
				}
				return false, err
			}
			env.Record, env.Vars, env.views = one.Record, one.Vars, nil
			env.answers = one.answers
			s.asks.since(before, func(w Write) { env.WriteRoutes(w.Ref, w.Patch.Set) })
			if s.run.State.Over() {
				return false, nil
			}
		}
	}
	if len(loop.Open) > 0 {
		s.run.State = RunWriting
		return false, nil
	}
	s.endLoop(step, env)
	return false, nil
}

// bitten tells whether enough items were taken for one commit.
func (s *stretch) bitten(step *Step, env *Env) bool {
	if len(s.run.Progress.Loop.Open) >= max(step.Parallel, 1) {
		s.run.State = RunWriting
		return true
	}
	full := s.items == biteItems || s.single && s.items > 0 || s.items > 0 && env.Work.Left() < StretchWork/8
	if full && len(s.run.Progress.Loop.Open) > 0 {
		s.run.State = RunWriting
	}
	return full
}

// takeItem takes a step for one item.
func (e *Engine) takeItem(ctx context.Context, step *Step, s *stretch, env *Env, index int) error {
	loop := s.run.Progress.Loop
	p := &s.run.Progress
	sc := e.stepContext(step.ofItem(index), s, env)
	sc.loop, sc.item, sc.round = loop, index, p.Round+loop.Again[index]
	if _, record := loop.Items[index].(Ref); record && env.Routes[ItemRoute].IsZero() {
		sc.Note("passed over: %s is no longer there", loop.Items[index])
		loop.leave(index)
		return nil
	}
	if err := e.ask(ctx, env, step.Queries); err != nil {
		return itemError{index, err}
	}
	effects := len(s.asks.effects)
	taken, err := e.runStep(ctx, sc, s)
	if err != nil {
		return itemError{index, err}
	}
	if s.run.State.Over() {
		return nil // it stopped
	}
	s.taken++
	s.items++
	loop.leave(index)
	p.Tries, p.Since = 0, time.Time{}
	if taken {
		loop.Count++
	}
	if len(s.asks.effects) > effects && !p.Dry {
		if loop.Open == nil {
			loop.Open = map[int]int{}
		}
		loop.Open[index] = sc.round
	}
	return loop.checkOutputs()
}

// errOutputs is a failure of the step as a whole, whatever on_error says of single items.
var errOutputs = fmt.Errorf("what the items give is longer than %d kB: leave out the step's id", MaxItemOutputs>>10)

// checkOutputs holds what the items gave against its limit.
func (l *Loop) checkOutputs() error {
	if l.Bytes > MaxItemOutputs {
		return Permanent(errOutputs)
	}
	return nil
}

// output keeps what an item gave.
func (l *Loop) output(step *Step, index int, values Fields) {
	if step.ID == "" {
		return
	}
	written, err := json.Marshal(Values(values))
	if err != nil {
		return // no plain data: nothing that an expression could see
	}
	if l.Bytes += len(written); l.Bytes > MaxItemOutputs {
		return // the step fails; see checkOutputs
	}
	for len(l.Outputs) <= index {
		l.Outputs = append(l.Outputs, nil)
	}
	l.Outputs[index] = map[string]any(values)
}

// endLoop gives what the items gave to the steps that follow.
func (s *stretch) endLoop(step *Step, env *Env) {
	loop := s.run.Progress.Loop
	line := fmt.Sprintf("taken for %d of %s", loop.Count, counted(len(loop.Items), "item"))
	if loop.Failed > 0 {
		line += fmt.Sprintf(", %d failed", loop.Failed)
	}
	if left := loop.Notes - itemNotes; left > 0 {
		line += fmt.Sprintf("; %s of them left out here", counted(left, "line"))
	}
	s.run.decide(env.Now, step.Path, "%s", line)
	s.run.output(step, loop.summary())
	s.run.Progress.Loop = nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// failItem deals with an item that failed for good. onward: the other items go on; else it is the step that failed, of
// the cause.
func (s *stretch) failItem(step *Step, cause error, now time.Time) (onward bool, of error) {
	loop := s.run.Progress.Loop
	if errors.Is(cause, errOutputs) {
		return false, cause
	}
	index, _ := loop.current()
	if item, ok := errors.AsType[itemError](cause); ok {
		index = item.index
	} else {
		cause = itemError{index, cause}
	}
	if step.OnError != ErrorPasses {
		return false, cause
	}
	loop.leave(index)
	if loop.Failed++; loop.Error == "" {
		loop.Error = brief(cause)
	}
	if loop.noted() {
		s.run.decide(now, step.ofItem(index).Path, "failed: %s: the other items go on", brief(cause))
	}
	p := &s.run.Progress
	p.Tries, p.Since, p.Keys = 0, time.Time{}, 0
	return true, nil
}

// noted tells whether the history takes another line of the items.
func (l *Loop) noted() bool {
	l.Notes++
	return l.Notes <= itemNotes
}
