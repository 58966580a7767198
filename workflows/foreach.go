package workflows

import (
	"slices"
	"strconv"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// unknownItem names the type of the items of a list that cannot be read: more need not be said of them.
const unknownItem = "?"

// forEach reads the list that a step is taken for. Until the step is compiled its expressions know the item.
func (b *binder) forEach(step *engine.Step, f *stepFile) {
	if f.ForEach == nil {
		if f.Parallel != nil {
			b.complain(f.Parallel.Errorf("parallel goes with for_each: it says how many items are under way together"))
		}
		return
	}
	step.ForEach = b.program(f.ForEach, b.scope(), exprsafe.List)
	if b.item = (&exprsafe.Type{}); step.ForEach == nil {
		b.item.Name = unknownItem
		return
	}
	if list := typeOf(step.ForEach); list.Elem != nil {
		b.item = list.Elem
	}
	if step.Parallel = 1; f.Parallel == nil {
		return
	}
	n, err := strconv.Atoi(f.Parallel.Text())
	if err != nil || n < 1 || n > engine.MaxParallel {
		b.complain(f.Parallel.Errorf("parallel is a whole number from 1 to %d", engine.MaxParallel))
		return
	}
	step.Parallel = n
}

// checkItems refuses what cannot be done item by item, and parts the routes by where they begin.
func (b *binder) checkItems(step *engine.Step, kind *yamldoc.Node) {
	if step.ForEach == nil {
		return
	}
	if _, waits := step.Task.(engine.Waiter); waits {
		b.complain(kind.Errorf("a step with for_each cannot wait: a run rests in one place at a time; " +
			"start a workflow for each item, and let that one wait"))
	}
	for _, route := range step.Routes {
		if strings.HasPrefix(route, engine.ItemRoute) {
			step.ItemRoutes = append(step.ItemRoutes, route)
		}
	}
	step.Routes = slices.DeleteFunc(step.Routes, func(route string) bool {
		return strings.HasPrefix(route, engine.ItemRoute)
	})
	for _, route := range step.ForEach.Routes() {
		if !slices.Contains(step.Routes, route) {
			step.Routes = append(step.Routes, route)
		}
	}
	slices.Sort(step.Routes)
}
