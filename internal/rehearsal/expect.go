package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// expected is one thing that is to come of the story.
type expected struct {
	kind  string
	title string
	line  int
	facts []wanted
	whole bool // what is not named of it must not have happened
}

// wanted is a fact as it should be.
type wanted struct {
	name  string
	value any
	how   func(want, got any) bool
}

// standing is a record as it should be by then.
type standing struct {
	ref    engine.Ref
	fields engine.Fields
	gone   bool
	line   int
}

// expectations are what one expect holds.
type expectations struct {
	line    int
	wants   []*expected
	stands  []standing
	ignore  map[string]bool // kinds of happenings that may be or not
	nothing bool
}

type expectFile struct {
	// Message is a message that was sent.
	Message *messageFile `yaml:"message"`
	// Create is a record that was made, by its module: ModComments: { commentcontent: /called/ }.
	Create []yamldoc.Entry `yaml:"create" schema:"fields"`
	// Update are the fields of records that were written, and no others.
	Update []yamldoc.Entry `yaml:"update" schema:"fields"`
	// Delete is a record that was deleted.
	Delete *yamldoc.Node `yaml:"delete" schema:"text"`
	// Relate are two records that were joined.
	Relate []*yamldoc.Node `yaml:"relate" schema:"text"`
	// Unrelate are two records that were parted.
	Unrelate []*yamldoc.Node `yaml:"unrelate" schema:"text"`
	// Event is an event that was published.
	Event *toldFile `yaml:"event"`
	// Call is a call of a web service.
	Call *callFile `yaml:"call"`
	// Start is a workflow that was started by another.
	Start *orderFile `yaml:"start"`
	// Run is how a run of a workflow ended or where it stands.
	Run *runFile `yaml:"run"`
	// Record are records as they stand by then: some of their fields, or gone.
	Record []yamldoc.Entry `yaml:"record" schema:"'gone'|fields"`
	// Ignore are kinds of happenings that may be there or not.
	Ignore []*yamldoc.Node `yaml:"ignore,one" schema:"'message'|'create'|'update'|'delete'|'relate'|'unrelate'|'event'|'call'|'start'|'run'"` //nolint:lll // a tag is one line
}

// messageFile is a message. Texts between slashes are patterns.
type messageFile struct {
	// To is the address that it went to.
	To *yamldoc.Node `yaml:"to,required" schema:"text"`
	// By is the channel.
	By *yamldoc.Node `yaml:"by" schema:"text"`
	// About is the record of the run that sent it.
	About *yamldoc.Node `yaml:"about" schema:"text"`
	// Language is that of the text that was chosen.
	Language *yamldoc.Node `yaml:"language" schema:"text"`
	// Subject is the whole subject.
	Subject *yamldoc.Node `yaml:"subject" schema:"text"`
	// Text is the whole text; ‹name› stands for the address of a link.
	Text *yamldoc.Node `yaml:"text" schema:"text"`
	// Says are pieces of the text.
	Says []*yamldoc.Node `yaml:"says,one" schema:"word"`
	// Not are pieces that the text must not have.
	Not []*yamldoc.Node `yaml:"not,one" schema:"word"`
	// Links are the names of its links.
	Links []*yamldoc.Node `yaml:"links,one" schema:"text"`
	// State is where the message stands; accepted if not said.
	State *yamldoc.Node `yaml:"state" schema:"engine.DeliveryState"`
	// Reason is why it stands there.
	Reason *yamldoc.Node `yaml:"reason" schema:"text"`
}

type toldFile struct {
	// Type is the type of the event.
	Type *yamldoc.Node `yaml:"type,required" schema:"event"`
	// About is its subject.
	About *yamldoc.Node `yaml:"about" schema:"text"`
	// Data is what it says, or some of that.
	Data *yamldoc.Node `yaml:"data"`
}

type callFile struct {
	// Method is GET, POST and so on.
	Method *yamldoc.Node `yaml:"method" schema:"text"`
	// URL is the whole address.
	URL *yamldoc.Node `yaml:"url,required" schema:"text"`
	// Headers are those that it had, or some of them.
	Headers *yamldoc.Node `yaml:"headers" schema:"fields"`
	// Body is what it sent, or some of that.
	Body *yamldoc.Node `yaml:"body"`
	// Secret is the name of the secret by which it showed who it is.
	Secret *yamldoc.Node `yaml:"secret" schema:"text"`
	// Step is the id of the step that called.
	Step *yamldoc.Node `yaml:"step" schema:"text"`
	// Tries is how often it was tried.
	Tries *yamldoc.Node `yaml:"tries" schema:"whole"`
}

type orderFile struct {
	// Workflow is the workflow that was started.
	Workflow *yamldoc.Node `yaml:"workflow,required" schema:"workflow"`
	// About is the record that it was started for.
	About *yamldoc.Node `yaml:"about" schema:"text"`
	// Inputs are what was handed over.
	Inputs *yamldoc.Node `yaml:"inputs" schema:"fields"`
}

