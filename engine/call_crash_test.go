package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/outcall/outcalltest"
)

// mute is a store that stores no outcome of an effect any more: the process is about to be killed.
type mute struct {
	engine.Store
	now *atomic.Bool
}

func (m mute) SettleEffect(ctx context.Context, fence engine.Fence, f *engine.Effect, events ...*engine.Event) error {
	if m.now.Load() {
		return errors.New("killed")
	}
	return m.Store.SettleEffect(ctx, fence, f, events...)
}

// brink stops a call before it is sent, or once it is answered, until the process is killed.
type brink struct {
	engine.Caller
	before, after *atomic.Bool
	at            *atomic.Int64 // how often it stopped
}

func (b brink) Call(ctx context.Context, call engine.Call) (engine.Answer, error) {
	if b.before.Load() {
		b.at.Add(1)
		<-ctx.Done()
		return engine.Answer{}, ctx.Err()
	}
	answer, err := b.Caller.Call(ctx, call)
	if b.after.Load() {
		b.at.Add(1)
		<-ctx.Done()
		return engine.Answer{}, engine.Unknown(ctx.Err())
	}
	return answer, err
}

// Wherever the process is killed, a call that must not be sent twice arrives once at most, and any other once for each
// try: each time with the same key.
func TestCallsAcrossCrashes(t *testing.T) {
	for seed := range uint64(8) {
		for _, resend := range []bool{false, true} {
			t.Run(fmt.Sprint(seed, " resend ", resend), func(t *testing.T) {
				t.Parallel()
				crashCalls(t, rand.New(rand.NewPCG(seed, 1)), resend)
			})
		}
	}
}

func crashCalls(t *testing.T, dice *rand.Rand, resend bool) {
	service := outcalltest.New(t)
	mode := "fail"
	if resend {
		mode = "resend"
	}
	h := newHouse(t, bookOf(callJob(service, "  - call: { url: \"HOST/x\", body: { a: 1 }, on_unknown: "+mode+" }\n"+
		"    retry: { attempts: 9, backoff: 1s, for: 1h }\n  - update: { set: { note: called } }\n")))
	h.withCaller(service)
	killed := &atomic.Bool{}
	stop := brink{h.caller, &atomic.Bool{}, &atomic.Bool{}, &atomic.Int64{}}
	h.caller = stop
	h.wrap = func(s engine.Store) engine.Store { return mute{s, killed} }
	sent, doubtful := 0, false
	arm := func() {
		stop.before.Store(dice.IntN(2) == 0)
		stop.after.Store(!stop.before.Load())
	}
	arm()
	h.start()
	h.call("1")
	for kills := dice.IntN(3) + 1; kills > 0; kills-- {
		was := stop.at.Load()
		h.until("the call is on the brink, or given up", func() bool {
			h.clock.Advance(time.Second)
			return stop.at.Load() > was || doubtful && !resend
		})
		if stop.at.Load() > was && stop.after.Load() {
			sent++
		}
		doubtful = true
		killed.Store(true)
		h.stop()
		killed.Store(false)
		arm()
		if kills == 1 {
			stop.before.Store(false)
			stop.after.Store(false)
		}
		h.start()
	}
	run, effects := h.ends()
	switch {
	case resend && (run.State != engine.RunDone || len(service.Requests()) != sent+1):
		t.Errorf("the run is %s: %s; %d requests, want %d", run.State, run.Reason, len(service.Requests()), sent+1)
	case !resend && (run.State != engine.RunFailed || len(service.Requests()) != sent || sent > 1):
		t.Errorf("the run is %s: %s; %d requests", run.State, run.Reason, len(service.Requests()))
	case !resend && !strings.Contains(run.Reason, "it may have arrived, and is not sent again"):
		t.Errorf("the run failed: %s", run.Reason)
	}
	if keys := service.ByKey(); len(keys) > 1 || len(effects) != 1 {
		t.Errorf("the keys are %v; %d effects", keys, len(effects))
	}
}

// A call in doubt that an operator has taken again carries the key it had; one that was refused for certain another.
func TestRetriedCallsAndTheirKeys(t *testing.T) {
	for _, c := range []struct {
		first outcalltest.Answer
		keys  int
	}{{outcalltest.Answer{Lost: true}, 1}, {outcalltest.Answer{Status: 400}, 2}} {
		service := outcalltest.New(t, c.first, outcalltest.Answer{})
		h := callHouse(t, service, "  - call: { url: \"HOST/x\", body: { a: 1 } }\n")
		h.call("1")
		run, _ := h.ends()
		if run.State != engine.RunFailed {
			t.Fatalf("the run is %s", run.State)
		}
		if _, err := h.store.RetryRun(t.Context(), run.ID, h.orders("mended")); err != nil {
			t.Fatal(err)
		}
		if run, _ = h.ends(); run.State != engine.RunDone {
			t.Errorf("taken again the run is %s: %s", run.State, run.Reason)
		}
		if keys := service.ByKey(); len(keys) != c.keys || len(service.Requests()) != 2 {
			t.Errorf("after %+v: keys %v", c.first, keys)
		}
	}
}

