package enginetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// links stores one link in each state, the n-th made n minutes after the first: live, used, expired, locked, revoked.
// The last two are of another record, workflow, landing and recipient.
func (s *deskTrial) links(t *testing.T) []engine.Link {
	t.Helper()
	all := make([]engine.Link, 5)
	for i := range all {
		all[i] = s.link()
		all[i].Generation, all[i].Created = 1, storeNow.Add(time.Duration(i)*time.Minute)
	}
	all[1].Uses = 1
	all[2].Expires = storeNow
	all[3].Locked = storeNow.Add(-time.Hour)
	all[4].Revoked = storeNow.Add(-time.Hour)
	for i := range all[3:] {
		l := &all[3+i]
		l.Record.ID, l.Recipient.ID, l.Workflow, l.Landing = "2", "8", "other", "invoice"
	}
	s.store(t, all)
	return all
}

// store keeps links as those of a run.
func (s *deskTrial) store(t *testing.T, all []engine.Link) {
	t.Helper()
	s.advance(t, s.takeIn(t, 1), engine.Advance{Links: all})
}

func deskLinkLines(t *testing.T, s *deskTrial) {
	all := s.links(t)
	type states = []engine.LinkState
	for name, c := range map[string]struct {
		sel  engine.LinkSelection
		want string
	}{
		"all":       {engine.LinkSelection{}, "43210"},
		"ids":       {engine.LinkSelection{IDs: []engine.ID{all[1].ID, all[4].ID}}, "41"},
		"live":      {engine.LinkSelection{States: states{engine.LinkStateLive}}, "0"},
		"used":      {engine.LinkSelection{States: states{engine.LinkStateUsed}}, "1"},
		"expired":   {engine.LinkSelection{States: states{engine.LinkStateExpired}}, "2"},
		"locked":    {engine.LinkSelection{States: states{engine.LinkStateLocked}}, "3"},
		"revoked":   {engine.LinkSelection{States: states{engine.LinkStateRevoked}}, "4"},
		"states":    {engine.LinkSelection{States: states{engine.LinkStateLive, engine.LinkStateLocked}}, "30"},
		"record":    {engine.LinkSelection{Record: all[0].Record}, "210"},
		"recipient": {engine.LinkSelection{Recipient: all[3].Recipient}, "43"},
		"workflow":  {engine.LinkSelection{Workflow: "other"}, "43"},
		"landing":   {engine.LinkSelection{Landing: "ticket"}, "210"},
		"since":     {engine.LinkSelection{Since: all[3].Created}, "43"},
		"until":     {engine.LinkSelection{Until: all[3].Created}, "210"},
		"next page": {engine.LinkSelection{Before: all[3].ID, Limit: 2}, "21"},
		"none":      {engine.LinkSelection{Workflow: "test", Landing: "invoice"}, ""},
	} {
		c.sel.At = storeNow
		lines, err := s.LinkLines(t.Context(), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, l := range lines {
			fmt.Fprint(&got, int(l.Created.Sub(storeNow).Minutes()))
		}
		if got.String() != c.want {
			t.Errorf("%s: links %s, want %s", name, got.String(), c.want)
		}
	}
	if _, err := s.LinkLines(t.Context(), engine.LinkSelection{States: states{"lost"}}); err == nil {
		t.Error("a state that is none was taken")
	}
}

func deskLinkTally(t *testing.T, s *deskTrial) {
	all := s.links(t)
	for at, locked := range map[time.Time]bool{storeNow: true, all[3].Locked.Add(engine.LockLife): false} {
		want := map[engine.LinkState]int{}
		for _, l := range all {
			want[l.State(at)]++
		}
		if (want[engine.LinkStateLocked] == 1) != locked {
			t.Fatalf("at %v the links are %v", at, want)
		}
		got, err := s.LinkTally(t.Context(), engine.LinkSelection{At: at})
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("tally %v, %v; want %v", got, err, want)
		}
	}
	got, err := s.LinkTally(t.Context(), engine.LinkSelection{At: storeNow, Landing: "ticket", Limit: 1})
	want := map[engine.LinkState]int{engine.LinkStateLive: 1, engine.LinkStateUsed: 1, engine.LinkStateExpired: 1}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("tally of a landing %v, %v; want %v", got, err, want)
	}
}

func deskLinkStory(t *testing.T, s *deskTrial) {
	all := s.links(t)
	got, err := s.LinkStory(t.Context(), all[3].ID)
	if diff := cmp.Diff(engine.LinkStory{Link: all[3]}, got); diff != "" || err != nil {
		t.Errorf("%v; story (-want +got):\n%s", err, diff)
	}
	if _, err := s.LinkStory(t.Context(), s.id()); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("the story of no link: %v", err)
	}
}

func deskMakeLink(t *testing.T, s *deskTrial) {
	link := s.link()
	link.Workflow, link.Cause = "", ""
	again := link
	again.Landing, again.Digest = "invoice", []byte("another")
	for i, asked := range []engine.Link{link, again} {
		got, err := s.MakeLink(t.Context(), asked, order("asked for by telephone"))
		if diff := cmp.Diff(link, got); diff != "" || err != nil {
			t.Errorf("time %d: %v; made (-want +got):\n%s", i, err, diff)
		}
	}
	by := order("")
	by.By = "key:shop"
	shop := s.link()
	if _, err := s.MakeLink(t.Context(), shop, by); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[engine.ID]string{
		link.ID: "made by ann: asked for by telephone", shop.ID: "made by key:shop",
	} {
		story, err := s.LinkStory(t.Context(), id)
		if err != nil || len(story.Notes) != 1 || story.Notes[0].Text != want {
			t.Errorf("notes of a link: %v, %v; want %q", story.Notes, err, want)
		}
	}
	s.expectDeeds(t, "link.made link:"+link.ID.String())
}

