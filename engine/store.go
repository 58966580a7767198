package engine

import (
	"context"
	"errors"
	"time"
)

// Store is the one database. Each method is one atomic change or one read; there is no transaction to
// hold open. Every change of a partition's work carries its Fence.
type Store interface {
	Partitioner
	RunStore
	WaitStore
	TimeStore
	EffectStore
	DeliveryStore
	HearStore
	Outbox
	RecordStore
	VersionStore
	AuditStore
	Keeper
	LapseStore
	Archive
}

// ErrFenced says that another node has taken the partition over; the caller stops working on it.
var ErrFenced = errors.New("another node owns this partition now")

// Fence proves the ownership of a partition: a change under an older epoch is refused.
type Fence struct {
	Partition int
	Epoch     int64
}

// Partition is a share of the records, who works on it, and how far its events were taken in.
type Partition struct {
	ID     int
	Owner  string
	Epoch  int64  // counts the owners
	Cursor uint64 // stream position up to which everything was taken in
}

// Partitioner hands out partitions.
type Partitioner interface {
	// Claim makes node the owner of all partitions, under new epochs, and returns them. Effects that
	// a former owner was trying become planned again, doubtful. Deliveries stay as they are: see
	// DeliveryStore.Orphans. stream names the event stream; a store that followed another one refuses.
	Claim(ctx context.Context, node, stream string, now time.Time) ([]Partition, error)
}

// Intake is what one batch of events leads to.
type Intake struct {
	Marks    []Mark
	Runs     []*Run
	Kept     []Kept
	Touched  []string // topics: what happened to records that runs may wait for
	Gathered []Gathered
	Alarms   []Alarm  // as they stand now; without a Due they are gone
	Events   []*Event // to be published: what came without a key and goes out again with it, what failed runs tell
	Refused  []DeadLetter
}

// Mark moves a partition's cursor.
type Mark struct {
	Fence
	Cursor uint64
}

// Kept is an event whose record is kept: the copy follows it (see Follow).
type Kept struct {
	Event *Event
	Seq   uint64
}

// DeadLetter is a message that could not be read, with the reason.
type DeadLetter struct {
	ID        ID
	Partition int
	Seq       uint64
	Subject   string
	Header    map[string]string // the ce- headers of one in binary mode
	Reason    string
	Body      []byte // at most MaxEventBytes of it
	At        time.Time
	Fate      string // what an operator made of it; "" for nothing yet
}

// Advance is one step forward of a run: its new state and everything it asked for, together.
type Advance struct {
	Fence
	Run        *Run
	Changes    []Ask // of kept records that are our own, in the order they were asked for; no calls
	Effects    []*Effect
	Links      []Link
	Deliveries []*Delivery
	Events     []*Event
	Memories   []Memory
	Rested     bool  // the run had a wait, which ends
	Wait       *Wait // what it waits for from now on; nil for nothing
}

// RunStore takes events in and moves runs on.
type RunStore interface {
	// Intake stores everything of a batch and puts its events into the outbox. It tells for each run
	// whether it is new; one that is not was taken in before and must not be run again.
	Intake(ctx context.Context, in Intake) (fresh []bool, err error)
	// Advance commits a run's step and its asks, and counts its Revision up. It fails, nothing done, with
	// ErrConflict or ErrTaken when what a change expects does not hold: the run is to be taken again from
	// its stored state; with ErrStale when the stored run has another revision; with ErrRunOver,
	// Permanent, when it has ended.
	Advance(ctx context.Context, step Advance) error
	// Unfinished returns the ids of the pending and ready runs of all partitions in stream order.
	Unfinished(ctx context.Context) ([]Standing, error)
	// Parked returns the runs that rest, in stream order, with those in a wait step only if their
	// workflow is among holders.
	Parked(ctx context.Context, holders []string) ([]Standing, error)
	// Recall reads what a workflow remembers.
	Recall(ctx context.Context, workflow string, kind MemoryKind, key string) (value string, known bool, err error)
	// Run reads a run. It fails with ErrNoRun when there is none.
	Run(ctx context.Context, id ID) (*Run, error)
}

// ErrStale is why a run is not moved on: somebody has changed it since it was read.
var ErrStale = errors.New("the run was changed meanwhile")

