package engine

import (
	"fmt"
	"slices"
	"time"
)

// Book is a checked set of workflows with the modules, landings, factors and templates they use. It never
// changes once loaded; a reload swaps the whole.
type Book struct {
	Modules   map[string]*Module
	Landings  map[string]*Landing
	Workflows []*Workflow // sorted by name
	Portals   map[string]*Portal
	Factors   []string // names of the factors, sorted; they are compiled for the landings that ask for them

	LeftOut map[string]string // workflows of the shipped book that are not in use → the channel that they lack

	Labels map[string]map[string]string // language → code → text of the door, in place of its own
}

// Workflow is one workflow file, compiled.
type Workflow struct {
	Name         string
	Description  string
	Version      string // hash over this file and every file it uses
	Triggers     []Trigger
	Module       *Module            // of the triggering record; of ScheduleModule's name for one about no record
	Modules      map[string]*Module // all modules of the book it was loaded with
	Inputs       *Module            // what is handed over when it is started by hand; nil for nothing
	If           Program            // nil for always
	Active       Active
	Debounce     *Debounce // nil: a run for each event
	First        *First    // nil: as often as it is triggered
	OnlyOnChange []string  // fields one of which must differ from when it last began for the record; none for always
	Concurrency  Concurrency
	Class        Class   // of its messages
	Tasks        []*Step // the main steps, then those of handlers; see Step.Then
	Templates    map[string]Template
	Files        map[string]string // path → text of every file Version covers, enough to load it again
}

// Class says what a recipient may refuse to get.
type Class string

// The classes of messages.
const (
	ClassTransactional Class = "transactional" // what the recipient must hear of: an order, a code, a ticket of theirs
	ClassNotice        Class = "notice"        // what is good to know: reminders, newsletters that were asked for
	ClassMarketing     Class = "marketing"     // what the sender wants known
)

// Classes are all classes.
func Classes() []Class { return []Class{ClassTransactional, ClassNotice, ClassMarketing} }

// Refusable tells whether recipients may refuse messages of a class, those of one workflow alone among them.
func (c Class) Refusable() bool { return c == ClassNotice || c == ClassMarketing }

// Step is one entry under tasks, of the workflow or of a handler under on_error.
type Step struct {
	Path       string // its place, from 1: "3", and in the handler of that one "3.error.1"
	ID         string // the name its outputs have under steps; "" for none
	Name       string // for people; "" for none
	Kind       string // the task kind
	If         Program
	Task       Task
	Routes     []string // routes its expressions and templates take, sorted
	Queries    []Query  // what its expressions ask of the CRM, for each item if it has items
	Awaits     []string // modules whose records the condition of a wait depends on, sorted
	Retry      Retry
	Timeout    time.Duration // of one call of the task
	Then       int           // index of the entry that follows; 0 for the next one
	ForEach    Program       // gives a list for whose items the step is taken; nil: it is taken once
	Parallel   int           // how many items' effects are under way together
	ItemRoutes []string      // routes that begin at the item, sorted

	OnError int // what follows when it failed for good: ErrorFails, ErrorPasses or the index of an entry
}

// What Step.OnError may be beside the index of a handler's first step.
const (
	ErrorFails  = 0  // the run fails
	ErrorPasses = -1 // the run goes on with the step that follows
)

// after is the index of the entry that follows the one at an index.
func (w *Workflow) after(index int) int {
	if then := w.Tasks[index].Then; then != 0 {
		return then
	}
	return index + 1
}

// recovers tells whether the run may go on after a step failed.
func (w *Workflow) recovers() bool {
	return slices.ContainsFunc(w.Tasks, func(s *Step) bool { return s.OnError != ErrorFails })
}

// Concurrency says which runs of a workflow pass one at a time.
type Concurrency struct {
	Key  Program // nil: the record
	Mode ConcurrencyMode
	Hold bool // a run that waits keeps the others out
}

// ConcurrencyMode is what happens to a run whose gate another holds.
type ConcurrencyMode string

// The choices of concurrency.mode.
const (
	ConcurrencyQueue          ConcurrencyMode = "queue"           // it waits for its turn
	ConcurrencySkip           ConcurrencyMode = "skip"            // it ends at once
	ConcurrencyCancelPrevious ConcurrencyMode = "cancel_previous" // it ends the other
)

// Retry says how often and for how long a step or a delivery is tried.
type Retry struct {
	Attempts int           `yaml:"attempts"` // how many tries in all
	Backoff  time.Duration `yaml:"backoff"`  // the pause after the first; it doubles, up to an hour
	For      time.Duration `yaml:"for"`      // how long after the first try the last may begin
}

// DefaultRetry is what a step gets that says nothing of its own: as many tries as fit into a day, with
// pauses that double from half a minute to an hour.
func DefaultRetry() Retry {
	return Retry{Attempts: 32, Backoff: 30 * time.Second, For: 24 * time.Hour}
}

// Pause is the wait before the next try after n tries, without jitter.
func (r Retry) Pause(n int) time.Duration {
	pause := r.Backoff
	for range n - 1 {
		if pause *= 2; pause > time.Hour {
			return time.Hour
		}
	}
	return pause
}

// Program is a compiled expression, or a text with expressions in it. It is safe for concurrent use.
type Program interface {
	// Eval computes the value; the error is a sentence for the admin.
	Eval(env *Env) (any, error)
	// Routes are the routes over references that must be read before Eval, sorted: "parent_id",
	// "parent_id.account_id".
	Routes() []string
	// Source is the text the admin wrote.
	Source() string
}

// Sensitive is a Program that says what its value depends on, for those who wait for it to change. All
// programs of a book are.
type Sensitive interface {
	// Uses is what the value depends on beside the event that started the run.
	Uses() Uses
}

// Uses is what the value of a program depends on. While none of it changes, the value does not either.
type Uses struct {
	Record  bool     // the record, what a route leads to, or a change word
	Changes []string // fields that change words ask about: what an Env.Baseline has to hold; sorted
	Steps   []string // ids of the steps whose outputs are read, sorted
	Now     bool     // the time
}

// Reading is a Program that says which fields of its own record its value depends on. All programs of a book are.
type Reading interface {
	// Reads are the fields of the record that are read, sorted: of a route its first field.
	Reads() []string
}

// True evaluates a condition; a nil program is true.
func True(p Program, env *Env) (bool, error) {
	if p == nil {
		return true, nil
	}
	v, err := p.Eval(env)
	if err != nil {
		return false, fmt.Errorf("if %s: %w", p.Source(), err)
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("if %s: gives %s, not true or false", p.Source(), kindOf(v))
	}
	return yes, nil
}

// Template is a message text in one or more channels and languages.
type Template interface {
	// Render writes the message for a channel in the recipient's language, or in the first language
	// of the fallback chain that the template has. A missing value is an error.
	Render(channel, language string, env *Env) (Content, error)
	// Routes are the routes its texts take, like Program.Routes.
	Routes() []string
}

// Content is a rendered message.
type Content struct {
	Language string `json:"language"`
	Subject  string `json:"subject,omitempty"` // one line; "" on channels without
	Text     string `json:"text"`
	HTML     string `json:"html,omitempty"`
	JSON     bool   `json:"json,omitempty"` // Text is a whole JSON document, which a webhook sends as it stands

	Link        string    `json:"link,omitempty"`        // where {{ link }} leads
	Unsubscribe string    `json:"unsubscribe,omitempty"` // address of RFC 8058; "" for a message without
	Buttons     []Button  `json:"buttons,omitempty"`
	Approved    *Approved `json:"approved,omitempty"` // for channels that converse, where no conversation is open
}
