package facade

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"postern/engine"
	"postern/portal"
)

// Gate is what the façade asks of the portal's gate.
type Gate interface {
	Challenge(ctx context.Context, portal, name, nonce string, caller portal.Caller) (portal.Challenge, error)
	Login(ctx context.Context, portal string, proof portal.Proof, caller portal.Caller) (portal.SignedIn, error)
	Password(ctx context.Context, portal, name, password string, caller portal.Caller) (portal.SignedIn, error)
	Viewer(ctx context.Context, portal, token string) (portal.Viewer, error)
	Extend(ctx context.Context, portal, token string) (portal.Viewer, error)
	Logout(ctx context.Context, portal, token string) error
	ChangePassword(ctx context.Context, v portal.Viewer, password, next string, caller portal.Caller) (
		portal.SignedIn, error)
	AppKey(ctx context.Context, portal, client string, right func(secret string) bool, caller portal.Caller) (
		portal.SignedIn, error)
	Try(caller portal.Caller) error
	TakeBack(caller portal.Caller, tries int)
	Ask(ctx context.Context, portal, name string, what engine.OpensWhat, caller portal.Caller) error
}

// Tokens keeps the façade's own challenges, each of which can be taken once; see portal.SessionStore.
type Tokens interface {
	KeepChallenge(ctx context.Context, digest, sealed []byte, expires time.Time) error
	TakeChallenge(ctx context.Context, digest []byte, now time.Time) (sealed []byte, err error)
}

// Config is what a façade works with. Everything but what says so is needed.
type Config struct {
	Gate    Gate
	Records portal.Records
	Tokens  Tokens
	Book    func() *engine.Book // the book as it is now
	Default string              // portal that /webservice.php is for; "" for none

	// Plaintext lets clients send the token and the password, as coreBOS's mode of that name does.
	Plaintext bool
	// AppKeys lets programs send a digest of the token and their app key.
	AppKeys bool

	Prefixes map[string]string              // of the ids of modules, such as HelpDesk: 17; may be nil
	Origins  []string                       // hosts whose pages may ask, such as https://www.acme.example; may be nil
	Client   func(*http.Request) netip.Addr // where a request comes from; nil where that cannot be known
	Proxied  func(netip.Addr) bool          // whether that is a proxy that is believed
	Secure   bool                           // whether our own address begins with https

	Clock  engine.Clock
	Random io.Reader // of tokens
	Logger *slog.Logger
}

// Facade answers at webservice.php. It is safe for parallel use.
type Facade struct{ with Config }

// New makes a façade.
func New(config Config) *Facade { return &Facade{with: config} }

// operation does one thing that clients ask for. v is the viewer, or the zero Viewer before signing in.
type operation struct {
	do     func(*Facade, *call, portal.Viewer) (answer, error)
	open   bool // to who is not signed in
	posted bool // it is taken by POST alone: it changes something, or carries what nobody else may see
}

// operations are those that the façade has, by name in small letters. Names are read in any case, as in coreBOS.
func operations() map[string]operation {
	return map[string]operation{
		"getchallenge":             {do: (*Facade).challenge, open: true},
		"loginportal":              {do: (*Facade).loginPortal, open: true, posted: true},
		"login":                    {do: (*Facade).login, open: true, posted: true},
		"sendrecoverpassword":      {do: (*Facade).recover, open: true, posted: true},
		"extendsession":            {do: (*Facade).extend, posted: true},
		"logout":                   {do: (*Facade).logout, posted: true},
		"changeportaluserpassword": {do: (*Facade).changePassword, posted: true},
		"listtypes":                {do: (*Facade).listTypes},
		"describe":                 {do: (*Facade).describe},
		"query":                    {do: (*Facade).query},
		"querywithtotal":           {do: (*Facade).query},
		"retrieve":                 {do: (*Facade).retrieve},
		"getrelatedrecords":        {do: (*Facade).related},
		"create":                   {do: (*Facade).create, posted: true},
		"update":                   {do: (*Facade).update, posted: true},
		"revise":                   {do: (*Facade).revise, posted: true},
		"delete":                   {do: (*Facade).remove, posted: true},
	}
}

