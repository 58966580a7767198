package channels

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/onesignal"
)

// Push sends notifications to a customer's app through OneSignal.
type Push struct {
	// Id of the app in OneSignal, a UUID.
	App string `yaml:"app,required"`
	// Where the App API key is: env or file.
	Key engine.Secret `yaml:"key,required"`
	// Field that holds a recipient's external id in OneSignal; the record's id if it is not set.
	Alias string `yaml:"alias"`
	// Where the secret is that the event stream sends as Authorization: Bearer …, at least 32 characters. Without it
	// nothing is heard of what became of a notification.
	Events engine.Secret `yaml:"events"`
	// How long a notification is kept for a device that is off: at most 28d.
	TTL time.Duration `yaml:"ttl"`
	// The longest time for one notification, from connecting to the answer.
	Timeout time.Duration `yaml:"timeout"`
	// Address of the API, for a stand-in of your own.
	URL string `yaml:"url"`

	client    *onesignal.Client
	transport *http.Transport
	gate      gate
	outfit    engine.Outfit
	events    string
}

var (
	_ engine.Channel  = (*Push)(nil)
	_ engine.Opener   = (*Push)(nil)
	_ engine.Closer   = (*Push)(nil)
	_ engine.Careful  = (*Push)(nil)
	_ engine.Deduper  = (*Push)(nil)
	_ engine.Carried  = (*Push)(nil)
	_ engine.Callee   = (*Push)(nil)
	_ engine.Examined = (*Push)(nil)
)

// Limits of notifications, in bytes: those of Apple and Google have 4,096 for everything.
const (
	maxHeading  = 300
	maxPushText = 2000
	maxPushTTL  = 28 * 24 * time.Hour
)

// unsubscribedFor is how long a recipient is let be whom no device takes notifications for. It ends, because only the
// next try tells that there is one again.
const unsubscribedFor = 24 * time.Hour

// PushKind describes the channel kind push.
func PushKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "push",
		Summary: "Sends notifications to a customer's app through OneSignal.",
		Example: `app: b2f7f966-d8cc-11e4-bed1-df8f05be55ba
key: {env: ONESIGNAL_KEY}
events: {env: ONESIGNAL_EVENTS}
`,
		New: func() engine.Channel {
			return &Push{TTL: 3 * 24 * time.Hour, Timeout: 30 * time.Second, URL: onesignal.API}
		},
	}
}

// Carrier says that a record is reached by its id, or by the field that alias names.
func (p *Push) Carrier() engine.Carrier {
	return engine.Carrier{
		Kind: "push", Reach: engine.Reach{Field: p.Alias, ID: p.Alias == ""}, Proper: properExternalID, Leads: true,
	}
}

// properExternalID is an external id as OneSignal knows it.
func properExternalID(address string) (string, error) {
	address = strings.TrimSpace(address)
	if len(address) > 128 || oneLine(address) != address {
		return "", errors.New("the external id is not one line of at most 128 bytes")
	}
	return address, nil
}

var appID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Open checks every key and reads the secrets, without a connection yet.
func (p *Push) Open(outfit engine.Outfit) error {
	switch {
	case !appID.MatchString(p.App):
		return errors.New("app: is no id of an app, a UUID, as OneSignal shows it under Settings, Keys & IDs")
	case p.TTL < time.Second || p.TTL > maxPushTTL:
		return errors.New("ttl: is not between 1s and 28d")
	case p.Timeout <= 0:
		return errors.New("timeout: must be longer than nothing")
	case !plainAPI(p.URL):
		return errors.New("url: is no https address, or http address of this machine, without a final slash")
	}
	key, err := p.Key.In(outfit.Folder).Reveal()
	if err == nil && key == "" {
		err = errors.New("names neither env nor file")
	}
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if p.events, err = p.Events.In(outfit.Folder).Reveal(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if p.events != "" && len(p.events) < minSecret {
		return fmt.Errorf("events: has %d characters, fewer than %d: anybody might guess it", len(p.events), minSecret)
	}
	p.outfit, p.transport = outfit, &http.Transport{
		TLSHandshakeTimeout: connectTime, IdleConnTimeout: idleTime, MaxIdleConnsPerHost: 16, ForceAttemptHTTP2: true,
		DialContext: (&net.Dialer{Timeout: connectTime}).DialContext,
	}
	p.client = &onesignal.Client{
		Base: p.URL, App: strings.ToLower(p.App), Key: key, Now: outfit.Clock.Now, Transport: p.transport,
	}
	return nil
}

// Send asks OneSignal for a notification. The same delivery again is the same notification.
func (p *Push) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	out, err := p.gate.enter()
	if err != nil {
		return engine.Receipt{}, err
	}
	defer out()
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	text := fit(strings.TrimRight(m.Content.Text, " \n"), maxPushText)
	if text == "" {
		return engine.Receipt{}, engine.Permanent(errors.New("the message has no text"))
	}
	id, complaint, err := p.client.Notify(ctx, onesignal.Notification{
		User: m.Recipient.Address, Key: onesignal.KeyOf(m.Delivery), Name: m.Delivery.String(),
		Language: m.Content.Language, Heading: fit(oneLine(m.Content.Subject), maxHeading), Text: text,
		URL: m.Content.Link, Collapse: m.Delivery.String(), TTL: p.TTL,
	}, m.Leaving)
	if errors.Is(err, onesignal.ErrNotSubscribed) {
		suppress(ctx, p.outfit, m, "no device takes notifications", unsubscribedFor)
	}
	if err != nil {
		return engine.Receipt{}, err
	}
	detail := "taken"
	if complaint != "" {
		detail += ", but not for all: " + complaint
	}
	return engine.Receipt{Provider: "OneSignal", ID: id, Detail: detail}, nil
}

// Careful tells that it says when a notification is about to leave.
func (p *Push) Careful() bool { return true }

// Dedupes tells that OneSignal knows a notification by the delivery's key.
func (p *Push) Dedupes() bool { return true }

// Close waits for the notifications under way and gives up the connections.
func (p *Push) Close() error {
	p.gate.shut()
	p.transport.CloseIdleConnections()
	return nil
}

// Examine asks OneSignal whether it takes the key for the app.
func (p *Push) Examine(ctx context.Context, _ engine.ExamineTools) []engine.Finding {
	found := []engine.Finding{{What: "key", Good: true, Text: "OneSignal takes the key for the app"}}
	if err := p.client.Check(ctx); err != nil {
		found[0] = engine.Finding{What: "key", Text: err.Error(), Hint: "look at app and key: both are in OneSignal " +
			"under Settings, Keys & IDs, and the key must be an App API key of this very app"}
	}
	events := engine.Finding{What: "events", Good: true, Text: "the event stream has its secret"}
	if p.events == "" {
		events.Text = "no event stream: delivered, read and failed stay unknown"
	}
	return append(found, events)
}
