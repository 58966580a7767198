package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Desk is what operators read and change in the store, beside the engine or while none runs. Each change is
// one atomic change of what stands there then, with a line in the history that says who made it and why,
// and a deed in the audit that says who and what; what the state does not allow is refused with a sentence,
// Permanent. Lists come newest first.
type Desk interface {
	// Ending returns the ids of one kind whose text ends so, at most two of them.
	Ending(ctx context.Context, of Thing, ending string) ([]ID, error)

	LetterDesk
	RunDesk
	DeliveryDesk
	WaitDesk
	ReplayDesk
	TimeDesk
	LinkDesk
	SuppressionDesk
}

// LetterDesk is the dead letters.
type LetterDesk interface {
	// DeadLetters lists dead letters without their bodies.
	DeadLetters(ctx context.Context, sel LetterSelection) ([]DeadLetter, error)
	// DeadLetter reads one; ErrNoThing if it is not there.
	DeadLetter(ctx context.Context, id ID) (DeadLetter, error)
	// ReplayDeadLetter puts the event that one without a fate became into the outbox and notes its fate.
	ReplayDeadLetter(ctx context.Context, id ID, event *Event, order Order) error
	// DropDeadLetter removes one with its body.
	DropDeadLetter(ctx context.Context, id ID, order Order) error
}

// RunDesk is the runs.
type RunDesk interface {
	RunLines(ctx context.Context, sel RunSelection) ([]RunLine, error)
	// RunStory reads a run with all that it led to; ErrNoRun if it is not there.
	RunStory(ctx context.Context, id ID) (*RunStory, error)
	// CancelRun stops a run that is not over and rejects its planned effects, and with deliveries its
	// planned deliveries too. It returns the run as it is then.
	CancelRun(ctx context.Context, id ID, order Order, deliveries bool) (RunLine, error)
	// RetryRun makes a run go on where it failed, was held or was cancelled by an operator. It returns the
	// run as it is then.
	RetryRun(ctx context.Context, id ID, order Order) (RunLine, error)
}

// DeliveryDesk is the deliveries.
type DeliveryDesk interface {
	// DeliveryLines lists deliveries without what is sealed.
	DeliveryLines(ctx context.Context, sel DeliverySelection) ([]*Delivery, error)
	// Delivery reads one with its links; ErrNoThing if it is not there.
	Delivery(ctx context.Context, id ID) (*Delivery, error)
	// RetryDelivery plans a delivery that is unknown or rejected once more.
	RetryDelivery(ctx context.Context, id ID, order Order) (*Delivery, error)
	// CancelDelivery rejects one that is planned or unknown.
	CancelDelivery(ctx context.Context, id ID, order Order) (*Delivery, error)
}

// WaitDesk is what runs wait for.
type WaitDesk interface {
	// WaitLines lists waits, the next due first and those without a time last.
	WaitLines(ctx context.Context, sel WaitSelection) ([]WaitLine, error)
	// MoveWait lets the wait of a run fall due at another time: at due, or later than now it is by so much.
	MoveWait(ctx context.Context, run ID, order Order, due time.Time, by time.Duration) (WaitLine, error)
}

// ReplayDesk numbers the replays and counts what they led to.
type ReplayDesk interface {
	NextReplay(ctx context.Context, order Order) (number int, err error)
	ReplayTally(ctx context.Context, number int, since time.Time) (ReplayTally, error)
}

// TimeDesk is what starts runs by time.
type TimeDesk interface {
	// TimingLines lists where the timings of a workflow stand, or those of all for "".
	TimingLines(ctx context.Context, workflow string) ([]TimingLine, error)
	// WindowLines counts the open windows of each workflow that has some.
	WindowLines(ctx context.Context) ([]WindowLine, error)
}

// WindowLine is what gathers for a workflow.
type WindowLine struct {
	Workflow string    `json:"workflow"`
	Windows  int       `json:"windows"`
	Events   int       `json:"events"`
	First    time.Time `json:"first"` // when the first of them is over
}

// TimingLine is where a timing stands, for operators.
type TimingLine struct {
	Timing
	Alarms int       `json:"alarms,omitempty"` // that are armed
	First  time.Time `json:"first,omitzero"`   // when the first of them is due; zero for none
}

// ErrNoThing is why something cannot be read: it never was, or its history has been removed.
var ErrNoThing = errors.New("there is none with this id")

// Thing is a kind of what has an id.
type Thing string

