// Package webpush hands messages to the push services of browsers: encrypted for one browser (RFC 8291), sent by who
// proves to be the one that the browser subscribed to (RFC 8292). It is the only package that imports webpush-go.
package webpush

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"postern/engine"
	"postern/internal/leaving"
)

// MaxPayload is how many bytes a message may have: what is left of the 4,096 of a record.
const MaxPayload = 4096 - 16 - 86 - 1

// Urgencies are how urgent a message may be: a device short of battery waits with those below high.
var Urgencies = []string{"very-low", "low", "normal", "high"}

// Sender sends to the subscriptions that were made for its key. It is safe for concurrent use.
type Sender struct {
	Key       Key
	Subject   string            // who sends, for the push service to turn to: mailto:… or https://…
	Transport http.RoundTripper // which keeps calls out of the house: endpoints come from browsers
	Now       func() time.Time
}

// Push is one message to one browser.
type Push struct {
	Payload []byte        // at most MaxPayload bytes
	Topic   string        // at most 32 letters, digits, - and _: a later message replaces one not yet delivered
	Urgency string        // one of Urgencies
	TTL     time.Duration // how long the push service keeps it for a browser that is off; whole seconds
}

// ErrGone is why a subscription gets nothing any more: the browser ended it. Its error is Permanent.
var ErrGone = errors.New("the browser has ended the subscription")

// Send hands a message over and returns the push service's name for it. It calls leave right before the first byte
// leaves. The error has a verdict; ErrGone is one that says that no message will arrive there again.
func (s *Sender) Send(ctx context.Context, to Subscription, push Push, leave func()) (id string, err error) {
	if len(push.Payload) > MaxPayload {
		return "", engine.Permanent(fmt.Errorf("the message has %d bytes, more than %d", len(push.Payload), MaxPayload))
	}
	response, err := webpush.SendNotificationWithContext(ctx, push.Payload, to.library(), &webpush.Options{
		HTTPClient: client{s.Transport, leave}, Subscriber: libraryAddress(s.Subject),
		VAPIDPublicKey: s.Key.Public(), VAPIDPrivateKey: s.Key.Private(),
		Topic: push.Topic, Urgency: webpush.Urgency(push.Urgency), TTL: int(push.TTL.Seconds()),
	})
	if err != nil {
		return "", err
	}
	_ = response.Body.Close() // what it says is for nobody: the status is the answer
	if response.StatusCode/100 == 2 {
		return messageName(response.Header.Get("Location")), nil
	}
	return "", s.refused(response)
}

// client sends the library's request.
type client struct {
	transport http.RoundTripper
	leave     func()
}

// Do implements the library's HTTPClient.
func (c client) Do(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", "Postern")
	return leaving.Do(c.transport, request, c.leave)
}

// refused gives an answer that is no success its verdict. The library returns it without an error.
func (s *Sender) refused(response *http.Response) error {
	code := response.StatusCode
	wait := leaving.RetryAfter(response.Header, s.Now())
	switch code {
	case http.StatusNotFound, http.StatusGone:
		return engine.Permanent(fmt.Errorf("%w (%d)", ErrGone, code))
	case http.StatusUnauthorized:
		return engine.Misconfigured(fmt.Errorf("the push service does not take our key (%d)", code))
	case http.StatusForbidden: // of one subscription made for another key (RFC 8292, section 4.2), which anybody can
		// bring: only where most are refused it is about all
		return fmt.Errorf("the push service does not take our key (%d): was the subscription made for another?", code)
	case http.StatusRequestEntityTooLarge:
		return engine.Permanent(fmt.Errorf("the push service finds the message too large (%d)", code))
	case http.StatusTooManyRequests:
		return engine.RetryAfter(fmt.Errorf("the push service takes no more for now (%d)", code), wait)
	case http.StatusServiceUnavailable, http.StatusRequestTimeout: // 408: it did not wait for all of the request
		return engine.RetryAfter(fmt.Errorf("the push service is not available (%d)", code), wait)
	}
	if code >= 500 {
		return engine.Unknown(fmt.Errorf("the push service failed (%d)", code))
	}
	return engine.Permanent(fmt.Errorf("the push service refuses the message (%d)", code))
}

// messageName is the last part of the address that a push service gave a message; the whole address would let anybody
// take the message back.
func messageName(location string) string {
	if location == "" {
		return ""
	}
	name := path.Base(location)
	return name[:min(len(name), 200)]
}
