package twilio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/twilio/twilio-go/client"

	"postern/engine"
	"postern/internal/leaving"
)

// maxAnswer is more than Twilio answers, in bytes.
const maxAnswer = 1 << 20

// exchange is one request and its answer. It is the transport under the library.
type exchange struct {
	ctx    context.Context //nolint:containedctx // of the one request that it lives for
	client *Client
	leave  func()

	status int           // 0 for no answer
	after  time.Duration // how long the answer asks to wait
	err    error         // of the network, with its verdict
}

// RoundTrip sends the request to where the API is, and reads the whole answer.
func (e *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.WithContext(e.ctx)
	if endpoint := e.client.account.Endpoint; endpoint != nil {
		request.URL.Scheme, request.URL.Host, request.Host = endpoint.Scheme, endpoint.Host, ""
	}
	response, err := leaving.Do(e.client.transport, request, e.leave)
	if err != nil {
		e.err = err
		return nil, err
	}
	e.status, e.after = response.StatusCode, leaving.RetryAfter(response.Header, e.client.clock.Now())
	body, err := leaving.Body(response, maxAnswer)
	if err != nil {
		e.err = err
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// outcome is what an exchange that did not simply work says of the message. err is the library's.
func (e *exchange) outcome(err error) (Taken, error) {
	refused, told := errors.AsType[*client.TwilioRestError](err)
	switch {
	case e.status == http.StatusCreated: // the first line says it all; the rest was unreadable or broke off
		return Taken{}, nil
	case e.err != nil:
		return Taken{}, e.err
	case e.status == 0:
		return Taken{}, engine.Misconfigured(errors.New("the credentials hold characters that Twilio's never have"))
	case e.status < 300:
		return Taken{}, engine.Unknown(&Refusal{Status: e.status})
	case e.status < 400:
		return Taken{}, engine.Misconfigured(&Refusal{Status: e.status})
	}
	refusal := &Refusal{Status: e.status}
	if told {
		refusal.Code = refused.Code
	}
	return Taken{}, refusal.verdict(e.after)
}
