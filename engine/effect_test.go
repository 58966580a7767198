package engine_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/crm/corebostest"
	"postern/links"
)

const helpDeskModule = `
module: HelpDesk
fields:
  ticket_title: text
  ticketstatus: text
  ticketpriorities: text
  parent_id: text
  description: text
  cf_externalid: { type: text, unique: true }
`

// remote is a house whose records are in a played coreBOS that tells its changes as events, if it echoes.
type remote struct {
	*house
	played *corebostest.Player
	ref    engine.Ref // of a ticket that is there
}

func newRemote(t *testing.T, echoes bool, workflows ...string) *remote {
	t.Helper()
	files := map[string]string{"modules/HelpDesk.yaml": helpDeskModule}
	for i, text := range workflows {
		files[string(rune('a'+i))+".yaml"] = text
	}
	return newRemoteBook(t, echoes, files)
}

// newRemoteBook is newRemote with a book of its own.
func newRemoteBook(t *testing.T, echoes bool, files map[string]string) *remote {
	t.Helper()
	h := newHouse(t, files)
	played, err := corebostest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(played)
	key := filepath.Join(h.folder, "access-key")
	if err := os.WriteFile(key, []byte(corebostest.Admin.AccessKey), 0o600); err != nil {
		t.Fatal(err)
	}
	config := crm.Defaults()
	config.Kind, config.URL, config.User = crm.KindCorebos, server.URL, corebostest.Admin.Name
	config.AccessKey, config.Echoes = engine.Secret{File: key}, echoes
	connected, err := crm.NewCorebos(config)
	if err != nil {
		t.Fatal(err)
	}
	h.crm = connected
	t.Cleanup(server.Close)
	t.Cleanup(func() { _ = connected.Close() })
	r := &remote{house: h, played: played}
	account, err := played.Seed("Accounts", map[string]string{"accountname": "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	r.ref, err = played.Seed("HelpDesk", map[string]string{
		"ticket_title": "No power", "ticketstatus": "Open", "parent_id": account.ID,
	})
	if err != nil {
		t.Fatal(err)
	}
	if echoes {
		// The CRM publishes as it commits, before it answers.
		played.OnChange(func(event *engine.Event) { h.publishEvent(event) })
	}
	h.start()
	return r
}

// tell says that the ticket was changed, as the CRM sees it now.
func (r *remote) tell(eventType string) {
	r.t.Helper()
	fields := engine.Fields{}
	for name, value := range r.played.Fields(r.ref) {
		fields[name] = value
	}
	r.publish(eventType, r.ref.String(), engine.Change{Record: fields, Old: engine.Fields{"description": "before"}})
}

// has polls until a field of the ticket in the CRM has a value, while time goes by.
func (r *remote) has(field, want string) {
	r.t.Helper()
	r.until(field+" is "+want, func() bool {
		r.clock.Advance(time.Second)
		return r.played.Fields(r.ref)[field] == want
	})
}

// writes are the writes that the CRM did for us, by operation.
func (r *remote) writes(operation string) (n int) {
	for _, w := range r.played.Written() {
		if w.Operation == operation {
			n++
		}
	}
	return n
}

const closes = `
name: closes
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - update: { set: { ticketstatus: Closed } }
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - emit: { type: ticket.closed }
`

func TestEffect(t *testing.T) {
	r := newRemote(t, false, closes)
	r.tell(engine.RecordUpdated)
	r.has("ticketstatus", "Closed")
	own := r.ownEvents(2)
	if own[0].Type != engine.RecordUpdated || own[1].Type != "ticket.closed" {
		t.Errorf("told %s, then %s", own[0].Type, own[1].Type)
	}
	change := own[0].Change
	if change.Old.Text("ticketstatus") != "Open" || change.Record.Text("ticket_title") != "No power" || own[0].Depth != 1 {
		t.Errorf("the change is %+v", change)
	}
	if r.writes("revise") != 1 {
		t.Errorf("the CRM wrote %d times", r.writes("revise"))
	}
}

func TestEffectAfterALostAnswer(t *testing.T) {
	r := newRemote(t, false, closes)
	r.played.Break(corebostest.Fault{Operation: "revise", Done: true, Reset: true})
	r.tell(engine.RecordUpdated)
	own := func() []*engine.Event {
		r.until("the run's end", func() bool { r.clock.Advance(time.Second); return strings.Contains(r.logs.String(), "state=planned") })
		r.has("ticketstatus", "Closed")
		r.until("the second try", func() bool { r.clock.Advance(time.Second); return r.runState(r.ref) == "" })
		return r.ownEvents(2)
	}()
	if r.writes("revise") != 1 || own[1].Type != "ticket.closed" {
		t.Errorf("the CRM wrote %d times, and then came %s", r.writes("revise"), own[1].Type)
	}
}

