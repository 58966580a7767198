package store

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/links"
)

// testLink is the link that schema databases hold, used once.
func testLink() engine.Link {
	run := testRun(1)
	return testStep(run, engine.Fence{}).Links[0]
}

// makeSchema makes the database of the present schema: something of everything that a stopped engine leaves.
func makeSchema(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.db")
	s := underClock(t, path, enginetest.NewClock(testNow))
	var schema string
	if err := s.reads.get(t.Context(), schemaVersion, nil, []any{&schema}); err != nil {
		t.Fatal(err)
	}
	fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	shrink(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/schema-"+schema+".db", data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shrink gives a database small pages, so that empty tables cost little.
func shrink(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, step := range []string{"PRAGMA journal_mode = DELETE", "PRAGMA page_size = 512", "VACUUM"} {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
}

// fill does with a store what an engine does until it is stopped in the middle.
func fill(t *testing.T, s *Store) {
	t.Helper()
	ctx, fences := t.Context(), claimAll(t, s)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.KeepVersion(ctx, "v1", map[string]string{"workflows/ask.yaml": "workflow: ask\n"}, testNow))
	var runs []*engine.Run
	in := engine.Intake{
		Marks:   []engine.Mark{{Fence: fences[1], Cursor: 77}},
		Refused: []engine.DeadLetter{{ID: testRun(99).ID, Seq: 9, Subject: "crm.x", Reason: "no JSON", At: testNow}},
	}
	for seq := range uint64(8) {
		run := testRun(seq)
		runs = append(runs, run)
		in.Kept = append(in.Kept, engine.Kept{Event: run.Event, Seq: seq + 1})
	}
	runs[0].State = engine.RunPending
	runs[3].Progress = engine.Progress{Next: 1, Outputs: map[string]engine.Fields{"1": {"list": []any{"x", true}}}}
	runs[4].State, runs[4].Reason = engine.RunFailed, "step 1 (fill): no such field"
	in.Runs = runs
	_, err := s.Intake(ctx, in)
	must(err)

	step := testStep(runs[1], fences[1]) // done; one delivery in slot 3 and one planned, a link in each
	step.Deliveries[0].Slot = 3
	step.Deliveries[1].State, step.Deliveries[1].Slot = engine.DeliveryPlanned, 0
	doubt := testDelivery(runs[1], "three")
	doubt.State, doubt.Reason = engine.DeliveryUnknown, "the answer was lost"
	step.Deliveries = append(step.Deliveries, doubt)
	must(s.Advance(ctx, step))
	link := step.Links[0]
	flow := links.Flow{
		ID: testRun(50).ID, Link: link.ID, Visitor: []byte("v"), Opened: testNow, Expires: testNow.Add(time.Hour),
	}
	must(s.Open(ctx, opening(flow)))
	file := engine.File{
		ID: testRun(53).ID, Link: link.ID, Record: link.Record, Name: "a.png", Type: "image/png", Size: 3, Created: testNow,
	}
	must(s.Stage(ctx, file.ID, 0, []byte("fsealed"), testNow))
	_, err = s.Land(ctx, links.Act{
		Files: []engine.File{file}, Entries: engine.Fields{"photo": "a.png"}, Before: engine.Fields{"status": "Open"},
		ID: testRun(51).ID, Flow: flow.ID, Link: link.ID, Name: "resolve", Key: []byte("k"), At: testNow,
		Write: engine.Write{
			Ref: link.Record, Patch: engine.Patch{Set: engine.Fields{"status": "Closed"}}, Origin: engine.Origin{
				EventID: testRun(52).ID, Source: engine.Source, Cause: link.Cause, Depth: 1, Actor: "link", At: testNow,
			},
		},
		Used: &engine.Event{ID: "used", Source: engine.Source, Type: engine.LinkUsed, Subject: link.Record.String()},
	})
	must(err)
	_, err = s.Relate(ctx, engine.Relate{From: runs[2].Record, To: runs[3].Record, Origin: engine.Origin{
		EventID: testRun(54).ID, Source: engine.Source, At: testNow,
	}})
	must(err)
	fillWaits(t, s, runs, fences)
	fillTime(t, s, fences)
	fillHeard(t, s, step.Deliveries[0])
}

// fillHeard leaves a report that waits for its try, a suppressed address, and a reply.
func fillHeard(t *testing.T, s *Store, sending *engine.Delivery) {
	t.Helper()
	for _, h := range []engine.Hearing{
		{Key: "report", Delivery: sending.ID, Report: &engine.Report{
			Delivery: sending.ID, State: engine.DeliveryDelivered,
		}},
		{Key: "reply", Reply: &engine.Reply{Text: "yes"}, From: engine.AddressID{7}, Unasked: engine.DeadLetter{
			ID: testRun(98).ID, Subject: "reply.email", Reason: "nobody asked", At: testNow,
		}, Suppress: []engine.Suppressed{{ID: engine.AddressID{7}, Suppression: engine.Suppression{
			Channel: "email", Masked: "z…@acme.example", List: "ask", Reason: engine.SuppressedOptOut, At: testNow,
		}}}},
	} {
		h.Channel, h.At, h.Now = "email", testNow, testNow
		if _, err := s.Hear(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
}

// opening is a visitor's passing the door into a flow.
func opening(flow links.Flow) links.Opening {
	return links.Opening{Flow: flow, Event: &engine.Event{
		ID: "opened", Source: engine.Source, Type: engine.LinkOpened, Subject: "HelpDesk/1", Time: flow.Opened,
	}}
}

// fillWaits parks runs: one that waits, one whose write is being tried, one whose write waits behind it.
func fillWaits(t *testing.T, s *Store, runs []*engine.Run, fences []engine.Fence) {
	t.Helper()
	wait, try, behind := runs[5], runs[6], runs[7]
	wait.State, wait.Progress = engine.RunWaiting, engine.Progress{
		Next: 2, Gate: "17x5", Rest: &engine.Rest{
			Began: testNow, Until: testNow.Add(time.Minute), Baseline: engine.Fields{"status": "Open"},
		},
	}
	try.State, behind.State = engine.RunWriting, engine.RunWriting
	for _, step := range []engine.Advance{
		{Run: wait, Wait: &engine.Wait{
			Due: testNow.Add(time.Minute), Topics: []string{engine.RecordTopic(wait.Record), engine.RunTopic(wait.ID)},
		}},
		{Run: try, Effects: []*engine.Effect{testEffect(try, "1"), testEffect(try, ""), testCall(try)}},
		{Run: behind, Effects: []*engine.Effect{testEffect(behind, "1")}},
	} {
		step.Fence = fences[step.Run.Partition]
		if err := s.Advance(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: fences, Now: testNow, Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Intake(t.Context(), engine.Intake{Touched: []string{engine.RecordTopic(wait.Record)}}); err != nil {
		t.Fatal(err)
	}
}

// testCall is the call of a web service.
func testCall(run *engine.Run) *engine.Effect {
	e := testEffect(run, "call")
	e.Write, e.Record, e.Host, e.Sealed = nil, engine.Ref{}, "rates.example", []byte("sealed")
	e.Call = &engine.Call{
		Method: "POST", Host: e.Host, Key: "k", Expect: []engine.Statuses{{From: 200, To: 299}}, Timeout: time.Second,
		Auth: &engine.CallAuth{Kind: engine.AuthBearer, Secret: "rates"},
	}
	return e
}

// testEffect is a write to a record of a CRM elsewhere; a new record if the id is empty.
func testEffect(run *engine.Run, record string) *engine.Effect {
	e := &engine.Effect{
		ID: engine.DerivedID(run.ID, "effect", record), Run: run.ID, Partition: run.Partition, Workflow: run.Workflow,
		Step: "2", Round: 1, Record: engine.Ref{Module: "Accounts", ID: record}, State: engine.EffectPlanned, Due: testNow,
		Until: testNow.Add(time.Hour), Retry: engine.DefaultRetry(), Created: testNow,
	}
	event := engine.DerivedID(e.ID, "event")
	if record == "" {
		e.Create = &engine.Create{
			Module: "Accounts", Fields: engine.Fields{"name": "ACME", "size": json.Number("1.50")}, KeyField: "externalid",
			Key: e.ID.String(), Origin: engine.Origin{
				EventID: event, Source: engine.Source, Cause: run.Event.ID, Depth: 1, Actor: "workflow:ask", At: testNow,
			},
		}
		return e
	}
	e.Write = &engine.Write{
		Ref: e.Record, Unique: []string{"externalid"}, Origin: engine.Origin{
			EventID: event, Source: engine.Source, Cause: run.Event.ID, Depth: 1, Actor: "workflow:ask", At: testNow,
		},
		Patch: engine.Patch{Set: engine.Fields{"size": json.Number("2")}, Expect: engine.Fields{"size": json.Number("1.50")}},
	}
	return e
}

// fillTime leaves a schedule in the middle of a walk, an alarm and a window.
func fillTime(t *testing.T, s *Store, fences []engine.Fence) {
	t.Helper()
	walking, err := s.Timings(t.Context(), fences[0], []engine.Timing{
		{Workflow: "ask", Key: "daily", Next: testNow.Add(time.Hour)}, {Workflow: "ask", Key: "date"},
	})
	if err != nil {
		t.Fatal(err)
	}
	walking[0].Walk = &engine.Walk{Tick: testNow, Missed: 2, After: "17x5"}
	if _, err := s.Tick(t.Context(), engine.Tick{Fences: fences, Timing: walking[0]}); err != nil {
		t.Fatal(err)
	}
	run := testRun(70)
	_, err = s.Intake(t.Context(), engine.Intake{
		Alarms: []engine.Alarm{{Timing: walking[1].Number, Record: "1", Value: "2026-12-24", Due: testNow}},
		Gathered: []engine.Gathered{{
			Workflow: "calm", Key: "=1", RunKey: run.Key, Event: run.Event, Seq: 70, At: testNow, For: time.Minute, Max: time.Hour,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
