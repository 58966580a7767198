package channels

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/mattermost"
)

// Mattermost posts messages in Mattermost: as a bot, to people by their mail address and to channels, or through an
// incoming webhook.
type Mattermost struct {
	// URL is the address of the server, such as https://chat.acme.example. It needs a token.
	URL string `yaml:"url"`
	// Token is where the token of the bot's account is: env or file.
	Token engine.Secret `yaml:"token"`
	// Team is the name of the team that a channel is of which is named alone: ~support in place of ~acme/support.
	Team string `yaml:"team"`
	// Hook is where the address of an incoming webhook is, in place of url and token: env or file. It posts to its own
	// channel.
	Hook engine.Secret `yaml:"hook"`
	// CA is a PEM file with certificates that are trusted besides those of the system.
	CA string `yaml:"ca"`
	// Timeout is the longest time for one message.
	Timeout time.Duration `yaml:"timeout"`

	outfit engine.Outfit
	bot    *mattermost.Client // nil where there is a hook
	hook   *mattermost.Hook   // nil where there is a bot
	idle   func()             // gives up connections that wait to be used again
	key    []byte             // of the buttons; nil for none
	rooms  rooms
	gate   gate
}

var (
	_ engine.Channel  = (*Mattermost)(nil)
	_ engine.Opener   = (*Mattermost)(nil)
	_ engine.Closer   = (*Mattermost)(nil)
	_ engine.Careful  = (*Mattermost)(nil)
	_ engine.Deduper  = (*Mattermost)(nil)
	_ engine.Carried  = (*Mattermost)(nil)
	_ engine.Callee   = (*Mattermost)(nil)
	_ engine.Examined = (*Mattermost)(nil)
)

// MattermostKind describes the channel kind mattermost.
func MattermostKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "mattermost",
		Summary: "Posts messages in Mattermost, with buttons.",
		Example: `url: https://chat.acme.example
token: {env: MATTERMOST_TOKEN}
team: acme
`,
		New: func() engine.Channel { return &Mattermost{Timeout: 30 * time.Second} },
	}
}

// Carrier tells that a bot reaches people by their mail address, and a hook its own channel.
func (m *Mattermost) Carrier() engine.Carrier {
	carrier := engine.Carrier{Kind: "mattermost", Proper: m.proper, Buttons: true}
	if m.Hook.IsZero() {
		carrier.Type = engine.TypeEmail
	}
	return carrier
}

// channelName is a channel as its address has it, with its team in front: ~acme/support.
var channelName = regexp.MustCompile(`^~(?:([a-z0-9][a-z0-9-]{1,63})/)?([a-z0-9][a-z0-9_-]{0,63})$`)

// proper takes ~channel, ~team/channel and, for a bot, mail addresses.
func (m *Mattermost) proper(address string) (string, error) {
	if strings.HasPrefix(address, "~") {
		switch parts := channelName.FindStringSubmatch(address); {
		case parts == nil:
			return "", errors.New("is no channel such as ~support or ~acme/support, as they stand in its address")
		case m.Hook.IsZero() && parts[1] == "" && m.Team == "" && m.URL != "":
			return "", errors.New("names a channel without its team: write ~team/channel, or set team")
		}
		return address, nil
	}
	if address == "" && !m.Hook.IsZero() {
		return "", nil
	}
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return "", errors.New("is neither a mail address nor a channel such as ~acme/support")
	}
	return address, nil
}

// Open checks every key and reads the secret once, without a connection yet.
func (m *Mattermost) Open(outfit engine.Outfit) error {
	m.outfit = outfit
	trust, err := trusting(outfit.Path(m.CA))
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	if m.Timeout < time.Second || m.Timeout > engine.MaxCallTime {
		return errors.New("timeout: is from 1s to 5m")
	}
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: connectTime}).DialContext, TLSClientConfig: trust,
		TLSHandshakeTimeout: connectTime, IdleConnTimeout: idleTime, MaxIdleConnsPerHost: 16,
		DisableKeepAlives: !m.Hook.IsZero(), // nobody could tell a message that was lost on one that was used before
	}
	m.idle = transport.CloseIdleConnections
	if outfit.Key != nil && outfit.Callbacks != "" {
		m.key = outfit.Key("mattermost buttons")
	}
	if !m.Hook.IsZero() {
		return m.openHook(transport)
	}
	return m.openBot(transport)
}

func (m *Mattermost) openHook(transport *http.Transport) error {
	if m.URL != "" || !m.Token.IsZero() || m.Team != "" {
		return errors.New("hook: stands in place of url, token and team, not beside them")
	}
	m.Hook = m.Hook.In(m.outfit.Folder)
	m.hook = &mattermost.Hook{Address: m.hookAddress, Transport: transport, Now: m.outfit.Clock.Now}
	if _, err := m.hookAddress(); err != nil {
		return fmt.Errorf("hook: %w", err)
	}
	return nil
}

// hookAddress reads the address of the hook, of which nothing may be told.
func (m *Mattermost) hookAddress() (string, error) {
	address, err := m.Hook.Reveal()
	if err == nil && !plainAPI(address) {
		err = errors.New("what it holds is no address such as https://chat.acme.example/hooks/…")
	}
	return address, err
}

func (m *Mattermost) openBot(transport *http.Transport) error {
	switch {
	case m.URL == "":
		return errors.New("url: is missing; or hook says where the address of an incoming webhook is")
	case m.Token.IsZero():
		return errors.New("token: is missing: env or file")
	case !plainAPI(m.URL):
		return fmt.Errorf("url: %q is no address such as https://chat.acme.example, without a / at its end; "+
			"http is for a server on this machine", m.URL)
	case m.Team != "" && !channelName.MatchString("~"+m.Team+"/x"):
		return fmt.Errorf("team: %q is no team as it stands in the address of its channels", m.Team)
	}
	m.Token = m.Token.In(m.outfit.Folder)
	m.bot = &mattermost.Client{URL: m.URL, Token: m.Token.Reveal, Transport: transport, Now: m.outfit.Clock.Now}
	if _, err := m.Token.Reveal(); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	return nil
}

// server is the host that takes the messages.
func (m *Mattermost) server() string {
	address := m.URL
	if m.hook != nil {
		address, _ = m.hookAddress()
	}
	u, err := url.Parse(address)
	if err != nil {
		return "mattermost"
	}
	return u.Host
}

// Careful tells that it says when a message is about to leave: when the connection that takes the post stands.
func (m *Mattermost) Careful() bool { return true }

// Dedupes tells that a bot posts a message once: see send. A hook knows no repetition.
func (m *Mattermost) Dedupes() bool { return m.Hook.IsZero() }

// Close waits for the messages under way and closes the connections.
func (m *Mattermost) Close() error {
	m.gate.shut()
	if m.idle != nil {
		m.idle()
	}
	return nil
}

// Send posts a message once.
func (m *Mattermost) Send(ctx context.Context, message engine.Message) (engine.Receipt, error) {
	out, err := m.gate.enter()
	if err != nil {
		return engine.Receipt{}, err
	}
	defer out()
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	if m.hook != nil {
		return m.sendByHook(ctx, message)
	}
	return m.sendByBot(ctx, message)
}
