package engine

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Task is what a step does. Its struct is the step's configuration: documented, yaml-tagged fields.
// It is shared by all runs and must not change once loaded.
type Task interface {
	// Run is called once for a step. It must have no effect of its own: whatever it wants done it asks
	// of the StepContext, and the asks commit together with the run. A Permanent error ends the run as
	// failed; after any other the run rests, and the step is taken again by its retry policy.
	Run(ctx context.Context, step *StepContext) error
}

// Checker is a Task that checks itself against the book when it is loaded, and keeps what it compiled
// there.
type Checker interface {
	Check(scope CheckScope)
}

// CheckScope is what a task may look up while its workflow is loaded. Keys name places of the task's
// own configuration: "field", "set.ticketstatus", "" for the task itself. What is wrong is reported at
// that place; the method then returns nil, and the task goes on to find further mistakes.
type CheckScope interface {
	// Module describes the triggering record; Modules all there are.
	Module() *Module
	Modules() map[string]*Module
	// Channels are the names a workflow may use.
	Channels() []string
	// Text compiles the value at a key: text in which {{ … }} holds expressions, or a plain value.
	Text(key string) Program
	// Route reads a route over references at a key: record.parent_id, record.parent_id.email.
	Route(key string) *Route
	// Field finds a field that the value or key at a place names.
	Field(key string, module *Module, name string) *Field
	// Landing finds a landing.
	Landing(key, name string) *Landing
	// Template finds a message template and checks that it has a text for each channel, and what it
	// says of the record and the named links.
	Template(key, name string, channels, links []string) Template
	// Condition compiles the bare expression at a key, which must be true or false; nil where there is
	// nothing at the key.
	Condition(key string) Program
	// Moment compiles the bare expression at a key, which must be a time; nil where there is nothing.
	Moment(key string) Program
	// Await says that the step waits for a program's value to change.
	Await(p Program)
	// Parts compiles the text at a key piece by piece, for those who write each value in a way of its own;
	// nil after a complaint.
	Parts(key string) []TextPart
	// Tree compiles the value at a key in which {{ … }} may stand at any depth: the program gives the same
	// lists and mappings with the values filled in.
	Tree(key string) Program
	// Answering is the scope of what is evaluated once a call was answered: expressions see response too.
	Answering() CheckScope
	// Secret tells whether there may be a secret of a name, and complains if not.
	Secret(key, name string) bool
	// Calls are what the configuration lets calls do.
	Calls() CallRules
	// Choice tells whether word is among the choices, and complains if not.
	Choice(key, what, word string, choices []string) bool
	// Declare makes the name of a var known to the expressions and templates of later steps, with the type
	// of the program that it is set to; nil for a value that may be anything. The key is its place.
	Declare(key, name string, value Program)
	// Starts says that the step starts a workflow on a record of one of some modules, handing over inputs that stand
	// under the key inputs. It is checked when all workflows are known.
	Starts(key, workflow string, modules []*Module, inputs map[string]any)
	// Complain reports a mistake.
	Complain(key, message string)
}

// TextPart is a piece of a text: as it stands, or what a program gives, as text.
type TextPart struct {
	Plain string
	Value Program // nil for plain text
}

// StepContext is what a task sees and asks. It is valid during Run only.
type StepContext struct {
	Env     *Env
	Ref     Ref // the record the run is about
	Step    *Step
	Modules map[string]*Module

	random io.Reader
	minter LinkMinter
	run    *Run
	asks   *asks
	local  bool // the records are our own: writes commit with the run
	list   func(ctx context.Context, listing Listing) (Page, error)
	read   func(ctx context.Context, ref Ref) (Record, error)
	items  int
	asked  int   // effects
	round  int   // which time the step is taken, for the item if it has one
	loop   *Loop // nil: it is taken once
	item   int   // index of the item
}

// asks is what the steps of one stretch of a run want done, until it is committed.
type asks struct {
	changes    []Ask     // of records that are our own
	effects    []*Effect // in place of changes where they are not
	wait       *Wait
	links      []Link
	deliveries []*Delivery
	letters    map[ID]*letter // of the deliveries
	events     []*Event
	stop       *halt // ends the run after the step
}

