package store

import (
	"context"
	"time"

	"postern/engine"
)

const effectColumns = `id, run, partition, workflow, step, round, module, record, ask, state, doubtful, attempts, due,
	until, retry, reason, result, history, created, host, sealed, answer`

// openEffects is the condition of an index, word for word.
const openEffects = `state IN ('planned', 'sending')`

// insertEffect stores an effect, behind what is open for the same record. One that is to be made has no others.
func insertEffect(e *engine.Effect, now time.Time) (call, error) {
	var columns [4]string
	for i, v := range []any{e.Ask, e.Retry, e.Result, append([]engine.Decision{}, e.History...)} {
		written, err := text(v)
		if err != nil {
			return call{}, err
		}
		columns[i] = written
	}
	const query = `INSERT INTO effects (` + effectColumns + `, updated, behind)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
			?23,
			EXISTS (SELECT 1 FROM effects WHERE module = ?7 AND record = ?8 AND ?8 <> '' AND ` + openEffects + `))
		ON CONFLICT DO NOTHING`
	return call{query, []any{
		ident(e.ID), ident(e.Run), e.Partition, e.Workflow, e.Step, e.Round, e.Record.Module, e.Record.ID, columns[0],
		string(e.State), e.Doubtful, e.Attempts, e.Due.UnixMilli(), instant(e.Until), columns[1], e.Reason, columns[2],
		columns[3], instant(e.Created), e.Host, e.Sealed, e.Answer, instant(now),
	}}, nil
}

func settleEffect(e *engine.Effect, now time.Time) (call, error) {
	result, err := text(e.Result)
	if err != nil {
		return call{}, err
	}
	history, err := text(append([]engine.Decision{}, e.History...))
	if err != nil {
		return call{}, err
	}
	const query = `UPDATE effects SET state = ?, doubtful = ?, attempts = ?, due = ?, until = ?, reason = ?, result = ?,
		history = ?, answer = ?, updated = ? WHERE id = ? AND ` + openEffects
	return call{query, []any{
		string(e.State), e.Doubtful, e.Attempts, e.Due.UnixMilli(), instant(e.Until), e.Reason, result, history,
		e.Answer, instant(now), ident(e.ID),
	}}, nil
}

func (s *statements) effects(ctx context.Context, query string, args ...any) ([]*engine.Effect, error) {
	var found []*engine.Effect
	err := s.each(ctx, query, args, func(row scan) error {
		e, err := scanEffect(row)
		found = append(found, e)
		return err
	})
	return found, err
}

func scanEffect(row scan) (*engine.Effect, error) {
	var e engine.Effect
	err := row((*ident)(&e.ID), (*ident)(&e.Run), &e.Partition, &e.Workflow, &e.Step, &e.Round, &e.Record.Module,
		&e.Record.ID, document{&e.Ask}, &e.State, &e.Doubtful, &e.Attempts, (*instant)(&e.Due), (*instant)(&e.Until),
		document{&e.Retry}, &e.Reason, document{&e.Result}, document{&e.History}, (*instant)(&e.Created),
		&e.Host, &e.Sealed, &e.Answer)
	if len(e.History) == 0 {
		e.History = nil
	}
	return &e, err
}