func TestHumanEditAfterALostAnswerStays(t *testing.T) {
	r := newRemote(t, false, closes)
	r.played.Break(corebostest.Fault{Operation: "revise", Done: true, Reset: true})
	r.tell(engine.RecordUpdated)
	r.until("the lost answer", func() bool { return strings.Contains(r.logs.String(), "state=planned") })
	if err := r.played.Edit(r.ref, map[string]string{"ticketstatus": "Wait For Response"}); err != nil {
		t.Fatal(err)
	}
	r.until("the conflict", func() bool { r.clock.Advance(time.Second); return strings.Contains(r.logs.String(), "run ended early") })
	own := r.ownEvents(2)
	if got := r.played.Fields(r.ref)["ticketstatus"]; got != "Wait For Response" {
		t.Errorf("the edit became %q", got)
	}
	if own[0].Type != engine.RunConflict || own[1].Type != engine.RunFailedEvent {
		t.Errorf("told %s, then %s", own[0].Type, own[1].Type)
	}
	if r.writes("revise") != 1 {
		t.Errorf("the CRM wrote %d times", r.writes("revise"))
	}
}

func TestHumanEditBeforeTheWriteTakesTheStepAgain(t *testing.T) {
	r := newRemote(t, false, `
name: adds
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - trial: { name: `+t.Name()+` }
  - update: { set: { ticket_title: "{{ record.ticket_title }}!" } }
`)
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error {
		return r.played.Edit(r.ref, map[string]string{"ticket_title": "No light"})
	})
	r.tell(engine.RecordUpdated)
	r.has("ticket_title", "No light!")
}

// beforeEffects does something once, after a step has asked and before that is stored.
type beforeEffects struct {
	engine.Store
	once *sync.Once
	do   func()
}

func (b beforeEffects) Advance(ctx context.Context, step engine.Advance) error {
	if len(step.Effects) > 0 {
		b.once.Do(b.do)
	}
	return b.Store.Advance(ctx, step)
}

func TestFillFindsWhatSomebodyElseFilled(t *testing.T) {
	r := newRemote(t, false, `
name: fills
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - fill: { field: cf_externalid }
    id: filled
  - emit: { type: ticket.filled, data: { value: "{{ steps.filled.value }}" } }
`)
	r.stop()
	r.wrap = func(s engine.Store) engine.Store {
		return beforeEffects{s, new(sync.Once), func() {
			if err := r.played.Edit(r.ref, map[string]string{"cf_externalid": "theirs"}); err != nil {
				t.Error(err)
			}
		}}
	}
	r.start()
	r.tell(engine.RecordUpdated)
	event := r.ownEvents(1)[0]
	if string(event.Data) != `{"value":"theirs"}` || r.played.Fields(r.ref)["cf_externalid"] != "theirs" {
		t.Errorf("the field has %q, the steps that follow see %s", r.played.Fields(r.ref)["cf_externalid"], event.Data)
	}
}

func TestEffectWhileTheCRMIsDown(t *testing.T) {
	r := newRemote(t, false, closes)
	r.played.Break(corebostest.Fault{Operation: "revise", Times: 3, Status: 503, Page: "<h1>Sorry</h1>"})
	r.tell(engine.RecordUpdated)
	r.stands(r.ref, engine.RunWriting)
	r.stop()
	r.start() // what it waits for is in the database
	r.has("ticketstatus", "Closed")
	if n := r.played.Calls("revise"); n != 4 {
		t.Errorf("%d tries, want 4", n)
	}
}

func TestEffectIsGivenUp(t *testing.T) {
	r := newRemote(t, false, closes)
	r.played.Break(corebostest.Fault{Operation: "revise", Times: 100, Status: 503, Page: "<h1>Sorry</h1>"})
	r.tell(engine.RecordUpdated)
	r.until("the end", func() bool {
		r.clock.Advance(time.Second)
		return strings.Contains(r.logs.String(), "given up after 5 tries")
	})
	if n := r.played.Calls("revise"); n != 5 {
		t.Errorf("%d tries, want 5", n)
	}
	r.until("the run's end", func() bool { return r.runState(r.ref) == "" })
}

