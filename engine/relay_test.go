package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
)

// account is a provider's account that answers as it is told.
type account struct {
	careful bool
	leaves  bool // a careful one calls Leaving before it answers
	err     error
	tried   *[]string
	left    *[]string
	name    string
}

func (a *account) Careful() bool { return a.careful }

func (a *account) Send(_ context.Context, m engine.Message) (engine.Receipt, error) {
	*a.tried = append(*a.tried, a.name)
	if a.careful && a.leaves {
		m.Leaving()
	}
	if a.err == nil || !a.careful || a.leaves {
		*a.left = append(*a.left, a.name)
	}
	return engine.Receipt{Provider: "sms.example", ID: a.name, Detail: "queued"}, a.err
}

var errNo = errors.New("no")

// answers are what a provider may say, by a name.
var answers = map[string]error{
	"taken": nil, "later": errNo, "wait": engine.RetryAfter(errNo, time.Minute), "busy": engine.Busy(errNo),
	"refused": engine.Permanent(errNo), "lost": engine.Unknown(errNo), "locked": engine.Misconfigured(errNo),
}

func relayOf(clock engine.Clock, accounts []*account, rates ...engine.Rate) *engine.Relay {
	var providers []engine.Provider
	for i, a := range accounts {
		p := engine.Provider{Name: a.name, Channel: a}
		if i < len(rates) {
			p.Rate = rates[i]
		}
		providers = append(providers, p)
	}
	return engine.NewRelay("sms", providers, clock, slog.New(slog.DiscardHandler))
}

// Whatever providers answer, a message never leaves twice, the order stands, and what is final is final.
func TestRelayHandsAMessageToOneProvider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := engine.NewStillClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		var accounts []*account
		var tried, left []string
		for i := range rapid.IntRange(1, 4).Draw(t, "providers") {
			accounts = append(accounts, &account{name: fmt.Sprintf("p%d", i), tried: &tried, left: &left})
		}
		relay := relayOf(clock, accounts)
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			tried, left = nil, nil
			for _, a := range accounts {
				kinds := []string{"taken", "later", "wait", "busy", "refused", "lost", "locked"}
				a.err = answers[rapid.SampledFrom(kinds).Draw(t, a.name)]
				a.careful, a.leaves = rapid.Bool().Draw(t, "careful"), rapid.Bool().Draw(t, "leaves")
			}
			told := 0
			receipt, err := relay.Send(context.Background(), engine.Message{OnLeaving: func() { told++ }})
			judgeRelay(t, accounts, tried, left, receipt, err)
			if told > 1 {
				t.Fatalf("Leaving was called %d times", told)
			}
			clock.Set(clock.Now().Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second))
		}
	})
}

func judgeRelay(
	t *rapid.T, accounts []*account, tried, left []string, receipt engine.Receipt, err error,
) {
	if len(left) > 1 || !slices.IsSorted(tried) || len(slices.Compact(slices.Clone(tried))) != len(tried) {
		t.Fatalf("tried %v, left by %v", tried, left)
	}
	for i, name := range tried {
		a := accounts[slices.IndexFunc(accounts, func(a *account) bool { return a.name == name })]
		final := a.err == nil || engine.IsPermanent(a.err) || engine.IsUnknown(a.err) || !a.careful || a.leaves
		if final != (i == len(tried)-1) && (final || err == nil) {
			t.Fatalf("%s said %v; tried %v", name, a.err, tried)
		}
		if final && (err == nil) != (a.err == nil) || final && err != nil && !errors.Is(err, errNo) {
			t.Fatalf("%s said %v, the relay %v", name, a.err, err)
		}
		same := engine.IsPermanent(err) == engine.IsPermanent(a.err) && engine.IsUnknown(err) == engine.IsUnknown(a.err)
		if final && !same {
			t.Fatalf("%s said %v, the relay %v", name, a.err, err)
		}
		if final && err == nil && receipt.Provider != name+" (sms.example)" {
			t.Fatalf("%s took it, told is %s", name, receipt.Provider)
		}
	}
	if err == nil && len(tried) == 0 {
		t.Fatal("nobody was tried, and it was taken")
	}
}

