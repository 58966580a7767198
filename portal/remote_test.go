package portal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// remote is a CRM whose records are elsewhere.
type remote struct{ portal.CRM }

func (remote) Traits() engine.Traits { return engine.Traits{} }

// busy is a store in which effects stand as the test says, once somebody has waited for them often enough.
type busy struct {
	portal.DeskStore

	over   engine.EffectState
	after  int
	result *engine.Record
	seen   []*engine.Effect
}

func (b *busy) Effects(ctx context.Context, change engine.ID) ([]*engine.Effect, error) {
	effects, err := b.DeskStore.Effects(ctx, change)
	b.seen = append(b.seen, effects...)
	if b.after--; b.after < 0 && len(effects) == 1 {
		effects[0].State, effects[0].Result = b.over, b.result
	}
	return effects, err
}

// passing is a clock that goes on by itself where somebody waits.
type passing struct{ *engine.StillClock }

func (p passing) Wait(_ context.Context, d time.Duration) error {
	p.Set(p.Now().Add(d))
	return nil
}

func TestChangesOfAnotherCRM(t *testing.T) {
	store := &busy{}
	w := house.New(t, func(c *portal.DeskConfig) {
		store.DeskStore = c.Store
		c.Store, c.CRM = store, remote{c.CRM}
		c.Clock = passing{c.Clock.(*engine.StillClock)}
	})
	w.Modules["HelpDesk"].ExternalID = "externalid"
	ana, ref := w.Viewer(house.Customers, house.Ana), house.Ref("HelpDesk/17x1")
	update := func(over engine.EffectState, after int) (portal.Done, error) {
		store.over, store.after = over, after
		return w.Desk.Update(t.Context(), ana, ref, engine.Fields{"description": string(over)}, "")
	}
	if done, err := update(engine.EffectDone, 3); err != nil || done.Row == nil || done.Pending {
		t.Errorf("done in time: %+v, %v", done, err)
	}
	began := w.Clock.Now()
	if done, err := update(engine.EffectDone, 1000); err != nil || !done.Pending || done.Row != nil || done.Ref != ref {
		t.Errorf("not in time: %+v, %v", done, err)
	}
	if waited := w.Clock.Now().Sub(began); waited < 4*time.Second || waited > 6*time.Second {
		t.Errorf("it was waited for %s", waited)
	}
	if _, err := update(engine.EffectConflict, 0); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a conflict: %v", err)
	}
	refused(t, "what the CRM refuses", func() error {
		_, err := update(engine.EffectRejected, 0)
		return err
	}, 422, portal.CodeValue, "")

	made := engine.Record{Ref: house.Ref("HelpDesk/17x2")}
	store.over, store.after, store.result = engine.EffectDone, 0, &made
	set := engine.Fields{"ticket_title": "New"}
	done, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "1")
	if err != nil || done.Ref != made.Ref {
		t.Errorf("made %+v: %v", done, err)
	}
	if again, err := w.Desk.Create(t.Context(), ana, "HelpDesk", set, "1"); err != nil || again.Ref != made.Ref {
		t.Errorf("asked for again: %+v, %v", again, err)
	}
	mia := w.Viewer(house.Customers, house.Mia)
	store.after = 1000
	if done, err := w.Desk.Delete(t.Context(), mia, ref, ""); err != nil || !done.Pending {
		t.Errorf("a deletion: %+v, %v", done, err)
	}
	store.after = 0
	for over, want := range map[engine.EffectState]error{
		engine.EffectDone: nil, engine.EffectConflict: portal.ErrConflict,
	} {
		store.over = over
		if _, err := w.Desk.Delete(t.Context(), mia, ref, ""); !errors.Is(err, want) {
			t.Errorf("a deletion that is %s: %v", over, err)
		}
	}
}

// A deletion that another CRM is asked for later, and perhaps again, says what the record has to be: the viewer's yet, and
// as they saw it.
func TestDeletionsOfAnotherCRMLookFirst(t *testing.T) {
	store := &busy{over: engine.EffectDone}
	w := house.New(t, func(c *portal.DeskConfig) {
		store.DeskStore = c.Store
		c.Store, c.CRM = store, remote{c.CRM}
	})
	mia, ref := w.Viewer(house.Customers, house.Mia), house.Ref("HelpDesk/17x1")
	if _, err := w.Desk.Delete(t.Context(), mia, ref, ""); err != nil {
		t.Fatal(err)
	}
	access, fields := mia.Access("HelpDesk"), w.Fields(ref)
	want := engine.Fields{}
	for _, name := range append(access.Rows.Fields(), access.Read...) {
		want[name] = fields[name]
	}
	if len(store.seen) == 0 || want.Text("parent_id") == "" {
		t.Fatalf("%d effects were looked at; %v", len(store.seen), want)
	}
	same(t, "what is expected", store.seen[0].Delete.Expect, want)
	if _, hidden := want["secret"]; hidden {
		t.Error("a hidden field stands in the way")
	}
}
