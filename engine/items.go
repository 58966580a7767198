package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// itemEnvs are the environments of some items: their records and what their routes lead to are read together.
func (e *Engine) itemEnvs(ctx context.Context, step *Step, s *stretch, env *Env, window []int) ([]*Env, error) {
	var refs []Ref
	for _, index := range window {
		if ref, ok := s.run.Progress.Loop.Items[index].(Ref); ok && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	found := map[Ref]Record{}
	if len(refs) > 0 {
		records, err := e.CRM.Get(ctx, refs...)
		if err != nil {
			return nil, fmt.Errorf("read the items: %w", err)
		}
		for _, record := range env.asks.unstored(refs, records) {
			found[record.Ref] = record
		}
	}
	if record, ok := found[env.Ref]; ok {
		record.Fields = env.Record // with the run's own writes
		found[env.Ref] = record
	}
	envs := make([]*Env, len(window))
	for i, index := range window {
		one := *env
		one.views, one.Routes, one.Item = nil, maps.Clone(env.Routes), s.run.Progress.Loop.Items[index]
		if ref, ok := one.Item.(Ref); ok {
			one.Item = nil
			if record, ok := found[ref]; ok {
				one.route(ItemRoute, record)
			}
		}
		envs[i] = &one
	}
	return envs, e.followAll(ctx, envs, step.ItemRoutes)
}

// collectItems takes up a run whose items' effects are over.
func (e *Engine) collectItems(ctx context.Context, j job, s *stretch, env *Env, effects []*Effect) error {
	step, loop := j.standing(), s.run.Progress.Loop
	if err := e.see(ctx, step, s, env); err != nil {
		return err
	}
	window := slices.Sorted(maps.Keys(loop.Open))
	envs, err := e.itemEnvs(ctx, step, s, env, window)
	if err != nil {
		return err
	}
	var failed error
	stale := false
	for i, index := range window {
		round := loop.Open[index]
		delete(loop.Open, index)
		one := step.ofItem(index)
		mine := askedBy(effects, one, round)
		envs[i].Record, envs[i].Vars = env.Record, env.Vars
		sc := e.stepContext(one, s, envs[i])
		sc.loop, sc.item, sc.round = loop, index, round
		before := round - s.run.Progress.Round
		again, err := e.collectItem(ctx, sc, s, mine, before)
		env.Record, env.Vars, env.views = envs[i].Record, envs[i].Vars, nil
		switch {
		case err != nil && !IsPermanent(err):
			return err
		case err == nil && again == "":
			continue
		case loop.Again == nil:
			loop.Again = map[int]int{}
		}
		stale = true
		loop.Count--
		if err == nil {
			loop.Again[index] = before + 1
			sc.Note("%s: the item is taken again", again)
			continue
		}
		loop.Again[index] = before
		if step.OnError == ErrorPasses {
			s.fail(j.workflow, itemError{index, err}, env.Now)
		} else if failed == nil {
			failed = itemError{index, err}
		}
	}
	if failed == nil {
		failed = loop.checkOutputs()
	}
	if stale && (failed == nil || step.OnError != ErrorFails) {
		if err := e.reread(ctx, s, env); err != nil {
			return err
		}
	}
	s.run.State = RunReady
	if failed != nil {
		s.fail(j.workflow, failed, env.Now)
	}
	return nil
}

// askedBy are those of a run's effects that a step asked for when it was taken for the given time.
func askedBy(effects []*Effect, step *Step, round int) []*Effect {
	return slices.DeleteFunc(slices.Clone(effects), func(f *Effect) bool {
		return f.Step != step.Path || f.Round != round
	})
}

// collectItem takes up the effects of one item. It tells why the item is taken again, if it is.
func (e *Engine) collectItem(
	ctx context.Context, sc *StepContext, s *stretch, effects []*Effect, before int,
) (again string, err error) {
	results, again, failed := judged(effects, before)
	switch {
	case failed != nil:
		s.renewKeys(effects)
		return "", Permanent(failed)
	case again != "":
		return again, nil
	}
	calls := slices.DeleteFunc(slices.Clone(effects), func(f *Effect) bool { return f.Call == nil })
	if len(calls) > 0 {
		if err := e.ask(ctx, sc.Env, sc.Step.Queries); err != nil {
			return "", err
		}
	}
	if err := e.takeAnswers(ctx, sc, calls); err != nil {
		return "", err
	}
	for _, record := range results {
		if err := done(ctx, sc, record); err != nil {
			return "", Permanent(err)
		}
	}
	return "", nil
}
