package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// planned is a delivery that has not been tried.
func planned(retry Retry) *Delivery {
	return &Delivery{Channel: "a", State: DeliveryPlanned, Retry: retry, Due: noon, Until: noon.Add(retry.For)}
}

func plainly(pause time.Duration) time.Duration { return pause }

func TestJudge(t *testing.T) {
	lost, down := Unknown(errors.New("lost")), errors.New("down")
	sms := &Way{Channel: "sms", Recipient: Recipient{Address: "+34600111222"}}
	for name, c := range map[string]struct {
		cause   error
		bench   bench
		tries   int // before this one
		state   DeliveryState
		after   time.Duration // until the next
		channel string
		line    string
	}{
		"accepted":       {cause: nil, state: DeliveryAccepted, line: "accepted by mx: 250 ok"},
		"refused":        {cause: Permanent(errors.New("550")), state: DeliveryRejected, line: "rejected: 550"},
		"passing":        {cause: down, state: DeliveryPlanned, after: 10 * time.Second, line: "try 1 failed, next in 10s: down"},
		"passing, again": {cause: down, tries: 1, state: DeliveryPlanned, after: 20 * time.Second, line: "try 2 failed, next in 20s: down"},
		"used up":        {cause: down, tries: 2, state: DeliveryRejected, line: "given up after 3 tries: down"},
		"a pause asked for": {
			cause: RetryAfter(down, 5*time.Minute), state: DeliveryPlanned, after: 5 * time.Minute,
			line: "try 1 failed, next in 5m0s: down",
		},
		"a pause for ever": {
			cause: RetryAfter(down, 1e6*time.Hour), state: DeliveryPlanned, after: time.Hour,
			line: "try 1 failed, next in 1h0m0s: down",
		},
		"an operator is needed": {
			cause: Misconfigured(down), tries: 7, state: DeliveryPlanned, after: 1280 * time.Second,
			line: "try 8 failed, next in 21m20s: down",
		},
		"busy": {cause: Busy(down), state: DeliveryPlanned, after: busyPause, line: "put back: down"},
		"in doubt": {
			cause: lost, bench: bench{unknown: OnUnknownHold}, state: DeliveryUnknown, line: "unknown, held: lost",
		},
		"in doubt, resend": {
			cause: lost, bench: bench{unknown: OnUnknownResend}, state: DeliveryPlanned, after: 10 * time.Second,
			line: "try 1 may have left, sent again in 10s: lost",
		},
		"in doubt, resend, used up": {
			cause: lost, bench: bench{unknown: OnUnknownResend}, tries: 2, state: DeliveryUnknown,
			line: "unknown, held after 3 tries: lost",
		},
		"in doubt, next": {
			cause: lost, bench: bench{unknown: OnUnknownNext, next: sms}, state: DeliveryPlanned, channel: "sms",
			line: "try 1 by a may have left, now by sms: lost",
		},
		"in doubt, no next": {
			cause: lost, bench: bench{unknown: OnUnknownNext}, state: DeliveryUnknown, line: "unknown, held: lost",
		},
		"refused by the channel": {
			cause: Permanent(errors.New("550")), bench: bench{next: sms, refused: true}, state: DeliveryPlanned,
			channel: "sms", line: "rejected by a, now by sms: 550",
		},
		"a fault of ours": {
			cause: Permanent(errors.New("no such template")), bench: bench{next: sms}, state: DeliveryRejected,
			line: "rejected: no such template",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := planned(Retry{Attempts: 3, Backoff: 10 * time.Second, For: 24 * time.Hour})
			d.Attempts = c.tries
			c.bench.now, c.bench.until, c.bench.jitter = noon, d.Until, plainly
			d.begin(noon)
			d.judge(Receipt{Provider: "mx", Detail: "250 ok"}, c.cause, c.bench)
			if d.State != c.state || d.Channel != either(c.channel, "a") {
				t.Errorf("it is %s on %s", d.State, d.Channel)
			}
			if d.State == DeliveryPlanned && d.Due.Sub(noon) != c.after {
				t.Errorf("due in %s, want %s", d.Due.Sub(noon), c.after)
			}
			if line := d.History[len(d.History)-1]; line.Text != c.line || line.Doubt != IsUnknown(c.cause) {
				t.Errorf("the history says %q (in doubt: %v), want %q", line.Text, line.Doubt, c.line)
			}
		})
	}
}

