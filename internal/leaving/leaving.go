// Package leaving sends requests that carry messages: it says right before one leaves, and gives what goes wrong its
// verdict, by whether the message may have left.
package leaving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"postern/engine"
	"postern/internal/netguard"
)

// Do sends a request once, without following redirects. It calls leave when the connection stands and nothing was
// written yet: engine.Message.Leaving, say. An error before that is plain, one after it Unknown, and one that only an
// operator can mend Misconfigured; none shows more of the address than the host. The caller closes the body.
func Do(transport http.RoundTripper, request *http.Request, leave func()) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	var left atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if left.CompareAndSwap(false, true) { // the transport may need a second connection
			leave()
		}
	}}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, failure(err, left.Load())
	}
	return response, nil
}

// failure gives an error of the network its verdict.
func failure(err error, left bool) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, netguard.ErrInside):
		return engine.Permanent(err)
	case untrusted:
		return engine.Misconfigured(err)
	case left && errors.Is(err, context.DeadlineExceeded):
		return engine.Unknown(errors.New("no answer in time"))
	case left:
		return engine.Unknown(fmt.Errorf("the answer was lost: %w", err))
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no connection in time")
	}
	return fmt.Errorf("no connection: %w", err)
}

// Body reads what was answered, as far as limit bytes, and closes it. An answer that breaks off is Unknown: of what it
// would have said nothing is known.
func Body(response *http.Response, limit int64) ([]byte, error) {
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return nil, engine.Unknown(fmt.Errorf("the answer %d broke off: %w", response.StatusCode, err))
	}
	return body, nil
}

// RetryAfter is how long an answer asks to wait, in seconds or until a date; zero if it asks for nothing.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
