package portal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/internal/store"
	"postern/portal"
	"postern/portal/portaltest/house"

	"pgregory.net/rapid"
)

// gateModel is two gates on one store, as two nodes are, beside the plain state of what they should know.
type gateModel struct {
	t        *testing.T
	gates    []*portal.Gate
	crm      *roll
	clock    *engine.StillClock
	portal   *engine.Portal
	souls    []*soul
	browsers []*browser
	sittings []*sitting
	halfways []*halfway
	rites    []*rite
	talks    []*talk
	held     []*view                // of requests that are under way
	lanes    map[string]portal.Lane // by whose they are
	known    map[string]*soul       // whose browser it is, by its token
	tokens   map[string]*sitting    // every token that a session ever had
	issued   []string               // whatever was ever given out, to be tried as a session
}

// soul is somebody who may sign in.
type soul struct {
	ref       engine.Ref
	name      string
	active    bool
	disabled  bool
	password  string
	set       int // how often it was
	passkeys  []*rite
	secret    []byte // of the authenticator; nil for none
	step      int64  // that was accepted last
	codes     []string
	spent     []string // recovery codes that must not work any more
	appSecret string
}

func (s *soul) second() bool { return len(s.passkeys) > 0 || s.secret != nil }
func (s *soul) opens() bool  { return s.active && !s.disabled }

// browser is what somebody comes with.
type browser struct{ device, session string }

func (b *browser) caller() portal.Caller { return portal.Caller{Device: b.device, Session: b.session} }

// sitting is a session.
type sitting struct {
	of                  *soul
	id                  engine.ID
	token               string // that it has now
	began, proved, seen time.Time
	second, program     bool
	gone                bool
}

// halfway is a sign-in that something is missing of.
type halfway struct {
	of     *soul
	token  string
	method engine.SignInMethod
	next   string
	lanes  []string
	ends   time.Time
	tries  int
	gone   bool
}

// rite is a ceremony.
type rite struct {
	kind    portal.CeremonyKind
	of      *soul
	binding string
	asked   portal.Asked
	device  *passkeytest.Device // that makes a passkey in it
	id      engine.ID           // of the passkey, once it is made
	secret  []byte              // of the authenticator that is set up in it
	ends    time.Time
	used    bool
}

// talk is a sign-in by a proof.
type talk struct {
	client    *house.Client
	challenge portal.Challenge
	proof     portal.Proof
	name      string
	typed     string
	set       int // of the password that it is about; -1 for nobody's
	used      bool
}

// view is a request that is under way: its session may end, or get another token, before it is through.
type view struct {
	portal.Viewer
	of     *sitting
	token  string
	second bool
	proved time.Time
}

func (v *view) alive() bool { return !v.of.gone && v.of.token == v.token }
func (v *view) fresh() bool { return !v.of.program && v.Now.Sub(v.proved) < engine.FreshSignIn }

// roll is the records of those who sign in, as their CRM has them.
type roll struct {
	portal.CRM
	records map[engine.Ref]engine.Fields
}

func (r *roll) Get(_ context.Context, refs ...engine.Ref) (found []engine.Record, _ error) {
	for _, ref := range refs {
		if fields := r.records[ref]; fields != nil {
			found = append(found, engine.Record{Ref: ref, Fields: fields})
		}
	}
	return found, nil
}

func (r *roll) Search(_ context.Context, s engine.Search) (found engine.Found, _ error) {
	for ref, fields := range r.records {
		if fields.Text(s.Where.Path) == s.Where.Values[0].Value {
			found.Records = append(found.Records, engine.Record{Ref: ref, Fields: fields})
		}
	}
	return found, nil
}

