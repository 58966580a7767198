package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/phone"
	"postern/internal/sms"
	"postern/internal/twilio"
)

// WhatsApp sends messages by WhatsApp, through Twilio.
type WhatsApp struct {
	// Account at Twilio, as its console shows it: AC and 32 digits.
	Account string `yaml:"account,required"`
	// User to log in with: the account itself, which is the default, or an API key SK…, which can be revoked alone.
	User string `yaml:"user"`
	// Where the auth token is, or the secret of the API key: env or file.
	Token engine.Secret `yaml:"token,required"`
	// Where the account's auth token is if user is an API key: Twilio signs its callbacks with it.
	AuthToken engine.Secret `yaml:"auth_token"`
	// Number that sends, such as +34911000111, registered with WhatsApp at Twilio.
	From string `yaml:"from"`
	// Service is a messaging service MG…, which chooses the number that sends. It stands in place of from.
	Service string `yaml:"service"`
	// Countries that may be written to, by two letters; any if not set.
	Countries []string `yaml:"countries"`
	// Region is the country of numbers that records hold without a +; the first of countries if not set.
	Region string `yaml:"region"`
	// Validity is how long Twilio may hold a message that waits: 5s to 10h.
	Validity time.Duration `yaml:"validity"`
	// Endpoint is where Twilio's API is, if not in its usual place: https://api.dublin.ie1.twilio.com.
	Endpoint string `yaml:"endpoint"`

	line  twilioLine
	known phone.Known // numbers that may be written to
}

var (
	_ engine.Channel  = (*WhatsApp)(nil)
	_ engine.Opener   = (*WhatsApp)(nil)
	_ engine.Closer   = (*WhatsApp)(nil)
	_ engine.Careful  = (*WhatsApp)(nil)
	_ engine.Carried  = (*WhatsApp)(nil)
	_ engine.Callee   = (*WhatsApp)(nil)
	_ engine.Examined = (*WhatsApp)(nil)
)

// Limits of WhatsApp.
const (
	conversation   = 24*time.Hour - 10*time.Minute // a message may take a while to get there
	maxFreeText    = 1600                          // characters
	maxTemplateVar = 1024                          // characters of all variables
)

// WhatsAppKind describes the channel kind whatsapp.
func WhatsAppKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "whatsapp",
		Summary: "Sends messages by WhatsApp, through Twilio.",
		Example: `account: AC0123456789abcdef0123456789abcdef
token: {env: TWILIO_TOKEN}
from: "+34911000111"
`,
		New: func() engine.Channel { return &WhatsApp{Validity: 4 * time.Hour} },
	}
}

// Open checks every key and reads the secrets, without a connection yet.
func (w *WhatsApp) Open(outfit engine.Outfit) error {
	if err := checkNumbers(w.rules()); err != nil {
		return err
	}
	if w.From != "" && !phone.E164(w.From) {
		return errors.New("from: is a number such as +34911000111")
	}
	if err := checkValidity(w.Validity); err != nil {
		return err
	}
	w.line.account, w.line.user, w.line.token, w.line.authToken = w.Account, w.User, w.Token, w.AuthToken
	w.line.from, w.line.service, w.line.endpoint = w.From, w.Service, w.Endpoint
	w.line.prefix = "whatsapp:"
	return w.line.open(outfit)
}

// rules are the numbers that may be written to: companies are on WhatsApp with their fixed lines too.
func (w *WhatsApp) rules() phone.Rules {
	rules := numbers(w.Region, w.Countries)
	rules.Landlines = true
	return rules
}

// proper is a number that may be written to, in the form that Twilio takes.
func (w *WhatsApp) proper(number string) (string, error) { return w.known.Proper(w.rules(), number) }

// Carrier tells that a message goes to a telephone number, and when its text may be free.
func (w *WhatsApp) Carrier() engine.Carrier {
	return engine.Carrier{
		Kind: "whatsapp", Reach: engine.Reach{Type: engine.TypePhone}, Proper: w.proper, Replies: true, Converses: true,
	}
}

// Send hands a message over once: its text while a conversation is open, else by its approved template. Where WhatsApp
// knows better that none is open, the template goes after all: of a text that was refused nothing arrived.
func (w *WhatsApp) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	if _, err := w.proper(m.Recipient.Address); err != nil { // whoever asks, no other number is written to
		return engine.Receipt{}, engine.Permanent(err)
	}
	m.OnLeaving = sync.OnceFunc(m.Leaving)
	if text := sms.Clean(m.Content.Text); text != "" && w.converses(m) {
		if utf8.RuneCountInString(text) > maxFreeText {
			return engine.Receipt{}, engine.Permanent(fmt.Errorf("the text is longer than %d characters", maxFreeText))
		}
		receipt, err := w.line.send(ctx, m, twilio.Message{Body: text, Validity: w.Validity})
		if err == nil || twilio.CodeOf(err) != twilio.CodeNotConversing {
			return receipt, err
		}
	}
	return w.sendApproved(ctx, m)
}

// converses tells whether a conversation is open: the recipient wrote to us within a day.
func (w *WhatsApp) converses(m engine.Message) bool {
	return !m.Heard.IsZero() && w.line.outfit.Clock.Now().Sub(m.Heard) < conversation
}

// sendApproved sends the template that was approved for the message.
func (w *WhatsApp) sendApproved(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	if m.Content.Approved == nil || m.Content.Approved.ID == "" {
		return engine.Receipt{}, engine.Permanent(errors.New(
			"no conversation is open, and the template has no approved text to open one with"))
	}
	variables, err := flat(m.Content.Approved.Variables)
	if err != nil {
		return engine.Receipt{}, engine.Permanent(err)
	}
	receipt, err := w.line.send(ctx, m, twilio.Message{
		Template: m.Content.Approved.ID, Variables: variables, Validity: w.Validity,
	})
	if err != nil {
		return engine.Receipt{}, err
	}
	receipt.Detail += ", by its template"
	return receipt, nil
}

// flat brings variables into the form that WhatsApp takes: one line each, without runs of blanks, and not empty.
func flat(variables map[string]string) (map[string]string, error) {
	made, total := map[string]string{}, 0
	for name, value := range variables {
		value = strings.Join(strings.Fields(sms.Clean(value)), " ")
		if value == "" {
			return nil, fmt.Errorf("variable %s of the template is empty, which WhatsApp does not take", name)
		}
		made[name] = value
		total += utf8.RuneCountInString(value)
	}
	if total > maxTemplateVar {
		return nil, fmt.Errorf("the variables of the template have more than %d characters", maxTemplateVar)
	}
	return made, nil
}

// Careful tells that it says when a message is about to leave: when the connection stands.
func (w *WhatsApp) Careful() bool { return true }

// Callbacks answers Twilio: what became of messages, below /status/, and what people write, at /messages.
func (w *WhatsApp) Callbacks() http.Handler { return &w.line }

// Examine looks whether Twilio lets in, and says what it must be told.
func (w *WhatsApp) Examine(ctx context.Context, _ engine.ExamineTools) []engine.Finding {
	return w.line.examine(ctx)
}

// Close waits for the messages under way and closes the connections.
func (w *WhatsApp) Close() error { return w.line.close() }
