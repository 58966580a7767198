package portal_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/store"
	"postern/internal/upload"
	"postern/portal"

	"pgregory.net/rapid"
)

// modelModules are three modules that refer to one another in a ring.
func modelModules() map[string]*engine.Module {
	modules := map[string]*engine.Module{}
	for name, fields := range map[string][]string{
		"Items": {"name", "note", "secret", "state", "n", "owner", "group"}, "Groups": {"name", "secret", "n", "owner"},
		"People": {"name", "secret", "n", "group", "boss"},
	} {
		m := &engine.Module{Name: name, Keep: true, Names: fields, Fields: map[string]*engine.Field{}}
		for _, field := range fields {
			f := &engine.Field{Name: field, Type: engine.TypeText}
			if field == "n" {
				f.Type = engine.TypeInteger
			}
			if to := modelLeads()[field]; to != "" {
				f.Type, f.To = engine.TypeReference, []string{to}
			}
			m.Fields[field] = f
		}
		m.Title, modules[name] = []string{"name"}, m
	}
	return modules
}

func modelLeads() map[string]string {
	return map[string]string{"owner": "People", "boss": "People", "group": "Groups"}
}

// modelWorld is a desk on a store in memory beside the oracle that knows what it should do.
type modelWorld struct {
	*oracle
	desk    *portal.Desk
	store   *store.Store
	crm     *crm.Mirror
	clock   *engine.StillClock
	modules map[string]*engine.Module
	permits map[string]*permit
	portal  *engine.Portal
	me      engine.Ref
	seq     uint64
}

// modelTools are what many worlds are made with.
type modelTools struct {
	mould *store.Mould
	ring  *keys.Ring
}

func newModelTools(t *testing.T) modelTools {
	mould, err := store.NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mould.Close() })
	root, err := keys.Create(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	return modelTools{mould, ring}
}

// draw draws a policy and records.
func (tools modelTools) draw(rt *rapid.T) *modelWorld {
	w := &modelWorld{
		oracle: &oracle{
			entries: map[engine.Ref]*entry{}, related: map[[2]engine.Ref]bool{}, leads: modelLeads(),
		},
		clock:   engine.NewStillClock(time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)),
		modules: modelModules(), permits: map[string]*permit{}, me: engine.Ref{Module: "People", ID: "p1"},
	}
	logger := slog.New(slog.DiscardHandler)
	var err error
	if w.store, err = tools.mould.Open(rt.Context(), w.clock, logger); err != nil {
		rt.Fatal(err)
	}
	rt.Cleanup(func() { _ = w.store.Close() })
	w.crm = crm.NewMirror(w.store)
	sealer := tools.ring.Seal(rand.Reader)
	w.desk = portal.NewDesk(portal.DeskConfig{
		CRM: w.crm, Store: w.store, Sealer: sealer, Clock: w.clock, Random: rand.Reader, Logger: logger,
		Intake: upload.NewIntake(w.store, sealer, rand.Reader, logger),
		Files:  upload.Files{Store: w.store, Sealer: sealer},
	})
	w.drawPolicy(rt)
	for id := range strings.FieldsSeq("p1 p2 p3 g1 g2 g3 i1 i2 i3 i4 i5 i6") {
		module := map[byte]string{'p': "People", 'g': "Groups", 'i': "Items"}[id[0]]
		w.put(rt, w.drawEntry(rt, engine.Ref{Module: module, ID: id}))
	}
	for range rapid.IntRange(0, 4).Draw(rt, "relations") {
		w.join(rt, drawRef(rt, "Items"), drawRef(rt, "Groups"))
	}
	return w
}

func drawRef(rt *rapid.T, module string) engine.Ref {
	most := map[string]int{"People": 3, "Groups": 3, "Items": 6}[module]
	id := fmt.Sprint(map[string]string{"People": "p", "Groups": "g", "Items": "i"}[module],
		rapid.IntRange(1, most).Draw(rt, module))
	return engine.Ref{Module: module, ID: id}
}

var modelTexts = []string{"", "a", "b", "A", "ab", "é", "É", "a' or '1'='1", "%", "_"}

func drawText(rt *rapid.T) string { return rapid.SampledFrom(modelTexts).Draw(rt, "text") }

func drawNumber(rt *rapid.T) *int {
	if n := rapid.IntRange(-1, 4).Draw(rt, "n"); n >= 0 {
		return &n
	}
	return nil
}

// drawEntry draws values for all fields of a record.
func (w *modelWorld) drawEntry(rt *rapid.T, ref engine.Ref) *entry {
	e := &entry{ref: ref, texts: map[string]string{}}
	for _, name := range w.modules[ref.Module].Names {
		w.drawValue(rt, e, name)
	}
	return e
}