func TestRelayTellsWhoTookItAndWhatFailedBefore(t *testing.T) {
	var tried, left []string
	locked := engine.Misconfigured(errors.New("401: log in"))
	first := &account{name: "main", careful: true, err: locked, tried: &tried, left: &left}
	second := &account{name: "second", careful: true, leaves: true, tried: &tried, left: &left}
	clock := engine.NewStillClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	relay := relayOf(clock, []*account{first, second})
	receipt, err := relay.Send(t.Context(), engine.Message{})
	want := engine.Receipt{Provider: "second (sms.example)", ID: "second", Detail: "queued; before: main: 401: log in"}
	if err != nil || receipt != want {
		t.Errorf("got %+v, %v", receipt, err)
	}
	// What needs an operator is not asked again at once, and all the same its breaker lets it prove itself later.
	tried = nil
	if _, err := relay.Send(t.Context(), engine.Message{}); err != nil || strings.Join(tried, " ") != "second" {
		t.Errorf("tried %v, %v", tried, err)
	}
	clock.Set(clock.Now().Add(time.Minute))
	first.err, tried = nil, nil
	if _, err := relay.Send(t.Context(), engine.Message{}); err != nil || strings.Join(tried, " ") != "main" {
		t.Errorf("tried %v, %v", tried, err)
	}
}

func TestRelayGoesByTheRatesOfItsProviders(t *testing.T) {
	var tried, left []string
	first := &account{name: "main", tried: &tried, left: &left}
	second := &account{name: "second", tried: &tried, left: &left}
	clock := engine.NewStillClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	one := engine.Rate{Count: 1, Per: time.Second}
	relay := relayOf(clock, []*account{first, second}, one, one)
	var verdicts []error
	for range 3 {
		_, err := relay.Send(t.Context(), engine.Message{})
		verdicts = append(verdicts, err)
	}
	if strings.Join(tried, " ") != "main second" || !engine.IsBusy(verdicts[2]) {
		t.Errorf("tried %v, then %v", tried, verdicts[2])
	}
}

func TestRelayWhereAllNeedAnOperatorDoesToo(t *testing.T) {
	var tried, left []string
	locked := engine.Misconfigured(errNo)
	first := &account{name: "main", careful: true, err: locked, tried: &tried, left: &left}
	second := &account{name: "second", careful: true, err: locked, tried: &tried, left: &left}
	relay := relayOf(engine.NewStillClock(time.Unix(0, 0)), []*account{first, second})
	for range 2 {
		if _, err := relay.Send(t.Context(), engine.Message{}); !engine.IsMisconfigured(err) {
			t.Errorf("got %v", err)
		}
	}
}

// slow is a provider that does not answer before its time is over.
type slow struct{}

func (slow) Careful() bool { return true }

func (slow) Send(ctx context.Context, _ engine.Message) (engine.Receipt, error) {
	<-ctx.Done()
	return engine.Receipt{}, ctx.Err()
}

func (slow) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) })
}

func (slow) Listen(context.Context) error { return errNo }

func TestRelayLeavesTimeForTheNext(t *testing.T) {
	var tried, left []string
	relay := engine.NewRelay("sms", []engine.Provider{
		{Name: "main", Channel: slow{}},
		{Name: "second", Channel: &account{name: "second", tried: &tried, left: &left}},
	}, engine.SystemClock{}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := relay.Send(ctx, engine.Message{}); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	relay.Callbacks().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/main/status", nil))
	if w.Body.String() != "/status" {
		t.Errorf("main was called at %q", w.Body)
	}
	w = httptest.NewRecorder()
	relay.Callbacks().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/second/status", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("second was called: %d", w.Code)
	}
	if err := relay.Listen(t.Context()); err == nil || err.Error() != "provider main: no" {
		t.Errorf("listening ended with %v", err)
	}
}

// While one provider needs an operator, what the other has no room for waits, and uses no try up.
func TestRelayIsBusyWhereAProviderOnlyHasNoRoom(t *testing.T) {
	for name, why := range map[string]error{"locked": engine.Misconfigured(errNo), "down": errNo} {
		var tried, left []string
		first := &account{name: "main", careful: true, err: why, tried: &tried, left: &left}
		second := &account{name: "second", tried: &tried, left: &left}
		clock := engine.NewStillClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		one := engine.Rate{Count: 1, Per: time.Second}
		relay := relayOf(clock, []*account{first, second}, engine.Rate{}, one)
		if _, err := relay.Send(t.Context(), engine.Message{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := relay.Send(t.Context(), engine.Message{}); !engine.IsBusy(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
