package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// DeskStore is a store with what operators do beside it.
type DeskStore interface {
	engine.Store
	engine.Desk
}

// deskTrial is a store whose partitions the case of the suite owns, and its desk.
type deskTrial struct {
	*storeTrial
	engine.Desk
}

// TestDesk holds a Desk against what operators rely on. open gives an empty store that lives as long as its test.
func TestDesk(t *testing.T, open func(t *testing.T) DeskStore) {
	cases := map[string]func(*testing.T, *deskTrial){
		"dead letters are listed and read":                deskLetters,
		"a dead letter becomes an event once":             deskReplayLetter,
		"things are found by the end of their id":         deskEnding,
		"runs are listed newest first, by pages":          deskRunLines,
		"a run tells all that it led to":                  deskStory,
		"a cancelled run does nothing more":               deskCancelRun,
		"what a cancelled run sends is cancelled if told": deskCancelDeliveries,
		"a run is taken again where it ended":             deskRetryRun,
		"only what ended badly is taken again":            deskRetryRefused,
		"a run whose write is under way is let be":        deskRetryBusy,
		"deliveries are listed":                           deskDeliveryLines,
		"a delivery in doubt is sent again or cancelled":  deskDeliveries,
		"waits are listed by what falls due":              deskWaits,
		"a wait is moved":                                 deskMoveWait,
		"every order is in the audit":                     deskAudit,
		"replays are numbered and counted":                deskReplays,
		"links are listed, made last first, by pages":     deskLinkLines,
		"links are counted by their state":                deskLinkTally,
		"a link tells what came of it":                    deskLinkStory,
		"a link is made by hand, once":                    deskMakeLink,
		"links are revoked for good":                      deskRevokeLinks,
		"links of an age are revoked for good":            deskRevokeBefore,
		"many links are revoked":                          deskRevokeMany,
		"a locked link is opened":                         deskUnlock,
		"suppressed addresses are listed":                 deskSuppressions,
		"an operator suppresses an address":               deskSuppress,
		"a recipient's wish outlasts an operator's":       deskSuppressOutlasted,
		"what is over is suppressed no more":              deskForgetsSuppressions,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			trial := &deskTrial{storeTrial: &storeTrial{Store: s}, Desk: s}
			trial.claim(t, "one")
			test(t, trial)
		})
	}
}

// order is an order of the suite's operator.
func order(reason string) engine.Order { return engine.Order{By: "ann", Reason: reason, At: storeNow} }

// bury stores dead letters, the second of them in binary mode.
func (s *deskTrial) bury(t *testing.T) []engine.DeadLetter {
	t.Helper()
	letters := []engine.DeadLetter{
		{Seq: 3, Subject: "p.5.crm.Invoices.created.1", Reason: "module Invoices is unknown", Body: []byte("{}")},
		{
			Seq: 4, Subject: "crm.HelpDesk.created.1", Reason: "broken JSON", Body: []byte("{"),
			Header: map[string]string{"ce-id": "1"},
		},
	}
	for i := range letters {
		l := &letters[i]
		l.At = storeNow.Add(time.Duration(i) * time.Minute)
		l.ID = idAt(t, l.At)
	}
	s.intake(t, engine.Intake{Refused: letters})
	return letters
}

