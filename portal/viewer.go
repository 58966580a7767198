package portal

import (
	"time"

	"postern/engine"
)

// Viewer is the subject of one request: who they are, as the CRM has them now, and what their role may do.
type Viewer struct {
	Portal   *engine.Portal
	Role     *engine.Role
	Me       *engine.Env // their record, with the routes that the predicates of the role need
	Session  Session
	Language string
	Now      time.Time

	token []byte // digest of that of the request: a session is renewed by who has the one that it has now
}

// Ref is the viewer's own record.
func (v Viewer) Ref() engine.Ref { return v.Me.Ref }

// Access is what the viewer may do with a module; nil for nothing.
func (v Viewer) Access(module string) *engine.Access { return v.Role.Modules[module] }

// Fresh tells whether the viewer proved who they are recently enough for what is sensitive. A program never did: whom
// it acts as is not there.
func (v Viewer) Fresh() bool {
	return !v.Session.ByProgram() && v.Now.Sub(v.Session.Proved) < engine.FreshSignIn
}

// Actor is the viewer as the actor of events and deeds.
func (v Viewer) Actor() string { return engine.PortalActor + v.Ref().String() }

// Session is a sign-in, until it ends. Its token, 256 bits, is with the browser or program alone: the store keeps a
// hash.
type Session struct {
	ID      engine.ID
	Portal  string
	Subject engine.Ref
	Epoch   int       // of the subject's sessions: raising it ends all of them
	Began   time.Time // when the session began; it ends after SignIn.Most
	Proved  time.Time // when the subject last proved who they are
	Seen    time.Time // of the last request, within a minute; it ends after SignIn.Idle
	Method  engine.SignInMethod
	Second  bool   // a second factor was proved too
	Agent   string // what the browser calls itself, for the list of sessions
	From    string // address, masked to its network
}

// ByProgram tells whether a program signed in, by an app key, and no person.
func (s Session) ByProgram() bool { return s.Method == MethodAppKey }
