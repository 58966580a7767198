// Package twilio speaks with Twilio: it hands messages over, proves and reads what Twilio calls back with, and knows
// what its error codes mean for a message.
//
// The library for Twilio is used as far as it goes. It knows no context, follows the environment, and hides the status
// and the headers of an answer, so each request goes over an exchange of ours, which knows all of that.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"postern/engine"
)

// Limits of the connections to Twilio.
const (
	patience    = 30 * time.Second // for one request, if the context allows more
	connectTime = 10 * time.Second
	idleTime    = 15 * time.Second // after which a connection is not used again: Twilio closes idle ones later
	connections = 64               // kept for the next request
)

// Account is for whom messages go out.
type Account struct {
	SID    string // of the account: AC…
	User   string // who logs in: the account itself, or an API key SK…
	Secret string // of the user
	// Endpoint is where the API is; nil for Twilio's usual place.
	Endpoint *url.URL
}

// Client hands messages over to Twilio. It is safe for concurrent use.
type Client struct {
	account   Account
	clock     engine.Clock
	transport *http.Transport

	mu     sync.Mutex
	closed bool
	under  sync.WaitGroup // requests under way
}

// New makes a client, without a connection yet.
func New(account Account, clock engine.Clock) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSHandshakeTimeout, transport.IdleConnTimeout = connectTime, idleTime
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = connections, connections
	transport.ForceAttemptHTTP2 = false // one lost connection leaves one message in doubt, not a hundred
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	return &Client{account: account, clock: clock, transport: transport}
}

// Message is what Twilio is asked to send.
type Message struct {
	To       string // an address as Twilio writes it: +34600123456, whatsapp:+34600123456
	From     string // ours, or
	Service  string // a messaging service MG…, which chooses one of ours
	Body     string
	Template string // HX…, in place of Body, with
	// Variables are the values of a template's placeholders, by their number.
	Variables map[string]string
	Validity  time.Duration // after which Twilio gives up a message that waits; zero for its default of 10 hours
	Callback  string        // the address that Twilio reports to
}

// Taken is what Twilio says of a message that it took.
type Taken struct {
	ID     string // SM…; "" if the answer broke off after its first line
	Status string // queued, as a rule
}

// ErrClosed is the answer of a client that was closed.
var ErrClosed = errors.New("the channel is closed")

// Send hands a message over once. leave is called right before it may begin to have left. The error has a verdict,
// shows neither address nor text, and is a *Refusal if Twilio gave a code.
func (c *Client) Send(ctx context.Context, m Message, leave func()) (Taken, error) {
	if err := c.begin(); err != nil {
		return Taken{}, err
	}
	defer c.under.Done()
	params, err := m.params()
	if err != nil {
		return Taken{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e := &exchange{ctx: ctx, client: c, leave: leave}
	taken, err := c.service(e).CreateMessage(params)
	if err != nil || e.status != http.StatusCreated {
		return e.outcome(err)
	}
	return Taken{ID: text(taken.Sid), Status: text(taken.Status)}, nil
}

// Look asks for one message of the account, which shows that it is reached and lets the user in.
func (c *Client) Look(ctx context.Context) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.under.Done()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e := &exchange{ctx: ctx, client: c, leave: func() {}}
	_, err := c.service(e).PageMessage((&api.ListMessageParams{}).SetPageSize(1), "", "")
	if err == nil && e.status == http.StatusOK {
		return nil
	}
	_, err = e.outcome(err)
	return err
}

// Close waits for the requests under way, after which there are no others.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.under.Wait()
	c.transport.CloseIdleConnections()
	return nil
}

// begin counts a request as under way.
func (c *Client) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.under.Add(1)
	return nil
}

// service is the library over one exchange. It is made by hand, for its own way reads the environment.
func (c *Client) service(e *exchange) *api.ApiService {
	base := &client.Client{
		Credentials: client.NewCredentials(c.account.User, c.account.Secret),
		HTTPClient: &http.Client{
			Transport:     e,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	base.SetAccountSid(c.account.SID)
	return api.NewApiService(&client.RequestHandler{Client: base})
}

func (m Message) params() (*api.CreateMessageParams, error) {
	params := (&api.CreateMessageParams{}).SetTo(m.To)
	if m.Service != "" {
		params.SetMessagingServiceSid(m.Service)
	} else {
		params.SetFrom(m.From)
	}
	if m.Callback != "" {
		params.SetStatusCallback(m.Callback)
	}
	if m.Validity > 0 {
		params.SetValidityPeriod(int(m.Validity / time.Second))
	}
	if m.Template == "" {
		return params.SetBody(m.Body), nil
	}
	params.SetContentSid(m.Template)
	if len(m.Variables) > 0 {
		variables, err := json.Marshal(m.Variables)
		if err != nil {
			return nil, fmt.Errorf("write the variables of a template: %w", err)
		}
		params.SetContentVariables(string(variables))
	}
	return params, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Refusal is a code by which Twilio refused a message.
type Refusal struct {
	Code   int // Twilio's; 0 if there was none
	Status int // of HTTP
}

func (r *Refusal) Error() string {
	if r.Code == 0 {
		return "Twilio answered " + strconv.Itoa(r.Status)
	}
	return Meaning(r.Code)
}

// CodeOf is the code that an error of Send holds; 0 if it holds none.
func CodeOf(err error) int {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Code
	}
	return 0
}
