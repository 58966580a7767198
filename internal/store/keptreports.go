package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"postern/engine"
)

// keptReports says what reports are kept about, so that the outcome of a try looks for some only where there are: more
// may be in it than are kept, never fewer. The writer alone touches it.
type keptReports map[string]bool

func readKept(ctx context.Context, s *statements) (keptReports, error) {
	kept := keptReports{}
	err := s.each(ctx, "SELECT DISTINCT about FROM kept_reports", nil, func(row scan) error {
		var about []byte
		err := row(&about)
		kept[string(about)] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the reports that are kept: %w", err)
	}
	return kept, nil
}

// aboutDelivery and aboutMessage are what a report is kept about.
func aboutDelivery(id engine.ID) string              { return string(id[:]) }
func aboutMessage(channel, providerID string) string { return channel + "\x00" + providerID }

// aboutOutcome is all that a report may be kept about which is applied with the outcome of a try.
func aboutOutcome(outcome engine.Settle) []string {
	about := []string{aboutDelivery(outcome.Delivery.ID)}
	if outcome.ProviderID != "" {
		about = append(about, aboutMessage(outcome.Delivery.Channel, outcome.ProviderID))
	}
	return about
}

func (k keptReports) has(outcome engine.Settle) bool {
	return len(k) > 0 && slices.ContainsFunc(aboutOutcome(outcome), func(about string) bool { return k[about] })
}

// keptReport is a report that waits for its delivery.
type keptReport struct {
	channel  string
	report   engine.Report
	happened time.Time
}

// keepReport keeps a report for when the try of its delivery has settled.
func (t *tx) keepReport(ctx context.Context, about string, h engine.Hearing) error {
	report, err := text(h.Report)
	if err != nil {
		return err
	}
	t.kept[about] = true
	t.after = append(t.after, func() { t.kept[about] = true }) // a change before it in the group may forget it
	const insert = `INSERT INTO kept_reports (about, channel, key, report, happened, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`
	return t.run(ctx, call{insert, []any{[]byte(about), h.Channel, h.Key, report, instant(h.At), instant(h.Now)}})
}

// keptFor takes the reports out that are kept about an outcome, in the order in which they came.
func (t *tx) keptFor(ctx context.Context, outcome engine.Settle) (reports []keptReport, err error) {
	for _, about := range aboutOutcome(outcome) {
		const query = `SELECT channel, report, happened FROM kept_reports WHERE about = ? ORDER BY at, key`
		err := t.each(ctx, query, []any{[]byte(about)}, func(row scan) error {
			var r keptReport
			err := row(&r.channel, document{&r.report}, (*instant)(&r.happened))
			reports = append(reports, r)
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := t.run(ctx, call{"DELETE FROM kept_reports WHERE about = ?", []any{[]byte(about)}}); err != nil {
			return nil, err
		}
		t.after = append(t.after, func() { delete(t.kept, about) })
	}
	return reports, nil
}

// A provider may report on messages that are not ours, of which nothing else would be forgotten.
const (
	oldReports = `DELETE FROM kept_reports WHERE (about, channel, key) IN
		(SELECT about, channel, key FROM kept_reports WHERE at < ? ORDER BY at LIMIT ?) RETURNING about`
	isKept = `SELECT EXISTS (SELECT 1 FROM kept_reports WHERE about = ?)`
)

// forgetReports removes some reports that came before a time, whose deliveries nobody waits for any more.
func (t *tx) forgetReports(ctx context.Context, before time.Time) (gone int, err error) {
	t.wrote = true
	old := map[string]bool{}
	err = t.each(ctx, oldReports, []any{instant(before), forgetBite}, func(row scan) error {
		var about []byte
		err := row(&about)
		old[string(about)], gone = true, gone+1
		return err
	})
	if err != nil {
		return gone, err
	}
	for about := range old {
		var left bool
		if err := t.get(ctx, isKept, []any{[]byte(about)}, []any{&left}); err != nil {
			return gone, err
		}
		if !left {
			t.after = append(t.after, func() { delete(t.kept, about) })
		}
	}
	return gone, nil
}

// resolve is the outcome of a try together with what was reported of it meanwhile. Where that says how it ended, it
// is told in place of the outcome.
func (t *tx) resolve(ctx context.Context, outcome engine.Settle, now time.Time) (settled, error) {
	reports, err := t.keptFor(ctx, outcome)
	if err != nil {
		return settled{}, err
	}
	d := *outcome.Delivery
	d.History = slices.Clone(d.History)
	var told []*engine.Event
	for _, r := range reports {
		event, _, err := d.Hear(r.channel, r.report, outcome.Lineage, r.happened, now)
		if err != nil {
			return settled{}, err
		}
		if event != nil {
			told = append(told, event)
		}
	}
	if d.State != outcome.Delivery.State {
		outcome.Events = told
	}
	outcome.Delivery = &d
	return prepareOutcome(outcome, now)
}

// hearPutAside applies the reports on deliveries that were being sent and are put aside: no try of theirs will settle.
func (t *tx) hearPutAside(ctx context.Context, now time.Time) error {
	var ids []engine.ID
	const query = `SELECT DISTINCT about FROM kept_reports JOIN deliveries ON id = about WHERE state = 'unknown'`
	err := t.each(ctx, query, nil, func(row scan) error {
		var id ident
		err := row(&id)
		ids = append(ids, engine.ID(id))
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		d, err := t.delivery(ctx, id)
		if err != nil {
			return err
		}
		resolved, err := t.resolve(ctx, engine.Settle{Delivery: d}, now)
		if err != nil {
			return err
		}
		if err := t.run(ctx, resolved.update); err != nil {
			return err
		}
		if err := t.emit(ctx, resolved.events...); err != nil {
			return err
		}
	}
	return nil
}
