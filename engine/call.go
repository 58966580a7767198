package engine

import (
	"context"
	"net/http"
	"time"
)

// Limits of the call of a web service.
const (
	MaxCallBody   = 256 << 10        // bytes of what is sent
	MaxAnswerBody = 1 << 20          // bytes of what is read of an answer
	CallTimeout   = 30 * time.Second // of one try, if the step says nothing else
)

// Call is a request to a web service, with its final values. Secrets are named, never held.
type Call struct {
	Method  string
	URL     string
	Header  http.Header
	Body    []byte
	Auth    *CallAuth     // nil for none
	Key     string        // idempotency key: the same for all tries
	Timeout time.Duration // of one try
}

// Answer is what a web service answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxAnswerBody
}

// CallAuth says how a call proves who calls. Secrets are names under secrets of the configuration.
type CallAuth struct {
	Kind   string            // bearer, basic, header, oauth2, hmac
	Secret string            // name of the secret
	Values map[string]string // what else the kind needs: user, header, token_url …
}

// Caller calls web services.
type Caller interface {
	// Call tries once. An answer of any status is no error; errors carry verdicts: Permanent where the address is
	// forbidden or not one, Misconfigured where a secret is missing, Unknown when the request may have arrived, and none
	// when it certainly did not and another try may help.
	Call(ctx context.Context, call Call) (Answer, error)
}
