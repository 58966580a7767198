package links_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// offer is where a receipt's undo goes, and what its form holds.
func offer(t *testing.T, receipt shown) (path string, form url.Values) {
	t.Helper()
	path = receipt.path + "/undo"
	receipt.expect(t, 200, `action="`+path+`"`, "Take it back", "until 10:15 UTC")
	return path, url.Values{"~seen": {receipt.seen()}}
}

func TestUndo(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	confirm := v.get(page.path + "/resolve")
	confirm.expect(t, 200, "You can take it back for 15 min afterwards.")
	path, form := offer(t, v.submit(confirm, nil))
	for range 2 { // the second press is the first
		v.send("POST", path, form).expect(t, 200, "Taken back", "It is as it was before.", "!Take it back", page.path)
	}
	h.holds(map[string]string{"ticketstatus": "Open"})
	if uses := h.link(link).Uses; uses != 0 || len(h.eventsOf(engine.LinkUndone)) != 1 || len(h.eventsOf(engine.LinkUsed)) != 1 {
		t.Errorf("%d uses, %d events link.undone", uses, len(h.eventsOf(engine.LinkUndone)))
	}
	undone := h.eventsOf(engine.LinkUndone)[0]
	if undone.Subject != ticket.String() || !strings.Contains(string(undone.Data), `"action":"resolve"`) {
		t.Errorf("link.undone is %+v: %s", undone, undone.Data)
	}
	// What was taken back can be done again, at once.
	v.submit(v.get(page.path+"/resolve"), nil).expect(t, 200, "Saved", "Take it back")
	h.holds(map[string]string{"ticketstatus": "Resolved"})
}

func TestUndoTooLate(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	receipt := v.submit(v.get(v.open(address).path+"/resolve"), nil)
	path, form := offer(t, receipt)
	h.clock.Advance(15 * time.Minute)
	v.get(receipt.path).expect(t, 200, "Saved", "!Take it back")
	v.send("POST", path, form).expect(t, 409, "This can no longer be taken back", "!Take it back")
	h.holds(map[string]string{"ticketstatus": "Resolved"})
	if uses := h.link(link).Uses; uses != 1 || len(h.eventsOf(engine.LinkUndone)) != 0 {
		t.Errorf("%d uses", uses)
	}
}

func TestUndoIsForTheSameFlow(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v, other := h.visitor(), h.visitor()
	page := v.open(address)
	path, form := offer(t, v.submit(v.get(page.path+"/resolve"), nil))
	h.visitor().send("POST", path, form).expect(t, 404, "Please open your link again")
	theirs := other.open(address)
	other.send("POST", strings.Replace(theirs.path, "/f/", "/r/", 1)+"/undo", form).expect(t, 200, "It works again")
	h.holds(map[string]string{"ticketstatus": "Resolved"})
	// A receipt of something older than what the flow did last takes nothing back.
	v.submit(v.get(page.path+"/reject"), url.Values{"reason": {"Still broken"}}).expect(t, 200, "Saved")
	v.send("POST", path, form).expect(t, 409, "This can no longer be taken back")
	h.holds(map[string]string{"ticketstatus": "Wait For Response"})
	v.head.Set("Origin", "https://evil.example")
	v.head.Set("Sec-Fetch-Site", "cross-site")
	v.send("POST", path, form).expect(t, 403)
}

func TestUndoAfterSomebodyElse(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	receipt := v.submit(v.get(v.open(address).path+"/resolve"), nil)
	path, form := offer(t, receipt)
	h.writes(engine.Fields{"ticketstatus": "Closed"})
	v.get(receipt.path).expect(t, 200, "!Take it back")
	v.send("POST", path, form).expect(t, 409, "somebody has changed it since")
	h.holds(map[string]string{"ticketstatus": "Closed"})
	if uses := h.link(link).Uses; uses != 1 {
		t.Errorf("%d uses", uses)
	}
}

// Who goes to and fro has an end: a use is given back once for each that the link may have.
func TestUndoGivesUsesBackAsOftenAsThereAreUses(t *testing.T) {
	h := kindsHouse(t)
	h.book.Landings["kinds"].Uses = 2
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	for turn, want := range []int{0, 0, 1, 2} {
		path, form := offer(t, v.submit(v.get(page.path+"/resolve"), nil))
		v.send("POST", path, form).expect(t, 200, "Taken back")
		if uses := h.link(link).Uses; uses != want {
			t.Fatalf("after turn %d the link has %d uses, want %d", turn+1, uses, want)
		}
	}
	v.send("POST", page.path+"/resolve", nil).expect(t, 200, "Taken back") // led to the receipt of what was done last
	h.holds(map[string]string{"ticketstatus": "Open"})
}

func TestNothingToUndo(t *testing.T) {
	h := kindsHouse(t)
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	v.submit(page, url.Values{"score": {"", "4"}}).expect(t, 200, "Saved", "!Take it back")
	h.writes(engine.Fields{"ticketstatus": "Resolved"})
	receipt := v.send("POST", page.path+"/resolve", nil)
	receipt.expect(t, 200, "Already done", "!Take it back")
	v.send("POST", receipt.path+"/undo", url.Values{"~seen": {receipt.seen()}}).expect(t, 409)
	h.holds(map[string]string{"score": "4", "ticketstatus": "Resolved"})
	fresh := h.visitor()
	at := fresh.open(address)
	fresh.send("POST", strings.Replace(at.path, "/f/", "/r/", 1)+"/undo", nil).expect(t, 200, "It works again")
}

func TestUndoOfARecordOfAnotherCRM(t *testing.T) {
	h := kindsHouse(t, func(c *links.DoorConfig) { c.CRM = distant{c.CRM} })
	fences := h.owned()
	link, address := h.mint("kinds")
	v := h.visitor()
	// The first write has not reached the CRM when it is taken back.
	path, form := offer(t, v.submit(v.get(v.open(address).path+"/resolve"), nil))
	v.send("POST", path, form).expect(t, 200, "Taken back", "it is being written into our records as it was before")
	if uses := h.link(link).Uses; uses != 0 {
		t.Errorf("%d uses", uses)
	}
	effects := h.effects(fences)
	if len(effects) != 1 {
		t.Fatalf("%d effects can be taken, want the first alone", len(effects))
	}
	effects[0].State = engine.EffectDone
	if err := h.store.SettleEffect(t.Context(), fences[effects[0].Partition], effects[0]); err != nil {
		t.Fatal(err)
	}
	back := h.effects(fences)
	if len(back) != 1 || back[0].Write.Patch.Set.Text("ticketstatus") != "Open" ||
		back[0].Write.Patch.Expect.Text("ticketstatus") != "Resolved" {
		t.Errorf("then %+v", back)
	}
}

func TestUndoWhenTheStoreIsAway(t *testing.T) {
	broken := &breaking{}
	h := kindsHouse(t, func(c *links.DoorConfig) { broken.CRM, c.CRM = c.CRM, broken })
	_, address := h.mint("kinds")
	v := h.visitor()
	receipt := v.submit(v.get(v.open(address).path+"/resolve"), nil)
	broken.err = context.DeadlineExceeded
	v.get(receipt.path).expect(t, 200, "Saved", "!Take it back") // nobody knows whether it still stands
}
