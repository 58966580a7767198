package workflows

import (
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// start is a step that starts another workflow, as it is found before all workflows are known.
type start struct {
	from    string // the workflow of the step
	to      string
	modules []*engine.Module // of the record
	inputs  map[string]any
	at      *yamldoc.Node // the name of the other workflow
	config  *yamldoc.Node // of the step
}

// Starts notes what a step starts.
func (s *stepScope) Starts(key, workflow string, modules []*engine.Module, inputs map[string]any) {
	s.loader.starts = append(s.loader.starts, start{
		from: s.workflow.Name, to: workflow, modules: modules, inputs: inputs, at: s.at(key), config: s.node,
	})
}

// checkStarts holds what steps start against the workflows that there are, and finds those that start each other in a
// circle. Where only the files of one workflow are loaded, a version that is kept, there is nothing to hold against.
func (l *loader) checkStarts() {
	byName := map[string]*engine.Workflow{}
	for _, w := range l.book.Workflows {
		byName[w.Name] = w
	}
	for _, s := range l.starts {
		w := byName[s.to]
		if w == nil {
			if !l.options.Kept && l.origin["workflow "+s.to] == "" {
				l.complain(unknown(s.at, "workflow", s.to, slices.Sorted(maps.Keys(byName))))
			}
			continue
		}
		l.checkStart(s, w)
	}
	l.checkCircles()
}

func (l *loader) checkStart(s start, w *engine.Workflow) {
	switch {
	case !w.ByHand():
		l.complain(s.at.Errorf("%s cannot be started: add { manual: true, module: %s } to its triggers",
			w.Name, w.Module.Name))
	case !slices.Contains(s.modules, w.Module):
		l.complain(s.at.Errorf("%s is about a record of %s, this would start it on one of %s", w.Name, w.Module.Name,
			namesOf(s.modules)))
	}
	for _, name := range inputNames(w) {
		if _, given := s.inputs[name]; !given && w.Inputs.Fields[name].Required {
			l.complain(s.config.Errorf("%s needs the input %s", w.Name, name))
		}
	}
	inputs := s.config.Get("inputs")
	if inputs == nil {
		return
	}
	for key, value := range inputs.Entries() {
		name := key.Text()
		if w.Inputs == nil || w.Inputs.Fields[name] == nil {
			l.complain(unknown(key, "input", name, inputNames(w)))
			continue
		}
		if text, ok := s.inputs[name].(string); ok && strings.Contains(text, "{{") {
			continue
		}
		if _, err := w.Inputs.Fields[name].Plain(s.inputs[name]); err != nil {
			l.complain(value.Errorf("%s", err))
		}
	}
}

func inputNames(w *engine.Workflow) []string {
	if w.Inputs == nil {
		return nil
	}
	return w.Inputs.Names
}

// checkCircles warns of workflows that start one another: unless a condition ends it, the limit of a chain does.
func (l *loader) checkCircles() {
	c := circles{loader: l, next: map[string][]start{}, seen: map[string]bool{}}
	for _, s := range l.starts {
		c.next[s.from] = append(c.next[s.from], s)
	}
	for _, name := range slices.Sorted(maps.Keys(c.next)) {
		c.walk(name)
	}
}

// circles is one search for circles: each workflow is walked from once.
type circles struct {
	*loader
	next map[string][]start
	seen map[string]bool
	path []string
}

func (c *circles) walk(name string) {
	c.seen[name] = true
	c.path = append(c.path, name)
	for _, s := range c.next[name] {
		if i := slices.Index(c.path, s.to); i >= 0 {
			c.complain(s.at.Warningf("circle",
				"workflows start each other in a circle, %s: only a condition ends it",
				strings.Join(append(slices.Clone(c.path[i:]), s.to), " → ")))
		} else if !c.seen[s.to] {
			c.walk(s.to)
		}
	}
	c.path = c.path[:len(c.path)-1]
}