// mark is how many changes were asked for so far, of records of our own and of others.
func (a *asks) mark() [2]int { return [2]int{len(a.changes), len(a.effects)} }

// since goes through the writes that were asked for after a mark.
func (a *asks) since(mark [2]int, each func(Write)) {
	for _, ask := range a.changes[mark[0]:] {
		if ask.Write != nil {
			each(*ask.Write)
		}
	}
	for _, f := range a.effects[mark[1]:] {
		if f.Write != nil {
			each(*f.Write)
		}
	}
}

// halt is how a step ends its run.
type halt struct {
	reason string
	failed bool
}

// Now is the step's start: the same at every look.
func (s *StepContext) Now() time.Time { return s.Env.Now }

// Random is the source of randomness; what it gave is part of the asks and so stored.
func (s *StepContext) Random() io.Reader { return s.random }

// Get reads a record of the CRM as it is now, with the run's own writes on top.
func (s *StepContext) Get(ctx context.Context, ref Ref) (Record, error) {
	record, err := s.read(ctx, ref)
	if err != nil {
		return Record{}, err
	}
	if ref == s.Ref && len(s.run.Progress.Written) > 0 {
		record.Fields = maps.Clone(record.Fields)
		maps.Copy(record.Fields, s.run.Progress.Written)
	}
	return record, nil
}

// Update asks for a change of a record; expect holds the values that must still stand when it is
// written. Values must be plain (Field.Plain). The steps that follow see the change.
func (s *StepContext) Update(ref Ref, set, expect Fields) error {
	if s.asks.delete(ref) {
		return Permanent(fmt.Errorf("write %s: %w", ref, ErrNoRecord))
	}
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	var unique []string
	if module := s.Modules[ref.Module]; module != nil {
		unique = module.UniqueAmong(set)
	}
	write := Write{
		Ref: ref, Patch: Patch{Set: set, Expect: expect}, Unique: unique, Origin: s.origin(id),
	}
	s.ask(Ask{Write: &write})
	s.told("sets %s of %s", nameList(set), ref)
	if ref == s.Ref {
		s.Adopt(set)
		return nil
	}
	s.Env.WriteRoutes(ref, set)
	return nil
}

// origin is where an event of the run comes from.
func (s *StepContext) origin(id ID) Origin {
	return Origin{
		EventID: id, Source: Source, Cause: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(),
		Actor: "workflow:" + s.run.Workflow, At: s.Now(),
	}
}

// Delete asks that a record is removed. The run goes on with it as it was last seen.
func (s *StepContext) Delete(ref Ref) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.ask(Ask{Delete: &Delete{Ref: ref, Origin: s.origin(id)}})
	s.told("deletes %s", ref)
	return nil
}

// Relate asks that two records are joined, or parted.
func (s *StepContext) Relate(from, to Ref, part bool) error {
	for _, ref := range []Ref{from, to} {
		if s.asks.delete(ref) && !part {
			return Permanent(fmt.Errorf("relate %s: %w", ref, ErrNoRecord))
		}
	}
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	ask := Ask{Relate: &Relate{From: from, To: to, Part: part, Origin: s.origin(id)}}
	s.ask(ask)
	s.told("asks to %s", ask.phrase())
	return nil
}

// delete tells whether a record of ours will be deleted.
func (a *asks) delete(ref Ref) bool {
	return slices.ContainsFunc(a.changes, func(ask Ask) bool { return ask.Delete != nil && ask.Delete.Ref == ref })
}

// Create asks for a new record. The task hears of it, with the id it got, in Done. Where the records are
// not our own, keyField must name a unique text field of the module that the task does not set: a lost
// answer is then no second record.
func (s *StepContext) Create(module string, fields Fields, keyField string) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.ask(Ask{Create: &Create{
		Module: module, Fields: fields, KeyField: keyField, Key: id.String(), Origin: s.origin(id),
	}})
	return nil
}

