package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

// runWhole is a run with all that it led to.
type runWhole struct {
	runLine
	Version    string         `json:"version"`
	Seq        uint64         `json:"seq"`
	Next       string         `json:"next_step"` // its path
	Event      eventView      `json:"event"`
	Waits      []waitLine     `json:"waits,omitempty"`
	Deliveries []deliveryLine `json:"deliveries,omitempty"`
	Effects    []effectView   `json:"effects,omitempty"`
	Links      []linkView     `json:"links,omitempty"`
	Timeline   []moment       `json:"timeline"`

	times timeline
}

// eventView is what started a run. The values are there only if asked for.
type eventView struct {
	ID      string        `json:"id"`
	Type    string        `json:"type"`
	Source  string        `json:"source"`
	Subject string        `json:"subject"`
	Time    time.Time     `json:"time,omitzero"`
	Changed []string      `json:"changed,omitempty"`
	Actor   string        `json:"actor,omitempty"`
	Depth   int           `json:"depth,omitempty"`
	Letter  string        `json:"dead_letter,omitempty"`
	Record  engine.Fields `json:"record,omitempty"`
	Old     engine.Fields `json:"old,omitempty"`
}

// effectView is a write to a CRM or the call of a web service. The values are there only if asked for.
type effectView struct {
	ID       engine.ID          `json:"id"`
	State    engine.EffectState `json:"state"`
	Step     string             `json:"step"`
	Record   string             `json:"record,omitempty"`
	Call     string             `json:"call,omitempty"` // method and host; never what is sent or answered
	Fields   []string           `json:"fields,omitempty"`
	Attempts int                `json:"attempts"`
	Reason   string             `json:"reason,omitempty"`
	Set      engine.Fields      `json:"set,omitempty"`
}

// wholeOfRun tells a run's story.
func wholeOfRun(story *engine.RunStory, values bool) runWhole {
	run := story.Run
	whole := runWhole{
		runLine: runLine{
			ID: run.ID, State: run.State, Workflow: run.Workflow, Record: run.Record.String(), Reason: run.Reason,
			Replay: run.Progress.Replay, Dry: run.Progress.Dry, Created: run.Created, Updated: story.Updated,
		},
		Version: run.Version, Seq: run.Seq, Next: run.Progress.At(), times: timeline{began: run.Created},
	}
	whole.tellEvent(run, values)
	whole.times.addAll("", run.History)
	for _, w := range story.Waits {
		whole.Waits = append(whole.Waits, lineOfWait(w))
	}
	for _, f := range story.Effects {
		whole.tellEffect(f, values)
	}
	for _, d := range story.Deliveries {
		whole.tellDelivery(d)
	}
	for _, l := range story.Links {
		whole.tellLink(l, values)
	}
	if run.State == engine.RunDone {
		whole.times.add(story.Updated, "run", "done")
	}
	whole.times.sort()
	whole.Timeline = whole.times.moments
	return whole
}

func (w *runWhole) tellEvent(run *engine.Run, values bool) {
	event := run.Event
	if event == nil {
		return // it cannot be read; the reason says why
	}
	w.Event = eventView{
		ID: event.ID, Type: event.Type, Source: event.Source, Subject: event.Subject, Time: event.Time,
		Depth: event.Depth, Letter: event.Letter,
	}
	changed := ""
	if event.Change != nil {
		w.Event.Changed, w.Event.Actor = event.Change.Changed, event.Change.Actor
		if len(w.Event.Changed) > 0 {
			changed = ", changed " + strings.Join(w.Event.Changed, ", ")
		}
		if values {
			w.Event.Record, w.Event.Old = event.Change.Record, event.Change.Old
		}
	}
	w.times.add(run.Created, "event", "%s of %s from %s, id %s%s",
		event.Type, event.Subject, event.Source, event.ID, changed)
	if event.Letter != "" {
		w.times.add(run.Created, "event", "was the dead letter %s", event.Letter)
	}
	w.times.add(run.Created, "run", "matched %s", run.Workflow)
}

func (w *runWhole) tellEffect(f *engine.Effect, values bool) {
	if f.Call != nil {
		w.tellCall(f)
		return
	}
	view := effectView{
		ID: f.ID, State: f.State, Step: f.Step, Record: f.Record.String(), Attempts: f.Attempts, Reason: f.Reason,
	}
	set, what := engine.Fields{}, "write"
	switch {
	case f.Write != nil:
		set = f.Write.Patch.Set
	case f.Create != nil:
		set, what, view.Record = f.Create.Fields, "create a record of", f.Create.Module
	case f.Delete != nil:
		what = "delete"
	case f.Relate != nil && f.Relate.Part:
		what, view.Record = "unrelate", f.Relate.From.String()+" and "+f.Relate.To.String()
	case f.Relate != nil:
		what, view.Record = "relate", f.Relate.From.String()+" and "+f.Relate.To.String()
	}
	view.Fields = slices.Sorted(maps.Keys(set))
	if values {
		view.Set = set
	}
	w.Effects = append(w.Effects, view)
	who := "write " + shortID(f.ID)
	asked := what + " " + view.Record
	if len(view.Fields) > 0 {
		asked += ": " + strings.Join(view.Fields, ", ")
	}
	w.times.add(f.Created, who, "asked to %s", asked)
	w.times.addAll(who, f.History)
}