type runFile struct {
	// Workflow is the workflow's name.
	Workflow *yamldoc.Node `yaml:"workflow" schema:"workflow"`
	// About is the record of the run.
	About *yamldoc.Node `yaml:"about" schema:"text"`
	// State is where the run stands.
	State *yamldoc.Node `yaml:"state,required" schema:"engine.RunState"`
	// Reason is why it ended.
	Reason *yamldoc.Node `yaml:"reason" schema:"text"`
	// Says is a piece of its history.
	Says *yamldoc.Node `yaml:"says" schema:"text"`
}

// kinds are the kinds of happenings, as they are expected and ignored.
func kinds() []string {
	return []string{"message", "create", "update", "delete", "relate", "unrelate", "event", "call", "start", "run"}
}

// expectation reads what should have come of the story by then.
func (p *parser) expectation(node *yamldoc.Node) beat {
	e := &expectations{line: node.Line(), ignore: map[string]bool{}}
	if e.nothing = node.Text() == "nothing"; !e.nothing {
		if node.Kind() != yamldoc.List || node.Len() == 0 {
			p.complain(node.Errorf("expected a list of what should happen, or nothing"))
			return beat{}
		}
		for _, item := range node.Items() {
			p.want(e, item)
		}
	}
	return beat{line: node.Line(), do: func(ctx context.Context, s *play) error { return s.check(ctx, e) }}
}

// want reads one entry of an expect.
func (p *parser) want(e *expectations, node *yamldoc.Node) {
	var f expectFile
	diags := yamldoc.Decode(node, &f)
	p.complain(diags...)
	if diags.Err() != nil {
		return
	}
	if node.Len() != 1 {
		p.complain(node.Errorf("an entry of an expect has one key that says what should happen, found %d", node.Len()).
			WithHint("begin each with - on a line of its own"))
		return
	}
	add := func(kind, title string, facts ...wanted) {
		e.wants = append(e.wants, &expected{kind: kind, title: title, line: node.Line(), facts: facts})
	}
	switch {
	case f.Message != nil:
		add("message", "message to "+f.Message.To.Text(), p.messageFacts(*f.Message)...)
	case f.Event != nil:
		add("event", "event "+f.Event.Type.Text(), p.facts(
			fact{"type", f.Event.Type}, fact{"about", f.Event.About}, fact{"data", f.Event.Data})...)
	case f.Call != nil:
		add("call", "call of "+f.Call.URL.Text(), p.facts(fact{"method", f.Call.Method}, fact{"url", f.Call.URL},
			fact{"headers", f.Call.Headers}, fact{"body", f.Call.Body}, fact{"secret", f.Call.Secret},
			fact{"step", f.Call.Step}, fact{"tries", f.Call.Tries})...)
	case f.Start != nil:
		add("start", "start of "+f.Start.Workflow.Text(), p.facts(fact{"workflow", f.Start.Workflow},
			fact{"about", f.Start.About}, fact{"inputs", f.Start.Inputs})...)
	case f.Run != nil:
		p.choice(f.Run.State, "state of a run", texts(engine.RunStates()))
		facts := p.facts(fact{"workflow", f.Run.Workflow},
			fact{"about", f.Run.About}, fact{"state", f.Run.State}, fact{"reason", f.Run.Reason})
		if f.Run.Says != nil {
			facts = append(facts, p.wanted("says", f.Run.Says, contains))
		}
		add("run", "run that is "+f.Run.State.Text(), facts...)
	case f.Ignore != nil:
		for _, kind := range f.Ignore {
			p.choice(kind, "kind", kinds())
			e.ignore[kind.Text()] = true
		}
	default:
		p.wantRecords(e, node, f)
	}
}

// wantRecords reads what should become of records.
func (p *parser) wantRecords(e *expectations, node *yamldoc.Node, f expectFile) {
	add := func(kind, title string, facts []wanted) {
		e.wants = append(e.wants, &expected{kind: kind, title: title, line: node.Line(), facts: facts, whole: true})
	}
	for _, entry := range f.Create {
		if p.module(entry.Key, entry.Key.Text()) {
			add("create", "a new record of "+entry.Key.Text(), p.fieldFacts(entry, p.book.Modules[entry.Key.Text()]))
		}
	}
	for _, entry := range f.Update {
		if ref, ok := p.ref(entry.Key); ok {
			add("update", "update of "+ref.String(), p.fieldFacts(entry, p.book.Modules[ref.Module]))
		}
	}
	if f.Delete != nil {
		if ref, ok := p.ref(f.Delete); ok {
			add("delete", "delete of "+ref.String(), nil)
		}
	}
	for kind, ends := range map[string][]*yamldoc.Node{"relate": f.Relate, "unrelate": f.Unrelate} {
		if ends == nil {
			continue
		}
		if len(ends) != 2 {
			p.complain(node.Errorf("two records are joined, found %d", len(ends)))
			continue
		}
		one, ok := p.ref(ends[0])
		other, both := p.ref(ends[1])
		if ok && both {
			add(kind, joined(kind, one.String(), other.String()), nil)
		}
	}
	for _, entry := range f.Record {
		ref, ok := p.ref(entry.Key)
		switch {
		case ok && entry.Value.Text() == "gone":
			e.stands = append(e.stands, standing{ref: ref, gone: true, line: node.Line()})
		case ok:
			ref, fields, _ := p.record(entry)
			e.stands = append(e.stands, standing{ref: ref, fields: fields, line: node.Line()})
		}
	}
}

