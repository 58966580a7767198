package links_test

import (
	"testing"

	"postern/engine"
	"postern/links"
)

// distant is a CRM whose records are not our own.
type distant struct{ engine.CRM }

func (distant) Traits() engine.Traits { return engine.Traits{Echoes: true} }

func TestActOnARecordOfAnotherCRM(t *testing.T) {
	h := newHouse(t, func(c *links.DoorConfig) { c.CRM = distant{c.CRM} })
	partitions, err := h.store.Claim(t.Context(), "another", "memory", h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	var fences []engine.Fence
	for _, p := range partitions {
		fences = append(fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
	link, address := h.mint("ticket")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/resolve")
	for range 2 { // the second press is the first
		v.submit(confirm, nil).expect(t, 200, "Received", "is being written into our records", "!has been saved")
	}
	h.holds(map[string]string{"ticketstatus": "Open"})
	if uses := h.link(link).Uses; uses != 1 {
		t.Errorf("%d uses", uses)
	}
	effects, _, err := h.store.TakeEffects(t.Context(), engine.EffectDemand{Fences: fences, Now: h.clock.Now(), Limit: 10})
	if err != nil || len(effects) != 1 {
		t.Fatalf("%d effects, %v", len(effects), err)
	}
	w := effects[0].Write
	if w.Ref != ticket || w.Patch.Set.Text("ticketstatus") != "Resolved" || w.Patch.Expect.Text("ticketstatus") != "Open" {
		t.Errorf("the effect is %+v", w)
	}
	events := h.events()
	if len(events) != 1 || events[0].Type != engine.LinkUsed || w.Cause != events[0].ID {
		t.Errorf("%d events, the effect's cause is %s", len(events), w.Cause)
	}
}