// down is a CRM elsewhere that takes no writes.
type down struct{ engine.CRM }

func (down) Traits() engine.Traits { return engine.Traits{Echoes: true} }

func (down) Update(context.Context, engine.Write) error { return errors.New("the CRM is down") }

// Neither the CRM nor another host keeps a host from being called.
func TestCallsGoOnWhileOthersAreDown(t *testing.T) {
	good, bad := outcalltest.New(t), outcalltest.New(t, outcalltest.Answer{Status: 503})
	files := bookOf(strings.Replace(callJob(good, "  - call: { url: \"HOST/x\" }\n"), "main", "good", 1))
	files["bad.yaml"] = strings.Replace(callJob(bad, "  - call: { url: \"HOST/x\" }\n"), "main", "bad", 1)
	files["write.yaml"] = "name: write\non: { event: record.created, module: Tickets }\ntasks:\n" +
		"  - update: { set: { note: seen } }\n"
	h := newHouse(t, files)
	h.withCaller(good) // httptest gives all its servers one certificate
	h.crm = down{}
	h.start()
	for i := range 8 {
		h.call(fmt.Sprint(i))
	}
	h.until("the good host has been called, and the others are no longer tried", func() bool {
		_, warnings := h.engine.Ready(t.Context())
		told := strings.Join(warnings, "\n")
		return len(good.Requests()) == 8 && strings.Contains(told, "the CRM: ") && strings.Contains(told, "calls of example.com:"+bad.Port())
	})
	h.call("more")
	h.until("the good host is called", func() bool { return len(good.Requests()) == 9 })
	if n := len(bad.Requests()); n > 16 {
		t.Errorf("the bad host was asked %d times", n)
	}
}

func TestCancelledRunCallsNoMore(t *testing.T) {
	service := outcalltest.New(t, outcalltest.Answer{Status: 503})
	h := callHouse(t, service, "  - call: { url: \"HOST/x\" }\n    retry: { attempts: 9, backoff: 1h, for: 24h }\n")
	h.call("1")
	run := h.onlyRun(engine.RunWriting)
	h.until("the first try is over", func() bool {
		effects, err := h.store.Effects(t.Context(), run.ID)
		return err == nil && len(effects) == 1 && effects[0].Attempts == 1 && effects[0].State == engine.EffectPlanned
	})
	if _, err := h.store.CancelRun(t.Context(), run.ID, h.orders("no longer"), false); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(5 * time.Hour)
	h.call("2")
	h.until("the other run calls", func() bool { return len(service.Requests()) == 2 })
	effects, err := h.store.Effects(t.Context(), run.ID)
	if err != nil || effects[0].State != engine.EffectRejected || len(service.Requests()) != 2 {
		t.Errorf("%+v, %v; %d requests", effects, err, len(service.Requests()))
	}
}

// What a service asks for with Retry-After is the least pause.
func TestRetryAfter(t *testing.T) {
	service := outcalltest.New(t,
		outcalltest.Answer{Status: 429, Header: map[string]string{"Retry-After": "600"}}, outcalltest.Answer{})
	h := callHouse(t, service, "  - call: { url: \"HOST/x\" }\n    retry: { attempts: 9, backoff: 1s, for: 24h }\n")
	h.call("1")
	run := h.onlyRun(engine.RunWriting)
	var due time.Time
	h.until("the first try is over", func() bool {
		effects, err := h.store.Effects(t.Context(), run.ID)
		if err != nil || len(effects) != 1 || effects[0].Attempts != 1 || effects[0].State != engine.EffectPlanned {
			return false
		}
		due = effects[0].Due
		return true
	})
	if pause := due.Sub(h.clock.Now()); pause < 590*time.Second || pause > 720*time.Second {
		t.Errorf("the next try is in %s", pause)
	}
	if again, _ := h.ends(); again.State != engine.RunDone || len(service.Requests()) != 2 {
		t.Errorf("the run is %s after %d requests", again.State, len(service.Requests()))
	}
}

func TestReplayWithoutEffectsCallsNobody(t *testing.T) {
	service := outcalltest.New(t, quoted)
	h := callHouse(t, service, quoteCall)
	h.call("1")
	h.ends()
	h.replay(engine.ReplayOrder{Number: 1})
	line := h.over(1, 1)[0]
	story, err := h.store.RunStory(t.Context(), line.ID)
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, d := range story.Run.History {
		told = told || d.Text == "would call POST example.com:"+service.Port()
	}
	if !told || line.State != engine.RunDone || len(service.Requests()) != 1 {
		t.Errorf("the run is %s (%s), %d requests: %+v", line.State, line.Reason, len(service.Requests()), story.Run.History)
	}
}