func (tools modelTools) gates(t *testing.T, rt *rapid.T) *gateModel {
	m := &gateModel{
		t: t, clock: engine.NewStillClock(time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)),
		crm: &roll{records: map[engine.Ref]engine.Fields{}}, lanes: map[string]portal.Lane{},
		known: map[string]*soul{}, tokens: map[string]*sitting{}, browsers: []*browser{{}, {}, {}},
		issued: []string{"", "x", strings.Repeat("A", 43)},
	}
	portals := house.Portals(house.Modules())
	m.portal = portals[house.Customers]
	m.portal.SignIn.Sessions = rapid.IntRange(1, 3).Draw(rt, "sessions at once")
	if rapid.Bool().Draw(rt, "required") {
		m.portal.SignIn.SecondFactor = engine.SecondFactorRequired
	}
	logger := slog.New(slog.DiscardHandler)
	kept, err := tools.mould.Open(rt.Context(), m.clock, logger)
	if err != nil {
		rt.Fatal(err)
	}
	rt.Cleanup(func() { _ = kept.Close() })
	for range 2 {
		m.gates = append(m.gates, tools.gate(t, rt, m, kept, portals))
	}
	for i, ref := range []engine.Ref{house.Ana, house.Bob} {
		s := &soul{ref: ref, name: []string{"ana@acme.example", "bob@globex.example"}[i], active: true}
		m.crm.records[ref] = engine.Fields{"email": s.name, "portal": true}
		m.souls = append(m.souls, s)
		m.setPassword(rt, s, passwords[i])
		order := engine.Order{By: "test", At: m.clock.Now()}
		_, s.appSecret, err = m.gates[0].MakeAppKey(rt.Context(), house.Customers, s.name, ref, time.Hour*9999, order)
		if err != nil {
			rt.Fatal(err)
		}
	}
	return m
}

func (tools modelTools) gate(
	t *testing.T, rt *rapid.T, m *gateModel, kept *store.Store, portals map[string]*engine.Portal,
) *portal.Gate {
	config := portal.GateConfig{
		Store: kept, CRM: m.crm, Book: func() *engine.Book { return &engine.Book{Portals: portals} },
		Sealer: tools.ring.Seal(rand.Reader), Names: make([]byte, 32), Clock: m.clock, Random: rand.Reader,
		Logger: slog.New(slog.DiscardHandler), Rounds: house.Rounds,
	}
	makesPasskeys(t)(&config)
	gate, err := portal.NewGate(config)
	if err != nil {
		rt.Fatal(err)
	}
	return gate
}

// likely draws what happens three times out of four.
func likely(rt *rapid.T, what string) bool { return rapid.IntRange(0, 3).Draw(rt, what) < 3 }

// pick draws one of many.
func pick[T any](rt *rapid.T, what string, of []T) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(rt, what)]
}

func (m *gateModel) required() bool {
	return m.portal.SignIn.SecondFactor == engine.SecondFactorRequired
}

// node is one of the gates: which one must make no difference.
func (m *gateModel) node(rt *rapid.T) *portal.Gate {
	return pick(rt, "node", m.gates)
}

func (m *gateModel) someone(rt *rapid.T) *soul { return pick(rt, "who", m.souls) }

func (m *gateModel) browser(rt *rapid.T) *browser {
	return pick(rt, "browser", m.browsers)
}

// wants holds the outcome against the model's, and tells whether it was done.
func (m *gateModel) wants(rt *rapid.T, what string, got, want error) bool {
	if want == nil && got != nil || !errors.Is(got, want) {
		rt.Fatalf("%s: %v, want %v", what, got, want)
	}
	return got == nil
}

// try counts a try in a lane.
func (m *gateModel) try(lane string) (open bool) {
	l := m.lanes[lane]
	if open = l.Open(m.clock.Now()); open {
		m.lanes[lane] = l.Tried(m.clock.Now())
	}
	return open
}

// alive tells whether a token is that of a session whose person may go on, now.
func (m *gateModel) alive(token string) *sitting {
	s, now, signIn := m.tokens[token], m.clock.Now(), m.portal.SignIn
	if s == nil || s.gone || s.token != token || !s.of.opens() || m.required() && !s.second ||
		!now.Before(s.seen.Add(signIn.Idle)) || !now.Before(s.began.Add(signIn.Most)) {
		return nil
	}
	return s
}

