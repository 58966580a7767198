package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	webpush "github.com/SherClockHolmes/webpush-go"

	"postern/internal/netguard"
)

// Subscription is what a browser gave out to be sent messages: JSON.stringify(subscription) in a page.
type Subscription struct {
	endpoint     *url.URL
	p256dh, auth []byte
}

// maxSubscription is more than the text of any browser's subscription, in bytes.
const maxSubscription = 3000

// written is a subscription as browsers write it; what else they write is left out.
type written struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

// ParseSubscription reads a subscription and checks all that can be checked without a connection. The error is a
// sentence that repeats nothing of the text.
func ParseSubscription(text string) (Subscription, error) {
	var w written
	if len(text) > maxSubscription || json.Unmarshal([]byte(text), &w) != nil {
		return Subscription{}, errors.New("the subscription is not the JSON of a browser")
	}
	endpoint, err := url.Parse(w.Endpoint)
	if err != nil || endpoint.Scheme != "https" || endpoint.User != nil || !netguard.IsHost(host(endpoint)) {
		return Subscription{}, errors.New("the subscription's endpoint is no https address")
	}
	endpoint.Fragment, endpoint.Host = "", strings.ToLower(endpoint.Host)
	s := Subscription{endpoint: endpoint, p256dh: decode(w.Keys.P256dh), auth: decode(w.Keys.Auth)}
	if _, err := ecdh.P256().NewPublicKey(s.p256dh); err != nil || len(s.auth) != 16 {
		return Subscription{}, errors.New("the subscription's keys are not those of a browser")
	}
	return s, nil
}

// Host is the push service's host, in small letters and without a port.
func (s Subscription) Host() string { return s.endpoint.Hostname() }

// String is the subscription in the one form that is compared and sent to.
func (s Subscription) String() string {
	var w written
	w.Endpoint, w.Keys.P256dh, w.Keys.Auth = s.endpoint.String(), encode(s.p256dh), encode(s.auth)
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(w) // strings can always be written
	return strings.TrimSpace(text.String())
}

func (s Subscription) library() *webpush.Subscription {
	keys := webpush.Keys{P256dh: encode(s.p256dh), Auth: encode(s.auth)}
	return &webpush.Subscription{Endpoint: s.endpoint.String(), Keys: keys}
}

// host is a host as netguard.IsHost reads it: an IPv6 address in its brackets.
func host(u *url.URL) string {
	if name := u.Hostname(); !strings.Contains(name, ":") {
		return name
	}
	return "[" + u.Hostname() + "]"
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// decode reads base64 in any of the forms that browsers and programs write; nil if it is none.
func decode(text string) []byte {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return data
}
