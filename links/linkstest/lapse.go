package linkstest

import (
	"errors"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// lapsed is the next stretch of links that expired by a time, which holds the ids of those that nobody used.
func (tr *trial) lapsed(t *testing.T, at time.Time, limit int, want ...engine.ID) engine.Lapse {
	t.Helper()
	lapse, err := tr.Lapsed(t.Context(), at, limit)
	if err != nil {
		t.Fatal(err)
	}
	var got []engine.ID
	for _, link := range lapse.Unused {
		got = append(got, link.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
	return lapse
}

// expiries are the events that tell of a stretch.
func expiries(lapse engine.Lapse, at time.Time) (events []*engine.Event) {
	for _, link := range lapse.Unused {
		events = append(events, &engine.Event{
			ID: link.ID.String(), Source: engine.Source, Type: engine.LinkExpired, Subject: ticket.String(), Time: at,
		})
	}
	return events
}

// lapsing mints links that expire a minute apart, of which the first, fifth, seventh and ninth are to be told of.
func (tr *trial) lapsing(t *testing.T) (ids []engine.ID) {
	t.Helper()
	group := tr.id()
	for minute, change := range []func(*engine.Link){
		nil,
		func(l *engine.Link) { l.Uses = 1 },
		func(l *engine.Link) { l.Revoked = now },
		func(l *engine.Link) { l.MaxUses, l.Opened = 0, now },
		func(l *engine.Link) { l.MaxUses = 0 },
		func(l *engine.Link) { l.Counts = group },
		func(l *engine.Link) { l.Counts = group },
		func(l *engine.Link) { l.Generation = 0 },
		nil,
	} {
		link := tr.newLink(1)
		link.Expires = now.Add(time.Duration(minute+1) * time.Minute)
		if change != nil {
			change(&link)
		}
		tr.mint(t, link)
		ids = append(ids, link.ID)
	}
	return ids
}

// Each link that expired unused is told once, in the order in which they expire; of those that count together the last.
func lapseTold(t *testing.T, tr *trial) {
	before := tr.newLink(1)
	before.Expires = now.Add(-time.Minute)
	tr.mint(t, before)
	first := tr.lapsed(t, now, 100) // what expired before anybody looked is not told
	if err := tr.Lapse(t.Context(), first, nil, now); err != nil {
		t.Fatal(err)
	}
	ids := tr.lapsing(t)
	if lapse := tr.lapsed(t, now.Add(time.Minute-time.Millisecond), 100); lapse.From != lapse.To || lapse.More {
		t.Errorf("before the first expires: %+v", lapse)
	}
	at := now.Add(9 * time.Minute)
	bite := tr.lapsed(t, at, 2, ids[0])
	if !bite.More {
		t.Error("there are no more")
	}
	if err := tr.Lapse(t.Context(), bite, expiries(bite, at), at); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []engine.Lapse{bite, first} {
		if err := tr.Lapse(t.Context(), stale, expiries(stale, at), at); !errors.Is(err, engine.ErrStale) {
			t.Errorf("told again: %v", err)
		}
	}
	if told := tr.told(t, engine.LinkExpired); told != 1 {
		t.Errorf("told %d times", told)
	}
	rest := tr.lapsed(t, at, 100, ids[4], ids[6], ids[8])
	if rest.From != bite.To || rest.More {
		t.Errorf("the rest is %+v", rest)
	}
	if err := tr.Lapse(t.Context(), rest, expiries(rest, at), at); err != nil {
		t.Fatal(err)
	}
	if told := tr.told(t, engine.LinkExpired); told != 4 {
		t.Errorf("told %d times in all", told)
	}
	if end := tr.lapsed(t, at, 100); end.From != end.To {
		t.Errorf("after the end: %+v", end)
	}
}