// elsewhere are operations of coreBOS that the façade does not have, and why or what to do in their place.
var elsewhere = map[string]string{
	"authenticatecontact": "authenticateContact compares passwords in clear and is not here: " +
		"sign in by getchallenge and loginPortal",
	"findbyportalusername":       "findByPortalUserName would tell strangers who has an account",
	"getportaluserinfo":          "there is no account of the CRM behind a portal: describe and retrieve say the rest",
	"getportaluserdateformat":    "dates are YYYY-MM-DD and times YYYY-MM-DD hh:mm:ss in UTC, for everybody",
	"getotpaccess":               "a sign-in link on the page of the portal does this",
	"upsert":                     "search by query, then create or revise",
	"addticketfaqcomment":        "create a record of ModComments, if the portal's file lets you",
	"masscreate":                 oneByOne,
	"massupdate":                 oneByOne,
	"massretrieve":               oneByOne,
	"massdelete":                 oneByOne,
	"setrelation":                "set the reference field that leads there",
	"unsetrelation":              "clear the reference field that leads there",
	"sync":                       notHere,
	"executeworkflow":            notHere,
	"executeworkflowwithcontext": notHere,
	"validateinformation":        notHere,
	"createwithvalidation":       "create checks what is given",
	"updatewithvalidation":       "update checks what is given",
	"revisewithvalidation":       "revise checks what is given",
	"getpicklistvalues":          "describe lists the options",
}

const (
	oneByOne = "records are read and changed one by one here"
	notHere  = "a portal does not have this operation"
)

// ServeHTTP answers for the portal in the path /portal/<portal>/webservice.php, or for the default one.
func (f *Facade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("portal")
	if name == "" {
		name = f.with.Default
	}
	f.serve(w, r, name)
}

func (f *Facade) serve(w http.ResponseWriter, r *http.Request, name string) {
	protect(w.Header())
	if f.crossOrigin(w, r) {
		return
	}
	book := f.with.Book().Portals[name]
	if book == nil {
		f.refuse(w, r, "", portal.ErrNoPortal)
		return
	}
	c, err := readCall(w, r)
	if err != nil {
		f.refuse(w, r, "", err)
		return
	}
	c.portal, c.caller = book, portal.Caller{Address: f.from(r), Agent: r.UserAgent()}
	result, err := f.answer(c)
	if err != nil {
		f.refuse(w, r, c.operation, err)
		return
	}
	result.write(w)
}

// from is where a request comes from, as far as that is known.
func (f *Facade) from(r *http.Request) netip.Addr {
	if f.with.Client == nil {
		return netip.Addr{}
	}
	return f.with.Client(r)
}

func (f *Facade) answer(c *call) (answer, error) {
	op, known := operations()[c.operation]
	if !known {
		if why, there := elsewhere[c.operation]; there {
			return answer{}, fault(codeNotSupported, why)
		}
		return answer{}, fault(codeUnknown, "Unknown operation requested")
	}
	if op.posted && (c.request.Method != http.MethodPost || c.addressed()) {
		return answer{}, fault(codeFailure, "this is taken by POST alone, with nothing but the operation in the "+
			"address: what stands there stands in logs")
	}
	if c.inAddress("sessionname") {
		return answer{}, fault(codeRequired, "a session must not stand in an address, where logs keep it: "+
			"send it in the header corebos-authorization, or in the body of a POST")
	}
	if op.open {
		return op.do(f, c, portal.Viewer{})
	}
	v, err := f.with.Gate.Viewer(c.context(), c.portal.Name, c.session())
	if err != nil {
		return answer{}, err
	}
	return op.do(f, c, v)
}

// protect sets the headers that every answer carries: it is data, for nobody to keep, frame or guess at.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// crossOrigin tells the pages of configured hosts that they may ask, and answers the question that a browser asks
// before. There are no cookies here, so no page has power by the browser that it is shown in.
func (f *Facade) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	w.Header().Add("Vary", "Origin")
	if origin == "" || !slices.Contains(f.with.Origins, origin) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type, corebos-authorization")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
