package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

var testID = engine.ID{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0xab, 0xcd, 0xef, 0x01}

func TestDeliveriesInDoubtTellWhatToLookFor(t *testing.T) {
	line := deliveryLine{
		ID: testID, State: engine.DeliveryUnknown, Channel: "email", To: "z…@acme.example", Record: "HelpDesk/1",
		Workflow: "main", Attempts: 1, Reason: "the answer was\nlost", Created: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
	}
	var out strings.Builder
	layOutDeliveries(&out, []deliveryLine{line}, &listFlags{limit: 1})
	want := `ID        STATE    CHANNEL  TO               RECORD      WORKFLOW  TRIES  PLANNED               REASON
abcdef01  unknown  email    z…@acme.example  HelpDesk/1  main      1      2026-05-06T07:08:09Z  ` +
		`look for Message-ID <01900000-0000-7000-8000-0000abcdef01@…>: the answer was lost

there may be more: --before abcdef01
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	next := nextForDelivery(line)
	if len(next) != 3 || !strings.HasSuffix(next[1], "postern deliveries retry abcdef01") {
		t.Errorf("what to do next: %q", next)
	}
}

func TestRunsSayWhereTheyStand(t *testing.T) {
	due := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		state  engine.RunState
		reason string
		waits  []waitLine
		want   string
		next   string
	}{
		{
			engine.RunPending, "", nil,
			"pending: its condition needs the CRM and is decided when its turn comes", "runs cancel",
		},
		{engine.RunReady, "", nil, "ready: step 2 is next", "runs cancel"},
		{engine.RunWriting, "", nil, "writing: step 2 goes on when what it asked of others is over", "runs cancel"},
		{
			engine.RunRetrying, "timeout",
			[]waitLine{{Due: due}},
			"retrying: step 2 is taken again at 2026-05-06T07:08:09Z: timeout", "runs cancel",
		},
		{
			engine.RunWaiting, "",
			[]waitLine{{Due: due, Topics: []string{"record:HelpDesk/1", "run:x"}}},
			"waiting in step 2, until 2026-05-06T07:08:09Z or a change of HelpDesk/1 or word of its messages", "waits move",
		},
		{
			engine.RunWaiting, "",
			[]waitLine{{Topics: []string{"run:x"}}},
			"waiting in step 2, for word of its messages", "runs cancel",
		},
		{engine.RunHeld, "no such version", nil, "held: no such version", "runs retry"},
		{engine.RunDone, "", nil, "done", ""},
		{engine.RunFailed, "step 1: no", nil, "failed: step 1: no", "runs retry"},
		{engine.RunStopped, "cancelled by ann", nil, "stopped: cancelled by ann", "runs retry"},
		{engine.RunStopped, "loop: 9 writes", nil, "stopped: loop: 9 writes", ""},
	} {
		run := runWhole{runLine: runLine{ID: testID, State: c.state, Reason: c.reason}, Next: "2", Waits: c.waits}
		if got := run.stands(); got != c.want {
			t.Errorf("%s: it stands %q, want %q", c.state, got, c.want)
		}
		if got := strings.Join(run.next(), "\n"); !strings.Contains(got, c.next) || (c.next == "") != (got == "") {
			t.Errorf("%s, %s: next is %q, want %q", c.state, c.reason, got, c.next)
		}
	}
}

func TestOffsets(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "+0.0 s", 240 * time.Millisecond: "+0.2 s", -time.Second: "-1.0 s", 200 * time.Second: "+3m20s",
		130 * time.Minute: "+2h10m", 52 * time.Hour: "+2d4h",
	} {
		if got := offsetText(d); got != want {
			t.Errorf("%s reads %q, want %q", d, got, want)
		}
	}
}

func TestPlacesInTheStream(t *testing.T) {
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for text, want := range map[string]place{"4711": {Seq: 4711}, "all": {Seq: 1}, "2026-05-06T07:08:09Z": {At: at}} {
		if got, err := readPlace("--from", text); err != nil || got.Seq != want.Seq || !got.At.Equal(want.At) {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	if got, err := readPlace("--from", "2h"); err != nil || time.Since(got.At).Round(time.Minute) != 2*time.Hour {
		t.Errorf("2h is %+v, %v", got, err)
	}
	for _, text := range []string{"0", "-1", "", "soon", "2026-13-01"} {
		if got, err := readPlace("--from", text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func TestWhatOthersWroteStaysOnItsLine(t *testing.T) {
	if got := oneLine("a\x1b[2J\tb\n\n c", 20); got != "a?[2J b c" {
		t.Errorf("one line: %q", got)
	}
	if got := oneLine("abcdef", 4); got != "abc…" {
		t.Errorf("cut: %q", got)
	}
	var out strings.Builder
	layOutDeadWhole(&out, deadWhole{Base64: []byte("{\xff\x1b[2J\n}")})
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("a terminal would obey: %q", out.String())
	}
}

func TestStoppedReplayTellsHowFarItCame(t *testing.T) {
	r := replaying{order: engine.ReplayOrder{Number: 3, From: 4711}}
	const want = "replay 3 stopped at position 4711; what was matched until then goes on: "
	if got := r.stopped(t.Context(), errors.New("the stream is gone")).Error(); got != want+"the stream is gone" {
		t.Errorf("stopped by an error: %s", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := r.stopped(ended, ended.Err()).Error(); got != want+"by Ctrl-C" {
		t.Errorf("stopped by a person: %s", got)
	}
}

// The story of a call tells whom it asked and what came of it, and nothing of what was said.
func TestStoryOfACall(t *testing.T) {
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	call := engine.Call{Method: "POST", Host: "rates.example.com", Key: "the-key", Request: engine.Request{
		URL: "https://rates.example.com/private", Body: []byte("private"),
	}}
	effect := engine.NewEffect(testID, testID, engine.Ask{Call: &call}, engine.DefaultRetry(), at)
	effect.State, effect.Step, effect.Attempts = engine.EffectDone, "1", 1
	effect.History = []engine.Decision{{At: at.Add(time.Second), Step: "1", Text: "answered 200 OK"}}
	story := &engine.RunStory{Run: &engine.Run{ID: testID, Created: at, State: engine.RunDone}, Effects: []*engine.Effect{effect}}
	whole := wholeOfRun(story, true)
	var out strings.Builder
	layOutRun(&out, whole)
	raw, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), string(raw)} {
		if !strings.Contains(text, "POST rates.example.com") || !strings.Contains(text, "answered 200 OK") ||
			strings.Contains(text, "private") || strings.Contains(text, "the-key") {
			t.Errorf("it says\n%s", text)
		}
	}
}
