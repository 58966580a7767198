// Package house is a small portal for tests: contacts of two customers with tickets, comments, invoices, projects
// and documents, and employees with salary slips, on a real store whose kept records are the CRM.
package house

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/store"
	"postern/internal/store/storetest"
	"postern/internal/upload"
	"postern/portal"
)

// The people of the small book. Ana and Alan are of Acme, Bob is of Globex, Eve is of nobody. Mia is of Acme, too, and
// has the role manager.
var (
	Ana  = engine.Ref{Module: "Contacts", ID: "12x1"}
	Bob  = engine.Ref{Module: "Contacts", ID: "12x2"}
	Eve  = engine.Ref{Module: "Contacts", ID: "12x3"}
	Alan = engine.Ref{Module: "Contacts", ID: "12x4"}
	Mia  = engine.Ref{Module: "Contacts", ID: "12x5"}
	Sam  = engine.Ref{Module: "Employees", ID: "20x1"}
	Tess = engine.Ref{Module: "Employees", ID: "20x2"}
)

// World is a desk with everything behind it. Its clock stands still until a test moves it.
type World struct {
	T       testing.TB
	Store   *store.Store
	CRM     *crm.Mirror
	Clock   *engine.StillClock
	Ring    *keys.Ring
	Root    keys.Root
	Modules map[string]*engine.Module
	Portals map[string]*engine.Portal
	Desk    *portal.Desk
	Gate    *portal.Gate
	Log     *enginetest.Log
	Logger  *slog.Logger
	Folder  string // of the database

	seq   uint64
	taken int // events of our own that were taken in again
}

// New opens a world with its records; change may alter what the desk works with.
func New(t testing.TB, change ...func(*portal.DeskConfig)) *World {
	t.Helper()
	w := &World{
		T: t, Clock: engine.NewStillClock(time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)), Modules: Modules(),
		Log: &enginetest.Log{},
	}
	w.Portals = Portals(w.Modules)
	w.Logger = slog.New(slog.NewTextHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Folder = t.TempDir()
	database := filepath.Join(w.Folder, "postern.db")
	storetest.Blank(t, database, store.Open)
	var err error
	if w.Store, err = store.Open(t.Context(), database, w.Clock, w.Logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Store.Close() })
	if w.Root, err = keys.Create(filepath.Join(w.Folder, "root.key"), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if w.Ring, err = keys.NewRing(w.Root); err != nil {
		t.Fatal(err)
	}
	w.CRM = crm.NewMirror(w.Store)
	sealer := w.Ring.Seal(rand.Reader)
	config := portal.DeskConfig{
		CRM: w.CRM, Store: w.Store, Sealer: sealer, Clock: w.Clock, Random: rand.Reader,
		Logger: w.Logger, Base: Base, Intake: upload.NewIntake(w.Store, sealer, rand.Reader, w.Logger),
		Files: upload.Files{Store: w.Store, Sealer: sealer},
	}
	for _, c := range change {
		c(&config)
	}
	w.Desk = portal.NewDesk(config)
	w.Gate = w.OpenGate(func(c *portal.GateConfig) { c.CRM = config.CRM })
	w.fill()
	return w
}

// Book is the small book.
func (w *World) Book() *engine.Book { return &engine.Book{Modules: w.Modules, Portals: w.Portals} }

// Password is what everybody signs in with who was given one by SetPassword.
const Password = "seven green kettles sing"

// SetPassword gives a subject the Password.
func (w *World) SetPassword(name string, subject engine.Ref) {
	w.T.Helper()
	err := w.Gate.SetPassword(w.T.Context(), name, subject, Password, portal.Because{Actor: "test", Detail: "test"})
	if err != nil {
		w.T.Fatal(err)
	}
}

// SignIn signs a subject in by the Password, and returns the token of the session.
func (w *World) SignIn(name string, subject engine.Ref) string {
	w.T.Helper()
	w.SetPassword(name, subject)
	login := w.Fields(subject).Text(w.Portals[name].Subject.Login)
	in, err := w.Gate.Password(w.T.Context(), name, login, Password, portal.Caller{Agent: "test"})
	if err != nil {
		w.T.Fatal(err)
	}
	return in.Token
}

// Advance moves the clock.
func (w *World) Advance(d time.Duration) { w.Clock.Set(w.Clock.Now().Add(d)) }