// ErrRunOver is why a run is not moved on: it has ended, or was never taken in.
var ErrRunOver = errors.New("the run is over or was never taken in")

// ErrNoRun is why a run cannot be read: it never was, or its history has been removed.
var ErrNoRun = errors.New("no such run")

// Standing is where a run stands, without what it carries.
type Standing struct {
	ID        ID
	Partition int
	Workflow  string
	Record    Ref
	State     RunState
	Gate      string // Progress.Gate
}

// WaitStore holds what runs wait for.
type WaitStore interface {
	// Due reads parked runs of the fences' partitions whose time has come or whose topics were touched,
	// in the order of due time and run id, beginning after a position, at most limit. next is when the
	// earliest of those that are not due yet falls due; zero for none.
	Due(ctx context.Context, fences []Fence, now time.Time, after DuePosition, limit int) (
		woken []Woken, next time.Time, err error)
	// Rearm lets a wait go on that was found not to be over with the touches it was woken by. Topics
	// touched since stay due.
	Rearm(ctx context.Context, fence Fence, run ID, seen []Touch) error
	// Awaited are the modules whose records some run waits for, by its topics.
	Awaited(ctx context.Context) ([]string, error)
	// Touched receives a value after a commit that made a wait due.
	Touched() <-chan struct{}
}

// DuePosition is a place in the order of WaitStore.Due; the zero value is before everything.
type DuePosition struct {
	Due time.Time
	Run ID
}

// EffectStore holds the effects.
type EffectStore interface {
	// TakeEffects claims planned effects of the demand's host that are due, the longest due first, at most
	// Limit. Those of one record pass in the order they were asked for: none is taken while an older one is
	// not over. Each becomes Sending. next is when the earliest of the others of the host that could be
	// taken falls due; zero for none.
	TakeEffects(ctx context.Context, demand EffectDemand) (taken []*Effect, next time.Time, err error)
	// CallHosts returns the hosts that planned calls are for, sorted, each with the time at which the first
	// of its calls falls due.
	CallHosts(ctx context.Context) ([]CallHost, error)
	// SettleEffect stores the outcome of a try and events that tell it. One that is over and was the
	// last of its run makes the run due.
	SettleEffect(ctx context.Context, fence Fence, effect *Effect, events ...*Event) error
	// Effects returns the effects of a run in the order they were asked for.
	Effects(ctx context.Context, run ID) ([]*Effect, error)
	// RecentWrites returns the writes that were done since a time, or may have been, the last asked for
	// first. It looks at the newest effects only, limit of them.
	RecentWrites(ctx context.Context, since time.Time, limit int) ([]*Effect, error)
}

// EffectDemand asks for due effects.
type EffectDemand struct {
	Fences []Fence
	Host   string // calls of this host; "" for what is asked of the CRM
	Now    time.Time
	Limit  int
}

// CallHost is a host that planned calls are for.
type CallHost struct {
	Host string
	Due  time.Time // of the first
}

// Settle is the outcome of one try of a delivery.
type Settle struct {
	Fence
	Delivery *Delivery // with its new state, channel, attempts, due time, receipt, reason and history
	Events   []*Event  // that tell it

	// For what is heard of it; see HearStore.
	ProviderID string    // under which the channel's provider speaks of it; "" if only we name it
	Address    AddressID // that the message may have reached and that may reply; zero for none
	Lineage    Lineage
}

// Demand asks for due deliveries.
type Demand struct {
	Fences   []Fence
	Channels []string // of these channels
	Others   bool     // or, if set, of any but these
	Over     bool     // in place of those that are due, those whose time for trying is over
	Slots    []int
	Now      time.Time
}