func TestCreateWithALostAnswerIsOneRecord(t *testing.T) {
	r := newRemote(t, false, `
name: follows-up
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - create: { module: HelpDesk, key: cf_externalid, set: { ticketstatus: Open, ticket_title: "After {{ record.ticket_title }}", parent_id: "{{ record.parent_id }}" } }
    id: made
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - update: { set: { ticket_title: "see {{ steps.made.id }}" } }
`)
	r.played.Break(corebostest.Fault{Operation: "create", Done: true, Reset: true})
	before := len(r.played.Records("HelpDesk"))
	r.tell(engine.RecordUpdated)
	r.until("the second record", func() bool {
		r.clock.Advance(time.Second)
		return strings.HasPrefix(r.played.Fields(r.ref)["ticket_title"], "see 17x")
	})
	made := engine.Ref{Module: "HelpDesk", ID: strings.TrimPrefix(r.played.Fields(r.ref)["ticket_title"], "see ")}
	if got := len(r.played.Records("HelpDesk")); got != before+1 || r.played.Fields(made)["ticket_title"] != "After No power" {
		t.Errorf("%d records became %d; the new one is %v", before, got, r.played.Fields(made))
	}
}

func TestLoopThroughACRMThatKnowsNoCauses(t *testing.T) {
	swing := func(name, from, to string) string {
		return `
name: ` + name + `
on: { event: record.updated, module: HelpDesk, changed: ticketstatus }
if: record.ticketstatus == "` + from + `"
tasks: [ { update: { set: { ticketstatus: ` + to + ` } } } ]
`
	}
	r := newRemote(t, true, swing("back", "Closed", "Open"), swing("forth", "Open", "Closed"))
	if err := r.played.Edit(r.ref, map[string]string{"ticketstatus": "Closed"}); err != nil {
		t.Fatal(err)
	}
	r.until("the end of the loop", func() bool { return strings.Contains(r.logs.String(), "loop") })
	if !strings.Contains(r.logs.String(), "loop forth → back → forth → back → forth → back → forth: 9 writes") ||
		r.writes("revise") != 9 {
		t.Errorf("after %d writes:\n%s", r.writes("revise"), r.logs)
	}
}

func TestVisitThatTheCRMRefuses(t *testing.T) {
	r := newRemote(t, true, closes)
	now := r.clock.Now()
	visit := engine.DerivedID(engine.ID{}, "visit")
	link := engine.Link{
		ID: engine.ID{7}, KeyID: "a", Digest: []byte("digest"), Landing: "ticket", Record: r.ref, NotBefore: now,
		Expires: now.Add(time.Hour), MaxUses: 1, Workflow: "closes", Created: now,
	}
	write := engine.Write{
		Ref: r.ref, Patch: engine.Patch{
			Set: engine.Fields{"ticketstatus": "Closed"}, Expect: engine.Fields{"ticketstatus": "In Progress"},
		}, Origin: engine.Origin{EventID: engine.ID{8}, Source: engine.Source, Cause: "used", Depth: 1, At: now},
	}
	flow := links.Flow{ID: engine.ID{6}, Link: link.ID, Opened: now, Expires: now.Add(time.Hour)}
	opening := links.Opening{Flow: flow, Event: &engine.Event{
		ID: "opened", Source: engine.Source, Type: engine.LinkOpened, Subject: r.ref.String(), Time: now,
	}}
	if err := errors.Join(r.store.Mint(t.Context(), link), r.store.Open(t.Context(), opening)); err != nil {
		t.Fatal(err)
	}
	act := links.Act{
		ID: visit, Flow: flow.ID, Link: link.ID, Name: "close", Key: []byte("key"), Write: write, At: now,
		Used: &engine.Event{ID: "used", Source: engine.Source, Type: engine.LinkUsed, Subject: r.ref.String(), Time: now},
		Effects: []*engine.Effect{
			engine.NewEffect(engine.DerivedID(visit, "effect"), visit, engine.Ask{Write: &write}, engine.DefaultRetry(), now),
			engine.NewEffect(engine.DerivedID(visit, "create"), visit, engine.Ask{Create: &engine.Create{
				Module: "HelpDesk", Fields: engine.Fields{"text": "hello"}, About: r.ref, // without a key it is refused
				Origin: engine.Origin{EventID: engine.ID{9}, Source: engine.Source, Cause: "used", Depth: 1, At: now},
			}}, engine.DefaultRetry(), now),
		},
	}
	if _, err := r.store.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	own := r.ownEvents(4)[1:] // the first tells that the link was opened
	if own[0].Type != engine.LinkUsed {
		t.Errorf("told %s first", own[0].Type)
	}
	for _, failed := range own[1:] {
		if failed.Type != engine.LinkFailed || failed.CauseID != "used" || failed.Subject != r.ref.String() {
			t.Errorf("then told %s of %s", failed.Type, failed.Subject)
		}
	}
	if got := r.played.Fields(r.ref)["ticketstatus"]; got != "Open" {
		t.Errorf("the status became %q", got)
	}
}

