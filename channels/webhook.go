package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern/engine"
	"postern/internal/leaving"
	"postern/internal/netguard"
	"postern/internal/outcall"
	"postern/internal/yamldoc"
)

// Webhook sends messages to a web service of the customer's own.
type Webhook struct {
	// URL is the address that every message goes to.
	URL string `yaml:"url"`
	// Field is the field of the recipient's record that holds the address. It stands in place of url.
	Field string `yaml:"field"`
	// Method is POST, PUT or PATCH.
	Method string `yaml:"method"`
	// Headers are further headers. What is secret belongs under auth.
	Headers map[string]string `yaml:"headers"`
	// Auth says how a message proves who sends it.
	Auth webhookAuth `yaml:"auth"`
	// Sign is where the key is that signs every message by RFC 9421 with hmac-sha256: env or file. It may stand beside
	// auth.
	Sign engine.Secret `yaml:"sign"`
	// KeyID is the name that the receiver knows the key of sign by.
	KeyID string `yaml:"key_id"`
	// Expect is a status such as 202, a class such as 2xx, or a list of them: the answers that mean that the message
	// was taken. By default it is 2xx.
	Expect []*yamldoc.Node `yaml:"expect,one" schema:"word"`
	// Idempotent tells that the service takes a message once for one Idempotency-Key: one whose answer was lost is then
	// sent again in place of waiting for an operator, and connections are used again.
	Idempotent bool `yaml:"idempotent"`
	// Allow names what may be reached inside the house: host names, addresses, networks such as 10.1.0.0/16. All else
	// must have an address of the public internet.
	Allow []string `yaml:"allow"`
	// HTTP names hosts that may be reached without TLS: whoever is in between can read and change what is said.
	HTTP []string `yaml:"http"`
	// CA are files with certificates of further authorities to trust, in PEM.
	CA []string `yaml:"ca"`
	// Proxy is the address of a proxy that all messages go through, such as http://proxy.acme.example:3128.
	Proxy string `yaml:"proxy"`
	// Timeout is the longest time for one message: 1s to 5m.
	Timeout time.Duration `yaml:"timeout"`
	// Connections are kept open to one host where idempotent is true.
	Connections int `yaml:"connections"`

	clock    engine.Clock
	caller   *outcall.Caller
	auth     *engine.CallAuth
	sign     *engine.CallAuth
	expected []engine.Statuses
	header   http.Header

	mu     sync.RWMutex // held for reading while a message is under way
	closed bool
}

var (
	_ engine.Channel = (*Webhook)(nil)
	_ engine.Opener  = (*Webhook)(nil)
	_ engine.Closer  = (*Webhook)(nil)
	_ engine.Careful = (*Webhook)(nil)
	_ engine.Deduper = (*Webhook)(nil)
	_ engine.Carried = (*Webhook)(nil)

	_ engine.Examined = (*Webhook)(nil)
)

// WebhookKind describes the channel kind webhook.
func WebhookKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "webhook",
		Summary: "Sends messages to a web service of your own.",
		Example: `url: https://hooks.acme.example/messages
auth: {bearer: {env: HOOKS_TOKEN}}
idempotent: true
`,
		New: func() engine.Channel {
			return &Webhook{Method: http.MethodPost, Timeout: 30 * time.Second, Connections: 32}
		},
	}
}

// Carrier tells that a message goes to the one address, or to that in a field of the recipient's.
func (w *Webhook) Carrier() engine.Carrier {
	carrier := engine.Carrier{Kind: "webhook", Reach: engine.Reach{Field: w.Field}}
	if w.Field != "" {
		carrier.Proper = w.proper
	}
	return carrier
}