func (w *modelWorld) drawValue(rt *rapid.T, e *entry, name string) {
	switch to := w.leads[name]; {
	case name == "n":
		e.number = drawNumber(rt)
	case to != "":
		e.texts[name] = ""
		if rapid.IntRange(0, 3).Draw(rt, "refers") > 0 {
			e.texts[name] = drawRef(rt, to).ID
		}
	default:
		e.texts[name] = drawText(rt)
	}
}

// fields are some fields of an entry as a record has them.
func (e *entry) fields(names []string) engine.Fields {
	fields := engine.Fields{}
	for _, name := range names {
		switch {
		case name != "n":
			fields[name] = e.texts[name]
		case e.number != nil:
			fields[name] = json.Number(strconv.Itoa(*e.number))
		default:
			fields[name] = ""
		}
	}
	return fields
}

// put makes or changes a record as people of the CRM do.
func (w *modelWorld) put(rt *rapid.T, e *entry) {
	w.entries[e.ref] = e
	w.follow(rt, &engine.Event{
		Type: engine.RecordUpdated, Change: &engine.Change{Record: e.fields(w.modules[e.ref.Module].Names)},
	}, e.ref)
}

// follow takes in the events of the desk, as the stream brings them back, and then one more.
func (w *modelWorld) follow(rt *rapid.T, event *engine.Event, ref engine.Ref) {
	own, err := w.store.Outgoing(rt.Context(), 1000)
	if err != nil {
		rt.Fatal(err)
	}
	var kept []engine.Kept
	for _, o := range own {
		if o.Event.Change != nil {
			w.seq++
			kept = append(kept, engine.Kept{Event: o.Event, Seq: w.seq})
		}
	}
	w.seq++
	event.ID, event.Source = strconv.FormatUint(w.seq, 10), "crm"
	event.Subject, event.Time = ref.String(), w.clock.Now()
	kept = append(kept, engine.Kept{Event: event, Seq: w.seq})
	if _, err := w.store.Intake(rt.Context(), engine.Intake{Kept: kept}); err != nil {
		rt.Fatal(err)
	}
	if len(own) > 0 {
		if err := w.store.Published(rt.Context(), own[len(own)-1].Seq); err != nil {
			rt.Fatal(err)
		}
	}
}

func (w *modelWorld) join(rt *rapid.T, a, b engine.Ref) {
	id, err := engine.NewID(w.clock.Now(), rand.Reader)
	if err != nil {
		rt.Fatal(err)
	}
	origin := engine.Origin{EventID: id, Source: "crm", At: w.clock.Now()}
	if _, err := w.store.Relate(rt.Context(), engine.Relate{From: a, To: b, Origin: origin}); err != nil {
		rt.Fatal(err)
	}
	w.related[[2]engine.Ref{a, b}], w.related[[2]engine.Ref{b, a}] = true, true
}

// some draws a part of names.
func some(rt *rapid.T, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(string) bool {
		return rapid.IntRange(0, 2).Draw(rt, "left out") == 0
	})
}

// drawPolicy draws what the one role may do, for the oracle and as a portal.
func (w *modelWorld) drawPolicy(rt *rapid.T) {
	role := &engine.Role{Name: engine.RoleDefault, Modules: map[string]*engine.Access{}}
	for _, name := range slices.Sorted(maps.Keys(w.modules)) {
		if rapid.IntRange(0, 5).Draw(rt, "closed") == 0 {
			continue
		}
		m := w.modules[name]
		p := &permit{rows: drawRule(rt, name, 2), read: some(rt, m.Names), related: map[string]string{}}
		if len(p.read) == 0 {
			p.read = []string{"name"}
		}
		p.filter, p.sort, p.update = some(rt, p.read), some(rt, p.read), some(rt, p.read)
		p.deletes, p.creates = rapid.Bool().Draw(rt, "deletes"), rapid.Bool().Draw(rt, "creates")
		if p.open = (clause{kind: "and"}); rapid.Bool().Draw(rt, "settles") {
			p.open = drawOwn(rt, name)
		}
		access := &engine.Access{
			Module: m, Rows: p.rows.predicate(), Read: p.read, Filter: p.filter, Sort: p.sort, Update: p.update,
			Delete: p.deletes, While: p.open.predicate(),
		}
		if p.creates {
			p.create, p.set = some(rt, m.Names), drawSettings(rt, m)
			access.Create = &engine.Making{Fields: p.create, Set: map[string]engine.Operand{}}
			for field, o := range p.set {
				access.Create.Set[field] = clause{operand: []operand{o}}.predicate().Values[0]
			}
		}
		if name == "Groups" {
			p.related["Items"] = rapid.SampledFrom([]string{"", "group"}).Draw(rt, "by")
			access.Related = []engine.Relative{{Module: "Items", By: p.related["Items"]}}
		}
		w.permits[name], role.Modules[name] = p, access
	}
	w.portal = &engine.Portal{
		Name: "model", Modules: w.modules,
		Subject: engine.Subject{Module: w.modules["People"], Login: "name", Zone: time.UTC},
		Roles:   map[string]*engine.Role{engine.RoleDefault: role},
	}
}