// CreateUnmatched asks for a new record, unless some other has the value of its field match by the time it would
// be made: then the step is taken again. Where the records are not our own and keyField is "", the value of
// match is the key.
func (s *StepContext) CreateUnmatched(module string, fields Fields, keyField, match string) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	create := Create{Module: module, Fields: fields, KeyField: keyField, Key: id.String(), Match: match, Origin: s.origin(id)}
	if !s.local && keyField == "" {
		create.KeyField = match
		create.Key, _ = PlainText(fields[match])
	}
	s.ask(Ask{Create: &create})
	return nil
}

// ask asks for a change of a record: with the run where the records are our own, else as an effect.
func (s *StepContext) ask(ask Ask) {
	if s.local {
		s.asks.changes = append(s.asks.changes, ask)
		return
	}
	s.effect(ask)
}

// told notes a change that commits with the run. An effect and a dry run tell it themselves.
func (s *StepContext) told(format string, args ...any) {
	if s.local && !s.run.Progress.Dry {
		s.Note(format, args...)
	}
}

// effect asks for what is done outside of our own store.
func (s *StepContext) effect(ask Ask) {
	id := DerivedID(s.run.ID, s.Step.Path, strconv.Itoa(s.asked), "effect", strconv.Itoa(s.round))
	s.asked++
	f := NewEffect(id, s.run.ID, ask, s.Step.Retry, s.Now())
	f.Workflow, f.Step, f.Round = s.run.Workflow, s.Step.Path, s.round
	if ask.Call != nil {
		f.Partition = s.run.Partition // the store has no record to go by
	}
	s.asks.effects = append(s.asks.effects, f)
}

// Wait asks that the run rests until a time, or for ever if it is zero, or sooner once Woken of the task
// says that it has waited enough: that is asked whenever something happens on which the condition
// depends. A nil condition waits for the time alone.
func (s *StepContext) Wait(until time.Time, condition Program) {
	rest := &Rest{Began: s.Now(), Until: until}
	if condition != nil {
		rest.Topics = s.topics(condition)
		if uses, ok := condition.(Sensitive); ok {
			rest.Baseline = pick(s.Env.Record, uses.Uses().Changes)
		}
		rest.Routes = condition.Routes()
	}
	s.run.Progress.Rest = rest
	s.asks.wait = &Wait{Due: until, Topics: rest.Topics}
}

// topics are what the value of a program depends on.
func (s *StepContext) topics(p Program) []string {
	sensitive, ok := p.(Sensitive)
	if !ok {
		return nil
	}
	var topics []string
	if uses := sensitive.Uses(); uses.Record {
		topics = append(append(topics, RecordTopic(s.Ref)), routeTopics(s.Env, p.Routes())...)
	}
	if len(sensitive.Uses().Steps) > 0 {
		topics = append(topics, RunTopic(s.run.ID))
	}
	return uniqueTopics(topics)
}

// pick is some of the fields.
func pick(fields Fields, names []string) Fields {
	some := make(Fields, len(names))
	for _, name := range names {
		some[name] = fields[name]
	}
	return some
}

// Adopt lets the steps that follow see values that the record has by now, without a write.
func (s *StepContext) Adopt(values Fields) {
	if s.run.Progress.Written == nil {
		s.run.Progress.Written = Fields{}
	}
	maps.Copy(s.run.Progress.Written, values)
	s.Env.Write(values)
}

// Emit asks for an event of ours: a type such as "ticket.escalated" about the run's record.
func (s *StepContext) Emit(eventType string, data []byte) error {
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.asks.events = append(s.asks.events, &Event{
		ID: id.String(), Source: Source, Type: eventType, Subject: s.Ref.String(), Time: s.Now(),
		CauseID: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(), Data: data,
	})
	if !s.run.Progress.Dry {
		s.Note("tells %s", eventType)
	}
	return nil
}

