// Package contract holds a stand-in for a provider against the provider's own description of its API (OpenAPI 3), so
// that tests against the stand-in say something about the provider.
//
// It is for tests only.
package contract

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Guard is a handler whose every request and reply is held against a description, in JSON or YAML. What the
// description does not allow fails the test, and goes on as if nothing were:
//
//   - a path or method that it does not know, a parameter, a form field or a body that it does not allow;
//   - a success (2xx) that it does not know, or whose body it does not allow.
//
// Redirects and refusals that it does not know pass, for descriptions rarely know them all, and so does every 5xx. Who
// calls is the handler's business: descriptions are wrong about it. A handler that hijacks the connection or panics is
// not asked for a reply.
func Guard(t testing.TB, description []byte, handler http.Handler) http.Handler {
	t.Helper()
	router, err := read(description)
	if err != nil {
		t.Fatalf("read the description of the API: %v", err)
	}
	return &guard{t: t, router: router, handler: handler}
}

// known are the descriptions read so far, by their hash: large ones take a while and are only looked at.
var known sync.Map

// read makes a description ready to find the operations of requests.
func read(description []byte) (routers.Router, error) {
	hash := sha256.Sum256(description)
	if router, ok := known.Load(hash); ok {
		return router.(routers.Router), nil
	}
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // the stand-in is elsewhere
	for _, path := range doc.Paths.Map() {
		path.Servers = nil
		for _, operation := range path.Operations() {
			operation.Servers = nil
		}
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	known.Store(hash, router)
	return router, nil
}

type guard struct {
	t       testing.TB
	router  routers.Router
	handler http.Handler
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, err := g.request(r)
	if err != nil {
		g.t.Errorf("%s %s: the description does not allow the request: %v", r.Method, r.URL.Path, err)
	}
	reply := &reply{ResponseWriter: w, status: http.StatusOK}
	g.handler.ServeHTTP(reply, r)
	if reply.hijacked {
		return
	}
	if err := g.reply(asked, reply); err != nil {
		g.t.Errorf("%s %s: the description does not allow the reply %d: %v",
			r.Method, r.URL.Path, reply.status, err)
	}
	w.WriteHeader(reply.status)
	_, _ = w.Write(reply.body.Bytes())
}

// request holds a request against the description, and leaves its body to be read again. What it returns is nil where
// the description knows no such operation.
func (g *guard) request(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, variables, err := g.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: variables, Route: route, Options: options(),
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return input, nil //nolint:nilerr // who sends half a request gets no reply either
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	err = openapi3filter.ValidateRequest(r.Context(), input)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return input, errors.Join(err, unknownNames(input, body))
}

// reply holds a reply against the description.
func (g *guard) reply(asked *openapi3filter.RequestValidationInput, reply *reply) error {
	if asked == nil || reply.status >= 500 {
		return nil
	}
	responses := asked.Route.Operation.Responses
	if reply.status >= 300 && responses.Status(reply.status) == nil {
		return nil
	}
	return openapi3filter.ValidateResponse(asked.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: reply.status, Header: reply.Header(),
		Body: io.NopCloser(bytes.NewReader(reply.body.Bytes())), Options: options(),
	})
}

func options() *openapi3filter.Options {
	options := &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		return "/" + strings.Join(err.JSONPointer(), "/") + ": " + err.Reason
	})
	return options
}

// unknownNames complains of parameters and form fields that the description does not know: most are misspelt.
func unknownNames(input *openapi3filter.RequestValidationInput, body []byte) error {
	parameters := map[string]bool{}
	for _, list := range []openapi3.Parameters{input.Route.PathItem.Parameters, input.Route.Operation.Parameters} {
		for _, parameter := range list {
			parameters[parameter.Value.Name] = parameter.Value.In == openapi3.ParameterInQuery
		}
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(input.Request.URL.Query())) {
		if !parameters[name] {
			wrong = append(wrong, fmt.Errorf("there is no parameter %s", name))
		}
	}
	return errors.Join(append(wrong, unknownFields(input, body)...)...)
}

const formType = "application/x-www-form-urlencoded"

func unknownFields(input *openapi3filter.RequestValidationInput, body []byte) (wrong []error) {
	described := input.Route.Operation.RequestBody
	if described == nil || !strings.HasPrefix(input.Request.Header.Get("Content-Type"), formType) {
		return nil
	}
	form := described.Value.Content.Get(formType)
	if form == nil || form.Schema == nil {
		return nil // that there is no such content was said before
	}
	read := &http.Request{
		Method: http.MethodPost, Header: input.Request.Header, Body: io.NopCloser(bytes.NewReader(body)),
	}
	if err := read.ParseForm(); err != nil {
		return []error{fmt.Errorf("read the form: %w", err)}
	}
	for _, name := range slices.Sorted(maps.Keys(read.PostForm)) {
		if form.Schema.Value.Properties[name] == nil {
			wrong = append(wrong, fmt.Errorf("there is no form field %s", name))
		}
	}
	return wrong
}

// reply is what a handler writes, held back until it was looked at.
type reply struct {
	http.ResponseWriter
	status   int
	wrote    bool
	body     bytes.Buffer
	hijacked bool
}

func (r *reply) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *reply) Write(data []byte) (int, error) {
	r.wrote = true
	return r.body.Write(data)
}

// Hijack takes the connection over; what was written before is gone.
func (r *reply) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.hijacked = true
	return http.NewResponseController(r.ResponseWriter).Hijack()
}
