package links_test

import (
	"testing"
	"time"

	"postern/engine"
)

// expired are the links of which was told that they expired unused, by all events so far.
func (p post) expired() []*engine.Event {
	p.t.Helper()
	p.settle()
	var events []*engine.Event
	for _, entry := range p.bus.All() {
		at, err := engine.ParseAddress(entry.Subject)
		if err != nil {
			p.t.Fatal(err)
		}
		event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
		if err == nil && event.Type == engine.LinkExpired {
			events = append(events, event)
		}
	}
	return events
}

func TestExpiryIsToldOnceOfWhatNobodyUsed(t *testing.T) {
	p := newPost(t)
	_, used := p.mint("seat", func(terms *engine.LinkTerms) { terms.Record = question })
	v := p.visitor()
	v.submit(v.get(v.open(used).path+"/yes"), nil).expect(t, 200, "Saved")
	_, revoked := p.mint("answer", func(terms *engine.LinkTerms) { terms.Record = question })
	order := engine.Order{By: "ann", At: p.clock.Now()}
	if _, err := p.store.RevokeLinks(t.Context(), engine.LinkSelection{IDs: []engine.ID{p.stored(revoked).ID}}, order); err != nil {
		t.Fatal(err)
	}
	p.visitor().open("/x/seat/" + firstID)
	p.clock.Advance(2*time.Hour - time.Millisecond)
	if events := p.expired(); len(events) != 0 {
		t.Fatalf("told before its time: %+v", events)
	}
	p.clock.Advance(time.Millisecond)
	events := p.expired() // of the message's two links, which count together, one stands for both
	if len(events) != 1 || events[0].Subject != question.String() || events[0].Depth != 1 || events[0].Chain != "ask" {
		t.Fatalf("told %+v", events)
	}
	p.clock.Advance(200 * 24 * time.Hour)
	if again := p.expired(); len(again) != 1 {
		t.Errorf("told %d times", len(again))
	}
}

// A link that was sent again may expire once more.
func TestRenewedLinkExpiresAgain(t *testing.T) {
	p := newPost(t)
	yes, _, _ := p.links()
	p.clock.Advance(2 * time.Hour)
	if events := p.expired(); len(events) != 1 {
		t.Fatalf("told %d times", len(events))
	}
	p.visitor().send("POST", yes+"/again", nil).expect(t, 200, "on its way")
	p.clock.Advance(time.Hour)
	if events := p.expired(); len(events) != 1 {
		t.Errorf("told %d times while it lived", len(events))
	}
	p.clock.Advance(time.Hour)
	if events := p.expired(); len(events) != 2 || events[0].ID == events[1].ID {
		t.Errorf("told %d times", len(events))
	}
}
