package store

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/peer"

	"pgregory.net/rapid"
)

// hearModel is what should be known of deliveries on which reports come at any time, beside the store.
type hearModel struct {
	s          *Store
	path       string
	clock      *enginetest.Clock
	fences     []engine.Fence
	run        *engine.Run
	deliveries []*heardDelivery
	reports    []engine.Hearing // that came, to come again
}

// heardDelivery is a delivery as it should be.
type heardDelivery struct {
	id      engine.ID
	state   engine.DeliveryState
	channel string
	named   bool // the provider's name for it is known
	sent    *engine.Delivery
	kept    []engine.DeliveryState // reported while it was being sent, by its id
	byName  []engine.DeliveryState // reported before its name was known
}

func (d *heardDelivery) name() string { return "m-" + d.id.String() }

// hear is what a report on it by the channel email leads to.
func (d *heardDelivery) hear(state engine.DeliveryState) {
	if d.channel == "email" && state.Rank() > d.state.Rank() {
		d.state = state
	}
}

// Whatever is sent, settled, reported, reported again and cut short in whatever order: each report counts once its
// message is settled, the best known stays, and what is resolved is never sent again.
func TestReportsAgainstAModel(t *testing.T) {
	peer.Cases(t, "60", "10")
	path := filepath.Join(t.TempDir(), "postern.db")
	cases := 0
	rapid.Check(t, func(rt *rapid.T) {
		cases++
		m := &hearModel{path: fmt.Sprint(path, cases), clock: enginetest.NewClock(testNow)}
		m.open(rt)
		defer func() { _ = m.s.Close() }()
		m.run = testRun(1)
		if _, err := m.s.Intake(rt.Context(), engine.Intake{Runs: []*engine.Run{m.run}}); err != nil {
			rt.Fatal(err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"plan": m.plan, "send": m.send, "settle": m.settle, "report": m.report, "report by name": m.reportByName,
			"report again": m.again, "crash": m.crash, "": m.compare,
		})
	})
}