// Many writes to a CRM that is down are not many calls: after some the others wait until one has passed.
func TestCRMThatIsDownIsLeftAlone(t *testing.T) {
	r := newRemote(t, false, closes)
	const tickets = 40
	refs := []engine.Ref{r.ref}
	for range tickets - 1 {
		ref, err := r.played.Seed("HelpDesk", map[string]string{
			"ticket_title": "No power", "ticketstatus": "Open", "parent_id": r.played.Fields(r.ref)["parent_id"],
		})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	r.played.Break(corebostest.Fault{Operation: "revise", Times: 1000, Status: 503, Page: "<h1>Sorry</h1>"})
	for _, ref := range refs {
		r.publish(engine.RecordUpdated, ref.String(), engine.Change{
			Record: engine.Fields{"description": "x", "ticketstatus": "Open"}, Old: engine.Fields{"description": ""},
		})
	}
	r.until("the CRM is left alone", func() bool {
		return strings.Contains(r.logs.String(), "nothing is written to the CRM for a while")
	})
	r.until("every run asks", func() bool {
		parked, err := r.store.Parked(t.Context(), nil)
		return err == nil && len(parked) == tickets
	})
	if _, warnings := r.engine.Ready(t.Context()); len(warnings) != 1 || !strings.HasPrefix(warnings[0], "the CRM: ") {
		t.Errorf("the warnings are %q", warnings)
	}
	if n := r.played.Calls("revise"); n > 16+breakerLeast {
		t.Errorf("%d calls in a row", n)
	}
}

const breakerLeast = 5 // tries before a breaker decides

// A run that began with an earlier version of its workflow is woken by changes that nothing in the book waits for any
// more.
func TestWaitOfAnEarlierVersionIsWoken(t *testing.T) {
	const two = `
name: waits
on: { event: record.created, module: HelpDesk }
tasks:
  - wait: { for: 1h }
  - wait: { until: record.ticketstatus == "Closed" }
  - update: { set: { description: "it is closed" } }
`
	r := newRemote(t, false, two)
	r.tell(engine.RecordCreated)
	r.stands(r.ref, engine.RunWaiting)
	r.stop()
	r.files["a.yaml"] = strings.Replace(two, "  - wait: { until: record.ticketstatus == \"Closed\" }\n", "", 1)
	r.start()
	r.until("it waits for the ticket", func() bool {
		r.clock.Advance(10 * time.Minute)
		lines, err := r.store.WaitLines(t.Context(), engine.WaitSelection{})
		return err == nil && len(lines) == 1 && slices.Contains(lines[0].Topics, engine.RecordTopic(r.ref)) && lines[0].Due.IsZero()
	})
	if err := r.played.Edit(r.ref, map[string]string{"ticketstatus": "Closed"}); err != nil {
		t.Fatal(err)
	}
	r.tell(engine.RecordUpdated)
	r.has("description", "it is closed")
}

// Where no copies are kept, an event that needs one is refused with what to do about it.
func TestEventThatNeedsACopy(t *testing.T) {
	r := newRemote(t, false, closes)
	r.publish(engine.RecordUpdated, r.ref.String(), engine.Change{Record: engine.Fields{"description": "x"}})
	r.publish(engine.RecordUpdated, r.ref.String(), engine.Change{
		Record: engine.Fields{"description": "x"}, Changed: []string{"description"}, Partial: true,
	})
	for _, reason := range []string{"does not say what changed", "data.partial needs a copy"} {
		r.until(reason, func() bool { return strings.Contains(r.logs.String(), reason) })
	}
	if strings.Count(r.logs.String(), "put keep: true into its module file") != 2 {
		t.Errorf("the log does not say what to do:\n%s", r.logs)
	}
}

// A record may be larger in the CRM than any event: what is written to it stands, and is told by itself.
func TestWriteToARecordLargerThanAnEvent(t *testing.T) {
	r := newRemote(t, false, closes)
	large := map[string]string{"description": strings.Repeat("x", engine.MaxEventBytes)}
	if err := r.played.Edit(r.ref, large); err != nil {
		t.Fatal(err)
	}
	r.publish(engine.RecordUpdated, r.ref.String(), engine.Change{
		Record: engine.Fields{"description": "much", "ticketstatus": "Open"}, Old: engine.Fields{"description": ""},
	})
	r.has("ticketstatus", "Closed")
	for _, event := range r.ownEvents(2) {
		if event.Type != engine.RecordUpdated {
			continue
		}
		if c := event.Change; !c.Partial || len(c.Record) != 1 || c.Record.Text("ticketstatus") != "Closed" {
			t.Errorf("told is %+v", c)
		}
	}
	r.onlyRun(engine.RunDone)
}

// A run that was held while its write was open parks again until that is over, when an operator lets it go on.
func TestHeldRunWithAnOpenWriteParksAgain(t *testing.T) {
	r := newRemote(t, false, closes)
	r.played.Break(corebostest.Fault{Operation: "revise", Times: 2, Status: 503, Page: "<h1>Sorry</h1>"})
	r.tell(engine.RecordUpdated)
	r.until("the first try", func() bool { return r.played.Calls("revise") == 1 })
	r.onlyRun(engine.RunWriting)
	order := engine.RestoreOrder{Stream: r.position(), After: engine.AfterBackupSkip}
	order.At, order.Backup = r.clock.Now(), r.clock.Now()
	if _, err := r.store.Restore(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	held := r.onlyRun(engine.RunHeld)
	if _, err := r.store.RetryRun(t.Context(), held.ID, r.orders("")); err != nil {
		t.Fatal(err)
	}
	r.onlyRun(engine.RunWriting)
	r.has("ticketstatus", "Closed")
	r.onlyRun(engine.RunDone)
}

// A run that is cancelled while its write is under way, and taken again after that was done, does not ask for it twice.
func TestRetryAfterCancelMakesNoSecondRecord(t *testing.T) {
	r := newRemote(t, false, `
name: makes
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - create: { module: HelpDesk, key: cf_externalid, set: { ticketstatus: Open, ticket_title: Again, parent_id: "{{ record.parent_id }}" } }
`)
	release := make(chan struct{})
	slow := &slowCRM{CRM: r.crm, release: release, asked: make(chan struct{})}
	r.stop()
	r.crm = slow
	r.start()
	r.tell(engine.RecordUpdated)
	<-slow.asked
	cancelled := r.onlyRun(engine.RunWriting)
	if _, err := r.store.CancelRun(t.Context(), cancelled.ID, r.orders(""), false); err != nil {
		t.Fatal(err)
	}
	close(release)
	r.until("the record is made", func() bool {
		effects, err := r.store.Effects(t.Context(), cancelled.ID)
		return err == nil && len(effects) == 1 && effects[0].State == engine.EffectDone
	})
	if _, err := r.store.RetryRun(t.Context(), cancelled.ID, r.orders("")); err != nil {
		t.Fatal(err)
	}
	r.onlyRun(engine.RunDone)
	if n := r.writes("create"); n != 1 {
		t.Errorf("%d records were made", n)
	}
}

// slowCRM makes no record before it is released.
type slowCRM struct {
	engine.CRM
	asked, release chan struct{}
	once           sync.Once
}

func (s *slowCRM) Create(ctx context.Context, c engine.Create) (engine.Record, error) {
	s.once.Do(func() { close(s.asked) })
	<-s.release
	return s.CRM.Create(ctx, c)
}

// Whoever runs it hears that the CRM does not answer, also where it is only read.
func TestCRMThatCannotBeReadIsToldOf(t *testing.T) {
	r := newRemote(t, false, `
name: fills
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - fill: { field: cf_externalid }
    retry: { attempts: 50, backoff: 5s, for: 24h }
`)
	warned := func() bool {
		_, warnings := r.engine.Ready(t.Context())
		return slices.ContainsFunc(warnings, func(w string) bool { return strings.HasPrefix(w, "the CRM: reads fail, for ") })
	}
	if warned() {
		t.Error("it warns before anything was asked")
	}
	r.played.Break(corebostest.Fault{Operation: "retrieve", Times: 3, Status: 503, Page: "<h1>Sorry</h1>"})
	r.tell(engine.RecordUpdated)
	r.until("a warning", warned)
	r.until("the field is filled", func() bool {
		r.clock.Advance(5 * time.Second)
		return r.played.Fields(r.ref)["cf_externalid"] != ""
	})
	r.until("no warning", func() bool { return !warned() })
}