// The things an operator names.
const (
	ThingRun      Thing = "run"
	ThingDelivery Thing = "delivery"
	ThingLetter   Thing = "dead letter"
	ThingLink     Thing = "link"
	ThingAddress  Thing = "suppressed address"
)

// Order is who orders a change, why, and when.
type Order struct {
	By     string // an operator, or key:<name> for a key of the API
	Reason string // "" for none
	At     time.Time
}

// Says is the order as a line: "cancelled by ann: wrong address".
func (o Order) Says(what string) string {
	line := what + " by " + o.By
	if o.Reason != "" {
		line += ": " + o.Reason
	}
	return line
}

// The kinds of deeds that operators' orders leave in the audit.
const (
	DeedRunRetried        = "run.retried"
	DeedRunCancelled      = "run.cancelled"
	DeedWaitMoved         = "wait.moved"
	DeedDeliveryRetried   = "delivery.retried"
	DeedDeliveryCancelled = "delivery.cancelled"
	DeedLetterReplayed    = "letter.replayed"
	DeedLetterDropped     = "letter.dropped"
	DeedReplayed          = "events.replayed"
)

// Deed is the order as an entry of the audit. Its reason stays in the history: it may name people.
func (o Order) Deed(kind, subject, detail string) Deed {
	actor := o.By
	if !strings.HasPrefix(actor, "key:") {
		actor = "operator:" + actor
	}
	return Deed{At: o.At, Kind: kind, Actor: actor, Subject: subject, Detail: detail}
}

// LetterSelection narrows a list of dead letters. Zero values leave all in.
type LetterSelection struct {
	Module string
	Since  time.Time
	Closed bool // also those that have a fate
	Before ID   // of an earlier page: its last id
	Limit  int
}

// RunSelection narrows a list of runs. Zero values leave all in.
type RunSelection struct {
	States   []RunState
	Workflow string
	Record   Ref
	Replay   int
	Since    time.Time
	Before   ID
	Limit    int
}

// RunLine is a run in a list.
type RunLine struct {
	Standing
	Reason  string
	Replay  int
	Dry     bool
	Created time.Time
	Updated time.Time
}

// RunStory is a run with all that it led to.
type RunStory struct {
	Run        *Run
	Updated    time.Time
	Waits      []WaitLine
	Effects    []*Effect
	Deliveries []*Delivery
	Links      []LinkStory
}

// LinkStory is a link with what came of it.
type LinkStory struct {
	Link   Link
	Opened []time.Time // by a press of the button at the door
	Acts   []LinkAct
	Notes  []Decision // what operators had done to it
}

// LinkAct is what a visitor did by a link.
type LinkAct struct {
	At      time.Time
	Name    string // of the action; "" for an edit
	Set     Fields
	Changed bool      // false: the record was already so
	Undone  time.Time // when they took it back; zero while it stands
}

// DeliverySelection narrows a list of deliveries. Zero values leave all in.
type DeliverySelection struct {
	States   []DeliveryState
	Channel  string
	Workflow string
	Record   Ref
	Since    time.Time
	Before   ID
	Limit    int
}

// WaitSelection narrows a list of waits. Zero values leave all in.
type WaitSelection struct {
	Workflow string
	Record   Ref
	Until    time.Time // only those that fall due before
	Limit    int
}

// WaitLine is what a run waits for.
type WaitLine struct {
	Standing
	Step   string    // path of the step it stands before
	Due    time.Time // zero: not by a time
	Topics []string
	Reason string
}

// ReplayTally is what the runs of a replay came to so far.
type ReplayTally struct {
	States map[RunState]int
	Would  map[string]int // what dry runs would have done, each kind with its count
}

// cancelled begins the reason of a run that an operator stopped.
const cancelled = "cancelled by "

// WasCancelled tells of the reason of a stopped run whether an operator gave it.
func WasCancelled(reason string) bool { return strings.HasPrefix(reason, cancelled) }

// Cancel stops a run that is not over.
func (r *Run) Cancel(order Order) error {
	if r.State.Over() {
		return Permanent(fmt.Errorf("the run is over: it is %s", r.State))
	}
	r.leave(true)
	r.State, r.Reason = RunStopped, order.Says("cancelled")
	r.decide(order.At, "", "%s: %s", r.State, r.Reason)
	return nil
}