// proper is an address that can be called at all; whether it leads inside is seen when it is called.
func (w *Webhook) proper(address string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || len(address) > engine.MaxCallURL || u.Host == "" || u.Opaque != "":
		return "", errors.New("is no address such as https://hooks.acme.example/messages")
	case u.User != nil:
		return "", errors.New("holds a user or a password, which have no place in an address")
	case u.Scheme != "https" && (u.Scheme != "http" || !netguard.Named(w.HTTP, u.Hostname())):
		return "", errors.New("does not begin with https://")
	}
	u.Fragment = ""
	return u.String(), nil
}

// Send hands a message over once.
func (w *Webhook) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return engine.Receipt{}, errors.New("the channel is closed")
	}
	call, err := w.call(m)
	if err != nil {
		return engine.Receipt{}, engine.Permanent(err)
	}
	answer, err := w.caller.CallWith(ctx, call, outcall.Extra{Sign: w.sign, Leaving: m.Leaving, Status: true})
	if err != nil {
		return engine.Receipt{}, err
	}
	if err := w.verdict(call.Host, answer); err != nil {
		return engine.Receipt{}, err
	}
	return engine.Receipt{Provider: call.Host, ID: m.Delivery.String(), Detail: statusText(answer.Status)}, nil
}

// call is the request that carries a message: the same at every try.
func (w *Webhook) call(m engine.Message) (engine.Call, error) {
	address := w.URL
	if w.Field != "" {
		address = m.Recipient.Address
	}
	address, err := w.proper(address)
	if err != nil {
		return engine.Call{}, fmt.Errorf("the address %w", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return engine.Call{}, errors.New("the address cannot be read")
	}
	body, err := webhookBody(m)
	if err != nil {
		return engine.Call{}, err
	}
	header := w.header.Clone()
	header.Set("Idempotency-Key", m.Delivery.String())
	return engine.Call{
		Method: w.Method, Host: u.Host, Key: m.Delivery.String(), Auth: w.auth, Expect: w.expected,
		Resend:  w.Idempotent,
		Request: engine.Request{URL: address, Header: header, Body: body},
	}, nil
}

// verdict is nil for an answer that means that the message was taken, and else what follows from its status. Where all
// messages go to one address, an answer that is about the address is about all of them.
func (w *Webhook) verdict(host string, answer engine.Answer) error {
	for _, expected := range w.expected {
		if expected.Is(answer.Status) {
			return nil
		}
	}
	err := fmt.Errorf("%s answered %s", host, statusText(answer.Status))
	again := engine.RetryAfter(err, leaving.RetryAfter(answer.Header, w.clock.Now()))
	switch status := answer.Status; {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable,
		status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return again
	case status >= 500 && w.Idempotent:
		return again
	case status >= 500:
		return engine.Unknown(err)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return engine.Misconfigured(err)
	case w.Field == "" && (status < 400 && status >= 300 || status == http.StatusNotFound ||
		status == http.StatusMethodNotAllowed || status == http.StatusGone):
		return engine.Misconfigured(err)
	}
	return engine.Permanent(err)
}

// statusText is a status with its name, if it has one.
func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// Careful tells that it says when a message is about to leave: when the connection stands.
func (w *Webhook) Careful() bool { return true }

// Dedupes tells whether the service takes a message once.
func (w *Webhook) Dedupes() bool { return w.Idempotent }

// Close waits for the messages under way and closes the connections.
func (w *Webhook) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.caller == nil {
		return nil
	}
	return w.caller.Close()
}

// Examine looks whether the service listens, and whether its certificate is good. It asks for nothing.
func (w *Webhook) Examine(ctx context.Context, _ engine.ExamineTools) []engine.Finding {
	if w.Field != "" {
		return []engine.Finding{{What: "address", Good: true, Text: "each recipient's own, in their field " + w.Field}}
	}
	finding := engine.Finding{What: "service", Good: true, Text: "listens; nothing was asked of it"}
	if err := w.caller.Reach(ctx, w.URL); err != nil {
		finding.Good, finding.Text = false, err.Error()
		finding.Hint = "look at url, allow, http, ca and proxy of the channel, and whether the service runs"
	}
	return []engine.Finding{finding}
}
