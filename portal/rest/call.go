package rest

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"postern/portal"
)

// call is a request on its way.
type call struct {
	*http.Request
	w      http.ResponseWriter
	portal string
	token  string        // of the session; "" for none
	bearer bool          // whether the token came by Authorization
	viewer portal.Viewer // of a path for who is signed in
}

// handler answers a call, or says why not.
type handler func(c *call) (answer, error)

// methods are the handlers of a path.
type methods map[string]handler

// answer is what a call is answered with.
type answer struct {
	status int // 200 if 0
	header map[string]string
	body   any  // nil for none
	sent   bool // it is written already
}

// open is a path for anybody.
func (a *API) open(by methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, by, false) })
}

// signedIn is a path for who is signed in.
func (a *API) signedIn(by methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, by, true) })
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, by methods, signedIn bool) {
	c := &call{Request: r, w: w, portal: r.PathValue("portal")}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle := by[method]
	if handle == nil {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(by)), ", "))
		a.refuse(w, c, errMethod)
		return
	}
	reply, err := a.checked(c, handle, signedIn)
	if err != nil {
		a.refuse(w, c, err)
		return
	}
	if !reply.sent {
		a.send(w, c, reply)
	}
}

// checked finds out who calls before anything else is read.
func (a *API) checked(c *call, handle handler, signedIn bool) (answer, error) {
	c.token, c.bearer = bearerOf(c.Request)
	if !c.bearer {
		if c.Method != http.MethodGet && c.Method != http.MethodHead && a.origins.Check(c.Request) != nil {
			return answer{}, errOrigin
		}
		c.token = a.cookies.SessionOf(c.Request, c.portal)
	}
	if signedIn {
		viewer, err := a.with.Gate.Viewer(c.Context(), c.portal, c.token)
		if err != nil {
			return answer{}, err
		}
		c.viewer = viewer
	}
	return handle(c)
}

// bearerOf is the token that a request comes with by Authorization, which counts for more than a cookie.
func bearerOf(r *http.Request) (token string, given bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// caller is who a call comes from, as the gate wants to know it.
func (a *API) caller(c *call) portal.Caller {
	caller := portal.Caller{Agent: c.UserAgent(), Session: c.token}
	if a.with.Client != nil {
		caller.Address = a.with.Client(c.Request)
	}
	if !caller.Address.IsValid() {
		caller.Address = netip.Addr{}
	}
	caller.Device = a.cookies.DeviceOf(c.Request, c.portal)
	return caller
}

// send writes an answer.
func (a *API) send(w http.ResponseWriter, c *call, reply answer) {
	for name, value := range reply.header {
		w.Header().Set(name, value)
	}
	status := reply.status
	if status == 0 {
		status = http.StatusOK
	}
	if reply.body == nil {
		w.WriteHeader(status)
		return
	}
	a.write(w, c, status, "application/json; charset=utf-8", reply.body)
}

func (a *API) write(w http.ResponseWriter, c *call, status int, media string, body any) {
	written, err := json.Marshal(body)
	if err != nil {
		a.with.Logger.ErrorContext(c.Context(), "an answer of the portal's API cannot be written", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(append(written, '\n')) // the client may have gone
}

// Why a request is refused whatever it is about.
var (
	errNoPath    = errors.New("there is no such path")
	errMethod    = errors.New("the method is none of this path")
	errOrigin    = errors.New("the request was sent by a page of another site")
	errTooLarge  = errors.New("the body is too large")
	errMedia     = errors.New("the body is no JSON by its type")
	errMalformed = errors.New("the body cannot be read")
	errParameter = errors.New("a parameter cannot be read")
	errNoSession = errors.New("the viewer has no such session")
)
