package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"pgregory.net/rapid"

	"postern/engine"
)

func isFenced(err error) bool { return errors.Is(err, engine.ErrFenced) }

// told is an entry of the stream that is an event.
type told struct {
	seq   uint64
	keyed bool
	event *engine.Event
}

// stream decodes what the stream holds.
func (w *world) stream() []told {
	for _, entry := range w.bus.All()[len(w.decoded):] {
		at, err := engine.ParseAddress(entry.Subject)
		if err != nil {
			w.Fatal(err)
		}
		event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
		if err != nil {
			w.fail("entry %d of the stream is no event: %v: %s", entry.Seq, err, entry.Data)
		}
		w.decoded = append(w.decoded, told{entry.Seq, at.Key != "", event})
	}
	return w.decoded
}

// row is a run as it is stored.
type row struct {
	id       engine.ID
	key      string
	workflow string
	seq      uint64
	ref      engine.Ref
	state    engine.RunState
	reason   string
	progress engine.Progress
	turn     int // of the event
}

func (w *world) rows() []row {
	const query = `SELECT id, key, workflow, seq, module, record, state, reason, progress,
		coalesce(event ->> '$.data.record.turn', 0) FROM runs ORDER BY seq, id`
	var rows []row
	w.query(query, func(scan func(...any) error) error {
		var r row
		var id, key, progress []byte
		err := scan(&id, &key, &r.workflow, &r.seq, &r.ref.Module, &r.ref.ID, &r.state, &r.reason, &progress, &r.turn)
		if err != nil {
			return err
		}
		r.id, r.key = engine.ID(id), string(key)
		rows = append(rows, r)
		return json.Unmarshal(progress, &rows[len(rows)-1].progress)
	})
	return rows
}

// query reads the database beside the store.
func (w *world) query(query string, each func(scan func(...any) error) error) {
	found, err := w.db.Query(query)
	if err != nil {
		w.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		if err := each(found.Scan); err != nil {
			w.Fatal(err)
		}
	}
	if err := found.Err(); err != nil {
		w.Fatal(err)
	}
}

// one reads a number.
func (w *world) one(query string) (n int) {
	w.query(query, func(scan func(...any) error) error { return scan(&n) })
	return n
}

// check holds what must be so whenever nothing happens any more.
func (w *world) check(*rapid.T) {
	w.settle()
	for _, fault := range w.journal.found() {
		w.fail("%s", fault)
	}
	if w.outside != nil {
		unlock := w.outside.lock()
		wrong := slices.Clone(w.outside.wrong)
		unlock()
		for _, fault := range wrong {
			w.fail("%s", fault)
		}
	}
	rows := w.rows()
	w.checkRuns(rows)
	w.checkWaits(rows)
}

// checkRuns sees that each event started each workflow that it should, once, and no other.
func (w *world) checkRuns(rows []row) {
	want, has := map[string]string{}, map[string]bool{}
	for _, t := range w.stream() {
		if !t.keyed || !t.event.IsRecord() {
			continue
		}
		for _, j := range modelJobs {
			if j.starts(t.event) {
				want[string(engine.RunKey(j.name, t.event.Source, t.event.ID))] = j.name + " on event " + t.event.ID
			}
		}
	}
	for _, r := range rows {
		if has[r.key] = true; want[r.key] == "" {
			w.fail("run %s of %s on %s was not called for by event %d", r.id, r.workflow, r.ref, r.seq)
		}
	}
	for key, what := range want {
		if !has[key] {
			w.fail("there is no run of %s", what)
		}
	}
}

// checkWaits sees that no wait is over that goes on. A CRM that does not tell its changes may hold some of which nobody
// knows yet, because the answer was lost.
func (w *world) checkWaits(rows []row) {
	const unsure = "SELECT count(*) FROM effects WHERE state = 'planned' OR (doubtful = 1 AND state = 'rejected')"
	known := w.outside == nil || w.outside.echo || w.one(unsure) == 0
	for _, r := range rows {
		rest := r.progress.Rest
		if r.state != engine.RunWaiting || r.progress.Tries > 0 || r.behind(rows) {
			continue
		}
		if rest == nil {
			w.fail("run %s of %s waits for nothing", r.id, r.workflow)
		}
		if now := w.clock.Now(); !rest.Until.IsZero() && !rest.Until.After(now) {
			w.fail("run %s of %s waits until %s, and it is %s", r.id, r.workflow, rest.Until, now)
		}
		if known && w.holds(r) {
			w.fail("run %s of %s on %s waits although its condition holds", r.id, r.workflow, r.ref)
		}
	}
}

// behind tells whether another run of its workflow and record is inside the gate.
func (r row) behind(rows []row) bool {
	return slices.ContainsFunc(rows, func(o row) bool {
		return o.workflow == r.workflow && o.ref == r.ref && !o.state.Over() && o.state != engine.RunWaiting
	})
}

// holds evaluates the condition of a wait in the plainest way.
func (w *world) holds(r row) bool {
	record, there := w.record(r.ref)
	switch r.workflow {
	case "until":
		return there && record.Text("status") == "Resolved"
	case "ever":
		return there && !engine.Same(record["status"], r.progress.Rest.Baseline["status"])
	case "acted":
		for _, link := range w.journal.minted() {
			if link.Run == r.id && slices.ContainsFunc(w.visits, func(v modelVisit) bool { return v.link == link.ID }) {
				return true
			}
		}
	}
	return false
}

// record reads a record where records are.
func (w *world) record(ref engine.Ref) (engine.Fields, bool) {
	if w.outside != nil {
		defer w.outside.lock()()
		fields, ok := w.outside.records[ref]
		return fields, ok
	}
	records, err := w.store.Records(context.Background(), []engine.Ref{ref})
	if err != nil {
		w.Fatal(err)
	}
	if len(records) == 0 {
		return nil, false
	}
	return records[0].Fields, true
}
