package channels

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"postern/engine"
)

// What channels over HTTP have in common.
const (
	connectTime = 10 * time.Second // for a connection, and for what TLS does on it
	idleTime    = 30 * time.Second // after which a connection is not used again
	minSecret   = 32               // characters of a secret that proves who calls back
)

// gate lets messages through until the channel is closed. The zero value is open.
type gate struct {
	mu     sync.RWMutex
	closed bool
}

// enter lets one message through; out is to be called when it is done with.
func (g *gate) enter() (out func(), err error) {
	g.mu.RLock()
	if g.closed {
		g.mu.RUnlock()
		return nil, errors.New("the channel is closed")
	}
	return g.mu.RUnlock, nil
}

// shut waits for those that were let through and lets no more pass.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// sameSecret compares in a time that tells nothing of either text.
func sameSecret(given, wanted string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// plainAPI tells whether a text is the address of an API: https, or http on this machine, without a final slash.
func plainAPI(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.HasSuffix(text, "/") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}

// trusting is what trusts the certificates of a PEM file besides those of the system; path is "" for the latter alone.
func trusting(path string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if path == "" {
		return config, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil {
		return nil, err
	}
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%q holds no PEM certificate", path)
	}
	return config, nil
}

// suppress keeps messages from the recipient of a message, for a time or, if it is zero, for good. That it was not
// noted is logged: the next message to the same recipient comes here again.
func suppress(ctx context.Context, outfit engine.Outfit, m engine.Message, detail string, lasting time.Duration) {
	if outfit.Hear == nil {
		return // nobody keeps anything: a single message was sent by hand
	}
	now := outfit.Clock.Now()
	s := engine.Suppression{
		Channel: outfit.Channel, Address: m.Recipient.Address, Masked: m.Recipient.Masked(),
		Reason: engine.SuppressedBounce, Detail: detail, By: "provider", At: now,
	}
	if lasting > 0 {
		s.Until = now.Add(lasting)
	}
	heard := engine.Heard{
		Channel: outfit.Channel, Key: "suppress:" + m.Delivery.String(), At: now, Suppress: []engine.Suppression{s},
	}
	if err := outfit.Hear(ctx, heard); err != nil {
		outfit.Logger.Error("an address that gets nothing more was not noted", "channel", outfit.Channel, "error", err)
	}
}