// leave notes where a run that ends early would go on. Whether a wait goes on then, or begins anew, is for the
// caller to say, and likewise for its writes: some may be done, and must not be asked for twice.
func (r *Run) leave(keepsWait bool) {
	switch {
	case r.State == RunPending, (r.State == RunWaiting || r.State == RunWriting) && keepsWait:
		r.Progress.From = r.State
	case r.State != RunRetrying:
		r.Progress.From = ""
	}
	if !keepsWait {
		r.Progress.Rest = nil
	}
}

// Revive lets a run that failed, was held or was cancelled by an operator go on where it ended: it stands in
// state retrying until it is woken.
func (r *Run) Revive(order Order) error {
	switch {
	case r.State == RunFailed || r.State == RunHeld:
	case r.State == RunStopped && WasCancelled(r.Reason):
	case r.State == RunStopped:
		return Permanent(fmt.Errorf("the run was stopped for a reason that stands: %s", r.Reason))
	default:
		return Permanent(fmt.Errorf("the run is %s: only one that failed, is held or was cancelled "+
			"by an operator can be taken again", r.State))
	}
	if r.Event == nil {
		return Permanent(fmt.Errorf("the run's event cannot be read: %s", r.Reason))
	}
	r.State, r.Reason = RunRetrying, order.Says("taken again")
	r.Progress.Tries, r.Progress.Since = 0, time.Time{}
	if r.Progress.From != RunWriting {
		r.Progress.Round++ // effects that were refused are asked for anew
	}
	r.decide(order.At, "", "%s", r.Reason)
	return nil
}

// Move lets the time of a run's wait be over at due.
func (r *Run) Move(order Order, due time.Time) error {
	if r.State != RunWaiting && r.State != RunRetrying {
		return Permanent(fmt.Errorf("the run is %s: it does not wait for a time", r.State))
	}
	if r.Progress.Rest != nil {
		rest := *r.Progress.Rest
		rest.Until = due
		r.Progress.Rest = &rest
	}
	r.decide(order.At, "", "%s", order.Says("wait moved to "+due.UTC().Format(time.RFC3339)))
	return nil
}

// Cancel rejects a delivery that is planned or in doubt.
func (d *Delivery) Cancel(order Order) error {
	if d.State != DeliveryPlanned && d.State != DeliveryUnknown {
		return Permanent(fmt.Errorf("the delivery is %s: only one that is planned or unknown can be cancelled",
			d.State))
	}
	d.State, d.Reason = DeliveryRejected, order.Says("cancelled")
	d.note(order.At, "%s", d.Reason)
	return nil
}

// Revive plans a delivery that is unknown or rejected once more: the same message with the same links, with
// all the tries of its policy.
func (d *Delivery) Revive(order Order) error {
	switch {
	case d.State != DeliveryUnknown && d.State != DeliveryRejected:
		return Permanent(fmt.Errorf("the delivery is %s: only one that is unknown or rejected can be sent again",
			d.State))
	case len(d.Sealed) == 0:
		return Permanent(errors.New("what the message is written from is no longer kept"))
	}
	d.State, d.Reason = DeliveryPlanned, order.Says("sent again")
	d.Attempts, d.Due, d.Until = 0, order.At, order.At.Add(d.Retry.For)
	d.note(order.At, "%s", d.Reason)
	return nil
}

// Cancel rejects an effect that is still planned and tells whether it was.
func (f *Effect) Cancel(at time.Time, reason string) bool {
	if f.State != EffectPlanned {
		return false
	}
	f.State, f.Reason = EffectRejected, reason
	f.History = append(f.History, Decision{At: at, Text: reason})
	return true
}

// Read makes an event of a dead letter, if it is one by now: the book may know its module meanwhile.
func (l *DeadLetter) Read(book *Book) (*Event, error) {
	at, err := ParseAddress(l.Subject)
	if err != nil {
		return nil, err
	}
	header := func(name string) string { return l.Header[name] }
	event, err := (&matcher{book: book}).read(at, Entry{Subject: l.Subject, Header: header, Data: l.Body})
	if err != nil {
		return nil, err
	}
	event.Letter = l.ID.String()
	body, err := event.MarshalJSON()
	if err == nil && len(body) > MaxEventBytes {
		err = fmt.Errorf("written anew the event has %d bytes; at most %d are taken", len(body), MaxEventBytes)
	}
	return event, err
}

// Look lets the lane of a run see that somebody else ended it, so that what waited for it goes on. It does
// not wait for the lane.
func (e *Engine) Look(run ID, partition int) {
	e.laneOf(partition).let(waiter{id: run, partition: partition})
}

// Hurry makes the dispatcher look for due deliveries now.
func (e *Engine) Hurry() { e.outlets.nudge() }
