package outcall

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"postern/engine"
	"postern/internal/netguard"
)

// drained is how much of an answer is read that nobody asked for.
const drained = 16 << 10

// send sends a request once and reads the answer.
func (c *Caller) send(request *http.Request, twice bool, extra Extra) (engine.Answer, error) {
	if err := c.vet(request.Context(), request.URL.Hostname()); err != nil {
		return engine.Answer{}, engine.Permanent(err)
	}
	var left atomic.Bool // from the moment there is a connection, something may have
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if extra.Leaving != nil {
			extra.Leaving()
		}
		left.Store(true)
	}}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	transport := c.once
	if twice {
		transport = c.again
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return engine.Answer{}, c.failure(err, left.Load())
	}
	defer func() { _ = response.Body.Close() }()
	if extra.Status {
		_, _ = io.CopyN(io.Discard, response.Body, drained) // so that the connection can be used again
		return engine.Answer{Status: response.StatusCode, Header: response.Header}, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, engine.MaxAnswerBody+1))
	switch {
	case err != nil:
		return engine.Answer{}, c.failure(fmt.Errorf("read the answer: %w", err), true)
	case len(body) > engine.MaxAnswerBody:
		return engine.Answer{}, engine.Permanent(
			fmt.Errorf("the answer %d is longer than %d kB", response.StatusCode, engine.MaxAnswerBody>>10))
	}
	return engine.Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// failure gives an error of the network its verdict. The address is left out of it: it may hold what is nobody's
// business.
func (c *Caller) failure(err error, left bool) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, netguard.ErrInside):
		return engine.Permanent(err)
	case errors.As(err, &untrusted):
		return engine.Misconfigured(fmt.Errorf("%w; %s.ca names further authorities", err, c.outfit.Under))
	case left && errors.Is(err, context.DeadlineExceeded):
		return engine.Unknown(errors.New("no answer in time"))
	case left:
		return engine.Unknown(fmt.Errorf("the answer was lost: %w", err))
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no connection in time")
	}
	return err
}
