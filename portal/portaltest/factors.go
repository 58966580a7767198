package portaltest

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"

	"github.com/google/go-cmp/cmp"
)

// FactorStore is a store of factors with the outbox that its events go to, and what forgets what is over.
type FactorStore interface {
	portal.FactorStore
	engine.Outbox
	SweepPortals(ctx context.Context, now time.Time) error
}

var (
	began = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	anna  = portal.Holder{Portal: "customers", Subject: engine.Ref{Module: "Contacts", ID: "12x3"}}
	ben   = portal.Holder{Portal: "customers", Subject: engine.Ref{Module: "Contacts", ID: "12x4"}}
)

// TestFactorStore holds a store against what portal.FactorStore promises. fresh opens an empty one.
func TestFactorStore(t *testing.T, fresh func(*testing.T) FactorStore) {
	for name, test := range map[string]func(*testing.T, FactorStore){
		"passkeys":            passkeys,
		"counters":            counters,
		"many passkeys":       manyPasskeys,
		"one handle":          oneHandle,
		"the last one":        last,
		"codes with a factor": codesWithAFactor,
		"steps":               steps,
		"one step of many":    oneStepOfMany,
		"recovery codes":      recoveryCodes,
		"ceremonies":          ceremonies,
		"pending":             pending,
		"tries":               tries,
		"what tells of them":  told,
		"the first one":       first,
		"sweep":               sweep,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func passkey(n byte, holder portal.Holder) portal.Passkey {
	return portal.Passkey{
		ID: engine.ID{n}, Holder: holder, Handle: []byte("handle of " + holder.Subject.ID), Credential: []byte{1, n},
		Public: []byte("key"), Name: "Phone", Signs: 7, Added: began.Add(time.Duration(n) * time.Second),
	}
}

func deed(detail string) portal.Told {
	return portal.Told{Deed: engine.Deed{At: began, Kind: "portal.factor_set", Actor: "test", Detail: detail}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func enrolled(t *testing.T, s FactorStore, holder portal.Holder, want portal.Enrolled) {
	t.Helper()
	got, err := s.Enrolled(t.Context(), holder)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s has enrolled (-want +got):\n%s", holder.Subject, diff)
	}
}

func passkeys(t *testing.T, s FactorStore) {
	ctx := t.Context()
	one, two, his := passkey(1, anna), passkey(2, anna), passkey(3, ben)
	for _, p := range []portal.Passkey{two, one, his} {
		must(t, s.AddPasskey(ctx, p, deed("added")))
	}
	enrolled(t, s, anna, portal.Enrolled{Passkeys: []portal.Passkey{one, two}})
	refused(t, "the same credential again", s.AddPasskey(ctx, one, deed("again")), engine.ErrTaken)

	got, err := s.Passkey(ctx, "customers", his.Credential)
	must(t, err)
	if diff := cmp.Diff(his, got); diff != "" {
		t.Errorf("found by its credential (-want +got):\n%s", diff)
	}
	_, err = s.Passkey(ctx, "employees", his.Credential)
	refused(t, "in another portal", err, portal.ErrNoFactor)

	must(t, s.RenamePasskey(ctx, anna, one.ID, "Blue key"))
	refused(t, "rename another's", s.RenamePasskey(ctx, anna, his.ID, "Mine"), portal.ErrNoFactor)
	refused(t, "remove another's", s.RemovePasskey(ctx, anna, his.ID, deed("theft")), portal.ErrNoFactor)
	must(t, s.RemovePasskey(ctx, anna, two.ID, deed("removed")))
	one.Name = "Blue key"
	enrolled(t, s, anna, portal.Enrolled{Passkeys: []portal.Passkey{one}})
	enrolled(t, s, ben, portal.Enrolled{Passkeys: []portal.Passkey{his}})
}

func counters(t *testing.T, s FactorStore) {
	ctx := t.Context()
	counts, silent := passkey(1, anna), passkey(2, anna)
	silent.Signs = 0
	must(t, s.AddPasskey(ctx, counts, deed("added")))
	must(t, s.AddPasskey(ctx, silent, deed("added")))

	must(t, s.UsePasskey(ctx, counts.ID, 8, began.Add(time.Hour)))
	for _, signs := range []uint32{8, 7, 0} {
		refused(t, "counted back", s.UsePasskey(ctx, counts.ID, signs, began.Add(2*time.Hour)), portal.ErrCounter)
	}
	must(t, s.UsePasskey(ctx, silent.ID, 0, began.Add(time.Hour)))
	must(t, s.UsePasskey(ctx, silent.ID, 0, began.Add(time.Minute))) // the clock went back
	refused(t, "a passkey that is gone", s.UsePasskey(ctx, engine.ID{9}, 1, began), portal.ErrNoFactor)
	counts.Signs, counts.Used, silent.Used = 8, began.Add(time.Hour), began.Add(time.Hour)
	enrolled(t, s, anna, portal.Enrolled{Passkeys: []portal.Passkey{counts, silent}})
}

func manyPasskeys(t *testing.T, s FactorStore) {
	for n := range byte(portal.MaxPasskeys) {
		must(t, s.AddPasskey(t.Context(), passkey(n+1, anna), deed("added")))
	}
	refused(t, "one more", s.AddPasskey(t.Context(), passkey(99, anna), deed("added")), portal.ErrPasskeys)
	must(t, s.AddPasskey(t.Context(), passkey(99, ben), deed("added")))
}

func oneHandle(t *testing.T, s FactorStore) {
	other := passkey(2, anna)
	other.Handle = []byte("another handle")
	must(t, s.AddPasskey(t.Context(), passkey(1, anna), deed("added")))
	refused(t, "a passkey of another handle", s.AddPasskey(t.Context(), other, deed("added")), portal.ErrPassed)
	enrolled(t, s, anna, portal.Enrolled{Passkeys: []portal.Passkey{passkey(1, anna)}})
}

// Of removals that come at the same time one leaves what has to be left.
func last(t *testing.T, s FactorStore) {
	ctx, keep := t.Context(), deed("removed")
	keep.Required = true
	for n := range byte(10) {
		must(t, s.AddPasskey(ctx, passkey(n+1, anna), deed("added")))
	}
	must(t, s.PutRecoveryCodes(ctx, anna, [][]byte{{1}}, deed("made")))
	var kept atomic.Int32
	var all sync.WaitGroup
	for n := range byte(10) {
		all.Go(func() {
			switch err := s.RemovePasskey(ctx, anna, engine.ID{n + 1}, keep); {
			case errors.Is(err, portal.ErrLastFactor):
				kept.Add(1)
			case err != nil:
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := s.Enrolled(ctx, anna)
	must(t, err)
	if kept.Load() != 1 || len(got.Passkeys) != 1 || got.RecoveryCodes != 1 {
		t.Errorf("%d removals were refused, and there are %+v", kept.Load(), got)
	}
	must(t, s.PutAuthenticator(ctx, authenticator(anna, 1), deed("set")))
	must(t, s.RemovePasskey(ctx, anna, got.Passkeys[0].ID, keep))
	refused(t, "the authenticator", s.RemoveAuthenticator(ctx, anna, keep), portal.ErrLastFactor)
	refused(t, "what is not there", s.RemovePasskey(ctx, anna, engine.ID{99}, keep), portal.ErrNoFactor)
}

func codesWithAFactor(t *testing.T, s FactorStore) {
	ctx, both := t.Context(), deed("set")
	both.Codes = &portal.NewCodes{Hashes: [][]byte{{1}, {2}}, Deed: deed("made").Deed}
	refused(t, "codes alone", s.PutRecoveryCodes(ctx, anna, [][]byte{{9}}, deed("made")), portal.ErrNoFactor)
	must(t, s.PutAuthenticator(ctx, authenticator(anna, 1), both))
	refused(t, "codes in place of others", s.AddPasskey(ctx, passkey(1, anna), both), portal.ErrPassed)
	a := authenticator(anna, 1)
	enrolled(t, s, anna, portal.Enrolled{Authenticator: &a, RecoveryCodes: 2})
	must(t, s.SpendRecoveryCode(ctx, anna, []byte{1}, deed("used")))
}

func authenticator(holder portal.Holder, step int64) portal.Authenticator {
	return portal.Authenticator{Holder: holder, Secret: []byte("sealed"), Step: step, Added: began}
}

func steps(t *testing.T, s FactorStore) {
	ctx := t.Context()
	refused(t, "accept of nothing", s.AcceptCode(ctx, anna, 5), portal.ErrNoFactor)
	must(t, s.PutAuthenticator(ctx, authenticator(anna, 100), deed("set")))
	for _, step := range []int64{99, 100} {
		refused(t, "a step that is not later", s.AcceptCode(ctx, anna, step), portal.ErrFactorUsed)
	}
	must(t, s.AcceptCode(ctx, anna, 102))
	refused(t, "the one before", s.AcceptCode(ctx, anna, 101), portal.ErrFactorUsed)
	refused(t, "again", s.AcceptCode(ctx, anna, 102), portal.ErrFactorUsed)
	want := authenticator(anna, 102)
	enrolled(t, s, anna, portal.Enrolled{Authenticator: &want})

	must(t, s.PutAuthenticator(ctx, authenticator(anna, 50), deed("another")))
	must(t, s.AcceptCode(ctx, anna, 51))
	must(t, s.RemoveAuthenticator(ctx, anna, deed("removed")))
	refused(t, "remove nothing", s.RemoveAuthenticator(ctx, anna, deed("removed")), portal.ErrNoFactor)
	enrolled(t, s, anna, portal.Enrolled{})
}

// Of answers that come at the same time one is accepted.
func oneStepOfMany(t *testing.T, s FactorStore) {
	must(t, s.PutAuthenticator(t.Context(), authenticator(anna, 1), deed("set")))
	var accepted atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch err := s.AcceptCode(t.Context(), anna, 7); {
			case err == nil:
				accepted.Add(1)
			case !errors.Is(err, portal.ErrFactorUsed):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("one code was accepted %d times", n)
	}
}

func recoveryCodes(t *testing.T, s FactorStore) {
	ctx := t.Context()
	must(t, s.PutAuthenticator(ctx, authenticator(anna, 1), deed("set")))
	must(t, s.PutRecoveryCodes(ctx, anna, [][]byte{{1}, {2}, {3}}, deed("made")))
	must(t, s.SpendRecoveryCode(ctx, anna, []byte{2}, deed("used")))
	refused(t, "twice", s.SpendRecoveryCode(ctx, anna, []byte{2}, deed("used")), portal.ErrNoFactor)
	refused(t, "another's", s.SpendRecoveryCode(ctx, ben, []byte{1}, deed("used")), portal.ErrNoFactor)
	a := authenticator(anna, 1)
	enrolled(t, s, anna, portal.Enrolled{Authenticator: &a, RecoveryCodes: 2})
	must(t, s.PutRecoveryCodes(ctx, anna, [][]byte{{4}}, deed("made anew")))
	refused(t, "one of the former", s.SpendRecoveryCode(ctx, anna, []byte{1}, deed("used")), portal.ErrNoFactor)

	must(t, s.AddPasskey(ctx, passkey(1, anna), deed("added")))
	must(t, s.RemoveAuthenticator(ctx, anna, deed("removed")))
	enrolled(t, s, anna, portal.Enrolled{Passkeys: []portal.Passkey{passkey(1, anna)}, RecoveryCodes: 1})
	must(t, s.RemovePasskey(ctx, anna, engine.ID{1}, deed("removed")))
	enrolled(t, s, anna, portal.Enrolled{}) // the last factor takes the codes with it
}

func token(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func ceremonies(t *testing.T, s FactorStore) {
	ctx := t.Context()
	of := portal.Ceremony{
		Token: token("a"), Kind: portal.CeremonyRegister, Holder: anna, Binding: []byte("session"),
		State: []byte("sealed"), Ends: began.Add(portal.CeremonyLife),
	}
	nobodys := portal.Ceremony{
		Token: token("b"), Kind: portal.CeremonySignIn, Holder: portal.Holder{Portal: "customers"},
		State: []byte("sealed"), Ends: began.Add(portal.CeremonyLife),
	}
	late := of
	late.Token = token("c")
	for _, c := range []portal.Ceremony{of, nobodys, late} {
		must(t, s.BeginCeremony(ctx, c))
	}
	for _, want := range []portal.Ceremony{of, nobodys} {
		got, err := s.FinishCeremony(ctx, want.Token, began.Add(portal.CeremonyLife-time.Millisecond))
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("finished (-want +got):\n%s", diff)
		}
		_, err = s.FinishCeremony(ctx, want.Token, began)
		refused(t, "once more", err, portal.ErrPassed)
	}
	_, err := s.FinishCeremony(ctx, late.Token, late.Ends)
	refused(t, "too late", err, portal.ErrPassed)
	_, err = s.FinishCeremony(ctx, token("d"), began)
	refused(t, "never begun", err, portal.ErrPassed)
}

func waiting() portal.Pending {
	return portal.Pending{
		Token: token("p"), Holder: anna, Epoch: 3, Method: engine.SignInPassword, Next: portal.NextSecond,
		Lanes: [][]byte{token("name"), token("browser")}, Link: engine.ID{8}, Cause: "sign-in",
		Ends: began.Add(portal.PendingLife),
	}
}

func pending(t *testing.T, s FactorStore) {
	ctx := t.Context()
	want := waiting()
	must(t, s.Pend(ctx, want))
	got, err := s.Pending(ctx, want.Token, began)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	_, err = s.Pending(ctx, want.Token, want.Ends)
	refused(t, "too late", err, portal.ErrPassed)
	must(t, s.EndPending(ctx, want.Token))
	refused(t, "ended twice", s.EndPending(ctx, want.Token), portal.ErrPassed)
	_, err = s.Pending(ctx, want.Token, began)
	refused(t, "ended", err, portal.ErrPassed)
}

// However many answers come at the same time, no more are looked at than may be.
func tries(t *testing.T, s FactorStore) {
	must(t, s.Pend(t.Context(), waiting()))
	var taken atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch _, err := s.TryPending(t.Context(), token("p"), began); {
			case err == nil:
				taken.Add(1)
			case !errors.Is(err, portal.ErrPassed):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := taken.Load(); n != portal.MaxPendingTries {
		t.Errorf("%d answers were looked at", n)
	}
	_, err := s.Pending(t.Context(), token("p"), began)
	refused(t, "after the last try", err, portal.ErrPassed)
}

func told(t *testing.T, s FactorStore) {
	ctx := t.Context()
	event := &engine.Event{
		ID: "e1", Source: engine.Source, Type: engine.PortalFactorSet, Subject: anna.Subject.String(), Time: began,
	}
	tell := portal.Told{Event: event, Deed: deed("set").Deed}
	must(t, s.AddPasskey(ctx, passkey(1, anna), tell))
	refused(t, "twice", s.AddPasskey(ctx, passkey(1, anna), tell), engine.ErrTaken)
	refused(t, "no such", s.RemovePasskey(ctx, anna, engine.ID{9}, tell), portal.ErrNoFactor)
	out, err := s.Outgoing(ctx, 10)
	must(t, err)
	if len(out) != 1 || out[0].Event.Type != engine.PortalFactorSet {
		t.Errorf("%d events in the outbox, want the one of what was done", len(out))
	}
}

// A factor that somebody enrols before they are let in must not stand beside one that there is by then.
func first(t *testing.T, s FactorStore) {
	ctx := t.Context()
	tell := deed("set")
	tell.First = true
	must(t, s.PutAuthenticator(ctx, authenticator(anna, 1), tell))
	refused(t, "another authenticator", s.PutAuthenticator(ctx, authenticator(anna, 2), tell), portal.ErrPassed)
	refused(t, "a passkey beside it", s.AddPasskey(ctx, passkey(1, anna), tell), portal.ErrPassed)
	must(t, s.AddPasskey(ctx, passkey(2, ben), tell))
	a := authenticator(anna, 1)
	enrolled(t, s, anna, portal.Enrolled{Authenticator: &a})
}

func sweep(t *testing.T, s FactorStore) {
	ctx := t.Context()
	must(t, s.Pend(ctx, waiting()))
	c := portal.Ceremony{Token: token("a"), Kind: portal.CeremonyEnrol, Holder: anna, Ends: began.Add(time.Hour)}
	must(t, s.BeginCeremony(ctx, c))
	must(t, s.SweepPortals(ctx, began.Add(portal.PendingLife+time.Millisecond)))
	refused(t, "an old sign-in", s.EndPending(ctx, token("p")), portal.ErrPassed)
	_, err := s.FinishCeremony(ctx, token("a"), began)
	must(t, err)
}
