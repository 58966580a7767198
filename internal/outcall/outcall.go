// Package outcall calls web services. It keeps calls out of the house, proves who calls, and tells of every failure
// whether the request may have arrived.
//
// It speaks HTTP/1.1 over TLS that is always verified. An address is judged once its name is resolved, right before it
// is connected to, so that a name cannot lead inside by changing what it stands for. A redirect is followed for GET and
// HEAD only, three times at most, each judged like the first address, and nothing that proves who calls goes to another
// host. What must not be sent twice gets a connection of its own: on one that is used again nobody could tell a request
// that was lost from one that a server let lie.
package outcall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/netguard"
)

// Limits of a call beside those of the engine.
const (
	maxRedirects    = 3
	maxAnswerHeader = 64 << 10 // bytes of all headers of an answer
	connectTime     = 10 * time.Second
	idleTime        = 30 * time.Second // after which a connection is not used again
)

// Outfit is what a Caller works with.
type Outfit struct {
	Secrets  map[string]engine.Secret
	Clock    engine.Clock
	Resolver netguard.Resolver // nil for the machine's own

	// Under is where the configuration's keys stand, for errors to name; calls if it is "".
	Under string
	// Connections are kept open to one host for what may be sent twice; 4 if it is zero.
	Connections int
}

// Extra is what a channel asks of a call, besides what a workflow can.
type Extra struct {
	Sign    *engine.CallAuth // a signature beside Auth; nil for none
	Leaving func()           // is told once, when the connection stands and nothing is written yet; nil for nobody
	Status  bool             // the status is all that counts: the answer has no body, which may be long or cut off
}

// Caller calls web services. It is safe for concurrent use.
type Caller struct {
	config  Config
	outfit  Outfit
	rules   netguard.Rules
	again   *http.Transport // for what may be sent twice: its connections are used again
	once    *http.Transport // for what must not: a connection for each
	through *url.URL        // the proxy; nil for none
	mu      sync.Mutex
	bearers map[grant]*bearer
}

// New makes a caller, without a connection yet.
func New(config Config, outfit Outfit) (*Caller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	rules, err := netguard.NewRules(config.Allow)
	if err != nil {
		return nil, err
	}
	outfit.Under, outfit.Connections = cmp.Or(outfit.Under, "calls"), cmp.Or(outfit.Connections, 4)
	trust, err := config.trust()
	if err != nil {
		return nil, err
	}
	c := &Caller{
		config: config, outfit: outfit, rules: rules.By(outfit.Under + ".allow"), bearers: map[grant]*bearer{},
	}
	if c.through, err = config.proxy(); err != nil {
		return nil, err
	}
	c.again = &http.Transport{
		DialContext: c.dial, TLSClientConfig: trust, TLSHandshakeTimeout: connectTime, DisableCompression: true,
		MaxIdleConnsPerHost: outfit.Connections, MaxIdleConns: max(64, outfit.Connections),
		IdleConnTimeout: idleTime, MaxResponseHeaderBytes: maxAnswerHeader,
	}
	if c.through != nil {
		c.again.Proxy = http.ProxyURL(c.through)
	}
	c.once = c.again.Clone()
	c.once.DisableKeepAlives = true
	return c, nil
}

// Close gives up connections that wait to be used again.
func (c *Caller) Close() error {
	c.again.CloseIdleConnections()
	c.once.CloseIdleConnections()
	return nil
}

// Call implements engine.Caller.
func (c *Caller) Call(ctx context.Context, call engine.Call) (engine.Answer, error) {
	return c.CallWith(ctx, call, Extra{})
}

