package enginetest

import (
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// effectCases are those of TestStore that are about effects.
func effectCases() map[string]func(*testing.T, *storeTrial) {
	return map[string]func(*testing.T, *storeTrial){
		"an effect comes back as it was settled":   storeEffect,
		"effects of a record keep their order":     storeEffectOrder,
		"effects are taken up to a limit":          storeEffectLimit,
		"the end of the last effect wakes its run": storeEffectWakes,
		"an effect of a former owner is doubtful":  storeEffectDoubt,
		"recent writes are known":                  storeRecentWrites,
		"a call comes back as it was answered":     storeCall,
		"calls are taken host by host":             storeCallHosts,
		"a call of a former owner is doubtful":     storeCallDoubt,
	}
}

// callOf is a new effect of a run: the call of a host.
func (s *storeTrial) callOf(run *engine.Run, host string, due time.Time) *engine.Effect {
	e := s.effect(run, "")
	e.Create, e.Record, e.Host, e.Due = nil, engine.Ref{}, host, due
	e.Call = &engine.Call{
		Method: "POST", Host: host, Key: e.ID.String(), Expect: []engine.Statuses{{From: 200, To: 299}},
		Timeout: time.Second, Auth: &engine.CallAuth{Kind: engine.AuthBearer, Secret: "rates"}, Resend: true,
	}
	e.Sealed = []byte("sealed " + host)
	return e
}

// askCalls parks a new run that asks for effects.
func (s *storeTrial) askCalls(t *testing.T, seq uint64, ask func(*engine.Run) []*engine.Effect) *engine.Run {
	t.Helper()
	run := s.takeIn(t, seq)
	run.State = engine.RunWriting
	s.advance(t, run, engine.Advance{Effects: ask(run)})
	return run
}

func (s *storeTrial) takeCalls(t *testing.T, host string, now time.Time, limit int) ([]*engine.Effect, time.Time) {
	t.Helper()
	demand := engine.EffectDemand{Fences: s.fences, Host: host, Now: now, Limit: limit}
	taken, next, err := s.TakeEffects(t.Context(), demand)
	if err != nil {
		t.Fatal(err)
	}
	return taken, next
}

// A call comes back as it was asked for and answered, and wakes its run like any effect.
func storeCall(t *testing.T, s *storeTrial) {
	var asked *engine.Effect
	run := s.askCalls(t, 1, func(run *engine.Run) []*engine.Effect {
		asked = s.callOf(run, "a.example", storeNow)
		return []*engine.Effect{asked}
	})
	taken, next := s.takeCalls(t, "a.example", storeNow, 9)
	asked.State = engine.EffectSending
	if diff := cmp.Diff([]*engine.Effect{asked}, taken); diff != "" || !next.IsZero() {
		t.Fatalf("next %v; taken (-want +got):\n%s", next, diff)
	}
	call := taken[0]
	call.Attempts, call.Answer = 1, []byte("sealed answer")
	s.settleEffect(t, call, engine.EffectDone)
	got, err := s.Effects(t.Context(), run.ID)
	if diff := cmp.Diff([]*engine.Effect{call}, got); diff != "" || err != nil {
		t.Errorf("effects, %v (-want +got):\n%s", err, diff)
	}
	if woken := s.due(t, storeEver); len(woken) != 1 || woken[0].Run.ID != run.ID {
		t.Errorf("due: %+v, want the run whose call is over", woken)
	}
	if writes, err := s.RecentWrites(t.Context(), time.UnixMilli(0), 9); len(writes) > 0 || err != nil {
		t.Errorf("a call is among the recent writes: %v, %v", writes, err)
	}
}

// Calls are taken host by host, and writes to the CRM apart from them; none waits for another.
func storeCallHosts(t *testing.T, s *storeTrial) {
	later := storeNow.Add(time.Minute)
	var first, second, third, write *engine.Effect
	s.askCalls(t, 1, func(run *engine.Run) []*engine.Effect {
		first, second = s.callOf(run, "b.example", storeNow), s.callOf(run, "b.example", later)
		third, write = s.callOf(run, "a.example:8443", later), s.effect(run, "1")
		return []*engine.Effect{first, second, third, write}
	})
	want := []engine.CallHost{{Host: "a.example:8443", Due: later}, {Host: "b.example", Due: storeNow}}
	hosts, err := s.CallHosts(t.Context())
	if diff := cmp.Diff(want, hosts); diff != "" || err != nil {
		t.Errorf("hosts, %v (-want +got):\n%s", err, diff)
	}
	s.expectTaken(t, later, write)
	if taken, next := s.takeCalls(t, "a.example:8443", storeNow, 9); len(taken) > 0 || !next.Equal(later) {
		t.Errorf("took %d calls before their time, next %v", len(taken), next)
	}
	if taken, next := s.takeCalls(t, "b.example", later, 1); len(taken) != 1 || taken[0].ID != first.ID ||
		!next.Equal(second.Due) {
		t.Errorf("took %v, next %v; want the one that is due the longest", taken, next)
	}
	if taken, _ := s.takeCalls(t, "b.example", later, 9); len(taken) != 1 || taken[0].ID != second.ID {
		t.Errorf("took %v, want the other one", taken)
	}
	hosts, err = s.CallHosts(t.Context())
	if diff := cmp.Diff(want[:1], hosts); diff != "" || err != nil {
		t.Errorf("hosts that are left, %v (-want +got):\n%s", err, diff)
	}
}

// A call that was being tried when its engine stopped is planned again, and known to be in doubt.
func storeCallDoubt(t *testing.T, s *storeTrial) {
	s.askCalls(t, 1, func(run *engine.Run) []*engine.Effect {
		return []*engine.Effect{s.callOf(run, "a.example", storeNow)}
	})
	s.takeCalls(t, "a.example", storeNow, 9)
	s.claim(t, "two")
	if again, _ := s.takeCalls(t, "a.example", storeNow, 9); len(again) != 1 || !again[0].Doubtful {
		t.Errorf("taken again: %+v", again)
	}
}
