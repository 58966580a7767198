package engine

import (
	"context"
	"net/http"
	"time"
)

// Limits of the call of a web service.
const (
	MaxCallBody    = 256 << 10       // bytes of what is sent
	MaxAnswerBody  = 256 << 10       // bytes of an answer's body; a longer one is refused
	MaxCallURL     = 8 << 10         // bytes of an address
	MaxCallHeaders = 16 << 10        // bytes of all headers that are sent, names and values
	MaxCallTime    = 5 * time.Minute // of one try, whatever is configured
)

// Call is the call of a web service, with its final values. Secrets are named in it, never held.
type Call struct {
	Method  string        `json:"method"`
	Host    string        `json:"host"`              // of the address, with its port if it names one
	Key     string        `json:"key"`               // names this call and no other: the same for all tries
	Timeout time.Duration `json:"timeout,omitempty"` // of one try; zero for that of the Caller
	Auth    *CallAuth     `json:"auth,omitempty"`    // nil for none
	Expect  []Statuses    `json:"expect"`            // answers that are as wanted; all others are failures
	Resend  bool          `json:"resend,omitempty"`  // what may have arrived is sent again; else it is given up

	Request Request `json:"-"` // at rest it is within Effect.Sealed
}

// Request is what a call sends beside its method.
type Request struct {
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"` // at most MaxCallBody
}

// Statuses is a range of HTTP statuses, both ends included.
type Statuses struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Answer is what a web service answered.
type Answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"` // at most MaxAnswerBody
}

// The kinds of CallAuth.
const (
	AuthBearer = "bearer" // Authorization: Bearer, with the secret
	AuthBasic  = "basic"  // Authorization: Basic, with User and the secret
	AuthHeader = "header" // the header of a Name, with the secret
	AuthOAuth2 = "oauth2" // a bearer token that TokenURL gives for Client and the secret
	AuthHMAC   = "hmac"   // a signature by RFC 9421 with the secret
)

// CallAuth says how a call proves who calls.
type CallAuth struct {
	Kind     string `json:"kind"`
	Secret   string `json:"secret"` // its name under secrets: of the configuration
	User     string `json:"user,omitempty"`
	Name     string `json:"name,omitempty"`
	TokenURL string `json:"token_url,omitempty"`
	Client   string `json:"client,omitempty"`
	Scope    string `json:"scope,omitempty"`
	KeyID    string `json:"key_id,omitempty"` // that the signature names
}

// Caller calls web services. Calls run side by side.
type Caller interface {
	// Call tries once, within the call's Timeout. An answer of any status is no error. Errors carry verdicts: Permanent
	// where the address must not be called or the answer is too large, Misconfigured where a secret or a trust is
	// missing, Unknown when the request may have arrived, and none when it certainly did not and another try may help.
	Call(ctx context.Context, call Call) (Answer, error)
}

// Answerer is a Task that calls web services. Answered hears of each answer that was as the call expected, in the
// order in which the calls were asked for, before the next step. An error of it ends the run.
type Answerer interface {
	Answered(ctx context.Context, step *StepContext, answer Answer) error
}

// CallRules are what a configuration lets calls do, as far as a book can be held against it.
type CallRules struct {
	Plain  []string // hosts that may be called without TLS
	Inside []string // hosts and networks inside the house that may be called
}
