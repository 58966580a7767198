package linkstest

import (
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// renewal is the next generation of links, with a message.
func (tr *trial) renewal(all ...engine.Link) links.Renewal {
	r := links.Renewal{
		Deed: engine.Deed{At: now, Kind: engine.DeedLinkResent, Actor: "postern", Subject: "x"},
		Message: &engine.Delivery{
			ID: tr.id(), Run: tr.link.Run, Channel: "email", Record: ticket, State: engine.DeliveryPlanned, Due: now,
			Until: now.Add(time.Hour), Retry: engine.DefaultRetry(), Created: now, Sealed: []byte("sealed"),
		},
	}
	for _, link := range all {
		link.Generation++
		link.Digest = append([]byte("next "), link.Digest...)
		link.Bound, link.Expires = nil, link.Expires.Add(time.Hour)
		r.Links = append(r.Links, link)
	}
	return r
}

func renewWhole(t *testing.T, tr *trial) {
	link, other := tr.newLink(3), tr.newLink(1)
	link.Bound = []byte("browser")
	tr.mint(t, link)
	tr.mint(t, other)
	tr.link = link
	inside := tr.open(t)
	link.Opened = now
	first := tr.renewal(link, other)
	if err := tr.Renew(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for _, want := range first.Links {
		got, err := tr.Link(t.Context(), want.KeyID, want.Digest)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v; renewed link (-want +got):\n%s", err, diff)
		}
		if byID, err := tr.LinkByID(t.Context(), want.ID); err != nil || !cmp.Equal(byID, got) {
			t.Errorf("by its id: %+v, %v", byID, err)
		}
	}
	former, err := tr.Link(t.Context(), link.KeyID, link.Digest)
	if !errors.Is(err, links.ErrReplaced) || former.ID != link.ID || former.Generation != 2 {
		t.Errorf("by the former token: generation %d, %v", former.Generation, err)
	}
	if _, _, err := tr.Flow(t.Context(), inside, now); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("a flow that began with the former token: %v", err)
	}
	if d, err := tr.Delivery(t.Context(), first.Message.ID); err != nil || d.State != engine.DeliveryPlanned {
		t.Errorf("the message is %+v, %v", d, err)
	}

	third := tr.newLink(1)
	tr.mint(t, third)
	late := tr.renewal(third, link) // who read the link before it was renewed
	if err := tr.Renew(t.Context(), late); !errors.Is(err, links.ErrReplaced) {
		t.Errorf("the second of two: %v", err)
	}
	if _, err := tr.Link(t.Context(), third.KeyID, third.Digest); err != nil {
		t.Errorf("half of it was done: %v", err)
	}
	if _, err := tr.Delivery(t.Context(), late.Message.ID); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("its message: %v", err)
	}
	ended := tr.newLink(1)
	ended.Revoked = now
	tr.mint(t, ended)
	if err := tr.Renew(t.Context(), tr.renewal(ended)); !errors.Is(err, links.ErrReplaced) {
		t.Errorf("a revoked link: %v", err)
	}
	if _, err := tr.LinkByID(t.Context(), tr.id()); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("no link: %v", err)
	}
}
