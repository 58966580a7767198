package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
	"postern/links"
)

// visit presses a button of a link's page, maybe several times at once. What comes of it must be what the model says.
func (w *world) visit(rt *rapid.T) {
	minted := w.journal.minted()
	if len(minted) == 0 {
		rt.Skip("no links yet")
	}
	link := minted[len(minted)-1-rapid.IntRange(0, min(2, len(minted)-1)).Draw(rt, "link from the end")]
	flow := engine.DerivedID(link.ID, "flow", rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "visitor"))
	name := rapid.SampledFrom([]string{"resolve", "resolve", "reopen"}).Draw(rt, "action")
	presses := rapid.SampledFrom([]int{1, 1, 2, 5}).Draw(rt, "presses")
	now := w.clock.Now()
	if !w.flows[flow] {
		w.flows[flow] = true
		opened, err := engine.NewLinkEvent(link, engine.LinkOpened, engine.DerivedID(flow, "opened"), now, nil)
		if err != nil {
			w.Fatal(err)
		}
		if err := w.store.Open(context.Background(), links.Opening{Event: opened, Flow: links.Flow{
			ID: flow, Link: link.ID, Opened: now, Expires: now.Add(1000 * time.Hour),
		}}); err != nil {
			w.Fatal(err)
		}
	}
	want := w.expectVisit(link, flow, name, now)
	acts, outcomes, errs := make([]links.Act, presses), make([]links.Outcome, presses), make([]error, presses)
	for i := range acts {
		acts[i] = w.act(link, flow, name, now)
	}
	var group sync.WaitGroup
	for i := range acts {
		group.Go(func() { outcomes[i], errs[i] = w.store.Land(context.Background(), acts[i]) })
	}
	group.Wait()
	fresh := 0
	for i, err := range errs {
		switch {
		case want.err != nil && !errors.Is(err, want.err) || want.err == nil && err != nil:
			w.fail("%s by link %s gave %v, want %v", name, link.ID, err, want.err)
		case err != nil:
		case !outcomes[i].Repeated:
			fresh++
			w.visits = append(w.visits, modelVisit{link: link.ID, flow: flow, name: name, at: outcomes[i].At, used: acts[i].Used.ID})
		}
		if err == nil && !outcomes[i].At.Equal(want.at) {
			w.fail("%s by link %s has a receipt of %s, want %s", name, link.ID, outcomes[i].At, want.at)
		}
	}
	if want.err == nil && fresh != want.fresh {
		w.fail("%d presses of %s by link %s had %d effects, want %d", presses, name, link.ID, fresh, want.fresh)
	}
}

// expectation is what a press of a button should come to.
type expectation struct {
	err   error
	at    time.Time // of the receipt
	fresh int       // effects
}

func (w *world) expectVisit(link engine.Link, flow engine.ID, name string, now time.Time) expectation {
	var last *modelVisit
	uses := 0
	for i, v := range w.visits {
		if v.link == link.ID {
			uses++
		}
		if v.flow == flow && v.at.After(now.Add(-links.RepeatWindow)) && (last == nil || !v.at.Before(last.at)) {
			last = &w.visits[i]
		}
	}
	at := now
	if last != nil && !now.After(last.at) {
		at = last.at.Add(time.Millisecond) // the clock was set back
	}
	_, there := w.record(link.Record)
	switch {
	case last != nil && last.name == name:
		return expectation{at: last.at}
	case now.Before(link.NotBefore.Truncate(time.Millisecond)):
		return expectation{err: links.ErrNoLink}
	case !now.Before(link.Expires.Truncate(time.Millisecond)):
		return expectation{err: links.ErrExpired}
	case uses >= link.MaxUses:
		return expectation{err: links.ErrUsed}
	case w.outside == nil && !there:
		return expectation{err: engine.ErrNoRecord}
	}
	return expectation{at: at, fresh: 1}
}

// act is one press, as the door would store it.
func (w *world) act(link engine.Link, flow engine.ID, name string, now time.Time) links.Act {
	var ids [3]engine.ID
	for i := range ids {
		id, err := engine.NewID(now, w.random)
		if err != nil {
			w.Fatal(err)
		}
		ids[i] = id
	}
	data, err := json.Marshal(map[string]string{"link": link.ID.String()})
	if err != nil {
		w.Fatal(err)
	}
	key := sha256.Sum256([]byte(name))
	used := &engine.Event{
		ID: ids[1].String(), Source: engine.Source, Type: engine.LinkUsed, Subject: link.Record.String(),
		Time: now, CauseID: link.Cause, Data: data,
	}
	act := links.Act{
		ID: ids[0], Flow: flow, Link: link.ID, Name: name, Key: key[:], Used: used, At: now,
		Write: engine.Write{
			Ref: link.Record, Patch: engine.Patch{Set: modelActs[name]}, Origin: engine.Origin{
				EventID: ids[2], Source: engine.Source, Cause: used.ID, Depth: 1, Actor: fmt.Sprint("link:", link.ID), At: now,
			},
		},
	}
	if w.outside != nil {
		unlock := w.outside.lock()
		act.Write.Patch.Expect = engine.Fields{"status": w.outside.records[link.Record]["status"]}
		unlock()
		effect := engine.NewEffect(engine.DerivedID(act.ID, "effect"), act.ID, engine.Ask{Write: &act.Write}, engine.DefaultRetry(), now)
		effect.Workflow = link.Workflow
		act.Effects = []*engine.Effect{effect}
	}
	return act
}
