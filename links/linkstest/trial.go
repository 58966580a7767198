package linkstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// ticket is the record that the links of the suite lead to.
var ticket = engine.Ref{Module: "HelpDesk", ID: "17x5"}

// prepare makes the ticket, a link to it that may be used once, and a flow through it.
func (tr *trial) prepare(t *testing.T) {
	t.Helper()
	kept := engine.Kept{Seq: 1, Event: &engine.Event{
		ID: "1", Source: "crm", Type: engine.RecordCreated, Subject: ticket.String(), Time: now,
		Change: &engine.Change{Record: engine.Fields{"status": "Open", "title": "Lost key"}},
	}}
	if _, err := tr.Intake(t.Context(), engine.Intake{Kept: []engine.Kept{kept}}); err != nil {
		t.Fatal(err)
	}
	tr.link = tr.newLink(1)
	tr.mint(t, tr.link)
	tr.flow = tr.open(t)
}

func (tr *trial) mint(t *testing.T, link engine.Link) {
	t.Helper()
	if err := tr.Mint(t.Context(), link); err != nil {
		t.Fatal(err)
	}
}

// open makes a flow of a new visitor through the link.
func (tr *trial) open(t *testing.T) engine.ID {
	t.Helper()
	id := tr.id()
	flow := links.Flow{ID: id, Link: tr.link.ID, Visitor: id[:], Opened: now, Expires: now.Add(time.Hour)}
	if err := tr.Open(t.Context(), tr.opening(flow)); err != nil {
		t.Fatal(err)
	}
	return id
}

// opening is a flow through the door.
func (tr *trial) opening(flow links.Flow) links.Opening {
	return links.Opening{Flow: flow, Event: &engine.Event{
		ID: tr.id().String(), Source: engine.Source, Type: engine.LinkOpened, Subject: ticket.String(),
		Time: flow.Opened, Data: json.RawMessage(`{}`),
	}}
}

// newLink is a live link that may be used so many times.
func (tr *trial) newLink(uses int) engine.Link {
	id := tr.id()
	return engine.Link{
		ID: id, Generation: 1, KeyID: "a", Digest: append([]byte("digest of "), id[:]...), Landing: "ticket",
		LandingVersion: "v1", Preset: "resolve", Record: ticket, Recipient: engine.Ref{Module: "Contacts", ID: "9"},
		Masked: "z…@acme.example", Language: "es", NotBefore: now, Expires: now.Add(time.Hour), MaxUses: uses,
		Run: tr.id(), Workflow: "ask", Cause: "1", Created: now, External: []byte("external"),
		Audience: []byte("audience"), Delivery: tr.id(),
	}
}

// act is a visitor's wish that the open ticket gets a status, new each time but for its key.
func (tr *trial) act(name, status string) links.Act {
	return links.Act{
		ID: tr.id(), Flow: tr.flow, Link: tr.link.ID, Name: name, Key: []byte("hash of " + name), At: now,
		Write: engine.Write{
			Ref: ticket, Patch: engine.Patch{Set: engine.Fields{"status": status}}, Origin: engine.Origin{
				EventID: tr.id(), Source: engine.Source, Cause: "1", Depth: 1, Actor: "link", At: now,
			},
		},
		Used: &engine.Event{
			ID: tr.id().String(), Source: engine.Source, Type: engine.LinkUsed, Subject: ticket.String(), Time: now,
			Data: json.RawMessage(`{"action":"` + name + `"}`),
		},
	}
}

// park stores a run that waits for what happens to its messages.
func (tr *trial) park(t *testing.T, id engine.ID) []engine.Fence {
	t.Helper()
	partitions, err := tr.Claim(t.Context(), "one", "EVENTS", now)
	if err != nil {
		t.Fatal(err)
	}
	var fences []engine.Fence
	for _, p := range partitions {
		fences = append(fences, engine.Fence{Partition: p.ID, Epoch: p.Epoch})
	}
	run := &engine.Run{
		ID: id, Key: engine.RunKey("ask", "crm", "1"), Workflow: "ask", Version: "v1", Record: ticket,
		State: engine.RunReady, Created: now, Event: &engine.Event{
			ID: "1", Source: "crm", Type: engine.RecordCreated, Subject: ticket.String(), Time: now,
			Change: &engine.Change{Record: engine.Fields{"status": "Open"}},
		},
	}
	if _, err := tr.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	run.State = engine.RunWaiting
	step := engine.Advance{Fence: fences[0], Run: run, Wait: &engine.Wait{Topics: []string{engine.RunTopic(id)}}}
	if err := tr.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	return fences
}

// id is a new id.
func (tr *trial) id() engine.ID {
	tr.made++
	base, err := engine.NewID(now, bytes.NewReader(make([]byte, 10)))
	if err != nil {
		panic(err) // ten bytes are all it reads
	}
	return engine.DerivedID(base, fmt.Sprint(tr.made))
}

// state is what can be seen after an act: the ticket, the link's count, the ids of the events on their way.
type state struct {
	status string
	uses   int
	events []string
}

func (tr *trial) expect(t *testing.T, want state) {
	t.Helper()
	var got state
	records, err := tr.Records(t.Context(), []engine.Ref{ticket})
	if err != nil || len(records) != 1 {
		t.Fatalf("read the ticket: %v, %v", records, err)
	}
	got.status = records[0].Fields.Text("status")
	link, err := tr.Link(t.Context(), tr.link.KeyID, tr.link.Digest)
	if err != nil {
		t.Fatal(err)
	}
	got.uses = link.Uses
	waiting, err := tr.Outgoing(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range waiting {
		if w.Event.Type != engine.LinkOpened {
			got.events = append(got.events, w.Event.ID)
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{})); diff != "" {
		t.Errorf("after the act (-want +got):\n%s", diff)
	}
}