// ends ends the sessions of somebody but for one, and what they have begun.
func (m *gateModel) ends(of *soul, but *sitting) {
	for _, s := range m.sittings {
		s.gone = s.gone || s.of == of && s != but
	}
	for _, h := range m.halfways {
		h.gone = h.gone || h.of == of
	}
}

// forgets makes strangers of somebody's browsers, but for one.
func (m *gateModel) forgets(of *soul, but string) {
	for device, whose := range m.known {
		if whose == of && device != but {
			delete(m.known, device)
			delete(m.lanes, "device "+device)
		}
	}
}

// laneOf is where a try of somebody from a browser is counted.
func (m *gateModel) laneOf(of *soul, b *browser, strangers string) string {
	if m.known[b.device] == of {
		return "device " + b.device
	}
	return strangers
}

// entered is a new session: it takes the place of the browser's own, and of those there are too many of.
func (m *gateModel) entered(rt *rapid.T, s *sitting, in portal.SignedIn, b *browser) {
	s.token, s.id = in.Token, in.Session.ID
	if s.began = m.clock.Now(); in.Session.Second != s.second || in.Token == "" || in.Next != "" {
		rt.Fatalf("signed in as %+v, want a session", in)
	}
	s.proved, s.seen = s.began, s.began
	most := portal.AppKeySessions
	if !s.program {
		most = m.portal.SignIn.Sessions
		if old := m.tokens[b.session]; old != nil && old.token == b.session {
			old.gone = true
		}
	}
	var others []*sitting
	for _, o := range m.sittings {
		if o.of == s.of && !o.gone && o.program == s.program {
			others = append(others, o)
		}
	}
	slices.SortFunc(others, func(a, b *sitting) int {
		if c := b.seen.Compare(a.seen); c != 0 {
			return c
		}
		return bytes.Compare(b.id[:], a.id[:])
	})
	for _, o := range others[min(len(others), most-1):] {
		o.gone = true
	}
	m.sittings, m.tokens[s.token] = append(m.sittings, s), s
	m.issued = append(m.issued, s.token)
	if s.program {
		return
	}
	if known := m.known[b.device] == s.of; known != (in.Device == "") {
		rt.Fatalf("the browser is known %v, and gets %q", known, in.Device)
	}
	if b.session = in.Token; in.Device != "" {
		b.device, m.known[in.Device] = in.Device, s.of
		m.issued = append(m.issued, in.Device)
	}
}

// let is somebody who has proved what they began with.
func (m *gateModel) let(
	rt *rapid.T, s *sitting, method engine.SignInMethod, lanes []string, in portal.SignedIn, b *browser,
) {
	next := ""
	switch {
	case s.second:
	case s.of.second():
		next = portal.NextSecond
	case m.required():
		next = portal.NextEnrol
	}
	if next == "" {
		for _, lane := range lanes {
			delete(m.lanes, lane)
		}
		m.entered(rt, s, in, b)
		return
	}
	if in.Next != next || in.Token != "" || in.Device != "" {
		rt.Fatalf("signed in as %+v, want %s", in, next)
	}
	h := &halfway{
		of: s.of, token: in.Pending, method: method, next: next, lanes: lanes,
		ends: m.clock.Now().Add(portal.PendingLife),
	}
	var open []*halfway
	for _, o := range m.halfways {
		if o.of == s.of && !o.gone {
			open = append(open, o)
		}
	}
	for _, o := range open[:max(len(open)-portal.MaxPending+1, 0)] {
		o.gone = true
	}
	m.halfways, m.issued = append(m.halfways, h), append(m.issued, in.Pending)
}

// renewed is a session under its new token.
func (m *gateModel) renewed(v *view, in portal.SignedIn, second bool) {
	s := v.of
	s.token, s.second = in.Token, s.second || second
	if v.Now.After(s.seen) {
		s.seen = v.Now
	}
	m.tokens[in.Token] = s
	m.issued = append(m.issued, in.Token)
	for _, b := range m.browsers {
		if b.session == v.token {
			b.session = in.Token
		}
	}
}
