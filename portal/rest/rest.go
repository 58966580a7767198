// Package rest is the portal for programs and for front ends of the customer's own: the gate and the desk as JSON over
// HTTP, below /portal/api/v1/<portal>/. docs/guide/portal-api.md tells how it is used, and the document of the API
// (schemas.API) what each path takes and answers.
//
// Who calls is known by a bearer token, or by the cookie that a sign-in from a browser asked for. What changes
// something by cookie has to come from a page of the same host.
package rest

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// Prefix is what all paths begin with.
const Prefix = "/portal/api/v1/"

// Gate is what the API asks of the gate; see portal.Gate.
type Gate interface {
	Challenge(ctx context.Context, portal, name, nonce string, caller portal.Caller) (portal.Challenge, error)
	Login(ctx context.Context, portal string, proof portal.Proof, caller portal.Caller) (portal.SignedIn, error)
	Password(ctx context.Context, portal, name, password string, caller portal.Caller) (portal.SignedIn, error)
	AskPasskey(ctx context.Context, portal string, caller portal.Caller) (portal.Asked, error)
	Passkey(ctx context.Context, portal, token string, answer []byte, caller portal.Caller) (portal.SignedIn, error)
	AskSecond(ctx context.Context, portal, token string, caller portal.Caller) (portal.Asked, error)
	Second(
		ctx context.Context, portal, token string, proof portal.SecondProof, caller portal.Caller,
	) (portal.SignedIn, error)
	Ask(ctx context.Context, portal, name string, what engine.OpensWhat, caller portal.Caller) error
	Viewer(ctx context.Context, portal, token string) (portal.Viewer, error)
	Extend(ctx context.Context, portal, token string) (portal.Viewer, error)
	Logout(ctx context.Context, portal, token string) error
	Sessions(ctx context.Context, v portal.Viewer) ([]portal.Session, error)
	End(ctx context.Context, v portal.Viewer, id engine.ID) error
	EndAll(ctx context.Context, v portal.Viewer) error
	ChangePassword(
		ctx context.Context, v portal.Viewer, password, next string, caller portal.Caller,
	) (portal.SignedIn, error)
}

// Config is what the API works with.
type Config struct {
	Gate   Gate
	Desk   portal.Records
	Base   pages.Base
	Client func(*http.Request) netip.Addr // where a request comes from; nil where it cannot be known
	Logger *slog.Logger
}

// API answers requests.
type API struct {
	with    Config
	cookies portal.Cookies
	origins *http.CrossOriginProtection
	mux     *http.ServeMux
}

// New makes an API ready to answer.
func New(with Config) (*API, error) {
	origins, err := pages.NewOrigins(with.Base)
	if err != nil {
		return nil, err
	}
	a := &API{
		with: with, cookies: portal.Cookies{Secure: with.Base.Secure()}, origins: origins, mux: http.NewServeMux(),
	}
	for pattern, answer := range a.routes() {
		a.mux.Handle(pattern, answer)
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, &call{Request: r}, errNoPath)
	})
	return a, nil
}

// routes are the handlers by pattern.
func (a *API) routes() map[string]http.Handler {
	const of, records = Prefix + "{portal}", Prefix + "{portal}/records/{module}"
	return map[string]http.Handler{
		of + "/challenge":               a.open(methods{"POST": a.challenge}),
		of + "/login":                   a.open(methods{"POST": a.login}),
		of + "/passkey":                 a.open(methods{"POST": a.passkey}),
		of + "/passkey/challenge":       a.open(methods{"POST": a.askPasskey}),
		of + "/second":                  a.open(methods{"POST": a.second}),
		of + "/second/challenge":        a.open(methods{"POST": a.askSecond}),
		of + "/recover":                 a.open(methods{"POST": a.ask(engine.OpensPassword)}),
		of + "/link":                    a.open(methods{"POST": a.ask(engine.OpensSignIn)}),
		of + "/logout":                  a.open(methods{"POST": a.logout}),
		of + "/session":                 a.signedIn(methods{"GET": a.session}),
		of + "/session/extend":          a.signedIn(methods{"POST": a.extend}),
		of + "/sessions":                a.signedIn(methods{"GET": a.sessions, "DELETE": a.endAll}),
		of + "/sessions/{session}":      a.signedIn(methods{"DELETE": a.end}),
		of + "/password":                a.signedIn(methods{"POST": a.password}),
		of + "/modules":                 a.signedIn(methods{"GET": a.modules}),
		of + "/modules/{module}":        a.signedIn(methods{"GET": a.module}),
		of + "/files/{module}/{field}":  a.signedIn(methods{"POST": a.stage}),
		records:                         a.signedIn(methods{"GET": a.list, "POST": a.create}),
		records + "/{id}":               a.signedIn(methods{"GET": a.get, "PATCH": a.patch, "DELETE": a.remove}),
		records + "/{id}/files/{field}": a.signedIn(methods{"GET": a.file}),

		records + "/{id}/related/{related}": a.signedIn(methods{"GET": a.related}),
	}
}

// Paths are the patterns of all paths.
func (a *API) Paths() []string { return slices.Sorted(maps.Keys(a.routes())) }

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages.Protect(w.Header(), a.with.Base.Secure())
	w.Header().Add("Vary", "Authorization, Cookie")
	a.mux.ServeHTTP(w, r)
}