func deskRevokeLinks(t *testing.T, s *deskTrial) {
	all := s.links(t)
	sel := engine.LinkSelection{Workflow: "other"}
	for i, want := range []int{1, 0} { // one was revoked before, and the second time both were
		if n, err := s.RevokeLinks(t.Context(), sel, order("sent to the wrong list")); err != nil || n != want {
			t.Errorf("order %d: %d revoked, %v; want %d", i, n, err, want)
		}
	}
	const line = "revoked by ann: sent to the wrong list"
	for i, link := range all {
		story, err := s.LinkStory(t.Context(), link.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := engine.LinkStory{Link: link}
		if i == 3 {
			want.Link.Revoked = storeNow
			want.Notes = []engine.Decision{{At: storeNow, Text: line}}
		}
		if diff := cmp.Diff(want, story); diff != "" {
			t.Errorf("link %d (-want +got):\n%s", i, diff)
		}
	}
	s.expectDeeds(t, "link.revoked link:"+all[3].ID.String())
}

func deskRevokeBefore(t *testing.T, s *deskTrial) {
	all := make([]engine.Link, 4)
	for i := range all {
		all[i] = s.link()
		all[i].Created = storeNow.Add(time.Duration(i-4) * time.Hour)
	}
	all[0].Expires = storeNow // nobody could open it any more
	s.store(t, all)
	cutOff := all[2].Created
	if _, err := s.RevokeBefore(t.Context(), storeNow.Add(time.Millisecond), order("")); !engine.IsPermanent(err) {
		t.Errorf("a time that lies ahead: %v", err)
	}
	for i, c := range []struct {
		before time.Time
		want   int
	}{{cutOff, 1}, {cutOff, 0}, {all[1].Created, 0}} { // an earlier one takes nothing back
		if n, err := s.RevokeBefore(t.Context(), c.before, order("the list was wrong")); err != nil || n != c.want {
			t.Errorf("order %d: %d ended, %v; want %d", i, n, err, c.want)
		}
	}
	late := s.link()
	late.Created = cutOff.Add(-time.Hour) // it comes with a backup
	s.store(t, []engine.Link{late})
	for i, link := range append(all, late) {
		story, err := s.LinkStory(t.Context(), link.ID)
		if want := link.Created.Before(cutOff); err != nil || !story.Link.Revoked.IsZero() != want {
			t.Errorf("link %d is revoked: %v, %v; want %v", i, !want, err, want)
		}
	}
	sel := engine.LinkSelection{At: storeNow, States: []engine.LinkState{engine.LinkStateRevoked}}
	if listed, err := s.LinkLines(t.Context(), sel); err != nil || len(listed) != 3 {
		t.Errorf("%d are listed as revoked, %v", len(listed), err)
	}
	if n, err := s.RevokeLinks(t.Context(), engine.LinkSelection{}, order("")); err != nil || n != 2 {
		t.Errorf("%d of the others were revoked, %v", n, err)
	}
}

func deskRevokeMany(t *testing.T, s *deskTrial) {
	all := make([]engine.Link, 450) // more than two bites
	for i := range all {
		all[i] = s.link()
		if i%3 == 0 {
			all[i].Record.ID = "2"
		}
	}
	s.store(t, all)
	n, err := s.RevokeLinks(t.Context(), engine.LinkSelection{Record: all[1].Record}, order(""))
	if err != nil || n != 300 {
		t.Errorf("%d revoked, %v; want 300", n, err)
	}
	tally, err := s.LinkTally(t.Context(), engine.LinkSelection{At: storeNow})
	want := map[engine.LinkState]int{engine.LinkStateLive: 150, engine.LinkStateRevoked: 300}
	if err != nil || !maps.Equal(tally, want) {
		t.Errorf("tally %v, %v; want %v", tally, err, want)
	}
}

func deskUnlock(t *testing.T, s *deskTrial) {
	all := s.links(t)
	got, err := s.UnlockLink(t.Context(), all[3].ID, order("she called"))
	want := all[3]
	want.Locked = time.Time{}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("%v; unlocked (-want +got):\n%s", err, diff)
	}
	story, err := s.LinkStory(t.Context(), want.ID)
	line := []engine.Decision{{At: storeNow, Text: "unlocked by ann: she called"}}
	if diff := cmp.Diff(engine.LinkStory{Link: want, Notes: line}, story); diff != "" || err != nil {
		t.Errorf("%v; story (-want +got):\n%s", err, diff)
	}
	for name, id := range map[string]engine.ID{"unlocked before": want.ID, "never locked": all[0].ID} {
		if _, err := s.UnlockLink(t.Context(), id, order("")); !engine.IsPermanent(err) {
			t.Errorf("one that was %s: %v", name, err)
		}
	}
	if _, err := s.UnlockLink(t.Context(), s.id(), order("")); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("no link was unlocked: %v", err)
	}
	s.expectDeeds(t, "link.unlocked link:"+want.ID.String())
}

// expectDeeds holds the audit against what the suite's operator did to links.
func (s *deskTrial) expectDeeds(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	err := s.Deeds(t.Context(), 0, func(d engine.Deed) error {
		if d.Actor == "operator:ann" {
			got = append(got, d.Kind+" "+d.Subject)
		}
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; deeds (-want +got):\n%s", err, diff)
	}
}