// Viewer is a subject as the gate makes them, who has just signed in.
func (w *World) Viewer(name string, subject engine.Ref) portal.Viewer {
	w.T.Helper()
	p, now := w.Portals[name], w.Clock.Now()
	role := p.Roles[engine.RoleDefault]
	fields := w.Fields(subject)
	if named := p.Roles[fields.Text(p.Subject.Role)]; named != nil {
		role = named
	}
	me := &engine.Env{
		Ref: subject, Module: p.Subject.Module, Modules: p.Modules, Record: fields, Now: now,
	}
	var routes []string
	for _, access := range role.Modules {
		routes = append(routes, access.Rows.MeRoutes()...)
	}
	if err := engine.Trace(w.T.Context(), w.CRM, me, routes); err != nil {
		w.T.Fatal(err)
	}
	return portal.Viewer{
		Portal: p, Role: role, Me: me, Language: "en", Now: now, Session: portal.Session{
			ID: engine.ID{1}, Portal: name, Subject: subject, Began: now, Proved: now, Seen: now,
			Method: engine.SignInPassword,
		},
	}
}

// Fields are the fields of a record; nil if it is not there.
func (w *World) Fields(ref engine.Ref) engine.Fields {
	w.T.Helper()
	records, err := w.CRM.Get(w.T.Context(), ref)
	if err != nil {
		w.T.Fatal(err)
	}
	if len(records) == 0 {
		return nil
	}
	return records[0].Fields
}

// Put writes fields of a record as the CRM's own people do; one that is not there is made.
func (w *World) Put(ref engine.Ref, fields engine.Fields) {
	w.T.Helper()
	now := engine.Fields{}
	maps.Copy(now, w.Fields(ref))
	maps.Copy(now, fields)
	w.follow(&engine.Event{Type: engine.RecordUpdated, Subject: ref.String(), Change: &engine.Change{Record: now}})
}

// Drop deletes a record as the CRM's own people do.
func (w *World) Drop(ref engine.Ref) {
	w.T.Helper()
	w.follow(&engine.Event{Type: engine.RecordDeleted, Subject: ref.String(), Change: &engine.Change{}})
}

