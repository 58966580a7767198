package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

const lineColumns = `id, partition, workflow, module, record, state, coalesce(progress ->> '$.gate', ''), reason,
	coalesce(progress ->> '$.replay', 0), coalesce(progress ->> '$.dry', 0), created, updated`

// RunLines implements engine.RunDesk.
func (s *Store) RunLines(ctx context.Context, sel engine.RunSelection) ([]engine.RunLine, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var n narrow
	if err := states(&n, sel.States); err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	n.by(sel.Workflow != "", "workflow = ?", sel.Workflow)
	n.by(!sel.Record.IsZero(), "module = ? AND record = ?", sel.Record.Module, sel.Record.ID)
	n.by(sel.Replay > 0, "progress ->> '$.replay' = ?", sel.Replay)
	n.made(sel.Since, sel.Before)
	query := "SELECT " + lineColumns + " FROM runs WHERE 1" + n.where + " ORDER BY id DESC LIMIT ?"
	var lines []engine.RunLine
	err := s.reads.each(ctx, query, append(n.args, limited(sel.Limit)), func(row scan) error {
		var l engine.RunLine
		err := row((*ident)(&l.ID), &l.Partition, &l.Workflow, &l.Record.Module, &l.Record.ID, &l.State, &l.Gate,
			&l.Reason, &l.Replay, &l.Dry, (*instant)(&l.Created), (*instant)(&l.Updated))
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return lines, nil
}

// RunStory implements engine.RunDesk.
func (s *Store) RunStory(ctx context.Context, id engine.ID) (*engine.RunStory, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	story, err := s.story(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the story of run %s: %w", id, err)
	}
	return story, nil
}

func (s *Store) story(ctx context.Context, id engine.ID) (*engine.RunStory, error) {
	var story engine.RunStory
	var err error
	if story.Run, story.Updated, err = s.reads.run(ctx, id); err != nil {
		return nil, err
	}
	if story.Waits, err = s.waits(ctx, waitsOfRun, ident(id)); err != nil {
		return nil, err
	}
	if story.Effects, err = s.Effects(ctx, id); err != nil {
		return nil, err
	}
	if story.Deliveries, err = s.reads.deliveriesOf(ctx, id); err != nil {
		return nil, err
	}
	seen := map[engine.ID]bool{}
	for _, d := range story.Deliveries {
		for _, named := range d.Links {
			if seen[named.ID] {
				continue
			}
			seen[named.ID] = true
			told, err := s.reads.linkStory(ctx, named)
			if err != nil {
				return nil, err
			}
			story.Links = append(story.Links, told)
		}
	}
	return &story, nil
}

// run reads a run and when it changed last.
func (s *statements) run(ctx context.Context, id engine.ID) (run *engine.Run, updated time.Time, err error) {
	const query = "SELECT " + runColumns + ", updated FROM runs WHERE id = ?"
	err = s.each(ctx, query, []any{ident(id)}, func(row scan) (err error) {
		run, err = scanRun(row, (*instant)(&updated))
		return err
	})
	if err == nil && run == nil {
		err = engine.ErrNoRun
	}
	return run, updated, err
}

// deliveriesOf finds the deliveries of a run by its id: theirs are derived from it and begin as it does.
func (s *statements) deliveriesOf(ctx context.Context, run engine.ID) ([]*engine.Delivery, error) {
	const query = "SELECT " + deliveryColumns + " FROM deliveries WHERE id >= ? AND id < ? AND run = ? ORDER BY rowid"
	at := run.Time()
	return s.deliveries(ctx, query, idBefore(at), idBefore(at.Add(time.Millisecond)), ident(run))
}

func (s *statements) linkStory(ctx context.Context, named engine.NamedLink) (engine.LinkStory, error) {
	story := engine.LinkStory{Link: named.Link}
	story.Link.ID = named.ID // also of one that is gone
	err := s.each(ctx, "SELECT opened FROM flows WHERE link = ? ORDER BY opened", []any{ident(named.ID)},
		func(row scan) error {
			var at instant
			err := row(&at)
			story.Opened = append(story.Opened, time.Time(at))
			return err
		})
	if err != nil {
		return story, err
	}
	err = s.each(ctx, "SELECT at, name, fields, changed, undone FROM visits WHERE link = ? ORDER BY at",
		[]any{ident(named.ID)}, func(row scan) error {
			var act engine.LinkAct
			err := row((*instant)(&act.At), &act.Name, document{&act.Set}, &act.Changed, (*instant)(&act.Undone))
			story.Acts = append(story.Acts, act)
			return err
		})
	if err != nil {
		return story, err
	}
	err = s.each(ctx, "SELECT at, text FROM link_notes WHERE link = ? ORDER BY at", []any{ident(named.ID)},
		func(row scan) error {
			var note engine.Decision
			err := row((*instant)(&note.At), &note.Text)
			story.Notes = append(story.Notes, note)
			return err
		})
	return story, err
}

// CancelRun implements engine.RunDesk.
func (s *Store) CancelRun(
	ctx context.Context, id engine.ID, order engine.Order, deliveries bool,
) (engine.RunLine, error) {
	cancel := func(ctx context.Context, tx *tx, run *engine.Run) error {
		if err := run.Cancel(order); err != nil {
			return err
		}
		if err := tx.run(ctx, call{"DELETE FROM waits WHERE run = ?", []any{ident(id)}}); err != nil {
			return err
		}
		if err := tx.cancelEffects(ctx, run, order); err != nil || !deliveries {
			return err
		}
		return tx.cancelDeliveries(ctx, run, order)
	}
	return s.changeRun(ctx, engine.DeedRunCancelled, id, order, cancel)
}

// RetryRun implements engine.RunDesk.
func (s *Store) RetryRun(ctx context.Context, id engine.ID, order engine.Order) (engine.RunLine, error) {
	return s.changeRun(ctx, engine.DeedRunRetried, id, order, func(ctx context.Context, tx *tx, run *engine.Run) error {
		if err := run.Revive(order); err != nil {
			return err
		}
		var busy bool
		const sending = "SELECT EXISTS (SELECT 1 FROM effects WHERE run = ? AND state = 'sending')"
		if err := tx.get(ctx, sending, []any{ident(id)}, []any{&busy}); err != nil {
			return err
		}
		if busy {
			return engine.Permanent(errors.New("a write of it to the CRM is under way: try again in a moment"))
		}
		tx.woke = true
		return tx.await(ctx, run, "", order.At.UnixMilli())
	})
}

// changeRun changes a run as an operator orders.
func (s *Store) changeRun(
	ctx context.Context, deed string, id engine.ID, order engine.Order,
	change func(context.Context, *tx, *engine.Run) error,
) (engine.RunLine, error) {
	now := s.clock.Now()
	var run *engine.Run
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) (err error) {
		if run, _, err = tx.statements.run(ctx, id); err != nil {
			return err
		}
		was := run.State
		if err := change(ctx, tx, run); err != nil {
			return err
		}
		if err := tx.putRun(ctx, run, now); err != nil {
			return err
		}
		return tx.audit(ctx, order.Deed(deed, "run:"+id.String(), fmt.Sprintf("%s, now %s", was, run.State)))
	})
	if err != nil {
		return engine.RunLine{}, fmt.Errorf("%s %s: %w", deed, id, err)
	}
	return lineOf(run, now), nil
}