// DeliveryStore holds the deliveries that are not over.
type DeliveryStore interface {
	// Take claims planned deliveries that are due, the longest due first, one for each slot of the
	// demand: each becomes Sending in its slot. next is when the earliest of the others that fit the
	// demand falls due; zero for none.
	Take(ctx context.Context, demand Demand) (taken []*Delivery, next time.Time, err error)
	// Settle stores the outcome of a try, and puts its events into the outbox. Reports that came during the try are
	// applied in the same change; if one resolves the outcome, its events take the place of those that tell it.
	Settle(ctx context.Context, s Settle) error
	// Leaving notes, outside of any transaction and without waiting for a disk, that a try of a
	// delivery which holds a slot is about to leave. The note outlives the process, not the machine.
	Leaving(slot int, delivery ID, attempt int)
	// Orphans returns the deliveries that a slot still holds, after Claim and before anything is sent.
	Orphans(ctx context.Context) ([]Orphan, error)
	// Admit counts one more under every limit, or nothing where one is reached: then it returns the time until
	// none is.
	Admit(ctx context.Context, limits []Limit, now time.Time) (wait time.Duration, err error)
	// Outcomes reads what became of deliveries; those that are not there are left out.
	Outcomes(ctx context.Context, ids []ID) ([]Outcome, error)
}

// Orphan is a delivery that a former owner was sending.
type Orphan struct {
	Delivery *Delivery
	Kept     bool // it provably did not leave: its slot's note says so, and the machine has not been restarted
}

// Outcome is what became of a delivery so far.
type Outcome struct {
	Delivery ID
	Channel  string
	State    DeliveryState
	Links    []ID
	Acted    bool // somebody acted by one of its links
}

// Outgoing is an event of ours on its way to the stream.
type Outgoing struct {
	Seq   int64
	Event *Event
}

// Outbox holds the events that were committed and not yet published.
type Outbox interface {
	// Outgoing returns the oldest events, at most limit, in the order they were committed.
	Outgoing(ctx context.Context, limit int) ([]Outgoing, error)
	// Published forgets events up to a sequence.
	Published(ctx context.Context, upTo int64) error
	// Waiting receives a value after a commit that added events.
	Waiting() <-chan struct{}
}

// RecordStore holds the kept records.
type RecordStore interface {
	// Records reads kept records; those that are not there are left out.
	Records(ctx context.Context, refs []Ref) ([]Record, error)
	// Write applies a write and puts its event into the outbox, once for one EventID.
	Write(ctx context.Context, w Write) error
	// Create makes a record under an id of its own and puts its event into the outbox, once for one
	// EventID and for one Key. It returns the record that was made, now or before. It fails with
	// ErrNoRecord when that one was deleted since, and with ErrConflict when another has the value of Match.
	Create(ctx context.Context, c Create) (Record, error)
	// Find reads kept records whose field has a value, compared as text, at most limit. The value of a
	// unique field that Postern wrote is found by an index, and so is any value of a field for which Index
	// made one; for any other, each record of the module is looked at until there are enough, about a second
	// for 200,000.
	Find(ctx context.Context, module, field, value string, limit int) ([]Record, error)
	// Delete marks a record as deleted and puts its event into the outbox, once for one EventID. It returns
	// the record as it last was; the zero Record where it was gone already, or is now asked for again. It fails
	// with ErrConflict when what is expected does not stand.
	Delete(ctx context.Context, d Delete) (Record, error)
	// Relate joins or parts two records and puts the events of both ends into the outbox, once for one
	// EventID, and tells whether that changed anything. Joining fails with ErrNoRecord when one of them is
	// not there.
	Relate(ctx context.Context, r Relate) (changed bool, err error)
	// List reads a page of the kept records of a module; see CRM. Without an index of its field a page looks
	// at no more than 20,000 records, whatever it finds.
	List(ctx context.Context, listing Listing) (Page, error)
	// Search reads the kept records that a predicate holds for; see Searcher. A page whose predicate names a
	// value of a field that Index made an index for, or a record that it is related to, looks at those records
	// alone; any other looks at the whole module, and is refused as too wide after two seconds.
	Search(ctx context.Context, search Search) (Found, error)
	// Index makes an index by which Find, List and Search look a field of a module up, if it is not there yet.
	// It takes about 5 µs a record of the module, during which nothing else is written.
	Index(ctx context.Context, module, field string) error
	// IndexFolded makes one by which Search compares a field with OpFold.
	IndexFolded(ctx context.Context, module, field string) error
}

// VersionStore holds the files of workflow and landing versions, by content, for the runs that began
// with them and the links that lead to them.
type VersionStore interface {
	// KeepVersion stores the files of a version; a version that is there stays.
	KeepVersion(ctx context.Context, version string, files map[string]string, now time.Time) error
	// Version returns the files of a version.
	Version(ctx context.Context, version string) (map[string]string, error)
}