func (w *runWhole) tellCall(f *engine.Effect) {
	call := f.Call.Method + " " + f.Host
	w.Effects = append(w.Effects, effectView{
		ID: f.ID, State: f.State, Step: f.Step, Call: call, Attempts: f.Attempts, Reason: f.Reason,
	})
	who := "call " + shortID(f.ID)
	w.times.add(f.Created, who, "asked to call %s", call)
	w.times.addAll(who, f.History)
}

func (w *runWhole) tellDelivery(d *engine.Delivery) {
	w.Deliveries = append(w.Deliveries, lineOfDelivery(d))
	who := d.Channel + " " + shortID(d.ID)
	w.times.add(d.Created, who, "planned: %s to %s", d.Template, d.Masked)
	w.times.addAll(who, d.History)
}

func (w *runWhole) tellLink(l engine.LinkStory, values bool) {
	w.Links = append(w.Links, viewOfLink(l.Link))
	tellActs(&w.times, "link "+shortID(l.Link.ID), l, values)
}

// tellActs tells what visitors did by a link, and operators to it.
func tellActs(times *timeline, who string, l engine.LinkStory, values bool) {
	for _, at := range l.Opened {
		times.add(at, who, "opened")
	}
	for _, act := range l.Acts {
		what := "used for " + act.Name
		switch names := slices.Sorted(maps.Keys(act.Set)); {
		case !act.Changed:
			what += ", which changed nothing"
		case values:
			what += ", set " + fieldsText(act.Set)
		default:
			what += ", set " + strings.Join(names, ", ")
		}
		times.add(act.At, who, "%s", what)
		if !act.Undone.IsZero() {
			times.add(act.Undone, who, "%s taken back by who did it", act.Name)
		}
	}
	for _, note := range l.Notes {
		times.add(note.At, who, "%s", note.Text)
	}
}

// fieldsText is fields with their values.
func fieldsText(fields engine.Fields) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value, err := json.Marshal(fields[name])
		if err != nil {
			value = []byte("?")
		}
		parts = append(parts, name+" = "+string(value))
	}
	return strings.Join(parts, ", ")
}

func layOutRun(out *strings.Builder, w runWhole) {
	fmt.Fprintf(out, "run %s of %s on %s\n%s\n", w.ID, w.Workflow, oneLine(w.Record, 100), w.stands())
	if mark := w.mark(); mark != "" {
		out.WriteString(mark + "\n")
	}
	if w.Event.Record != nil {
		fmt.Fprintf(out, "\nrecord  %s\n", oneLine(fieldsText(w.Event.Record), 20000))
		if len(w.Event.Old) > 0 {
			fmt.Fprintf(out, "before  %s\n", oneLine(fieldsText(w.Event.Old), 20000))
		}
	}
	out.WriteString("\n")
	times := timeline{began: w.Created, moments: w.Timeline}
	times.write(out)
	if len(w.Links) > 0 {
		out.WriteString("\n")
		var t table
		for _, link := range w.Links {
			t.row("link", link.text())
		}
		t.write(out)
	}
	layOutNext(out, w.next())
}

// stands says where the run stands and why.
func (w runWhole) stands() string {
	switch w.State {
	case engine.RunPending:
		return "pending: its condition needs the CRM and is decided when its turn comes"
	case engine.RunReady:
		return fmt.Sprintf("ready: step %s is next", w.Next)
	case engine.RunWriting:
		return fmt.Sprintf("writing: step %s goes on when what it asked of others is over", w.Next)
	case engine.RunRetrying:
		return fmt.Sprintf("retrying: step %s is taken again%s%s", w.Next, w.again(), because(w.Reason))
	case engine.RunWaiting:
		return fmt.Sprintf("waiting in step %s%s%s", w.Next, w.until(), because(w.Reason))
	}
	return string(w.State) + because(w.Reason)
}

// again says when a step is taken again.
func (w runWhole) again() string {
	if len(w.Waits) == 0 || w.Waits[0].Due.IsZero() {
		return ""
	}
	return " at " + clockText(w.Waits[0].Due)
}

// until says what the run waits for.
func (w runWhole) until() string {
	if len(w.Waits) == 0 {
		return ""
	}
	return ", " + w.Waits[0].forWhat()
}

// next is what an operator may do about the run.
func (w runWhole) next() []string {
	id := shortID(w.ID)
	var next []string
	switch {
	case w.State == engine.RunFailed, w.State == engine.RunHeld:
		next = append(next, "once its cause is mended: postern runs retry "+id)
	case w.State == engine.RunStopped && engine.WasCancelled(w.Reason):
		next = append(next, "to let it go on: postern runs retry "+id)
	}
	if w.State == engine.RunWaiting && len(w.Waits) > 0 && !w.Waits[0].Due.IsZero() {
		next = append(next, "to move its time: postern waits move "+id+" --by 1h")
	}
	if !w.State.Over() {
		next = append(next, "to stop it: postern runs cancel "+id)
	}
	for _, d := range w.Deliveries {
		if d.State == engine.DeliveryUnknown {
			next = append(next, "a message is in doubt: postern deliveries show "+shortID(d.ID))
		}
	}
	return next
}
