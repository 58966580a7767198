package store

import (
	"slices"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/peer"

	"pgregory.net/rapid"
)

// model is what a store should hold, kept in the plainest way, beside the store that is driven through the same.
type model struct {
	s       *Store
	clock   *enginetest.Clock
	fences  []engine.Fence
	seq     uint64
	effects []*engine.Effect // in the order they were asked for, as they should be
	due     map[engine.ID]time.Time
}

// Whatever happens in whatever order: an effect is taken when it is due and no older one of its record is open, and
// never otherwise, and a run is woken by the end of its last effect.
func TestEffectsAgainstAModel(t *testing.T) {
	peer.Cases(t, "100", "20")
	s := fresh(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, s)
		rt.Repeat(map[string]func(*rapid.T){
			"ask": m.ask, "take": m.take, "settle": m.settle, "claim": m.claim, "": m.compare,
			"wait": func(rt *rapid.T) {
				m.clock.Advance(time.Duration(rapid.IntRange(1, 3).Draw(rt, "seconds")) * time.Second)
			},
		})
	})
}

// newModel empties a store that does not wait for the disk: nobody stops this process.
func newModel(rt *rapid.T, s *Store) *model {
	clock := enginetest.NewClock(testNow)
	s.clock = clock
	for _, statement := range []string{
		"PRAGMA synchronous = OFF", "DELETE FROM waits", "DELETE FROM effects", "DELETE FROM runs",
	} {
		if _, err := s.writer.conn.ExecContext(rt.Context(), statement); err != nil {
			rt.Fatal(err)
		}
	}
	m := &model{s: s, clock: clock, due: map[engine.ID]time.Time{}}
	m.claim(rt)
	return m
}

// claim plans again what was being tried.
func (m *model) claim(rt *rapid.T) {
	partitions, err := m.s.Claim(rt.Context(), "node", "EVENTS", m.clock.Now())
	if err != nil {
		rt.Fatal(err)
	}
	m.fences = nil
	for _, p := range partitions {
		m.fences = append(m.fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
	for _, e := range m.effects {
		if e.State == engine.EffectSending {
			e.State, e.Doubtful, e.Due = engine.EffectPlanned, true, m.clock.Now()
		}
	}
}

// ask parks a run that asks for up to three effects on few records.
func (m *model) ask(rt *rapid.T) {
	m.seq++
	run := testRun(m.seq)
	if _, err := m.s.Intake(rt.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		rt.Fatal(err)
	}
	run.State = engine.RunWriting
	step := engine.Advance{Fence: m.fences[run.Partition], Run: run}
	for _, record := range rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "3", ""}), 1, 3).Draw(rt, "records") {
		e := testEffect(run, record)
		e.ID, e.Due = engine.DerivedID(e.ID, string(rune('a'+len(step.Effects)))), m.clock.Now()
		step.Effects = append(step.Effects, e)
	}
	if err := m.s.Advance(rt.Context(), step); err != nil {
		rt.Fatal(err)
	}
	m.effects = append(m.effects, step.Effects...)
}

// behind tells whether an older effect of the same record is open.
func (m *model) behind(at int) bool {
	e := m.effects[at]
	return e.Record.ID != "" && slices.ContainsFunc(m.effects[:at], func(o *engine.Effect) bool {
		return o.Record == e.Record && !o.State.Over()
	})
}

// take takes as many as the limit allows of those that should be there.
func (m *model) take(rt *rapid.T) {
	limit, now := rapid.IntRange(1, 4).Draw(rt, "limit"), m.clock.Now()
	var takeable []*engine.Effect
	for i, e := range m.effects {
		if e.State == engine.EffectPlanned && !e.Due.After(now) && !m.behind(i) {
			takeable = append(takeable, e)
		}
	}
	slices.SortStableFunc(takeable, func(a, b *engine.Effect) int { return a.Due.Compare(b.Due) })
	takeable = takeable[:min(limit, len(takeable))]
	taken, _, err := m.s.TakeEffects(rt.Context(), engine.EffectDemand{Fences: m.fences, Now: now, Limit: limit})
	if err != nil {
		rt.Fatal(err)
	}
	if len(taken) != len(takeable) {
		rt.Fatalf("took %d effects, want %d", len(taken), len(takeable))
	}
	for i, e := range taken {
		if e.ID != takeable[i].ID || e.Doubtful != takeable[i].Doubtful {
			rt.Fatalf("took %s (doubtful %v) in place %d, want %s (doubtful %v)",
				e.ID, e.Doubtful, i, takeable[i].ID, takeable[i].Doubtful)
		}
		takeable[i].State = engine.EffectSending
	}
}

// settle ends a try of an effect that is being sent.
func (m *model) settle(rt *rapid.T) {
	var sending []*engine.Effect
	for _, e := range m.effects {
		if e.State == engine.EffectSending {
			sending = append(sending, e)
		}
	}
	if len(sending) == 0 {
		rt.Skip("nothing is being sent")
	}
	e := rapid.SampledFrom(sending).Draw(rt, "effect")
	e.State = rapid.SampledFrom([]engine.EffectState{
		engine.EffectPlanned, engine.EffectDone, engine.EffectConflict, engine.EffectRejected,
	}).Draw(rt, "state")
	e.Attempts++
	e.Due = m.clock.Now().Add(2 * time.Second)
	if err := m.s.SettleEffect(rt.Context(), m.fences[e.Partition], e); err != nil {
		rt.Fatal(err)
	}
	left := slices.ContainsFunc(m.effects, func(o *engine.Effect) bool { return o.Run == e.Run && !o.State.Over() })
	if !left {
		m.due[e.Run] = m.clock.Now()
	}
}

// compare holds the store's effects, and whom they woke, against the model.
func (m *model) compare(rt *rapid.T) {
	behind := map[engine.ID]bool{}
	err := m.s.reads.each(rt.Context(), "SELECT id, behind FROM effects", nil, func(row scan) error {
		var id engine.ID
		var b bool
		err := row((*ident)(&id), &b)
		behind[id] = b
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	for i, e := range m.effects {
		if !e.State.Over() && behind[e.ID] != m.behind(i) {
			rt.Fatalf("effect %s is behind another: %v, want %v", e.ID, behind[e.ID], m.behind(i))
		}
	}
	woken, _, err := m.s.Due(rt.Context(), m.fences, m.clock.Now(), engine.DuePosition{}, len(m.effects)+1)
	if err != nil || len(woken) != len(m.due) {
		rt.Fatalf("%d runs are due, %v; want %d", len(woken), err, len(m.due))
	}
	for _, w := range woken {
		if due, ok := m.due[w.Run.ID]; !ok || !due.Equal(w.Due) {
			rt.Fatalf("run %d fell due at %v, want %v", w.Run.Seq, w.Due, due)
		}
	}
}
