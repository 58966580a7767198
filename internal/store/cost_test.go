package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

var testNow = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// testRun is a new run of an event of about 540 bytes at a stream position.
func testRun(seq uint64) *engine.Run {
	random := binary.BigEndian.AppendUint64([]byte{0, 0}, seq)
	id, _ := engine.NewID(testNow, bytes.NewReader(random))
	record := fmt.Sprint("17x", seq)
	fields := engine.Fields{"title": strings.Repeat("t", 80), "text": strings.Repeat("x", 200)}
	return &engine.Run{
		ID: id, Key: engine.RunKey("ask", "crm", record), Workflow: "ask", Version: strings.Repeat("v", 22),
		Partition: int(seq % engine.Partitions), Seq: seq, Record: engine.Ref{Module: "HelpDesk", ID: record},
		State: engine.RunReady, Created: testNow, Event: &engine.Event{
			ID: id.String(), Source: "crm", Type: engine.RecordCreated, Subject: "HelpDesk/" + record, Time: testNow,
			Change: &engine.Change{Record: fields},
		},
	}
}

func testDelivery(run *engine.Run, name string) *engine.Delivery {
	return &engine.Delivery{
		ID: engine.DerivedID(run.ID, name), Run: run.ID, Partition: run.Partition, Workflow: run.Workflow,
		Version: run.Version, Step: "2", Channel: "email", Template: "ask", Record: run.Record,
		Recipient: engine.Recipient{Ref: engine.Ref{Module: "Contacts", ID: "9"}, Address: "zoe@acme.example"},
		Masked:    "z…@acme.example", Sealed: bytes.Repeat([]byte{7}, 600), State: engine.DeliveryPlanned, Due: testNow,
		Until: testNow.Add(time.Hour), Retry: engine.DefaultRetry(), Created: testNow,
	}
}

// testStep finishes a run with two deliveries that are being sent and a link in each.
func testStep(run *engine.Run, fence engine.Fence) engine.Advance {
	over := *run
	over.State = engine.RunDone
	over.History = []engine.Decision{{At: testNow, Step: "1", Text: "email to z…@acme.example"}}
	step := engine.Advance{Fence: fence, Run: &over}
	for slot, name := range []string{"one", "two"} {
		id := engine.DerivedID(run.ID, "link", name)
		link := engine.Link{
			ID: id, Generation: 1, KeyID: "a", Digest: append(id[:], id[:]...), Landing: "ticket",
			LandingVersion: run.Version,
			Record:         run.Record, Recipient: engine.Ref{Module: "Contacts", ID: "9"}, Masked: "z…@acme.example",
			Language: "en", NotBefore: testNow, Expires: testNow.Add(time.Hour), MaxUses: 20, Run: run.ID,
			Workflow: "ask", Cause: run.Event.ID, Created: testNow,
		}
		d := testDelivery(run, name)
		d.State, d.Slot = engine.DeliverySending, slot
		d.Links = []engine.NamedLink{{Name: "link", Link: link, ID: id}}
		step.Links, step.Deliveries = append(step.Links, link), append(step.Deliveries, d)
	}
	return step
}

func claimAll(t testing.TB, s *Store) []engine.Fence {
	t.Helper()
	partitions, err := s.Claim(t.Context(), "one", "EVENTS", testNow)
	if err != nil {
		t.Fatal(err)
	}
	fences := make([]engine.Fence, len(partitions))
	for i, p := range partitions {
		fences[i] = engine.Fence{Partition: p.ID, Epoch: p.Epoch}
	}
	return fences
}

// rows is how many rows the writer has written so far.
func rows(t testing.TB, s *Store) int {
	t.Helper()
	n, err := s.RowsWritten(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// A match with two mails costs eight rows: its run twice, two deliveries twice, two links. The cursor is the batch's.
func TestRowsPerMatch(t *testing.T) {
	s := fresh(t)
	fences := claimAll(t, s)
	before := rows(t, s)
	const matches = 10
	in := engine.Intake{Marks: []engine.Mark{{Fence: fences[0], Cursor: matches}}}
	for seq := range uint64(matches) {
		in.Runs = append(in.Runs, testRun(seq))
	}
	if _, err := s.Intake(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, run := range in.Runs {
		step := testStep(run, fences[run.Partition])
		if err := s.Advance(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		for _, d := range step.Deliveries {
			d.State = engine.DeliveryAccepted
			if err := s.Settle(t.Context(), engine.Settle{Fence: step.Fence, Delivery: d}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := rows(t, s)-before, 8*matches+1; got != want {
		t.Errorf("%d matches cost %d rows, want %d", matches, got, want)
	}
}

func BenchmarkIntake(b *testing.B) {
	s := fresh(b)
	fences := claimAll(b, s)
	before, seq := rows(b, s), uint64(0)
	for b.Loop() {
		in := engine.Intake{Marks: []engine.Mark{{Fence: fences[0], Cursor: seq}}}
		for range 100 {
			seq++
			in.Runs = append(in.Runs, testRun(seq))
		}
		if _, err := s.Intake(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows(b, s)-before)/float64(b.N), "rows/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(seq), "ns/run")
}

func BenchmarkAdvance(b *testing.B) {
	s := fresh(b)
	fences := claimAll(b, s)
	runs := make([]*engine.Run, b.N)
	for i := range runs {
		runs[i] = testRun(uint64(i))
	}
	for at := 0; at < len(runs); at += 1000 {
		if _, err := s.Intake(b.Context(), engine.Intake{Runs: runs[at:min(at+1000, len(runs))]}); err != nil {
			b.Fatal(err)
		}
	}
	before := rows(b, s)
	var next atomic.Int64
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			run := runs[next.Add(1)-1]
			if err := s.Advance(context.Background(), testStep(run, fences[run.Partition])); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(rows(b, s)-before)/float64(b.N), "rows/op")
}
