package tasks

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Call calls a web service and keeps what it answers. A failure that may pass is tried again by the step's retry: no
// connection, 408, 425, 429 and 5xx. Any other answer that is not as expected ends the run. The outputs are status,
// headers by their names in small letters, and body.
type Call struct {
	// Method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS. By default it is POST where something is sent, and else
	// GET.
	Method string `yaml:"method"`
	// URL is the address, with the host written out. What {{ expressions }} put in is escaped for its place in the path
	// or behind the ?.
	URL string `yaml:"url,required"`
	// Auth says how the call proves who calls.
	Auth callAuth `yaml:"auth"`
	// Headers are further headers: text with {{ expressions }}.
	Headers map[string]any `yaml:"headers"`
	// Body is sent as JSON: any value, in which {{ expressions }} may stand at any depth.
	Body any `yaml:"body"`
	// Form is sent as a form, as browsers do. It stands in place of body.
	Form map[string]any `yaml:"form"`
	// Text is sent as it is. It stands in place of body.
	Text string `yaml:"text"`
	// Expect says which answer is a success.
	Expect callExpect `yaml:"expect"`
	// Save keeps values of the answer, response.status, response.headers and response.body, as vars.
	Save map[string]any `yaml:"save"`
	// OnUnknown says what follows when the answer was lost, so that nobody can tell whether the call arrived: 'resend'
	// sends it again with the same Idempotency-Key, 'fail' ends the run. By default POST and PATCH fail, and all others
	// are sent again.
	OnUnknown string `yaml:"on_unknown"`

	address  callURL
	auth     *engine.CallAuth
	headers  map[string]engine.Program
	content  callContent
	expected []engine.Statuses
	holds    engine.Program
	saved    map[string]engine.Program
}

type callExpect struct {
	// Status is a status such as 201, a class such as 2xx, or a list of them. By default it is 2xx.
	Status []*yamldoc.Node `yaml:"status,one" schema:"word"`
	// If is an expression over response that must hold.
	If string `yaml:"if"`
}

func callKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "call",
		Summary: "calls a web service",
		Example: "call:\n  url: \"https://rates.example.com/v1/quotes/{{ record.ticket_no }}\"\n" +
			"  auth: { bearer: rates }\n  body: { hours: \"{{ record.hours }}\" }\n" +
			"  save: { rate: \"{{ response.body.rate }}\" }",
		New: func() engine.Task { return &Call{} },
	}
}

var callMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions,
}

// Check compiles what is sent and what is kept.
func (c *Call) Check(scope engine.CheckScope) {
	c.checkContent(scope)
	c.checkMethod(scope)
	c.address = checkURL(scope)
	c.auth = c.Auth.check(scope)
	c.checkHeaders(scope)
	c.checkExpect(scope)
	if c.OnUnknown != "" {
		scope.Choice("on_unknown", "choice", c.OnUnknown, []string{"resend", "fail"})
	}
	answering := scope.Answering()
	c.saved = map[string]engine.Program{}
	for _, name := range slices.Sorted(maps.Keys(c.Save)) {
		value := answering.Text("save." + name)
		if value != nil {
			c.saved[name] = value
		}
		scope.Declare("save."+name, name, value)
	}
}

func (c *Call) checkMethod(scope engine.CheckScope) {
	sends := c.content.kind != ""
	if c.Method == "" {
		if c.Method = http.MethodGet; sends {
			c.Method = http.MethodPost
		}
		return
	}
	known := scope.Choice("method", "method", c.Method, callMethods)
	if known && sends && (c.Method == http.MethodGet || c.Method == http.MethodHead) {
		scope.Complain(c.content.kind, c.Method+" sends nothing; leave method out, or choose POST or PUT")
	}
}

// resend tells whether a call that may have arrived is sent again.
func (c *Call) resend() bool {
	if c.OnUnknown != "" {
		return c.OnUnknown == "resend"
	}
	return c.Method != http.MethodPost && c.Method != http.MethodPatch
}

// Run computes what is sent and asks for the call.
func (c *Call) Run(_ context.Context, step *engine.StepContext) error {
	address, err := c.address.fill(step.Env)
	if err != nil {
		return engine.Permanent(fmt.Errorf("url: %w", err))
	}
	body, kind, err := c.content.write(step.Env)
	if err != nil {
		return engine.Permanent(fmt.Errorf("%s: %w", c.content.kind, err))
	}
	header, err := c.header(step.Env)
	if err != nil {
		return engine.Permanent(err)
	}
	if kind != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", kind)
	}
	step.Call(engine.Call{
		Method: c.Method, Host: c.address.host, Timeout: step.Step.Timeout, Auth: c.auth, Expect: c.expected,
		Resend: c.resend(), Request: engine.Request{URL: address, Header: header, Body: body},
	})
	return nil
}

// Answered holds the answer against what is expected of it and keeps what is to be kept.
func (c *Call) Answered(_ context.Context, step *engine.StepContext, _ engine.Answer) error {
	holds, err := engine.True(c.holds, step.Env)
	if err != nil {
		return engine.Permanent(fmt.Errorf("expect: %w", err))
	}
	if !holds {
		return engine.Permanent(fmt.Errorf("the answer is not as expected: %s does not hold", c.holds.Source()))
	}
	step.Output(engine.Fields(step.Env.Response))
	if len(c.saved) == 0 {
		return nil
	}
	values := engine.Values{}
	for name, program := range c.saved {
		if values[name], err = program.Eval(step.Env); err != nil {
			return engine.Permanent(fmt.Errorf("save %s: %w", name, err))
		}
	}
	return step.SetVars(values)
}

var (
	_ engine.Task     = (*Call)(nil)
	_ engine.Checker  = (*Call)(nil)
	_ engine.Answerer = (*Call)(nil)
)
