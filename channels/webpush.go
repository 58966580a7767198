package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/webpush"
)

// WebPush sends notifications to browsers, by the push services of their makers.
type WebPush struct {
	// Who sends, for a push service to turn to: mailto:ops@acme.example, or an https address.
	Subject string `yaml:"subject,required"`
	// Where the key is that postern keys webpush makes: env or file.
	Key engine.Secret `yaml:"key,required"`
	// Field that holds a recipient's subscription, the JSON that the browser gave out.
	Field string `yaml:"field"`
	// Hosts of push services that may be sent to, or all below one as in *.push.apple.com; those of the makers of
	// browsers if it is not set. A host that is named here in full may be inside the house.
	Services []string `yaml:"services"`
	// PEM file with certificates that are trusted besides those of the system.
	CA string `yaml:"ca"`
	// How urgent: very-low, low, normal or high. A device short of battery waits with all below high.
	Urgency string `yaml:"urgency"`
	// How long a notification is kept for a browser that is off: at most 28d.
	TTL time.Duration `yaml:"ttl"`
	// The longest time for one notification, from connecting to the answer.
	Timeout time.Duration `yaml:"timeout"`

	sender    *webpush.Sender
	transport *http.Transport
	gate      gate
	outfit    engine.Outfit
}

var (
	_ engine.Channel  = (*WebPush)(nil)
	_ engine.Opener   = (*WebPush)(nil)
	_ engine.Closer   = (*WebPush)(nil)
	_ engine.Careful  = (*WebPush)(nil)
	_ engine.Carried  = (*WebPush)(nil)
	_ engine.Examined = (*WebPush)(nil)
)

// pushServices are the hosts of the makers of browsers: Google, Mozilla, Apple and Microsoft.
var pushServices = []string{
	"fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com",
}

// WebPushKind describes the channel kind webpush.
func WebPushKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "webpush",
		Summary: "Sends notifications to browsers that subscribed to them.",
		Example: `subject: mailto:ops@acme.example
key: {file: webpush.key}
field: cf_push_subscription
`,
		New: func() engine.Channel {
			return &WebPush{
				Field: "cf_push_subscription", Services: pushServices, Urgency: "normal", TTL: 24 * time.Hour,
				Timeout: 30 * time.Second,
			}
		},
	}
}

// Carrier says that a subscription reaches one browser.
func (w *WebPush) Carrier() engine.Carrier {
	return engine.Carrier{Kind: "webpush", Reach: engine.Reach{Field: w.Field}, Proper: w.proper, Leads: true}
}

// proper is a subscription in the form that is compared and sent to.
func (w *WebPush) proper(address string) (string, error) {
	subscription, err := webpush.ParseSubscription(address)
	if err != nil {
		return "", err
	}
	served := slices.ContainsFunc(w.Services, func(service string) bool {
		below, ok := strings.CutPrefix(service, "*")
		return service == subscription.Host() || ok && strings.HasSuffix(subscription.Host(), below)
	})
	if !served {
		return "", fmt.Errorf("the subscription is of %s, which services does not name", subscription.Host())
	}
	return subscription.String(), nil
}

// Send encrypts a message for the recipient's browser and hands it to the push service. A subscription that the
// browser ended gets nothing more.
func (w *WebPush) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	out, err := w.gate.enter()
	if err != nil {
		return engine.Receipt{}, err
	}
	defer out()
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	address, err := w.proper(m.Recipient.Address)
	if err != nil {
		return engine.Receipt{}, engine.Permanent(err)
	}
	subscription, err := webpush.ParseSubscription(address)
	if err != nil {
		return engine.Receipt{}, engine.Permanent(err)
	}
	written, err := payload(m)
	if err != nil {
		return engine.Receipt{}, engine.Permanent(err)
	}
	id, err := w.sender.Send(ctx, subscription, webpush.Push{
		Payload: written, Topic: topic(m.Delivery), Urgency: w.Urgency, TTL: w.TTL,
	}, m.Leaving)
	if errors.Is(err, webpush.ErrGone) {
		suppress(ctx, w.outfit, m, "the browser has ended the subscription", 0)
	}
	if err != nil {
		return engine.Receipt{}, err
	}
	return engine.Receipt{Provider: subscription.Host(), ID: id, Detail: "taken"}, nil
}

// Careful tells that it says when a message is about to leave.
func (w *WebPush) Careful() bool { return true }

// Close waits for the messages under way and gives up the connections.
func (w *WebPush) Close() error {
	w.gate.shut()
	w.transport.CloseIdleConnections()
	return nil
}
