// Package corebostest plays a coreBOS: a local, stateful server of the web-service calls that Postern uses. It answers
// as the recorded exchanges in testdata do, which a test replays against it, and lets a test or a scenario break it on
// purpose, edit records as a human would, and count what it really did.
package corebostest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern/engine"
)

// User may sign in to the played CRM.
type User struct {
	ID        string // "19x1"
	Name      string // to sign in with
	FirstName string
	LastName  string
	AccessKey string
	Password  string
}

// Admin is the user that every played CRM has. It may do everything.
var Admin = User{
	ID: "19x1", Name: "admin", LastName: "Administrator", AccessKey: "Key-Of-The-Admin", Password: "Adm1n-Loopback-7",
}

// Event source of the played CRM, as CloudEvents want it.
const source = "https://crm.example"

// Written is one change that the CRM made, for tests to count.
type Written struct {
	Operation string // create, update, revise, delete, SetRelation or UnsetRelation
	Ref       engine.Ref
	Set       map[string]string // what was asked for
	User      string            // name of the user
	At        time.Time
}

// Player is a CRM with accounts, contacts and tickets. It serves webservice.php at any path. Its methods may be called
// while it serves.
type Player struct {
	now func() time.Time

	mu       sync.Mutex
	users    []User
	modules  map[string]*module
	records  map[int]*record
	last     int            // number of the newest record; records of all modules share the numbers
	numbers  map[string]int // of the newest ticket_no, contact_no and so on, by module
	tokens   map[string]token
	sessions map[string]*session
	opened   int // sessions so far
	faults   []*fault
	calls    map[string]int
	written  []Written
	related  map[joined]bool
	told     int
	tell     func(*engine.Event)
}

type record struct {
	module  *module
	number  int
	fields  map[string]string
	uuid    string
	deleted bool
}

func (r *record) id() string { return fmt.Sprintf("%sx%d", r.module.prefix, r.number) }

func (r *record) ref() engine.Ref { return engine.Ref{Module: r.module.name, ID: r.id()} }

// New returns a CRM without records whose only user is Admin. now is its clock, which should agree with the real one
// where sessions are not to end at once.
func New(now func() time.Time) (*Player, error) {
	modules, err := describedModules()
	if err != nil {
		return nil, fmt.Errorf("play a coreBOS: %w", err)
	}
	return &Player{
		now: now, users: []User{Admin}, modules: modules, records: map[int]*record{}, last: 100,
		numbers: map[string]int{}, tokens: map[string]token{}, sessions: map[string]*session{}, calls: map[string]int{},
		related: map[joined]bool{},
	}, nil
}

// AddUser lets one more user sign in.
func (p *Player) AddUser(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users = append(p.users, u)
}

// OnChange makes the CRM tell every change by an event, as one that publishes them does. tell is called in the order of
// the changes while the CRM is held, so it must not call the Player.
func (p *Player) OnChange(tell func(*engine.Event)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell = tell
}

// Seed makes a record that no call made and no event tells. What is not given is empty, or as for a new record.
func (p *Player) Seed(moduleName string, fields map[string]string) (engine.Ref, error) {
	return p.add(moduleName, fields, false)
}

// Add makes a record as a human would on the CRM's pages: by no call, but told by an event.
func (p *Player) Add(moduleName string, fields map[string]string) (engine.Ref, error) {
	return p.add(moduleName, fields, true)
}

func (p *Player) add(moduleName string, fields map[string]string, told bool) (engine.Ref, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.modules[moduleName]
	if m == nil {
		return engine.Ref{}, fmt.Errorf("the played CRM has no module %q", moduleName)
	}
	r := p.make(m, fields, p.users[0])
	if !p.isUser(r.fields["assigned_user_id"]) {
		r.fields["assigned_user_id"] = p.users[0].ID
	}
	if told {
		p.publish(engine.RecordCreated, r, nil, p.users[0])
	}
	return r.ref(), nil
}

// Edit changes a record as a human would on the CRM's pages: by no call, but told by an event.
func (p *Player) Edit(ref engine.Ref, set map[string]string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.at(ref.ID)
	if r == nil {
		return fmt.Errorf("the played CRM has no record %s", ref)
	}
	p.change(r, set, p.users[0])
	return nil
}

// Delete removes a record as a human would.
func (p *Player) Delete(ref engine.Ref) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.at(ref.ID)
	if r == nil {
		return fmt.Errorf("the played CRM has no record %s", ref)
	}
	p.remove(r, p.users[0])
	return nil
}

// Fields are the fields of a record as the CRM holds them now; nil if it is not there.
func (p *Player) Fields(ref engine.Ref) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.at(ref.ID)
	if r == nil {
		return nil
	}
	return maps.Clone(r.fields)
}

// Records are the records of a module that are not deleted, the oldest first.
func (p *Player) Records(moduleName string) []engine.Ref {
	p.mu.Lock()
	defer p.mu.Unlock()
	var refs []engine.Ref
	for _, r := range p.all(p.modules[moduleName]) {
		refs = append(refs, r.ref())
	}
	return refs
}

// Calls tells how often an operation was asked for, those that failed included; of "" all of them.
func (p *Player) Calls(operation string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if operation != "" {
		return p.calls[operation]
	}
	sum := 0
	for _, n := range p.calls {
		sum += n
	}
	return sum
}

// Written lists what calls really changed, the oldest first; edits of humans are not among them.
func (p *Player) Written() []Written {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.written)
}

// ServeHTTP answers one call.
func (p *Player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := readCall(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.calls[c.operation]++
	broken := p.broken(c.operation)
	p.mu.Unlock()
	if broken != nil && !broken.before(w, r) {
		return
	}
	p.mu.Lock()
	reply := p.answer(c)
	p.mu.Unlock()
	if broken != nil && !broken.after(w, r) {
		return
	}
	reply.write(w)
}

// at finds a record that is not deleted by an id such as 17x8615.
func (p *Player) at(id string) *record {
	prefix, number, _ := strings.Cut(id, "x")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	r := p.records[n]
	if r == nil || r.deleted || r.module.prefix != prefix {
		return nil
	}
	return r
}

// all are the records of a module, the oldest first.
func (p *Player) all(m *module) []*record {
	var found []*record
	for _, n := range slices.Sorted(maps.Keys(p.records)) {
		if r := p.records[n]; r.module == m && !r.deleted {
			found = append(found, r)
		}
	}
	return found
}

func (p *Player) isUser(id string) bool { return p.user(id) != nil }

func (p *Player) user(id string) *User {
	i := slices.IndexFunc(p.users, func(u User) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return &p.users[i]
}