// fact is a node under the name of what it should be.
type fact struct {
	name string
	node *yamldoc.Node
}

// facts are those that are there.
func (p *parser) facts(all ...fact) []wanted {
	var facts []wanted
	for _, f := range all {
		if f.node != nil {
			facts = append(facts, p.wanted(f.name, f.node, like))
		}
	}
	return facts
}

func (p *parser) wanted(name string, node *yamldoc.Node, how func(want, got any) bool) wanted {
	value := plain(node.Plain())
	if err := checkPatterns(value); err != nil {
		p.complain(node.Errorf("%v", err))
	}
	return wanted{name: name, value: value, how: how}
}

func (p *parser) messageFacts(f messageFile) []wanted {
	facts := p.facts(fact{"to", f.To}, fact{"by", f.By}, fact{"about", f.About}, fact{"language", f.Language},
		fact{"subject", f.Subject}, fact{"reason", f.Reason})
	if f.Text != nil {
		facts = append(facts, p.wanted("text", f.Text, sameText))
	}
	for _, says := range f.Says {
		facts = append(facts, p.wanted("says", says, contains))
	}
	for _, not := range f.Not {
		facts = append(facts, p.wanted("not", not, lacks))
	}
	for _, link := range f.Links {
		facts = append(facts, p.wanted("links", link, holds))
	}
	state := wanted{name: "state", value: string(engine.DeliveryAccepted), how: like}
	if f.State != nil {
		p.choice(f.State, "state of a message", texts(engine.DeliveryStates()))
		state.value = f.State.Text()
	}
	return append(facts, state)
}

// fieldFacts are the fields of a record as they should be written.
func (p *parser) fieldFacts(entry yamldoc.Entry, module *engine.Module) []wanted {
	if entry.Value.Kind() != yamldoc.Mapping {
		p.complain(entry.Value.Errorf("expected fields, found %s", entry.Value.Kind()))
		return nil
	}
	fields := p.fields(entry.Value, module)
	var facts []wanted
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		facts = append(facts, p.wanted(name, entry.Value.Get(name), like))
	}
	return facts
}

func (p *parser) choice(node *yamldoc.Node, what string, choices []string) {
	if !slices.Contains(choices, node.Text()) {
		p.complain(node.Unknown(what, choices))
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// fits tells how a happening differs from what is expected; nothing if it is what was meant.
func (e *expected) fits(h *happening) (differences []string) {
	if e.kind != h.kind || e.whole && e.title != h.title {
		return []string{"another thing"}
	}
	named := map[string]bool{}
	for _, want := range e.facts {
		named[want.name] = true
		got := h.facts[factOf(want.name)]
		if !want.how(want.value, got) {
			differences = append(differences, difference(want, got))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.facts)) {
		if text, single := engine.PlainText(h.facts[name]); e.whole && !named[name] && (!single || text != "") {
			differences = append(differences, fmt.Sprintf("%s: %s was not expected", name, show(h.facts[name])))
		}
	}
	return differences
}

// factOf is the fact that a word of an expectation is about.
func factOf(word string) string {
	if word == "says" || word == "not" {
		return "text"
	}
	return word
}

func difference(want wanted, got any) string {
	switch want.name {
	case "says":
		return fmt.Sprintf("it does not say %s", show(want.value))
	case "not":
		return fmt.Sprintf("it says %s", show(want.value))
	case "links":
		return fmt.Sprintf("it has no link %s, but %s", show(want.value), show(got))
	case "text":
		return "text, - as expected, + as it is:\n" + textDiff(fmt.Sprint(want.value), fmt.Sprint(got))
	}
	return fmt.Sprintf("%s: expected %s, found %s", want.name, show(want.value), show(got))
}

// show is a value in a complaint.
func show(v any) string {
	if text, single := engine.PlainText(v); single {
		if text == "" {
			return "nothing"
		}
		if _, number := v.(string); !number || !strings.ContainsAny(text, " \n,") && text != "" {
			return text
		}
		return fmt.Sprintf("%q", text)
	}
	return asJSON(v)
}