// Join relates two records as the CRM's own people do.
func (w *World) Join(from, to engine.Ref) {
	w.T.Helper()
	id, err := engine.NewID(w.Clock.Now(), rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	relate := engine.Relate{From: from, To: to, Origin: engine.Origin{EventID: id, Source: "crm", At: w.Clock.Now()}}
	if _, err := w.Store.Relate(w.T.Context(), relate); err != nil {
		w.T.Fatal(err)
	}
}

// follow takes an event in, after those of our own that wait in the outbox: as the stream has them.
func (w *World) follow(event *engine.Event) {
	w.T.Helper()
	for _, own := range w.Events()[w.taken:] {
		if w.taken++; own.Change != nil {
			w.takeIn(own)
		}
	}
	w.takeIn(event)
}

func (w *World) takeIn(event *engine.Event) {
	w.T.Helper()
	w.seq++
	_, err := w.Store.Intake(w.T.Context(), engine.Intake{Kept: []engine.Kept{{Event: event, Seq: w.seq}}})
	if err != nil {
		w.T.Fatal(err)
	}
}

// Events are those that wait in the outbox, the oldest first; those of Join are among them.
func (w *World) Events() (events []*engine.Event) {
	w.T.Helper()
	outgoing, err := w.Store.Outgoing(w.T.Context(), 1000)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, o := range outgoing {
		events = append(events, o.Event)
	}
	return events
}

// Deeds are those of the audit, the oldest first.
func (w *World) Deeds() (deeds []engine.Deed) {
	w.T.Helper()
	err := w.Store.Deeds(context.WithoutCancel(w.T.Context()), 0, func(d engine.Deed) error {
		deeds = append(deeds, d)
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return deeds
}

// Ref reads "Module/id".
func Ref(text string) engine.Ref {
	ref, err := engine.ParseRef(text)
	if err != nil {
		panic(err)
	}
	return ref
}

// fill puts the records of the small book in.
func (w *World) fill() {
	w.T.Helper()
	for _, r := range records() {
		w.Put(Ref(r.ref), r.fields)
	}
	w.Join(Ref("Documents/15x1"), Ref("Accounts/11x1"))
	w.Join(Ref("Documents/15x2"), Ref("Accounts/11x2"))
	w.Join(Ref("Documents/15x1"), Ref("HelpDesk/17x1"))
	w.Join(Ref("Documents/15x2"), Ref("HelpDesk/17x1"))
}

type seed struct {
	ref    string
	fields engine.Fields
}

func records() []seed {
	n := func(text string) json.Number { return json.Number(text) }
	contact := func(first, last, email, account, role string) engine.Fields {
		return engine.Fields{
			"firstname": first, "lastname": last, "email": email, "account_id": account, "portal": true,
			"portalloginuser": role, "notes": "only for the staff",
		}
	}
	ticket := func(no, title, status, parent, rank string) engine.Fields {
		return engine.Fields{
			"ticket_no": no, "ticket_title": title, "ticketstatus": status, "parent_id": parent, "rank": n(rank),
			"hours": n(rank + ".5"), "description": "About " + title, "due": "2026-12-0" + rank, "urgent": rank == "1",
			"secret": "secret of " + no,
		}
	}
	return []seed{
		{"Accounts/11x1", engine.Fields{"accountname": "Acme", "rating": "hidden"}},
		{"Accounts/11x2", engine.Fields{"accountname": "Globex", "rating": "hidden"}},
		{Ana.String(), contact("Ana", "Ort", "ana@acme.example", "11x1", "")},
		{Bob.String(), contact("Bob", "Roe", "bob@globex.example", "11x2", "")},
		{Eve.String(), contact("Eve", "Low", "eve@nobody.example", "", "")},
		{Alan.String(), contact("Alan", "Poe", "alan@acme.example", "11x1", "")},
		{Mia.String(), contact("Mia", "Fox", "mia@acme.example", "11x1", "manager")},
		{Sam.String(), engine.Fields{"last_name": "Sam", "work_email": "sam@acme.example", "active": true}},
		{Tess.String(), engine.Fields{"last_name": "Tess", "work_email": "tess@acme.example", "active": true}},
		{"HelpDesk/17x1", ticket("TT1", "Printer on fire", "Open", "11x1", "1")},
		{"HelpDesk/17x2", ticket("TT2", "No paper", "In Progress", "12x1", "2")},
		{"HelpDesk/17x3", ticket("TT3", "Globex is down", "Open", "11x2", "3")},
		{"HelpDesk/17x4", ticket("TT4", "Of nobody", "Open", "", "4")},
		{"HelpDesk/17x5", ticket("TT5", "Old printer", "Closed", "11x1", "5")},
		{"HelpDesk/17x6", ticket("TT6", "Bob's own", "Open", "12x2", "6")},
		{"ModComments/29x1", engine.Fields{"commentcontent": "We look at it", "related_to": "17x1"}},
		{"ModComments/29x2", engine.Fields{"commentcontent": "For Globex", "related_to": "17x3"}},
		{"Invoice/7x1", engine.Fields{
			"invoice_no": "INV1", "subject": "Paper", "total": n("100.50"), "margin": n("40"), "account_id": "11x1",
		}},
		{"Invoice/7x2", engine.Fields{
			"invoice_no": "INV2", "subject": "Ink", "total": n("9"), "margin": n("4"), "account_id": "11x2",
		}},
		{"Project/31x1", engine.Fields{"projectname": "Move", "account_id": "11x1"}},
		{"Project/31x2", engine.Fields{"projectname": "Rebuild", "account_id": "11x2"}},
		{"ProjectTask/32x1", engine.Fields{"projecttaskname": "Pack", "projectid": "31x1", "progress": n("10")}},
		{"ProjectTask/32x2", engine.Fields{"projecttaskname": "Dig", "projectid": "31x2", "progress": n("20")}},
		{"Documents/15x1", engine.Fields{"notes_title": "Contract of Acme"}},
		{"Documents/15x2", engine.Fields{"notes_title": "Contract of Globex"}},
		{"Assets/34x1", engine.Fields{"assetname": "Press", "account_id": "11x1"}},
		{"Salaries/41x1", engine.Fields{"month": "2026-10", "net": n("2000"), "employee": "20x1"}},
		{"Salaries/41x2", engine.Fields{"month": "2026-10", "net": n("3000"), "employee": "20x2"}},
		{"TimeRecords/42x1", engine.Fields{"day": "2026-11-25", "hours": n("8"), "employee": "20x1"}},
		{"TimeRecords/42x2", engine.Fields{"day": "2026-11-25", "hours": n("7"), "employee": "20x2"}},
	}
}
