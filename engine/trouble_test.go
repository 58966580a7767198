package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

// hanging is a channel that hangs until its context ends, then answers.
type hanging struct {
	begun  chan struct{}
	answer func(error) (engine.Receipt, error)
}

func (h hanging) Send(ctx context.Context, _ engine.Message) (engine.Receipt, error) {
	h.begun <- struct{}{}
	<-ctx.Done()
	return h.answer(ctx.Err())
}

func TestOutcomeKnownAfterTheGraceTimeIsKept(t *testing.T) {
	tests := []struct {
		name   string
		answer func(error) (engine.Receipt, error)
		again  bool // whether the next start sends it
	}{
		{"accepted", func(error) (engine.Receipt, error) { return engine.Receipt{Provider: "p"}, nil }, false},
		{"never left", func(err error) (engine.Receipt, error) {
			return engine.Receipt{}, fmt.Errorf("connect: %w", err)
		}, true},
		{"in doubt", func(err error) (engine.Receipt, error) { return engine.Receipt{}, engine.Unknown(err) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, bookOf(mainJob))
			channel := hanging{begun: make(chan struct{}, 1), answer: tt.answer}
			h.email = channel
			h.start()
			h.person()
			h.ticket("1")
			<-channel.begun
			h.stop()
			h.email = nil
			h.start()
			h.ticket("2")
			want := 1
			if tt.again {
				want = 2
			}
			h.until("the mails after the restart", func() bool { return len(h.mail.Sent()) >= want })
			h.stop()
			if got := len(h.mail.Sent()); got != want {
				t.Errorf("%d mails were sent after the restart, want %d", got, want)
			}
		})
	}
}

func TestSlowVersionAtShutdownFailsNoRun(t *testing.T) {
	h, entered := hangingRun(t)
	<-entered
	h.stop()
	trials.Delete(t.Name())
	h.files["templates/hello/email.en.subject"] = "Another text"
	asked := make(chan struct{}, 1)
	h.wrap = func(s engine.Store) engine.Store { return slowVersions{s, asked} }
	h.start()
	<-asked
	h.stop()
	h.wrap = nil
	h.start()
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
}

// hangingRun starts a run whose first step hangs until shutdown.
func hangingRun(t *testing.T) (*house, chan struct{}) {
	t.Helper()
	h := newHouse(t, bookOf(strings.Replace(mainJob, "tasks:\n", "tasks:\n  - trial: { name: "+t.Name()+" }\n", 1)))
	entered := make(chan struct{}, 1)
	trials.Store(t.Name(), func(ctx context.Context, _ *engine.StepContext) error {
		entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	h.start()
	h.person()
	h.ticket("1")
	return h, entered
}

type slowVersions struct {
	engine.Store
	asked chan struct{}
}

func (s slowVersions) Version(ctx context.Context, _ string) (map[string]string, error) {
	s.asked <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestReadsThatFailForAWhileFailNothing(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	var down atomic.Bool
	var tries atomic.Int64
	h.wrap = func(s engine.Store) engine.Store { return flakyReads{s, &down, &tries} }
	h.start()
	h.person()
	down.Store(true)
	h.ticket("1")
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"note": "x"}, Partial: true})
	h.until("many tries", func() bool {
		h.clock.Advance(100 * time.Millisecond)
		return tries.Load() > 8
	})
	down.Store(false)
	h.until("the mail", func() bool {
		h.clock.Advance(time.Second)
		return len(h.mail.Sent()) == 1
	})
	if strings.Contains(h.logs.String(), "state=failed") {
		t.Error("a run failed")
	}
}

type flakyReads struct {
	engine.Store
	down  *atomic.Bool
	tries *atomic.Int64
}

func (f flakyReads) Records(ctx context.Context, refs []engine.Ref) ([]engine.Record, error) {
	if f.down.Load() {
		f.tries.Add(1)
		return nil, errors.New("the disk does not answer")
	}
	return f.Store.Records(ctx, refs)
}

func TestUpdateKeepsWhatAPersonWroteMeanwhile(t *testing.T) {
	h := newHouse(t, bookOf(`
name: seen
on: { event: record.created, module: Tickets }
tasks:
  - trial: { name: `+t.Name()+` }
  - update: { set: { note: "{{ record.note }} (seen)" } }
`))
	const typed = "B, typed by a person"
	trials.Store(t.Name(), func(ctx context.Context, step *engine.StepContext) error {
		for { // the step takes its time; meanwhile the person's change is taken in
			record, err := step.Get(ctx, step.Ref)
			if err != nil || record.Fields.Text("note") == typed {
				return err
			}
		}
	})
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "1", "note": "A"}})
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "1", "note": typed}})
	ref := engine.Ref{Module: "Tickets", ID: "1"}
	h.until("the update", func() bool {
		h.clock.Advance(time.Second)
		records, err := h.store.Records(t.Context(), []engine.Ref{ref})
		return err == nil && len(records) == 1 && records[0].Fields.Text("note") == typed+" (seen)"
	})
}

func TestChangeTooLargeToTellIsRefused(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	long := strings.Repeat("<p>", engine.MaxEventBytes/3-100)
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{
		Record: engine.Fields{"no": "T1", "status": "Open", "contact": "p1", "other": long},
	})
	h.ticket("2")
	h.until("the mail of the other", func() bool { return len(h.mail.Sent()) == 1 })
	h.until("the failure", func() bool { return strings.Contains(h.logs.String(), "its event would have") })
	if got := h.record(engine.Ref{Module: "Tickets", ID: "1"}).Fields.Text("ext"); got != "" {
		t.Errorf("the record was changed, to %q, and nobody was told", got)
	}
}

func TestStaleDeliveryIsNotSent(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.mail.Answer = func(engine.Message) (engine.Receipt, error) { return engine.Receipt{}, errors.New("451 later") }
	h.start()
	h.person()
	h.ticket("1")
	h.until("the first try", func() bool { return strings.Contains(h.logs.String(), "state=planned") })
	h.stop()
	h.clock.Advance(72 * time.Hour)
	h.start()
	h.until("the end", func() bool { return strings.Contains(h.logs.String(), "state=rejected") })
	if n := len(h.mail.Sent()); n != 1 {
		t.Errorf("tried %d times", n)
	}
}
