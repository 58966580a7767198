package engine_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"postern/engine"
)

// orders is an order of the tests' operator.
func (h *house) orders(reason string) engine.Order {
	return engine.Order{By: "ann", Reason: reason, At: h.clock.Now()}
}

// runs lists the runs of a selection.
func (h *house) runs(sel engine.RunSelection) []engine.RunLine {
	h.t.Helper()
	lines, err := h.store.RunLines(h.t.Context(), sel)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// onlyRun waits for a run in a state.
func (h *house) onlyRun(state engine.RunState) (line engine.RunLine) {
	h.t.Helper()
	h.until("a run is "+string(state), func() bool {
		lines := h.runs(engine.RunSelection{States: []engine.RunState{state}})
		if len(lines) > 0 {
			line = lines[0]
		}
		return len(lines) > 0
	})
	return line
}

// fails is a step that cannot be taken.
func fails(err error) func(context.Context, *engine.StepContext) error {
	return func(context.Context, *engine.StepContext) error { return err }
}

// noteSoon polls the note of the first ticket while time passes: an order has just made the waker look.
func (h *house) noteSoon(want string) {
	h.t.Helper()
	h.until("the note is "+want, func() bool {
		h.clock.Advance(time.Second)
		return h.record(ticketOne).Fields.Text("note") == want
	})
}

func TestRetriedRunGoesOnWhereItFailed(t *testing.T) {
	workflow := strings.Replace(mainJob, "  - notify", "  - trial: { name: "+t.Name()+" }\n  - notify", 1)
	h := newHouse(t, bookOf(workflow))
	trials.Store(t.Name(), fails(engine.Permanent(errors.New("the printer is on fire"))))
	h.start()
	h.person()
	h.ticket("1")
	failed := h.onlyRun(engine.RunFailed)
	before := h.record(ticketOne).Fields.Text("ext")
	trials.Delete(t.Name())
	if _, err := h.store.RetryRun(t.Context(), failed.ID, h.orders("it is out")); err != nil {
		t.Fatal(err)
	}
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.onlyRun(engine.RunDone)
	if after := h.record(ticketOne).Fields.Text("ext"); before == "" || after != before {
		t.Errorf("the first step filled %q, and %q after the retry", before, after)
	}
}

// A condition that could not be decided is decided after a retry: the steps must not be taken without it.
func TestRetryDecidesTheCondition(t *testing.T) {
	h := newHouse(t, bookOf(strings.Replace(mainJob, `record.contact.email != ""`, `number(record.contact.name) > 3`, 1)))
	h.start()
	h.person()
	h.ticket("1")
	failed := h.onlyRun(engine.RunFailed)
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{
		Record: engine.Fields{"name": "2"}, Changed: []string{"name"}, Partial: true,
	})
	h.becomes(engine.Ref{Module: "People", ID: "p1"}, "name", "2")
	if _, err := h.store.RetryRun(t.Context(), failed.ID, h.orders("")); err != nil {
		t.Fatal(err)
	}
	if stopped := h.onlyRun(engine.RunStopped); stopped.Reason != "its condition does not hold" {
		t.Errorf("it was stopped: %s", stopped.Reason)
	}
	if n := len(h.mail.Sent()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestCancelledRunLetsTheNextPass(t *testing.T) {
	h := newHouse(t, gated(t, "{ hold: true }", "  - wait: { for: 48h }\n"))
	h.start()
	h.ticket("1")
	h.count("1", 1)
	first := h.onlyRun(engine.RunWaiting)
	h.count("1", 2)
	h.becomes(ticketOne, "count", "2")
	if _, err := h.store.CancelRun(t.Context(), first.ID, h.orders(""), false); err != nil {
		t.Fatal(err)
	}
	h.engine.Look(first.ID, first.Partition)
	if second := h.onlyRun(engine.RunWaiting); second.ID == first.ID {
		t.Error("the cancelled run waits again")
	}
	h.clock.Advance(48 * time.Hour)
	h.noteSoon("2")
}

func TestCancelledWaitGoesOnWhereItWas(t *testing.T) {
	h := newHouse(t, waits(`{ for: 48h, until: 'record.status == "Resolved"' }`))
	h.start()
	h.person()
	h.ticket("1")
	waiting := h.onlyRun(engine.RunWaiting)
	if _, err := h.store.CancelRun(t.Context(), waiting.ID, h.orders(""), false); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Hour)
	if _, err := h.store.RetryRun(t.Context(), waiting.ID, h.orders("")); err != nil {
		t.Fatal(err)
	}
	h.onlyRun(engine.RunWaiting)
	h.clock.Advance(46*time.Hour + 59*time.Minute)
	if state := h.runState(ticketOne); state != engine.RunWaiting {
		t.Errorf("before its time is over it is %q", state)
	}
	h.noteSoon("went on: Open true false")
}

func TestMovedWaitIsOverAtItsNewTime(t *testing.T) {
	h := newHouse(t, waits("{ for: 48h }"))
	h.start()
	h.person()
	h.ticket("1")
	waiting := h.onlyRun(engine.RunWaiting)
	moved, err := h.store.MoveWait(t.Context(), waiting.ID, h.orders(""), time.Time{}, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(95 * time.Hour)
	if _, err := h.store.MoveWait(t.Context(), waiting.ID, h.orders(""), moved.Due.Add(-time.Minute), 0); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(58 * time.Minute)
	h.onlyRun(engine.RunWaiting)
	h.noteSoon("went on: Open true false")
}

func TestMessageInDoubtIsSentAgainAsItWas(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	var mended atomic.Bool
	h.mail.Answer = func(engine.Message) (engine.Receipt, error) {
		if mended.Load() {
			return engine.Receipt{Provider: "p"}, nil
		}
		return engine.Receipt{}, engine.Unknown(errors.New("no answer after the dot"))
	}
	h.start()
	h.person()
	h.ticket("1")
	var doubtful []*engine.Delivery
	h.until("the mail is in doubt", func() (ok bool) {
		var err error
		doubtful, err = h.store.DeliveryLines(t.Context(), engine.DeliverySelection{
			States: []engine.DeliveryState{engine.DeliveryUnknown},
		})
		return err == nil && len(doubtful) == 1
	})
	mended.Store(true)
	if _, err := h.store.RetryDelivery(t.Context(), doubtful[0].ID, h.orders("not in the log")); err != nil {
		t.Fatal(err)
	}
	h.engine.Hurry()
	h.until("the mail is accepted", func() bool {
		d, err := h.store.Delivery(t.Context(), doubtful[0].ID)
		return err == nil && d.State == engine.DeliveryAccepted
	})
	sent := h.mail.Sent()
	if len(sent) != 2 || sent[0].Delivery != sent[1].Delivery || !reflect.DeepEqual(sent[0].Content, sent[1].Content) {
		t.Errorf("sent %+v, want the same message twice", sent)
	}
}

// The broker would take what comes again within two minutes for a repetition, and swallow it.
func TestDeadLetterBecomesAnEvent(t *testing.T) {
	h := newHouse(t, bookOf(`
name: bills
on: { event: record.created, module: Tickets }
tasks:
  - emit: { type: ticket.seen }
`))
	h.start()
	h.publish(engine.RecordCreated, "Bills/7", engine.Change{Record: engine.Fields{"sum": "3"}})
	letter := h.deadLetter()
	if _, err := letter.Read(h.engine.Book()); err == nil || !strings.Contains(err.Error(), `"Bills" is not described`) {
		t.Fatalf("it is read as an event: %v", err)
	}
	h.stop()
	h.files["modules/Bills.yaml"] = "module: Bills\nfields: { sum: number }\n"
	h.files["w.yaml"] = strings.Replace(h.files["w.yaml"], "Tickets", "Bills", 1)
	h.start()
	event, err := letter.Read(h.engine.Book())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.ReplayDeadLetter(t.Context(), letter.ID, event, h.orders("")); err != nil {
		t.Fatal(err)
	}
	run := h.onlyRun(engine.RunDone)
	if run.Record.ID != "7" || run.Workflow != "bills" {
		t.Errorf("it started %+v", run)
	}
}

// A dead letter in binary mode keeps the attributes that came as headers.
func TestDeadLetterInBinaryMode(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	message := natsgo.NewMsg("crm.Bills.created.7")
	message.Data = []byte(`{"record":{"sum":"3"}}`)
	for name, value := range map[string]string{
		"ce-specversion": "1.0", "Ce-Id": "9", "ce-source": "crm", "ce-type": "record.created", "ce-subject": "Bills/7",
		"X-Other": "not of ours",
	} {
		message.Header.Set(name, value)
	}
	if _, err := h.plain().PublishMsg(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	letter := h.deadLetter()
	if _, other := letter.Header["x-other"]; other || len(letter.Header) != 5 {
		t.Errorf("headers %v are kept", letter.Header)
	}
	files := bookOf(mainJob)
	files["modules/Bills.yaml"] = "module: Bills\nfields: { sum: number }\n"
	book, err := h.load(files)
	if err != nil {
		t.Fatal(err)
	}
	event, err := letter.Read(book)
	if err != nil {
		t.Fatal(err)
	}
	if event.ID != "9" || event.Letter != letter.ID.String() || event.Change.Record.Text("sum") != "3" {
		t.Errorf("it is read as %+v", event)
	}
	letter.Header = nil
	if _, err := letter.Read(book); err == nil {
		t.Error("it is an event without its headers")
	}
}

// deadLetter waits for a dead letter.
func (h *house) deadLetter() engine.DeadLetter {
	h.t.Helper()
	var letters []engine.DeadLetter
	h.until("the dead letter", func() (ok bool) {
		var err error
		letters, err = h.store.DeadLetters(h.t.Context(), engine.LetterSelection{})
		return err == nil && len(letters) == 1
	})
	letter, err := h.store.DeadLetter(h.t.Context(), letters[0].ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return letter
}
