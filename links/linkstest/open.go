package linkstest

import (
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

func openTold(t *testing.T, tr *trial) {
	link := tr.newLink(1)
	tr.mint(t, link)
	var first links.Opening
	for i, at := range []time.Time{now.Add(time.Second), now.Add(time.Minute)} {
		opening := tr.opening(links.Flow{ID: tr.id(), Link: link.ID, Opened: at, Expires: now.Add(time.Hour)})
		if err := tr.Open(t.Context(), opening); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = opening
		}
	}
	outgoing, err := tr.Outgoing(t.Context(), 9)
	if err != nil || len(outgoing) != 2 || outgoing[1].Event.ID != first.Event.ID { // the other is of the trial's flow
		t.Errorf("told %+v, %v; want the first opening alone", outgoing, err)
	}
	stored, err := tr.Link(t.Context(), link.KeyID, link.Digest)
	if err != nil || !stored.Opened.Equal(first.Flow.Opened) || stored.Uses != 0 {
		t.Errorf("opened %v, %d uses, %v", stored.Opened, stored.Uses, err)
	}
	none := tr.opening(links.Flow{ID: tr.id(), Link: tr.id(), Opened: now, Expires: now.Add(time.Hour)})
	if err := tr.Open(t.Context(), none); err == nil {
		t.Error("opened a link that is not there")
	}
}

func openBound(t *testing.T, tr *trial) {
	link := tr.newLink(1)
	tr.mint(t, link)
	for i, c := range []struct {
		browser string
		want    error
	}{{"one", nil}, {"two", links.ErrBound}, {"one", nil}} {
		id := tr.id()
		opening := tr.opening(links.Flow{ID: id, Link: link.ID, Opened: now, Expires: now.Add(time.Hour)})
		opening.Bound = []byte(c.browser)
		if err := tr.Open(t.Context(), opening); !errors.Is(err, c.want) {
			t.Errorf("opening %d: %v, want %v", i, err, c.want)
		}
		if _, _, err := tr.Flow(t.Context(), id, now); (err == nil) != (c.want == nil) {
			t.Errorf("the flow of opening %d: %v", i, err)
		}
	}
	stored, err := tr.Link(t.Context(), link.KeyID, link.Digest)
	if err != nil || string(stored.Bound) != "one" {
		t.Errorf("bound to %q, %v", stored.Bound, err)
	}
}

// Two answers to one question: what is done by one link is done for the other, whichever it is.
func landTogether(t *testing.T, tr *trial) {
	group := tr.id()
	pair := []engine.Link{tr.newLink(2), tr.newLink(2)}
	for i := range pair {
		pair[i].Counts = group
		tr.mint(t, pair[i])
	}
	for i, link := range []engine.Link{pair[0], pair[1], pair[0], pair[1]} {
		act := tr.act("resolve", []string{"Closed", "Open", "Closed", "Open"}[i])
		act.Link, act.Flow = link.ID, tr.open(t)
		_, err := tr.Land(t.Context(), act)
		if used := errors.Is(err, links.ErrUsed); used != (i >= 2) || (err != nil && !used) {
			t.Errorf("use %d of 2: %v", i+1, err)
		}
	}
	for i, link := range pair {
		if stored, err := tr.Link(t.Context(), link.KeyID, link.Digest); err != nil || stored.Uses != 2 {
			t.Errorf("link %d has %d uses, %v", i, stored.Uses, err)
		}
	}
	if stored, err := tr.Link(t.Context(), tr.link.KeyID, tr.link.Digest); err != nil || stored.Uses != 0 {
		t.Errorf("another link has %d uses, %v", stored.Uses, err)
	}
}
