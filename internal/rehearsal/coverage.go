package rehearsal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Coverage sees what cases make workflows do. It is safe for concurrent use.
type Coverage struct {
	mu   sync.Mutex
	seen map[sighted]int
}

type sighted struct {
	workflow, step string
	sight          engine.Sight
}

// NewCoverage has seen nothing yet.
func NewCoverage() *Coverage { return &Coverage{seen: map[sighted]int{}} }

// Watch is the engine.Watcher of every case.
func (c *Coverage) Watch(workflow, step string, sight engine.Sight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[sighted{workflow, step, sight}]++
}

// Tally is how much of some workflows was seen. Steps are those of handlers too. The branches are the two of each if,
// of each on_error (failed, or not), and of each wait that ends by a time or by what it waits for.
type Tally struct {
	Steps    Share    `json:"steps"`
	Branches Share    `json:"branches"`
	Missed   []Missed `json:"missed"`
}

// Share is so many of all.
type Share struct {
	Seen int `json:"seen"`
	All  int `json:"all"`
}

// Percent is the share in whole percents, rounded down: 100 means all of it.
func (s Share) Percent() int {
	if s.All == 0 {
		return 100
	}
	return 100 * s.Seen / s.All
}

// Missed is a place that no case has seen.
type Missed struct {
	File string `json:"file"`
	Line int    `json:"line"`
	What string `json:"what"`
}

// Tally counts what was seen of workflows.
func (c *Coverage) Tally(workflows []*engine.Workflow) Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &tally{seen: c.seen}
	for _, w := range workflows {
		t.workflow(w)
	}
	slices.SortStableFunc(t.Missed, func(a, b Missed) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return t.Tally
}

// tally is a Tally that is being made.
type tally struct {
	Tally
	seen map[sighted]int
	name string
	file string
}

func (t *tally) workflow(w *engine.Workflow) {
	root := sourceOf(w)
	if root == nil {
		return
	}
	t.name, t.file = w.Name, root.File()
	if at, ok := root.Lookup("if"); ok {
		t.branch(at.Key, "the condition of the workflow is never true", t.count("", engine.SightBegun))
		t.branch(at.Key, "the condition of the workflow is never false", t.count("", engine.SightLeft))
	}
	for _, step := range w.Tasks {
		if node := stepAt(root, step.Path); node != nil {
			t.step(step, node)
		}
	}
}

func (t *tally) step(step *engine.Step, node *yamldoc.Node) {
	taken, skipped := t.count(step.Path, engine.SightTaken), t.count(step.Path, engine.SightSkipped)
	what := fmt.Sprintf("step %s (%s)", step.Path, step.Kind)
	t.Steps.All++
	if taken > 0 {
		t.Steps.Seen++
	} else {
		t.miss(node, what+" is never taken")
	}
	if at, ok := node.Lookup("if"); ok {
		t.branch(at.Key, "the condition of "+what+" is never true", taken)
		t.branch(at.Key, "the condition of "+what+" is never false", skipped)
	}
	if at, ok := node.Lookup("on_error"); ok && step.OnError != engine.ErrorFails {
		t.branch(at.Key, what+" never fails", t.count(step.Path, engine.SightFailed))
		t.branch(at.Key, what+" always fails", t.count(step.Path, engine.SightPassed)-skipped)
	}
	if at, ok := node.Lookup("wait"); ok && twofold(at.Value) {
		t.branch(at.Key, what+" never ends by what it waits for", t.count(step.Path, engine.SightMet))
		t.branch(at.Key, what+" never ends by its time", t.count(step.Path, engine.SightTimeUp))
	}
}

// twofold tells whether a wait may end in two ways.
func twofold(wait *yamldoc.Node) bool {
	return wait.Get("until") != nil && (wait.Get("for") != nil || wait.Get("at") != nil)
}

func (t *tally) count(step string, sight engine.Sight) int {
	return t.seen[sighted{t.name, step, sight}]
}

func (t *tally) branch(at *yamldoc.Node, what string, times int) {
	t.Branches.All++
	if times > 0 {
		t.Branches.Seen++
		return
	}
	t.miss(at, what)
}

func (t *tally) miss(at *yamldoc.Node, what string) {
	t.Missed = append(t.Missed, Missed{File: t.file, Line: at.Line(), What: what})
}

// FileOf is the file that describes a workflow, as the book names it.
func FileOf(w *engine.Workflow) string {
	for name := range w.Files {
		if !strings.Contains(name, "/") && strings.HasSuffix(name, ".yaml") {
			return name
		}
	}
	return ""
}

// sourceOf is the workflow as it is written.
func sourceOf(w *engine.Workflow) *yamldoc.Node {
	name := FileOf(w)
	doc, _ := yamldoc.Parse(name, []byte(w.Files[name]))
	if doc == nil {
		return nil
	}
	return doc.Root()
}

// stepAt finds a step by its path: 3, or 3.error.1 for one of a handler.
func stepAt(root *yamldoc.Node, path string) *yamldoc.Node {
	list := root.Get("tasks")
	var node *yamldoc.Node
	for part := range strings.SplitSeq(path, ".") {
		if part == "error" {
			if node == nil || node.Get("on_error") == nil {
				return nil
			}
			list = node.Get("on_error").Get("tasks")
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || list == nil || n < 1 || n > list.Len() {
			return nil
		}
		node = list.Items()[n-1]
	}
	return node
}