func drawSettings(rt *rapid.T, m *engine.Module) map[string]operand {
	set := map[string]operand{}
	for _, name := range m.Names {
		if rapid.IntRange(0, 2).Draw(rt, "set") > 0 {
			continue
		}
		switch modelLeads()[name] {
		case "People":
			set[name] = operand{me: "id"}
		case "Groups":
			set[name] = operand{me: "group"}
		case "":
			if name != "n" {
				set[name] = operand{text: drawText(rt)}
			}
		}
	}
	return set
}

// drawRule draws which records of a module are the viewer's.
func drawRule(rt *rapid.T, module string, depth int) clause {
	if c, ok := drawJoint(rt, depth, func() clause { return drawRule(rt, module, depth-1) }); ok {
		return c
	}
	to := map[string][]string{
		"Items": {
			"owner", "owner", "group", "group", "group.owner", "owner.group", "group.owner.group", "id", "owner.boss",
		},
		"Groups": {"owner", "id", "owner.group"},
		"People": {"id", "id", "group", "boss", "group.owner", "boss.group", "boss.boss"},
	}[module]
	me := func() operand {
		routes := []string{"id", "group", "boss", "group.owner", "boss.group"}
		return operand{me: rapid.SampledFrom(routes).Draw(rt, "me")}
	}
	switch kind := rapid.IntRange(0, 9).Draw(rt, "kind"); {
	case kind == 0:
		return clause{kind: "related", operand: []operand{{me: "group"}}}
	case kind < 3:
		return drawOwn(rt, module)
	case kind < 5:
		return clause{kind: "is", path: rapid.SampledFrom(to).Draw(rt, "path"), operand: []operand{me(), me()}}
	}
	how := rapid.SampledFrom([]string{"is", "is", "is", "differs"}).Draw(rt, "how")
	return clause{kind: how, path: rapid.SampledFrom(to).Draw(rt, "path"), operand: []operand{me()}}
}

// drawJoint draws an and, or or not, or says that it is time for a comparison.
func drawJoint(rt *rapid.T, depth int, part func() clause) (clause, bool) {
	if depth == 0 || rapid.IntRange(0, 2).Draw(rt, "joint") == 0 {
		return clause{}, false
	}
	c := clause{kind: rapid.SampledFrom([]string{"and", "or", "not"}).Draw(rt, "how")}
	for range map[string]int{"and": 2, "or": 2, "not": 1}[c.kind] {
		c.of = append(c.of, part())
	}
	return c, true
}

// drawOwn draws a comparison of a field of the record itself with a constant.
func drawOwn(rt *rapid.T, module string) clause {
	name := rapid.SampledFrom(append(slices.Clone(modelModules()[module].Names), "id")).Draw(rt, "field")
	to := modelLeads()[name]
	switch {
	case name == "n":
		n := rapid.IntRange(0, 4).Draw(rt, "than")
		how := rapid.SampledFrom([]string{"is", "differs", "less", "more"}).Draw(rt, "how")
		return clause{kind: how, path: name, operand: []operand{{number: &n}}}
	case name == "id":
		to = module
		fallthrough
	case to != "":
		how := rapid.SampledFrom([]string{"is", "differs"}).Draw(rt, "how")
		return clause{kind: how, path: name, operand: []operand{{text: drawRef(rt, to).ID}}}
	}
	how := rapid.SampledFrom([]string{"is", "differs", "less", "more", "has", "folds"}).Draw(rt, "how")
	return clause{kind: how, path: name, operand: []operand{{text: drawText(rt)}}}
}

// viewer is the subject as the gate makes them.
func (w *modelWorld) viewer(rt *rapid.T) portal.Viewer {
	me := &engine.Env{Ref: w.me, Module: w.modules["People"], Modules: w.modules, Now: w.clock.Now()}
	records, err := w.crm.Get(rt.Context(), w.me)
	if err != nil || len(records) != 1 {
		rt.Fatal(records, err)
	}
	me.Record = records[0].Fields
	role := w.portal.Roles[engine.RoleDefault]
	var routes []string
	for _, access := range role.Modules {
		routes = append(routes, access.Rows.MeRoutes()...)
	}
	if err := engine.Trace(rt.Context(), w.crm, me, routes); err != nil {
		rt.Fatal(err)
	}
	session := portal.Session{ID: engine.ID{1}, Portal: w.portal.Name, Subject: w.me, Proved: w.clock.Now()}
	return portal.Viewer{
		Portal: w.portal, Role: role, Me: me, Language: "en", Now: w.clock.Now(), Session: session,
	}
}