// CallWith is Call with what a channel asks besides.
func (c *Caller) CallWith(ctx context.Context, call engine.Call, extra Extra) (engine.Answer, error) {
	if extra.Leaving != nil {
		extra.Leaving = sync.OnceFunc(extra.Leaving)
	}
	timeout := c.config.Timeout
	if call.Timeout > 0 {
		timeout = min(call.Timeout, engine.MaxCallTime)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	target, err := c.target(call.Request.URL)
	if err != nil {
		return engine.Answer{}, engine.Permanent(err)
	}
	home := target.Scheme + target.Host
	for redirects := 0; ; redirects++ {
		atHome := target.Scheme+target.Host == home
		answer, err := c.ask(ctx, call, extra, target, atHome)
		if err != nil {
			return engine.Answer{}, err
		}
		next, ok := redirect(call, answer)
		if !ok {
			return answer, nil
		}
		if redirects == maxRedirects {
			err := fmt.Errorf("%s redirects more than %d times", call.Host, maxRedirects)
			return engine.Answer{}, engine.Permanent(err)
		}
		if target, err = c.follow(target, next); err != nil {
			return engine.Answer{}, engine.Permanent(fmt.Errorf("%s redirects: %w", call.Host, err))
		}
	}
}

// ask sends the call to an address once, and a second time with a new token where the first one is no longer taken.
func (c *Caller) ask(
	ctx context.Context, call engine.Call, extra Extra, target *url.URL, atHome bool,
) (engine.Answer, error) {
	for renewed := false; ; renewed = true {
		request, err := c.request(ctx, call, target, atHome)
		if err != nil {
			return engine.Answer{}, err
		}
		if atHome {
			if err := c.prove(ctx, request, call, extra.Sign); err != nil {
				return engine.Answer{}, err
			}
		}
		answer, err := c.send(request, call.Resend, extra)
		refused := err == nil && answer.Status == http.StatusUnauthorized
		if renewed || !refused || !atHome || !c.forget(call.Auth, request.Header.Get("Authorization")) {
			return answer, err
		}
	}
}

// request writes the request for an address. Another host than the first gets no more than what asks for an answer.
func (c *Caller) request(ctx context.Context, call engine.Call, target *url.URL, atHome bool) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if len(call.Request.Body) > 0 {
		body = struct{ io.Reader }{strings.NewReader(string(call.Request.Body))} // which the transport cannot rewind
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, target.String(), body)
	if err != nil {
		return nil, engine.Permanent(errors.New("the request cannot be written"))
	}
	request.ContentLength = int64(len(call.Request.Body))
	request.Header.Set("User-Agent", "Postern")
	request.Header.Set("Accept", "application/json")
	if !atHome {
		return request, nil
	}
	if call.Method == http.MethodPost || call.Method == http.MethodPatch {
		request.Header.Set("Idempotency-Key", call.Key)
	}
	for name, values := range call.Request.Header {
		request.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return request, nil
}

// redirect is where an answer leads, if it is to be followed.
func redirect(call engine.Call, answer engine.Answer) (location string, ok bool) {
	switch answer.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
	default:
		return "", false
	}
	wanted := slices.ContainsFunc(call.Expect, func(s engine.Statuses) bool { return s.Is(answer.Status) })
	reads := call.Method == http.MethodGet || call.Method == http.MethodHead
	location = answer.Header.Get("Location")
	return location, reads && !wanted && location != ""
}

// follow is the address that a redirect leads to.
func (c *Caller) follow(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil {
		return nil, errors.New("to what is no address")
	}
	to.Fragment = ""
	return c.target(to.String())
}

// target reads an address and judges what can be judged before its name is resolved.
func (c *Caller) target(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > engine.MaxCallURL {
		return nil, errors.New("the address cannot be read")
	}
	u.Host = strings.ToLower(u.Host)
	host := hostOf(u)
	switch {
	case u.User != nil || u.Opaque != "" || !netguard.IsHost(host):
		return nil, errors.New("the address is none that can be called")
	case u.Scheme == "http" && !netguard.Named(c.config.HTTP, host):
		return nil, fmt.Errorf("%s is called by https only, unless %s.http names it", host, c.outfit.Under)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s is called by https only", host)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u, c.rules.Check(host, addr)
	}
	return u, nil
}

// hostOf is the host of an address without its port, an IPv6 address in its brackets.
func hostOf(u *url.URL) string {
	if host := u.Hostname(); !strings.Contains(host, ":") {
		return host
	}
	return "[" + u.Hostname() + "]"
}

var _ engine.Caller = (*Caller)(nil)
