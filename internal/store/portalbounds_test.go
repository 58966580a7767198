package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
)

var boundsNow = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// crowded puts so many rows into a table; a row is made of its number i and the second argument.
func crowded(t *testing.T, s *Store, into string, rows int, at time.Time) {
	t.Helper()
	query := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) INSERT INTO " + into + " FROM n"
	err := s.writer.urgently(t.Context(), func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{query, []any{rows, instant(at)}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What strangers cause has an end, and what is over makes room.
func TestPortalChallengesAreBounded(t *testing.T) {
	s, now := fresh(t), boundsNow
	ends := now.Add(portal.ChallengeLife)
	crowded(t, s, "portal_challenges SELECT CAST('c' || i AS BLOB), x'00', ?2", portal.MaxChallenges-1, ends)
	if err := s.KeepChallenge(t.Context(), []byte("last"), []byte("x"), ends); err != nil {
		t.Fatal(err)
	}
	var busy *portal.BusyError
	if err := s.KeepChallenge(t.Context(), []byte("more"), []byte("x"), ends); !errors.As(err, &busy) {
		t.Errorf("one challenge too many: %v", err)
	}
	if err := s.KeepChallenge(t.Context(), []byte("later"), []byte("x"), ends.Add(time.Hour)); err != nil {
		t.Errorf("when others are over: %v", err)
	}
}

func TestPortalCeremoniesAreBounded(t *testing.T) {
	s, now := fresh(t), boundsNow
	crowded(t, s, "portal_ceremonies SELECT CAST('c' || i AS BLOB), 'sign-in', 'p', '', '', NULL, x'00', ?2",
		portal.MaxCeremonies, now.Add(portal.CeremonyLife))
	var busy *portal.BusyError
	ceremony := portal.Ceremony{Token: []byte("t"), Kind: portal.CeremonySignIn, Ends: now.Add(portal.CeremonyLife)}
	if err := s.BeginCeremony(t.Context(), ceremony); !errors.As(err, &busy) {
		t.Errorf("one passkey too many: %v", err)
	}
}

func TestPortalAskingsAreBounded(t *testing.T) {
	s, now := fresh(t), boundsNow
	crowded(t, s, "portal_askings SELECT CAST('a' || i AS BLOB), 'p', 'password', x'00', ?2", portal.MaxAskings, now)
	asking := portal.Asking{ID: engine.ID{9}, Portal: "p", What: engine.OpensPassword, Sealed: []byte("x"), At: now}
	if err := s.KeepAsking(t.Context(), asking, nil); err != nil {
		t.Fatal(err)
	}
	var noted bool
	err := s.reads.get(t.Context(), "SELECT EXISTS (SELECT 1 FROM portal_askings WHERE id = ?)",
		[]any{ident(asking.ID)}, []any{&noted})
	if err != nil || noted {
		t.Errorf("one asking too many is noted: %v", err)
	}
}

func TestPortalSecondStepsAreBounded(t *testing.T) {
	s, now := fresh(t), boundsNow
	for n := range portal.MaxPending + 1 {
		p := portal.Pending{
			Token: fmt.Appendf(nil, "p%d", n), Holder: portal.Holder{Portal: "p"}, Next: portal.NextSecond,
			Ends: now.Add(portal.PendingLife + time.Duration(n)*time.Second),
		}
		if err := s.Pend(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Pending(t.Context(), []byte("p0"), now); !errors.Is(err, portal.ErrPassed) {
		t.Errorf("the oldest second step: %v", err)
	}
	if _, err := s.Pending(t.Context(), []byte("p1"), now); err != nil {
		t.Errorf("the one after it: %v", err)
	}
}

func TestPortalLanesAreBounded(t *testing.T) {
	s, now := fresh(t), boundsNow
	crowded(t, s, "portal_lanes SELECT CAST('l' || i AS BLOB), 7, NULL, ?2 + i, NULL", portal.MaxLanes+1, now)
	if err := s.SweepPortals(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"l1": 0, "l2": 7} {
		if lane, err := s.Lane(t.Context(), []byte(name)); err != nil || lane.Wrong != want {
			t.Errorf("%s has %d wrong tries, want %d: %v", name, lane.Wrong, want, err)
		}
	}
}