// putRun stores a run's state whatever it was.
func (t *tx) putRun(ctx context.Context, run *engine.Run, now time.Time) error {
	progress, err := text(run.Progress)
	if err != nil {
		return err
	}
	history, err := text(run.History)
	if err != nil {
		return err
	}
	const put = "UPDATE runs SET state = ?, reason = ?, progress = ?, history = ?, updated = ?, " +
		"revision = revision + 1 WHERE id = ?"
	return t.run(ctx, call{put, []any{
		string(run.State), run.Reason, progress, history, instant(now), ident(run.ID),
	}})
}

func lineOf(run *engine.Run, updated time.Time) engine.RunLine {
	return engine.RunLine{
		Standing: engine.Standing{
			ID: run.ID, Partition: run.Partition, Workflow: run.Workflow, Record: run.Record, State: run.State,
			Gate: run.Progress.Gate,
		},
		Reason: run.Reason, Replay: run.Progress.Replay, Dry: run.Progress.Dry, Created: run.Created, Updated: updated,
	}
}

// cancelEffects rejects the planned effects of a run and lets those pass that stood behind them.
func (t *tx) cancelEffects(ctx context.Context, run *engine.Run, order engine.Order) error {
	found, err := t.effects(ctx, effectsOfRun, ident(run.ID))
	if err != nil {
		return err
	}
	for _, effect := range found {
		if !effect.Cancel(order.At, run.Reason) {
			continue
		}
		settle, err := settleEffect(effect, order.At)
		if err != nil {
			return err
		}
		follow := call{followingEffect, []any{effect.Record.Module, effect.Record.ID}}
		if err := t.run(ctx, settle, follow); err != nil {
			return err
		}
	}
	return nil
}

// cancelDeliveries rejects the planned deliveries of a run.
func (t *tx) cancelDeliveries(ctx context.Context, run *engine.Run, order engine.Order) error {
	found, err := t.deliveriesOf(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, d := range found {
		if d.State != engine.DeliveryPlanned {
			continue
		}
		if err := d.Cancel(order); err != nil {
			return err
		}
		if err := t.putDelivery(ctx, d, order.At); err != nil {
			return err
		}
	}
	return nil
}
