// Package rest is the portal for programs and for front ends of the customer's own: the gate and the desk as JSON over
// HTTP, below /portal/api/v1/<portal>/. docs/guide/portal-api.md tells how it is used, and the document of the API
// (schemas.API) what each path takes and answers.
//
// Who calls is known by a bearer token, or by the cookie that a sign-in from a browser asked for. What changes
// something by cookie has to come from a page of the same host.
package rest

import (
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

// Config is what the API works with.
type Config struct {
	Gate   Gate
	Desk   portal.Records
	Base   pages.Base
	Name   string                         // what an authenticator shows of a portal without a label
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
	routes := a.factorRoutes()
	maps.Copy(routes, a.plainRoutes())
	return routes
}

// factorRoutes are those of what people prove themselves by beside a password.
func (a *API) factorRoutes() map[string]http.Handler {
	const of, factors, enrol = Prefix + "{portal}", Prefix + "{portal}/factors", Prefix + "{portal}/enrol"
	in, before := enrolment{API: a}, enrolment{API: a, before: true}
	return map[string]http.Handler{
		of + "/passkey":                    a.open(methods{"POST": a.passkey}),
		of + "/passkey/challenge":          a.open(methods{"POST": a.askPasskey}),
		of + "/second":                     a.open(methods{"POST": a.second}),
		of + "/second/challenge":           a.open(methods{"POST": a.askSecond}),
		enrol + "/passkey":                 a.open(methods{"POST": before.addPasskey}),
		enrol + "/passkey/challenge":       a.open(methods{"POST": before.askToMake}),
		enrol + "/authenticator":           a.open(methods{"POST": before.addAuthenticator}),
		enrol + "/authenticator/challenge": a.open(methods{"POST": before.setUp}),
		of + "/session/prove":              a.signedIn(methods{"POST": a.proveAgain}),
		of + "/session/prove/challenge":    a.signedIn(methods{"POST": a.askProof}),

		factors:                              a.signedIn(methods{"GET": a.factors}),
		factors + "/passkeys":                a.signedIn(methods{"POST": in.addPasskey}),
		factors + "/passkeys/challenge":      a.signedIn(methods{"POST": in.askToMake}),
		factors + "/passkeys/{passkey}":      a.signedIn(methods{"PATCH": a.renamePasskey, "DELETE": a.removePasskey}),
		factors + "/authenticator/challenge": a.signedIn(methods{"POST": in.setUp}),
		factors + "/recovery-codes":          a.signedIn(methods{"POST": a.recoveryCodes}),

		factors + "/authenticator": a.signedIn(methods{
			"POST": in.addAuthenticator, "DELETE": a.removeAuthenticator,
		}),
	}
}

func (a *API) plainRoutes() map[string]http.Handler {
	const of, records = Prefix + "{portal}", Prefix + "{portal}/records/{module}"
	return map[string]http.Handler{
		of + "/challenge":               a.open(methods{"POST": a.challenge}),
		of + "/login":                   a.open(methods{"POST": a.login}),
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