// idAt is a new id that was made at a time.
func idAt(t *testing.T, at time.Time) engine.ID {
	t.Helper()
	id, err := engine.NewID(at, strings.NewReader("0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func deskLetters(t *testing.T, s *deskTrial) {
	letters := s.bury(t)
	bare := func(l engine.DeadLetter) engine.DeadLetter { l.Body = nil; return l }
	for name, c := range map[string]struct {
		sel  engine.LetterSelection
		want []engine.DeadLetter
	}{
		"all":       {engine.LetterSelection{}, []engine.DeadLetter{bare(letters[1]), bare(letters[0])}},
		"module":    {engine.LetterSelection{Module: "Invoices"}, []engine.DeadLetter{bare(letters[0])}},
		"since":     {engine.LetterSelection{Since: letters[1].At}, []engine.DeadLetter{bare(letters[1])}},
		"limit":     {engine.LetterSelection{Limit: 1}, []engine.DeadLetter{bare(letters[1])}},
		"next page": {engine.LetterSelection{Before: letters[1].ID}, []engine.DeadLetter{bare(letters[0])}},
	} {
		got, err := s.DeadLetters(t.Context(), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got, err := s.DeadLetter(t.Context(), letters[1].ID)
	if diff := cmp.Diff(letters[1], got); diff != "" || err != nil {
		t.Errorf("%v; dead letter (-want +got):\n%s", err, diff)
	}
	if err := s.DropDeadLetter(t.Context(), letters[1].ID, order("")); err != nil {
		t.Fatal(err)
	}
	_, gone := s.DeadLetter(t.Context(), letters[1].ID)
	again := s.DropDeadLetter(t.Context(), letters[1].ID, order(""))
	for _, err := range []error{gone, again} {
		if !errors.Is(err, engine.ErrNoThing) {
			t.Errorf("a dropped dead letter: %v", err)
		}
	}
}

func deskReplayLetter(t *testing.T, s *deskTrial) {
	letter := s.bury(t)[0]
	event := keptTicket("7", 1, "Open").Event
	event.Letter = letter.ID.String()
	if err := s.ReplayDeadLetter(t.Context(), letter.ID, event, order("module described")); err != nil {
		t.Fatal(err)
	}
	out, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(out) != 1 {
		t.Fatalf("outgoing: %v, %v; want the event", out, err)
	}
	if diff := cmp.Diff(event, out[0].Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	err = s.ReplayDeadLetter(t.Context(), letter.ID, event, order(""))
	if !engine.IsPermanent(err) || len(s.outgoing(t)) != 1 {
		t.Errorf("a dead letter was replayed twice: %v", err)
	}
	none := s.ReplayDeadLetter(t.Context(), idAt(t, storeNow.Add(time.Hour)), event, order(""))
	if !errors.Is(none, engine.ErrNoThing) {
		t.Errorf("a dead letter that is none: %v", none)
	}
	open, err := s.DeadLetters(t.Context(), engine.LetterSelection{})
	if err != nil || len(open) != 1 || open[0].ID == letter.ID {
		t.Errorf("dead letters without a fate: %v, %v", open, err)
	}
	all, err := s.DeadLetters(t.Context(), engine.LetterSelection{Closed: true})
	if err != nil || len(all) != 2 || all[1].Fate != "replayed by ann: module described" {
		t.Errorf("all dead letters: %v, %v", all, err)
	}
}

func deskEnding(t *testing.T, s *deskTrial) {
	run, other := s.run(1), s.run(2)
	other.ID = run.ID
	other.ID[0]++ // they end alike
	third := s.takeIn(t, 3)
	s.intake(t, engine.Intake{Runs: []*engine.Run{run, other}})
	text := run.ID.String()
	for ending, want := range map[string]int{
		text[24:]: 2, text[2:]: 2, strings.ToUpper(text[28:]): 2, text: 1, third.ID.String()[28:]: 1, "%": 0, "": 0,
	} {
		found, err := s.Ending(t.Context(), engine.ThingRun, ending)
		if err != nil || len(found) != want {
			t.Errorf("%d runs end in %q, want %d; %v", len(found), ending, want, err)
		}
	}
	if found, err := s.Ending(t.Context(), engine.ThingDelivery, text); err != nil || len(found) != 0 {
		t.Errorf("a run is a delivery: %v, %v", found, err)
	}
}

func deskRunLines(t *testing.T, s *deskTrial) {
	var runs []*engine.Run
	for i := range 4 {
		run := s.run(uint64(i + 1))
		run.Created = storeNow.Add(time.Duration(i) * time.Minute)
		run.ID = idAt(t, run.Created)
		runs = append(runs, run)
	}
	runs[1].State, runs[1].Reason = engine.RunFailed, "step 1 (fill): no"
	runs[2].Workflow, runs[2].State = "other", engine.RunPending
	runs[3].Record.ID, runs[3].Progress.Replay, runs[3].Progress.Dry = "9", 2, true
	s.intake(t, engine.Intake{Runs: runs})
	type states = []engine.RunState
	for name, c := range map[string]struct {
		sel  engine.RunSelection
		want string
	}{
		"all":        {engine.RunSelection{}, "3210"},
		"a state":    {engine.RunSelection{States: states{engine.RunFailed}}, "1"},
		"states":     {engine.RunSelection{States: states{engine.RunFailed, engine.RunPending}}, "21"},
		"workflow":   {engine.RunSelection{Workflow: "other"}, "2"},
		"record":     {engine.RunSelection{Record: runs[0].Record}, "210"},
		"replay":     {engine.RunSelection{Replay: 2}, "3"},
		"since":      {engine.RunSelection{Since: runs[2].Created}, "32"},
		"first page": {engine.RunSelection{Limit: 2}, "32"},
		"next page":  {engine.RunSelection{Before: runs[2].ID, Limit: 2}, "10"},
	} {
		lines, err := s.RunLines(t.Context(), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, line := range lines {
			fmt.Fprint(&got, int(line.Created.Sub(storeNow).Minutes()))
		}
		if got.String() != c.want {
			t.Errorf("%s: runs %s, want %s", name, got.String(), c.want)
		}
	}
	if _, err := s.RunLines(t.Context(), engine.RunSelection{States: states{"x' OR '1"}}); err == nil {
		t.Error("a state that is none was taken")
	}
	lines, err := s.RunLines(t.Context(), engine.RunSelection{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.RunLine{{
		Standing: engine.Standing{
			ID: runs[3].ID, Partition: runs[3].Partition, Workflow: "test", Record: runs[3].Record,
			State: engine.RunReady,
		},
		Replay: 2, Dry: true, Created: runs[3].Created, Updated: lines[0].Updated,
	}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func deskReplays(t *testing.T, s *deskTrial) {
	for want := 1; want <= 2; want++ {
		if got, err := s.NextReplay(t.Context(), order("")); err != nil || got != want {
			t.Errorf("replay %d, %v; want %d", got, err, want)
		}
	}
	var runs []*engine.Run
	for i := range 3 {
		run := s.run(uint64(i + 1))
		run.ID = idAt(t, storeNow.Add(time.Duration(i)*time.Second))
		run.Progress.Replay, run.Progress.Dry = 2, true
		run.History = []engine.Decision{
			{At: storeNow, Text: "replay 2 by ann, without effects"},
			{At: storeNow, Text: fmt.Sprintf("would send hello by email to %d…@acme.example", i)},
			{At: storeNow, Text: fmt.Sprintf("would write status of HelpDesk/%d", i)},
		}
		runs = append(runs, run)
	}
	runs[1].State, runs[2].Progress.Replay = engine.RunDone, 1
	s.intake(t, engine.Intake{Runs: runs})
	got, err := s.ReplayTally(t.Context(), 2, storeNow)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.ReplayTally{
		States: map[engine.RunState]int{engine.RunReady: 1, engine.RunDone: 1},
		Would:  map[string]int{"would send hello by email": 2, "would write status of HelpDesk": 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	late, err := s.ReplayTally(t.Context(), 2, storeNow.Add(time.Second))
	if err != nil || late.States[engine.RunReady] != 0 {
		t.Errorf("runs that began before were counted: %v, %v", late, err)
	}
}

func deskAudit(t *testing.T, s *deskTrial) {
	letters, run := s.bury(t), s.takeIn(t, 1)
	run.State = engine.RunWaiting
	d := s.delivery(run, storeNow)
	s.advance(t, run, engine.Advance{
		Deliveries: []*engine.Delivery{d}, Wait: &engine.Wait{Due: storeNow.Add(time.Hour)},
	})
	ctx, why := t.Context(), order("for Zoe <zoe@acme.example>")
	_, moved := s.MoveWait(ctx, run.ID, why, storeNow.Add(2*time.Hour), 0)
	_, cancelled := s.CancelRun(ctx, run.ID, why, false)
	_, again := s.CancelRun(ctx, run.ID, why, false)
	_, retried := s.RetryRun(ctx, run.ID, why)
	_, dropped := s.CancelDelivery(ctx, d.ID, why)
	_, sent := s.RetryDelivery(ctx, d.ID, why)
	_, replay := s.NextReplay(ctx, order("1 to 5"))
	err := errors.Join(moved, cancelled, retried, dropped, sent, replay,
		s.ReplayDeadLetter(ctx, letters[0].ID, keptTicket("7", 1, "Open").Event, why),
		s.DropDeadLetter(ctx, letters[1].ID, why))
	if err != nil || again == nil {
		t.Fatalf("%v; the refused order: %v", err, again)
	}
	var got []string
	err = s.Deeds(ctx, 0, func(d engine.Deed) error {
		if d.Actor == "operator:ann" {
			what, _, _ := strings.Cut(d.Subject, ":")
			got = append(got, strings.TrimSpace(d.Kind+" "+what+" "+d.Detail))
		}
		return nil
	})
	want := []string{
		"wait.moved run waiting, now waiting", "run.cancelled run waiting, now stopped",
		"run.retried run stopped, now retrying",
		"delivery.cancelled delivery planned, now rejected", "delivery.retried delivery rejected, now planned",
		"events.replayed replay 1 to 5", "letter.replayed letter HelpDesk/7", "letter.dropped letter",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; deeds (-want +got):\n%s", err, diff)
	}
}

// due is the ids of the runs whose wait is over.
func (s *deskTrial) due(t *testing.T, now time.Time) []engine.ID {
	t.Helper()
	woken, _, err := s.Due(t.Context(), s.fences, now, engine.DuePosition{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var ids []engine.ID
	for _, w := range woken {
		ids = append(ids, w.Run.ID)
	}
	return ids
}

func (s *deskTrial) noneTouched() {
	select {
	case <-s.Touched():
	default:
	}
}

func (s *deskTrial) awaitTouch(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-s.Touched():
	case <-ctx.Done():
		t.Error("nobody was told that a wait is due")
	}
}
