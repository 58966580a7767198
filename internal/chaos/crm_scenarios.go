package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"postern/engine"
	"postern/internal/crm/corebostest"
	"postern/internal/rig"
)

// Effects of workflows whose records are in a CRM.
const (
	revised    = "revise"
	created    = "create"
	closedTold = "ticket.closed"
	followed   = "ticket.followed"
	conflicted = "run.conflict"
)

// someFaults lose the answers to every fourth of the next calls of an operation, before or after they were done. With
// more, the CRM would count as one that is down.
func (o *office) someFaults(operation string) {
	for n := range inBatch {
		o.crm.player.Break(corebostest.Fault{Operation: operation, Done: o.dice.n(3) > 0, Reset: n%4 == 2})
	}
}

// crmLostAnswer loses the answers to writes while the house is killed too: each ticket is written once. Where a human
// edits between the lost answer and the next try, the edit stays and a conflict is told.
func crmLostAnswer(ctx context.Context, t *trial) (err error) {
	o := newOffice(t, revised, closedTold)
	defer func() { o.finish(err) }()
	if ctx, err = o.open(ctx, "crm_closes"); err != nil {
		return err
	}
	human := map[engine.Ref]string{}
	for round := range o.rounds {
		ref, err := o.editAfterLostAnswer(ctx)
		if err != nil {
			return err
		}
		human[ref] = "Wait For Response"
		o.someFaults(revised)
		if err := o.editSome(inBatch); err != nil {
			return err
		}
		o.strike(ctx, round, []string{atRandom, atTold})
		if err := o.house.restart(ctx); err != nil {
			return err
		}
		if err := o.awaited(ctx); err != nil {
			return err
		}
	}
	for ref, status := range human {
		if is := o.crm.player.Fields(ref)["ticketstatus"]; is != status {
			o.blame("the human's %q on %s became %q", status, ref, is)
		}
	}
	return o.settle(ctx, 0)
}

// editAfterLostAnswer lets the CRM do a write, a human edit the same field, and only then the answer get lost.
func (o *office) editAfterLostAnswer(ctx context.Context) (ref engine.Ref, err error) {
	hold := make(chan struct{})
	defer close(hold)
	o.crm.player.Break(corebostest.Fault{Operation: revised, Done: true, Hold: hold, Reset: true})
	if ref, err = o.newTicket(); err != nil {
		return ref, err
	}
	before := len(o.crm.player.Written())
	o.ledger.owe(ref.ID, revised, conflicted, failed)
	if err := o.crm.player.Edit(ref, map[string]string{"description": "Please hurry"}); err != nil {
		return ref, err
	}
	within, cancel := context.WithTimeout(ctx, crmTime)
	defer cancel()
	if err := rig.Await(within, func() bool { return len(o.crm.player.Written()) > before }); err != nil {
		return ref, fmt.Errorf("the CRM is not written to: %w", err)
	}
	return ref, o.crm.player.Edit(ref, map[string]string{"ticketstatus": "Wait For Response"})
}

// crmCreateLost loses the answers to creates while the house is killed too: each ticket is followed by one.
func crmCreateLost(ctx context.Context, t *trial) (err error) {
	o := newOffice(t, created, followed)
	defer func() { o.finish(err) }()
	if ctx, err = o.open(ctx, "crm_follows"); err != nil {
		return err
	}
	for round := range o.rounds {
		o.someFaults(created)
		if err := o.editSome(inBatch); err != nil {
			return err
		}
		o.strike(ctx, round, []string{atTold, atRandom})
		if err := o.house.restart(ctx); err != nil {
			return err
		}
		if err := o.awaited(ctx); err != nil {
			return err
		}
	}
	return o.settle(ctx, 0)
}

// crmDown stops the CRM for a while. All is written once it is back, and it was not pestered by those who waited. Each
// outage meets a house of its own, all at the same time, as with mail servers.
func crmDown(ctx context.Context, t *trial) error {
	return sideBySide(t.rounds, func(round int) error { return crmDownOnce(ctx, t, round) })
}

// crmDownOnce plays one outage.
func crmDownOnce(ctx context.Context, t *trial, round int) (err error) {
	o := newOffice(t, revised, closedTold)
	o.folder = filepath.Join(t.folder, fmt.Sprint(round))
	defer func() { o.finish(err) }()
	if ctx, err = o.open(ctx, "crm_closes"); err != nil {
		return err
	}
	o.crm.close()
	if err := o.editSome(inBatch); err != nil {
		return err
	}
	time.Sleep(downTime)
	o.broke("gone")
	began := time.Now()
	if err := o.crm.open(); err != nil {
		return err
	}
	if err := o.awaited(ctx); err != nil {
		return err
	}
	o.recovered(time.Since(began))
	return o.settle(ctx, 0)
}

// crmLoop has two workflows chase one another through a CRM that knows no causes, and kills meanwhile. Each ticket is
// written as often as the limit lets it, and no more.
func crmLoop(ctx context.Context, t *trial) (err error) {
	o := newOffice(t, loopWrites()...)
	o.counted = true
	defer func() { o.finish(err) }()
	if ctx, err = o.open(ctx, "crm_loop"); err != nil {
		return err
	}
	for range o.rounds {
		for range inBatch / 8 {
			if _, err := o.edit(map[string]string{"ticketstatus": "Closed"}); err != nil {
				return err
			}
		}
		o.strike(ctx, 0, []string{atRandom})
		if err := o.house.restart(ctx); err != nil {
			return err
		}
		if err := o.awaited(ctx); err != nil {
			return err
		}
	}
	time.Sleep(quietTime)
	o.note() // what came after all that was expected
	return o.settle(ctx, 0)
}

// loopWrites are the writes of a loop.
func loopWrites() (writes []string) {
	for n := range depth {
		writes = append(writes, fmt.Sprintf("%s %d", revised, n+1))
	}
	return writes
}
