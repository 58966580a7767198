package engine

import (
	"maps"
	"slices"
	"time"
)

// Portal lets people sign in and shows them the records that concern them: what its file under portal/ says.
type Portal struct {
	Name    string
	Label   Labels // what its pages are headed by; the brand's name where it has none
	Subject Subject
	SignIn  SignIn
	Roles   map[string]*Role
	Modules map[string]*Module // all modules of the book it was loaded with
	Version string             // hash of its file and of the modules that it speaks of
}

// Subject says who may sign in to a portal, by their record.
type Subject struct {
	Module   *Module
	Login    string         // field whose value they sign in with; ignoring case
	Active   Program        // of their record, as me: they may sign in while it is true
	From     string         // date or datetime field before which they may not; "" for none
	Until    string         // date or datetime field after which they may not: a date is its whole day; "" for none
	Zone     *time.Location // whose days those are
	Language string         // field that holds their language; the module's own where it is ""
	Role     string         // field that names their role; RoleDefault where it is "" or names none
}

// PortalActor is what the actor of a change begins with that somebody made in a portal; their record follows.
const PortalActor = "portal:"

// RoleDefault is the role of who has no other.
const RoleDefault = "default"

// SignInMethod is a way to sign in.
type SignInMethod string

// The ways to sign in.
const (
	SignInPassword SignInMethod = "password"
	SignInPasskey  SignInMethod = "passkey"
	SignInLink     SignInMethod = "link" // a link by mail
)

// SignInMethods are all ways to sign in, in the order the reference shows them.
func SignInMethods() []SignInMethod { return []SignInMethod{SignInPassword, SignInPasskey, SignInLink} }

// SecondFactor says whether a password or a link alone signs in.
type SecondFactor string

// The choices of second_factor.
const (
	SecondFactorOptional SecondFactor = "optional" // who has enrolled one needs it
	SecondFactorRequired SecondFactor = "required" // who has none has to enrol one before anything else
)

// SignIn says how people sign in to a portal, and for how long.
type SignIn struct {
	Methods      []SignInMethod
	SecondFactor SecondFactor
	Idle         time.Duration // a session ends after so long without a request; SessionIdle by default
	Most         time.Duration // and after so long in any case; SessionMost by default
	Sessions     int           // at once; the one that was idle for longest ends for a further one
}

// Defaults and limits of sessions (OWASP ASVS 5.0, 7.3).
const (
	SessionIdle     = 30 * time.Minute
	SessionMost     = 12 * time.Hour
	SessionsAtOnce  = 5
	MaxSessionMost  = 30 * 24 * time.Hour
	MaxSessionsOnce = 20
)

// Role is what those who have it may see and do. What it does not name is forbidden.
type Role struct {
	Name    string
	Modules map[string]*Access // by module
	Order   []string           // their names, as the file lists them; nil for by name
}

// Names are the modules that the role has access to, in their order.
func (r *Role) Names() []string {
	if r.Order != nil {
		return r.Order
	}
	return slices.Sorted(maps.Keys(r.Modules))
}

// Access is what a role may do with the records of a module. Its zero value is nothing.
type Access struct {
	Module  *Module
	Rows    Predicate // which records; about me and the record
	While   Predicate // which of them may be changed and deleted; about me and fields of the record itself
	Read    []string  // fields that are shown, in the order they are shown in; the first ones head a list
	Filter  []string  // fields that may be filtered and searched by; all of Read by default
	Sort    []string  // fields that may be sorted by; all of Read by default
	Update  []string  // fields that may be changed; only fields of Read
	Fresh   []string  // of Update: those that only who has signed in within FreshSignIn may change
	Create  *Making   // nil: none may be made
	Delete  bool
	Related []Relative // lists that are shown beside a record
}

// FreshSignIn is how old a sign-in may be for what is sensitive (OWASP ASVS 5.0, 7.5.1).
const FreshSignIn = 10 * time.Minute

// Making says how a record is made.
type Making struct {
	Fields []string           // may be given
	Set    map[string]Operand // what is set besides, whatever is given
}

// Relative is a list of records that belong to one.
type Relative struct {
	Module string // whose own Access counts for its rows and fields
	By     string // reference of that module that leads to the record; "" where the CRM relates them
}
