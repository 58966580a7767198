package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
)

// change is what an operator orders.
type change struct {
	what    string
	allowed bool // as things stood when it was drawn
	do      func() error
}

// operate lets an operator change a run, a delivery or a wait. What the state does not allow must be refused.
func (w *world) operate(rt *rapid.T) {
	c := w.order(rt)
	w.say("%s", c.what)
	if err := c.do(); (err == nil) != c.allowed || err != nil && !engine.IsPermanent(err) {
		w.fail("to %s, allowed: %v, gave %v", c.what, c.allowed, err)
	}
}

// storm lets operators change things while time goes on and events come.
func (w *world) storm(rt *rapid.T) {
	var orders []change
	for range rapid.IntRange(1, 3).Draw(rt, "orders") {
		orders = append(orders, w.order(rt))
		w.say("%s", orders[len(orders)-1].what)
	}
	w.burst(rt)
	by := rapid.SampledFrom(modelSteps).Draw(rt, "by")
	w.outer.Advance(by)
	w.clock.Advance(by)
	var group sync.WaitGroup
	for _, c := range orders {
		group.Go(func() {
			if err := c.do(); err != nil && !engine.IsPermanent(err) {
				w.journal.report("to %s gave %v", c.what, err)
			}
		})
	}
	group.Wait()
}

// order draws an order and what it is about.
func (w *world) order(rt *rapid.T) change {
	order := engine.Order{By: "ann", Reason: "the model", At: w.clock.Now()}
	act := rapid.SampledFrom([]string{
		"cancel a run", "cancel a run with its deliveries", "retry a run", "move a wait", "cancel a delivery",
		"retry a delivery", "retry a delivery",
	}).Draw(rt, "order")
	if strings.HasSuffix(act, "delivery") {
		return w.orderDelivery(rt, act, order)
	}
	rows := w.rows()
	r := rows[len(rows)-1-rapid.IntRange(0, min(4, len(rows)-1)).Draw(rt, "run from the end")]
	c := change{what: fmt.Sprintf("%s: %s of %s, which is %s", act, r.id, r.workflow, r.state)}
	switch act {
	case "move a wait":
		due := w.clock.Now().Add(time.Duration(rapid.IntRange(-5, 30).Draw(rt, "minutes")) * time.Minute)
		c.allowed = r.state == engine.RunRetrying ||
			r.state == engine.RunWaiting && (!r.progress.Rest.Until.IsZero() || r.progress.Tries > 0)
		c.do = func() error { return w.moveWait(r.id, order, due) }
	case "retry a run":
		c.allowed = r.state == engine.RunFailed || r.state == engine.RunStopped && engine.WasCancelled(r.reason)
		c.do = func() error { return w.retryRun(r.id, order) }
	default:
		c.allowed = !r.state.Over()
		c.do = func() error { return w.cancelRun(r.id, order, act != "cancel a run") }
	}
	return c
}

func (w *world) moveWait(id engine.ID, order engine.Order, due time.Time) error {
	defer w.journal.alone()()
	line, err := w.store.MoveWait(context.Background(), id, order, due, 0)
	if err == nil {
		w.journal.moved(id, line.Due)
	}
	return err
}

func (w *world) retryRun(id engine.ID, order engine.Order) error {
	defer w.journal.alone()()
	_, err := w.store.RetryRun(context.Background(), id, order)
	if err == nil {
		w.journal.revived(id)
	}
	return err
}

func (w *world) cancelRun(id engine.ID, order engine.Order, deliveries bool) error {
	defer w.journal.alone()()
	line, err := w.store.CancelRun(context.Background(), id, order, deliveries)
	if err == nil {
		w.journal.stopped(id)
		w.proc.engine.Look(line.ID, line.Partition)
	}
	return err
}

func (w *world) orderDelivery(rt *rapid.T, act string, order engine.Order) change {
	lines, err := w.store.DeliveryLines(context.Background(), engine.DeliverySelection{Limit: 5})
	if err != nil {
		w.Fatal(err)
	}
	if len(lines) == 0 {
		rt.Skip("no deliveries yet")
	}
	d := rapid.SampledFrom(lines).Draw(rt, "delivery")
	c := change{what: fmt.Sprintf("%s: %s of %s, which is %s", act, d.ID, d.Workflow, d.State)}
	if act == "retry a delivery" {
		c.allowed = d.State == engine.DeliveryUnknown || d.State == engine.DeliveryRejected
		c.do = func() error { return w.changeDelivery(d.ID, order, w.store.RetryDelivery) }
		return c
	}
	c.allowed = d.State == engine.DeliveryPlanned || d.State == engine.DeliveryUnknown
	c.do = func() error { return w.changeDelivery(d.ID, order, w.store.CancelDelivery) }
	return c
}

func (w *world) changeDelivery(
	id engine.ID, order engine.Order,
	do func(context.Context, engine.ID, engine.Order) (*engine.Delivery, error),
) error {
	defer w.journal.alone()()
	d, err := do(context.Background(), id, order)
	if err == nil {
		w.journal.operated(d)
		w.proc.engine.Hurry()
	}
	return err
}

// alone lets nobody else commit until what it returns is called.
func (j *journal) alone() func() {
	j.settling.Lock()
	j.advancing.Lock()
	return func() {
		j.advancing.Unlock()
		j.settling.Unlock()
	}
}

// report adds a fault.
func (j *journal) report(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fault(format, args...)
}

// stopped is a run that an operator ended.
func (j *journal) stopped(id engine.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over[id] = true
	for name, holder := range j.gates {
		if holder == id {
			delete(j.gates, name)
		}
	}
}

// revived is a run that goes on by an operator's order. A wait in which it failed begins anew.
func (j *journal) revived(id engine.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.again[id] = true
	j.over[id], j.entered[id] = false, true // those of later events may have passed
	for at := range j.rests {
		if strings.HasPrefix(at, id.String()) {
			delete(j.rests, at)
		}
	}
}

// wasRevived tells whether an operator took a run again.
func (j *journal) wasRevived(id engine.ID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.again[id]
}

// moved is a run whose wait has another time.
func (j *journal) moved(id engine.ID, due time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if rest := j.resting[id]; rest != nil {
		moved := *rest
		moved.Until = due
		j.resting[id] = &moved
	}
}

// operated is a delivery that an operator sent again or cancelled.
func (j *journal) operated(d *engine.Delivery) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.orders[d.ID] = true
	if delete(j.ended, d.ID); d.State.Over() {
		j.ended[d.ID] = d.State
	}
}

// ordered tells whether an operator had to do with a delivery.
func (j *journal) ordered(id engine.ID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.orders[id]
}
