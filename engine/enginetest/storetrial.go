package enginetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// claim makes node the owner of all partitions; what the trial does from now on is under the new epochs.
func (s *storeTrial) claim(t *testing.T, node string) {
	t.Helper()
	partitions, err := s.Claim(t.Context(), node, storeStream, storeNow)
	if err != nil {
		t.Fatal(err)
	}
	s.fences = nil
	for _, p := range partitions {
		s.fences = append(s.fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
}

func (s *storeTrial) intake(t *testing.T, in engine.Intake) []bool {
	t.Helper()
	fresh, err := s.Intake(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

// takeIn stores a new run.
func (s *storeTrial) takeIn(t *testing.T, seq uint64) *engine.Run {
	t.Helper()
	run := s.run(seq)
	s.intake(t, engine.Intake{Runs: []*engine.Run{run}})
	return run
}

func (s *storeTrial) advance(t *testing.T, run *engine.Run, step engine.Advance) {
	t.Helper()
	step.Fence, step.Run = s.fences[run.Partition], run
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
}

// anyDue demands what is due on any channel.
func anyDue(fences []engine.Fence, slots []int, now time.Time) engine.Demand {
	return engine.Demand{Fences: fences, Others: true, Slots: slots, Now: now}
}

// take takes at most n due deliveries, into the slots from 10.
func (s *storeTrial) take(t *testing.T, now time.Time, n int) []*engine.Delivery {
	t.Helper()
	var slots []int
	for i := range n {
		slots = append(slots, 10+i)
	}
	taken, _, err := s.Take(t.Context(), anyDue(s.fences, slots, now))
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// unfinished is the stream positions of the unfinished runs.
func (s *storeTrial) unfinished(t *testing.T) []uint64 {
	t.Helper()
	standings, err := s.Unfinished(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seqs []uint64
	for _, at := range standings {
		seqs = append(seqs, s.stored(t, at.ID).Seq)
	}
	return seqs
}

// stored reads a run.
func (s *storeTrial) stored(t *testing.T, id engine.ID) *engine.Run {
	t.Helper()
	run, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// outgoing is the ids of the events in the outbox.
func (s *storeTrial) outgoing(t *testing.T) []string {
	t.Helper()
	waiting, err := s.Outgoing(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, w := range waiting {
		ids = append(ids, w.Event.ID)
	}
	return ids
}

// expectStatus compares the status of a kept ticket; nil says that it is not there.
func (s *storeTrial) expectStatus(t *testing.T, id string, want any) {
	t.Helper()
	records, err := s.Records(t.Context(), []engine.Ref{{Module: "HelpDesk", ID: id}})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	for _, r := range records {
		got = r.Fields["status"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status of ticket %s (-want +got):\n%s", id, diff)
	}
}

// id is a new id.
func (s *storeTrial) id() engine.ID {
	s.made++
	return engine.DerivedID(testID(1), fmt.Sprint(s.made))
}

// run is a new run, ready, of an event at a stream position.
func (s *storeTrial) run(seq uint64) *engine.Run {
	id := s.id()
	event := keptTicket("1", seq, "Open").Event
	return &engine.Run{
		ID: id, Key: engine.RunKey("test", "crm", id.String()), Workflow: "test", Version: "v1",
		Partition: int(seq % engine.Partitions), Seq: seq, Record: event.Ref(), State: engine.RunReady, Event: event,
		Created: storeNow,
	}
}

func done(run *engine.Run) *engine.Run {
	over := *run
	over.State = engine.RunDone
	return &over
}

// delivery is a new delivery that a run asks for.
func (s *storeTrial) delivery(run *engine.Run, due time.Time) *engine.Delivery {
	return &engine.Delivery{
		ID: s.id(), Run: run.ID, Partition: run.Partition, Workflow: run.Workflow, Version: run.Version, Step: "2",
		Channel: "email", Template: "hello", Record: run.Record, Masked: "z…@acme.example", Sealed: []byte("sealed"),
		Recipient: engine.Recipient{
			Ref: engine.Ref{Module: "Contacts", ID: "9"}, Name: "Zoe", Address: "zoe@acme.example", Language: "en",
		},
		State: engine.DeliveryPlanned, Due: due, Until: due.Add(time.Hour), Retry: engine.DefaultRetry(),
		Created: storeNow,
	}
}

// link is a new link that no run asked for.
func (s *storeTrial) link() engine.Link {
	id := s.id()
	return engine.Link{
		ID: id, KeyID: "a", Digest: id[:], Landing: "ticket", LandingVersion: "v1", Preset: "resolve",
		Record: engine.Ref{Module: "HelpDesk", ID: "1"}, Recipient: engine.Ref{Module: "Contacts", ID: "9"},
		Masked: "z…@acme.example", Language: "en", NotBefore: storeNow, Expires: storeNow.Add(time.Hour), MaxUses: 1,
		Workflow: "test", Cause: "1", Created: storeNow,
	}
}

// writes are as many asks.
func writes(all ...engine.Write) (asks []engine.Ask) {
	for _, w := range all {
		asks = append(asks, engine.Ask{Write: &w})
	}
	return asks
}

// write is a new write of a ticket's status.
func (s *storeTrial) write(id, from, to string) engine.Write {
	return engine.Write{
		Ref:   engine.Ref{Module: "HelpDesk", ID: id},
		Patch: engine.Patch{Set: engine.Fields{"status": to}, Expect: engine.Fields{"status": from}},
		Origin: engine.Origin{
			EventID: s.id(), Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: storeNow,
		},
	}
}

// keptTicket is the event at a stream position that tells a ticket's status.
func keptTicket(id string, seq uint64, status string) engine.Kept {
	return engine.Kept{Seq: seq, Event: &engine.Event{
		ID: fmt.Sprintf("%s-%d", id, seq), Source: "crm", Type: engine.RecordUpdated, Subject: "HelpDesk/" + id,
		Time: storeNow, CauseID: "before", Depth: 1,
		Change: &engine.Change{Record: engine.Fields{"status": status, "hours": number("1.50")}, Actor: "ann"},
	}}
}

func number(text string) json.Number { return json.Number(text) }
