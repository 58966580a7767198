package linkstest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// kept is a link by external id, which has no token.
func (tr *trial) kept(uses int) engine.Link {
	link := tr.newLink(uses)
	link.Generation = 0
	return link
}

func keepStored(t *testing.T, tr *trial) {
	want := tr.kept(3)
	got, err := tr.Keep(t.Context(), want)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v; kept (-want +got):\n%s", err, diff)
	}
	tr.link = want
	act := tr.act("resolve", "Closed")
	act.Flow = tr.open(t)
	if _, err := tr.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	next := want
	next.KeyID, next.Digest, next.External = "b", []byte("another digest"), []byte("by another key")
	next.Expires, next.LandingVersion, next.MaxUses = want.Expires.Add(time.Hour), "v2", 1
	next.Masked, next.Created = "somebody else", now.Add(time.Minute) // what the stored link keeps
	got, err = tr.Keep(t.Context(), next)
	next.Masked, next.Created, next.Uses, next.Opened = want.Masked, want.Created, 1, now
	if diff := cmp.Diff(next, got); err != nil || diff != "" {
		t.Errorf("%v; kept again (-want +got):\n%s", err, diff)
	}
	if _, err := tr.Link(t.Context(), want.KeyID, want.Digest); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("by the former keys: %v", err)
	}
	if byKeys, err := tr.Link(t.Context(), next.KeyID, next.Digest); err != nil || !cmp.Equal(byKeys, got) {
		t.Errorf("by the new keys: %+v, %v", byKeys, err)
	}
}

// What ended a link by external id does not end with coming by it again.
func keepEnded(t *testing.T, tr *trial) {
	for name, end := range map[string]func(*engine.Link){
		"revoked": func(l *engine.Link) { l.Revoked = now }, "locked": func(l *engine.Link) { l.Locked = now },
		"used": func(l *engine.Link) { l.Uses = l.MaxUses }, "bound": func(l *engine.Link) { l.Bound = []byte("one") },
	} {
		fresh := tr.kept(1)
		ended := fresh
		end(&ended)
		tr.mint(t, ended)
		got, err := tr.Keep(t.Context(), fresh)
		if diff := cmp.Diff(ended, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func keepRace(t *testing.T, tr *trial) {
	link := tr.kept(1)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got, err := tr.Keep(t.Context(), link); err != nil || got.ID != link.ID {
				t.Errorf("kept %s, %v", got.ID, err)
			}
		})
	}
	group.Wait()
	if got, err := tr.LinkByID(t.Context(), link.ID); err != nil || !cmp.Equal(got, link) {
		t.Errorf("stored %+v, %v", got, err)
	}
}