func (m *hearModel) open(rt *rapid.T) {
	var err error
	if m.s, err = Open(rt.Context(), m.path, m.clock, slog.New(slog.DiscardHandler)); err != nil {
		rt.Fatal(err)
	}
	if _, err := m.s.writer.conn.ExecContext(rt.Context(), "PRAGMA synchronous = OFF"); err != nil {
		rt.Fatal(err)
	}
	partitions, err := m.s.Claim(rt.Context(), "node", "EVENTS", m.clock.Now())
	if err != nil {
		rt.Fatal(err)
	}
	m.fences = nil
	for _, p := range partitions {
		m.fences = append(m.fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
}

func (m *hearModel) plan(rt *rapid.T) {
	if len(m.deliveries) >= 4 {
		rt.Skip("enough")
	}
	d := testDelivery(m.run, fmt.Sprint(len(m.deliveries)))
	d.State, d.Slot, d.Channel = engine.DeliveryPlanned, 0, "email"
	d.Due, d.Until = m.clock.Now(), m.clock.Now().Add(time.Hour)
	step := engine.Advance{Fence: m.fences[m.run.Partition], Run: m.run, Deliveries: []*engine.Delivery{d}}
	if err := m.s.Advance(rt.Context(), step); err != nil {
		rt.Fatal(err)
	}
	m.deliveries = append(m.deliveries, &heardDelivery{id: d.ID, state: engine.DeliveryPlanned, channel: "email"})
}

func (m *hearModel) send(rt *rapid.T) {
	taken, _, err := m.s.Take(rt.Context(), engine.Demand{
		Fences: m.fences, Others: true, Slots: []int{1, 2}, Now: m.clock.Now(),
	})
	if err != nil {
		rt.Fatal(err)
	}
	for _, d := range taken {
		known := m.of(d.ID)
		if known.state != engine.DeliveryPlanned {
			rt.Fatalf("a delivery that is %s was taken", known.state)
		}
		known.state, known.sent = engine.DeliverySending, d
	}
}

func (m *hearModel) of(id engine.ID) *heardDelivery {
	for _, d := range m.deliveries {
		if d.id == id {
			return d
		}
	}
	return nil
}

// sending draws one that is being sent.
func (m *hearModel) sending(rt *rapid.T) *heardDelivery {
	for _, d := range m.deliveries {
		if d.sent != nil {
			return d
		}
	}
	rt.Skip("nothing is being sent")
	return nil
}

func (m *hearModel) settle(rt *rapid.T) {
	d := m.sending(rt)
	states := []engine.DeliveryState{
		engine.DeliveryAccepted, engine.DeliveryUnknown, engine.DeliveryRejected, engine.DeliveryPlanned,
	}
	if rapid.IntRange(0, 4).Draw(rt, "goes another way") == 0 {
		d.sent.Channel, states = "sms", states[3:]
	}
	m.outcome(rt, d, rapid.SampledFrom(states).Draw(rt, "outcome"))
}

// outcome settles a try, after which what was kept counts.
func (m *hearModel) outcome(rt *rapid.T, d *heardDelivery, state engine.DeliveryState) {
	d.sent.State, d.sent.Slot, d.sent.Due = state, 0, m.clock.Now()
	outcome := engine.Settle{Fence: m.fences[d.sent.Partition], Delivery: d.sent}
	if state == engine.DeliveryAccepted {
		d.sent.Receipt = engine.Receipt{Provider: "p", ID: d.name()}
		outcome.ProviderID = d.name()
	}
	if err := m.s.Settle(rt.Context(), outcome); err != nil {
		rt.Fatal(err)
	}
	d.state, d.channel, d.sent = state, d.sent.Channel, nil
	d.named = state == engine.DeliveryAccepted && d.channel == "email"
	for _, report := range d.kept {
		d.hear(report)
	}
	d.kept = nil
	if d.named {
		for _, report := range d.byName {
			d.hear(report)
		}
		d.byName = nil
	}
}

var reportedStates = engine.DeliveryStates()[5:]

func (m *hearModel) drawReport(rt *rapid.T) (*heardDelivery, engine.Hearing) {
	if len(m.deliveries) == 0 {
		rt.Skip("there is nothing to report on")
	}
	d := rapid.SampledFrom(m.deliveries).Draw(rt, "delivery")
	m.clock.Advance(time.Second)
	return d, engine.Hearing{
		Channel: "email", Key: fmt.Sprint(len(m.reports)), At: m.clock.Now(), Now: m.clock.Now(),
		Report: &engine.Report{Delivery: d.id, State: rapid.SampledFrom(reportedStates).Draw(rt, "report")},
	}
}

func (m *hearModel) report(rt *rapid.T) {
	d, h := m.drawReport(rt)
	if m.hear(rt, h); d.sent != nil {
		d.kept = append(d.kept, h.Report.State)
		return
	}
	d.hear(h.Report.State)
}

func (m *hearModel) reportByName(rt *rapid.T) {
	d, h := m.drawReport(rt)
	h.Report.Delivery, h.Report.ProviderID = engine.ID{}, d.name()
	if m.hear(rt, h); !d.named {
		d.byName = append(d.byName, h.Report.State)
		return
	}
	d.hear(h.Report.State)
}

// hear hands a report over as the engine does.
func (m *hearModel) hear(rt *rapid.T, h engine.Hearing) {
	d, err := m.s.Reported(rt.Context(), h.Channel, *h.Report)
	if err == nil {
		h.Delivery = d.ID
	} else if !errors.Is(err, engine.ErrNoThing) {
		rt.Fatal(err)
	}
	if got, err := m.s.Hear(rt.Context(), h); err != nil || got.Again || got.Lost {
		rt.Fatalf("report %s came to %+v, %v", h.Key, got, err)
	}
	m.reports = append(m.reports, h)
}

func (m *hearModel) again(rt *rapid.T) {
	if len(m.reports) == 0 {
		rt.Skip("nothing was reported")
	}
	h := rapid.SampledFrom(m.reports).Draw(rt, "report")
	if got, err := m.s.Hear(rt.Context(), h); err != nil || got != (engine.HearOutcome{Again: true}) {
		rt.Fatalf("report %s came again to %+v, %v", h.Key, got, err)
	}
}

// crash opens the database anew. What was being sent is in doubt, or did not leave.
func (m *hearModel) crash(rt *rapid.T) {
	if err := m.s.Close(); err != nil {
		rt.Fatal(err)
	}
	m.open(rt)
	orphans, err := m.s.Orphans(rt.Context())
	if err != nil {
		rt.Fatal(err)
	}
	for _, o := range orphans {
		d := m.of(o.Delivery.ID)
		d.sent = o.Delivery
		states := []engine.DeliveryState{engine.DeliveryUnknown, engine.DeliveryPlanned}
		m.outcome(rt, d, rapid.SampledFrom(states).Draw(rt, "orphan"))
	}
}

// compare holds the states against the store's, and sees that each is told once.
func (m *hearModel) compare(rt *rapid.T) {
	told := map[string]int{}
	outgoing, err := m.s.Outgoing(rt.Context(), 1000)
	if err != nil {
		rt.Fatal(err)
	}
	for _, out := range outgoing {
		if told[out.Event.ID]++; told[out.Event.ID] > 1 {
			rt.Fatalf("%s %s was told twice", out.Event.Type, out.Event.ID)
		}
	}
	for _, d := range m.deliveries {
		stored, err := m.s.Delivery(rt.Context(), d.id)
		if err != nil {
			rt.Fatal(err)
		}
		if stored.State != d.state {
			rt.Fatalf("delivery %s is %s, should be %s: %v", d.id, stored.State, d.state, stored.History)
		}
	}
}
