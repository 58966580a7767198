package engine

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	RunPending  RunState = "pending"  // its condition needs the CRM and is decided in the lane
	RunReady    RunState = "ready"    // has steps to take
	RunWriting  RunState = "writing"  // parked until its effects on the CRM are over
	RunRetrying RunState = "retrying" // parked until a step that failed for a passing reason is taken again
	RunWaiting  RunState = "waiting"  // parked in a wait step
	RunHeld     RunState = "held"     // its version of the workflow no longer compiles; an operator decides
	RunDone     RunState = "done"
	RunFailed   RunState = "failed"  // a step failed; Reason says why
	RunStopped  RunState = "stopped" // ended on purpose before its end: a loop, a condition, an operator
)

// RunStates are all states of a run, in the order of its life.
func RunStates() []RunState {
	return []RunState{
		RunPending, RunReady, RunWriting, RunRetrying, RunWaiting, RunHeld, RunDone, RunFailed, RunStopped,
	}
}

// Over tells whether the state is final.
func (s RunState) Over() bool { return s == RunDone || s == RunFailed || s == RunStopped }

// Parked tells whether a run rests in the store until something wakes it.
func (s RunState) Parked() bool { return s == RunWriting || s == RunRetrying || s == RunWaiting }

// Run is one workflow on one occasion.
type Run struct {
	ID        ID
	Key       []byte // of workflow and occasion; unique for longer than the history lives
	Workflow  string
	Version   string
	Partition int
	Seq       uint64 // stream position of the event: runs of one record go in this order
	Record    Ref
	State     RunState
	Reason    string
	Event     *Event
	Progress  Progress
	History   []Decision
	Created   time.Time
	Revision  int // counts the changes of the stored run
}

// The reasons of runs that ended before their first step: whether they begin could only be told after they were taken
// in.
const (
	NotMet    = "its condition does not hold"
	NotAgain  = "it has run for this once already"
	Unchanged = "nothing that it looks at has changed since it last began for this record"
)

// Progress is what a run has done so far and needs to go on.
type Progress struct {
	Next    int               `json:"next"`              // index of the step to take next
	Place   string            `json:"place,omitempty"`   // its path, where that is not Next + 1
	Written Fields            `json:"written,omitempty"` // the run's own writes to the record
	Outputs map[string]Fields `json:"outputs,omitempty"`
	Sent    map[string][]ID   `json:"sent,omitempty"`   // deliveries of steps, by step id
	Loop    *Loop             `json:"loop,omitempty"`   // where it stands among the items of the next step
	Vars    Values            `json:"vars,omitempty"`   // set by vars steps, at most MaxVars; never changed in place
	Gate    string            `json:"gate,omitempty"`   // what runs of the workflow pass one at a time; see Concurrency
	Rest    *Rest             `json:"rest,omitempty"`   // set while the run waits in a wait step
	From    RunState          `json:"from,omitempty"`   // where one that retries or ended early goes on, if not ready
	Tries   int               `json:"tries,omitempty"`  // how often the next step failed for a passing reason
	Since   time.Time         `json:"since,omitzero"`   // when it failed first
	Round   int               `json:"round,omitempty"`  // how often the next step was taken again after a conflict
	Keys    int               `json:"keys,omitempty"`   // counts the keys that calls of the next step have had
	First   string            `json:"first,omitempty"`  // what the run counts as the first of; see First
	Replay  int               `json:"replay,omitempty"` // number of the replay that started it
	Dry     bool              `json:"dry,omitempty"`    // a replay without effects: what it asks is only noted
}

// At is the path of the step to take next.
func (p *Progress) At() string {
	at := either(p.Place, strconv.Itoa(p.Next+1))
	if p.Loop != nil {
		if index, ok := p.Loop.current(); ok {
			at += fmt.Sprintf("[%d]", index+1)
		}
	}
	return at
}

// Rest is what a wait step needs to know when it is looked at again.
type Rest struct {
	Began    time.Time `json:"began"`
	Until    time.Time `json:"until,omitzero"` // when its time is over; zero for never
	Topics   []string  `json:"topics,omitempty"`
	Routes   []string  `json:"routes,omitempty"`   // that its condition takes: they may lead elsewhere later
	Baseline Fields    `json:"baseline,omitempty"` // what its change words compare with: the record when it began
}

// topics are those of the wait, of records that its routes lead to by now.
func (r *Rest) topics(run *Run, env *Env) []string {
	if len(r.Routes) == 0 {
		return r.Topics
	}
	own, messages := RecordTopic(run.Record), RunTopic(run.ID)
	topics := slices.DeleteFunc(slices.Clone(r.Topics), func(t string) bool { return t != own && t != messages })
	return uniqueTopics(append(topics, routeTopics(env, r.Routes)...))
}

func routeTopics(env *Env, routes []string) (topics []string) {
	for _, path := range routes {
		if record, ok := env.Routes[path]; ok {
			topics = append(topics, RecordTopic(record.Ref))
		}
	}
	return topics
}

func uniqueTopics(topics []string) []string {
	slices.Sort(topics)
	return slices.Compact(topics)
}

// RunKey is the name of a workflow on an occasion; the same event never starts the same workflow twice,
// but once more for each replay.
func RunKey(workflow, source, eventID string, replay ...string) []byte {
	h := sha256.New()
	for _, part := range append([]string{workflow, source, eventID}, replay...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)[:16]
}

// maxChain is how many names of workflows an event carries at most: 7 of 64 bytes fit into an attribute.
const maxChain = 7

// chain is what events say that this run causes: the workflows that led to it, and its own.
func (r *Run) chain() string {
	names := strings.Fields(r.Event.Chain + " " + r.Workflow)
	return strings.Join(names[max(0, len(names)-maxChain):], " ")
}

// decide adds a line to the run's history.
func (r *Run) decide(at time.Time, step, format string, args ...any) {
	r.History = append(r.History, Decision{At: at, Step: step, Text: fmt.Sprintf(format, args...)})
}

// EventJSON is the run's event as it is stored.
func (r *Run) EventJSON() ([]byte, error) { return r.Event.MarshalJSON() }

// RestoreEvent reads what EventJSON wrote, for events of any type. The limits of arriving events do not
// hold here: what was taken in must come back, even where its JSON grew by escaping.
func RestoreEvent(data []byte) (*Event, error) {
	var env envelope
	if err := strictJSON(data, &env); err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	event, err := env.event()
	if err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	event.Gathered, event.LeftOut = env.Gathered, env.LeftOut
	if !event.IsRecord() {
		return event, nil
	}
	event.Change = &Change{}
	if err := strictJSON(event.Data, event.Change); err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	event.Data = nil
	return event, nil
}