func TestGivenUpAfterADoubtIsHeld(t *testing.T) {
	for _, last := range []error{errors.New("down"), Permanent(errors.New("550 nobody"))} {
		d := planned(Retry{Attempts: 2, Backoff: time.Second, For: time.Hour})
		for _, cause := range []error{Unknown(errors.New("lost")), last} {
			d.begin(noon)
			d.judge(Receipt{}, cause, bench{
				now: noon, until: d.Until, jitter: plainly, unknown: OnUnknownResend, refused: true,
			})
		}
		if d.State != DeliveryUnknown || !strings.HasSuffix(d.Reason, "; an earlier try may have left") {
			t.Errorf("%s: %s", d.State, d.Reason)
		}
	}
}

// Whatever the answers: a delivery that is over stays so, each channel gets its tries and no more, none begins after
// its time, the channels go forward only, and every turn is told.
func TestJudgeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		retry := Retry{
			Attempts: rapid.IntRange(1, 6).Draw(t, "attempts"), Backoff: time.Second,
			For: time.Duration(rapid.IntRange(1, 600).Draw(t, "for")) * time.Second,
		}
		ways := make([]Way, rapid.IntRange(1, 3).Draw(t, "ways"))
		for i := range ways {
			ways[i] = Way{Channel: fmt.Sprint("way", i), Recipient: Recipient{Address: fmt.Sprint(i)}}
		}
		l := &letter{ways: ways}
		d := planned(retry)
		d.Channel = ways[0].Channel
		policy := rapid.SampledFrom([]OnUnknown{OnUnknownHold, OnUnknownResend, OnUnknownNext}).Draw(t, "policy")
		first, tries := map[string]time.Time{}, map[string]int{}
		for d.State == DeliveryPlanned {
			now := d.Due.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "late ms")) * time.Millisecond)
			if now.After(d.Until) {
				d.expire(now, errors.New("over"))
				break
			}
			channel, until := d.Channel, d.Until
			d.begin(now)
			cause := rapid.SampledFrom([]error{
				errors.New("down"), errors.New("down"), RetryAfter(errors.New("slow"), 30*time.Second),
				Unknown(errors.New("lost")), Permanent(errors.New("no")), Busy(errors.New("full")), nil,
			}).Draw(t, "cause")
			if !IsBusy(cause) {
				tries[channel]++
				if first[channel].IsZero() {
					first[channel] = now
				}
				if began := now.Sub(first[channel]); began > retry.For {
					t.Fatalf("a try began %s after the first", began)
				}
			}
			lines := len(d.History)
			d.judge(Receipt{}, cause, bench{
				now: now, until: until, jitter: plainly, unknown: policy, next: l.after(channel), refused: true,
			})
			if len(d.History) == lines && !IsBusy(cause) {
				t.Fatalf("nothing was told of %v", cause)
			}
			if slices.IndexFunc(ways, func(w Way) bool { return w.Channel == d.Channel }) <
				slices.IndexFunc(ways, func(w Way) bool { return w.Channel == channel }) {
				t.Fatalf("from %s back to %s", channel, d.Channel)
			}
			if d.State == DeliveryPlanned && d.Due.After(d.Until) {
				t.Fatalf("planned for %s after its time", d.Due.Sub(d.Until))
			}
			if tries[channel] > retry.Attempts {
				t.Fatalf("%d tries by %s", tries[channel], channel)
			}
		}
		if d.State != DeliveryAccepted && d.State != DeliveryUnknown && d.State != DeliveryRejected {
			t.Fatalf("it ended %s", d.State)
		}
	})
}
