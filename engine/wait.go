package engine

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Wait is what a run rests for: a time, or that something happens on which its condition depends.
type Wait struct {
	Due    time.Time // zero: by a topic alone
	Topics []string  // see RecordTopic and RunTopic; none: by the time alone

	// Unsure: one may have been touched before the wait was stored. All count as touched, with no marks, until
	// whoever stored it has looked once more and Rearm has armed them.
	Unsure bool
}

// untouched are the topics as they stand while nobody has touched them; none of no wait.
func (w *Wait) untouched() []Touch {
	if w == nil {
		return nil
	}
	touches := make([]Touch, len(w.Topics))
	for i, topic := range w.Topics {
		touches[i].Topic = topic
	}
	return touches
}

// Woken is a run whose wait may be over.
type Woken struct {
	Run     *Run
	Due     time.Time // when it fell due: what it is late by is counted from here
	Timer   bool      // its time has come; else a topic was touched
	Touched []Touch   // the topics that were touched
}

// Touch is how often a topic of a run's wait has been touched: a wait that goes on is armed again only
// if nothing touched it meanwhile.
type Touch struct {
	Topic string
	Marks int
}

const recordTopic = "record:" // what topics of records begin with

// RecordTopic is touched by every change of a record.
func RecordTopic(ref Ref) string { return recordTopic + ref.String() }

// RunTopic is touched when a delivery of a run moves on, or somebody acts by a link of one.
func RunTopic(id ID) string { return "run:" + id.String() }

// awaited are the modules whose records runs wait for. The book in use need not know all of them: a run goes on
// by the version that it began with. Looking into it costs nothing.
type awaited struct {
	mu      sync.Mutex // of who adds
	modules atomic.Pointer[[]string]
}

func (a *awaited) has(module string) bool {
	modules := a.modules.Load()
	return modules != nil && slices.Contains(*modules, module)
}

func (a *awaited) add(modules ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	if known := a.modules.Load(); known != nil {
		all = slices.Clone(*known)
	}
	for _, module := range modules {
		if !slices.Contains(all, module) {
			all = append(all, module)
		}
	}
	a.modules.Store(&all)
}

// note adds the modules of topics. It is called before a wait for them is stored: what happens after that must
// not pass unseen.
func (a *awaited) note(topics []string) {
	for _, topic := range topics {
		name, ok := strings.CutPrefix(topic, recordTopic)
		if module, _, _ := strings.Cut(name, "/"); ok && !a.has(module) {
			a.add(module)
		}
	}
}
