package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/engine"
)

const letterColumns = "id, partition, seq, subject, reason, at, fate, header"

// DeadLetters implements engine.LetterDesk.
func (s *Store) DeadLetters(ctx context.Context, sel engine.LetterSelection) ([]engine.DeadLetter, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var n narrow
	n.by(!sel.Closed, "fate = ''")
	n.by(sel.Module != "", "instr(subject, 'crm.' || ? || '.') > 0", sel.Module)
	n.by(!sel.Since.IsZero(), "at >= ?", instant(sel.Since))
	n.by(!sel.Before.IsZero(), "id < ?", ident(sel.Before))
	query := "SELECT " + letterColumns + " FROM dead_letters WHERE 1" + n.where + " ORDER BY id DESC LIMIT ?"
	var letters []engine.DeadLetter
	err := s.reads.each(ctx, query, append(n.args, limited(sel.Limit)), func(row scan) error {
		var l engine.DeadLetter
		err := row(letterDest(&l)...)
		letters = append(letters, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, nil
}

func letterDest(l *engine.DeadLetter) []any {
	return []any{
		(*ident)(&l.ID), &l.Partition, &l.Seq, &l.Subject, &l.Reason, (*instant)(&l.At), &l.Fate, document{&l.Header},
	}
}

// DeadLetter implements engine.LetterDesk.
func (s *Store) DeadLetter(ctx context.Context, id engine.ID) (engine.DeadLetter, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var l engine.DeadLetter
	const query = "SELECT " + letterColumns + ", body FROM dead_letters WHERE id = ?"
	err := s.reads.get(ctx, query, []any{ident(id)}, append(letterDest(&l), &l.Body))
	if errors.Is(err, sql.ErrNoRows) {
		err = engine.ErrNoThing
	}
	if err != nil {
		return engine.DeadLetter{}, fmt.Errorf("read dead letter %s: %w", id, err)
	}
	return l, nil
}

// ReplayDeadLetter implements engine.LetterDesk.
func (s *Store) ReplayDeadLetter(ctx context.Context, id engine.ID, event *engine.Event, order engine.Order) error {
	written, err := tell(event)
	if err != nil {
		return fmt.Errorf("replay dead letter %s: %w", id, err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		const mark = "UPDATE dead_letters SET fate = ? WHERE id = ? AND fate = ''"
		rows, err := tx.exec(ctx, mark, order.Says("replayed"), ident(id))
		if err != nil {
			return err
		}
		if rows == 0 {
			return tx.whyNoLetter(ctx, id)
		}
		if err := tx.emit(ctx, written); err != nil {
			return err
		}
		return tx.audit(ctx, order.Deed(engine.DeedLetterReplayed, "letter:"+id.String(), event.Subject))
	})
	if err != nil {
		return fmt.Errorf("replay dead letter %s: %w", id, err)
	}
	return nil
}

// whyNoLetter says why a dead letter does not await its fate.
func (t *tx) whyNoLetter(ctx context.Context, id engine.ID) error {
	var fate string
	err := t.get(ctx, "SELECT fate FROM dead_letters WHERE id = ?", []any{ident(id)}, []any{&fate})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return engine.ErrNoThing
	case err != nil:
		return err
	}
	return engine.Permanent(fmt.Errorf("it was %s already", fate))
}

// DropDeadLetter implements engine.LetterDesk.
func (s *Store) DropDeadLetter(ctx context.Context, id engine.ID, order engine.Order) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		rows, err := tx.exec(ctx, "DELETE FROM dead_letters WHERE id = ?", ident(id))
		if err == nil && rows == 0 {
			return engine.ErrNoThing
		}
		if err != nil {
			return err
		}
		return tx.audit(ctx, order.Deed(engine.DeedLetterDropped, "letter:"+id.String(), ""))
	})
	if err != nil {
		return fmt.Errorf("drop dead letter %s: %w", id, err)
	}
	return nil
}