// SetVars keeps values for the steps that follow, over those with the same names. They are plain data:
// what expressions give. All vars of the run have at most MaxVars bytes; beyond that it fails for good.
func (s *StepContext) SetVars(values Values) error {
	all := maps.Clone(s.run.Progress.Vars)
	if all == nil {
		all = Values{}
	}
	maps.Copy(all, values)
	all, size, err := kept(all)
	if err != nil {
		return Permanent(fmt.Errorf("vars: %w", err))
	}
	if size > MaxVars {
		return Permanent(fmt.Errorf("the vars of a run have %d kB at most, with %s they have %d kB",
			MaxVars>>10, nameList(Fields(values)), (size+1<<10-1)>>10))
	}
	s.run.Progress.Vars, s.Env.Vars, s.Env.views = all, all, nil
	s.Note("keeps %s", nameList(Fields(values)))
	return nil
}

// Stop asks that the run ends after this step, as failed or as stopped on purpose.
func (s *StepContext) Stop(reason string, failed bool) { s.asks.stop = &halt{reason, failed} }

// Output gives values to the steps that follow, under the step's id.
func (s *StepContext) Output(values Fields) {
	if s.loop != nil {
		s.loop.output(s.Step, s.item, values)
		return
	}
	s.run.output(s.Step, values)
}

// Note adds a line to the run's history.
func (s *StepContext) Note(format string, args ...any) {
	if s.loop != nil && !s.loop.noted() {
		return
	}
	s.run.decide(s.Now(), s.Step.Path, format, args...)
}

// Notice is a message that a step wants delivered.
type Notice struct {
	Ways     []Way // at least one, each over another channel: the first is taken, the next if that one is no good
	Template string
	Links    map[string]LinkTerms // by the name the template uses; landing, preset and expiry suffice
	First    string               // the name that {{ link }} means
	Unknown  OnUnknown
}

// Notify asks for the delivery of a message and mints its links.
func (s *StepContext) Notify(ctx context.Context, n Notice) error {
	item := strconv.Itoa(s.items)
	s.items++
	way := n.Ways[0]
	identity := way.Recipient.Ref.String() + "|" + way.Recipient.Address
	d := &Delivery{
		ID: DerivedID(s.run.ID, s.Step.Path, item, identity, "0", "0"), Run: s.run.ID,
		Partition: s.run.Partition, Workflow: s.run.Workflow, Version: s.run.Version, Step: s.Step.Path,
		Channel: way.Channel, Template: n.Template, Record: s.Ref, Recipient: way.Recipient,
		Masked: way.Recipient.Masked(), State: DeliveryPlanned, Due: s.Now(), Until: s.Now().Add(s.Step.Retry.For),
		Retry: s.Step.Retry, Unknown: n.Unknown, Created: s.Now(),
	}
	env := *s.Env
	env.Recipient, env.views, env.Links = way.Recipient, nil, map[string]string{}
	for name, terms := range n.Links {
		link, err := s.mint(ctx, terms, way.Recipient)
		if err != nil {
			return err
		}
		d.Links = append(d.Links, NamedLink{Name: name, Link: link, ID: link.ID})
		if name == n.First {
			d.Links = append(d.Links, NamedLink{Name: "link", Link: link, ID: link.ID})
		}
		s.asks.links = append(s.asks.links, link)
	}
	if id := s.Step.ID; id != "" {
		if s.run.Progress.Sent == nil {
			s.run.Progress.Sent = map[string][]ID{}
		}
		s.run.Progress.Sent[id] = append(s.run.Progress.Sent[id], d.ID)
	}
	s.asks.deliveries = append(s.asks.deliveries, d)
	s.asks.letters[d.ID] = &letter{env: &env, ways: n.Ways, origin: origin{
		Cause: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(),
	}}
	return nil
}

func (s *StepContext) mint(ctx context.Context, terms LinkTerms, to Recipient) (Link, error) {
	terms.Record, terms.Run, terms.Workflow, terms.Cause = s.Ref, s.run.ID, s.run.Workflow, s.run.Event.ID
	terms.Recipient, terms.Masked, terms.Language = to.Ref, to.Masked(), to.Language
	link, err := s.minter.Mint(ctx, terms, s.Now())
	if err != nil {
		return Link{}, fmt.Errorf("mint link to %s: %w", terms.Landing.Name, err)
	}
	return link, nil
}
