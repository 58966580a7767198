package channels

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/phone"
	"postern/internal/sms"
	"postern/internal/twilio"
)

// SMS sends text messages to telephones, by Twilio.
type SMS struct {
	// Account at Twilio, as its console shows it: AC and 32 digits.
	Account string `yaml:"account,required"`
	// User to log in with: the account itself, which is the default, or an API key SK…, which can be revoked alone.
	User string `yaml:"user"`
	// Where the auth token is, or the secret of the API key: env or file.
	Token engine.Secret `yaml:"token,required"`
	// Where the account's auth token is if user is an API key: Twilio signs its callbacks with it.
	AuthToken engine.Secret `yaml:"auth_token"`
	// Number that sends, such as +34911000111, a short code, or a name of up to 11 characters that nobody can answer.
	From string `yaml:"from"`
	// Service is a messaging service MG…, which chooses the number that sends. It stands in place of from.
	Service string `yaml:"service"`
	// Countries that may be written to, by two letters; any if not set. Every country that is not needed is one that
	// nobody can run up a bill in.
	Countries []string `yaml:"countries"`
	// Region is the country of numbers that records hold without a +; the first of countries if not set.
	Region string `yaml:"region"`
	// Segments that one message may have at most: each is charged, and holds 153 characters, or 67 if there is one that
	// GSM-7 does not know. A longer message is not sent.
	MaxSegments int `yaml:"max_segments"`
	// Validity is how long Twilio may hold a message that waits: 5s to 10h. A code that comes late only confuses.
	Validity time.Duration `yaml:"validity"`
	// Endpoint is where Twilio's API is, if not in its usual place: https://api.dublin.ie1.twilio.com.
	Endpoint string `yaml:"endpoint"`

	line  twilioLine
	known phone.Known // numbers that may be written to
}

var (
	_ engine.Channel  = (*SMS)(nil)
	_ engine.Opener   = (*SMS)(nil)
	_ engine.Closer   = (*SMS)(nil)
	_ engine.Careful  = (*SMS)(nil)
	_ engine.Carried  = (*SMS)(nil)
	_ engine.Callee   = (*SMS)(nil)
	_ engine.Examined = (*SMS)(nil)
)

const maxSegments = 10 // more than that Twilio takes, but no telephone likes

// SMSKind describes the channel kind sms.
func SMSKind() engine.ChannelKind {
	return engine.ChannelKind{
		Name:    "sms",
		Summary: "Sends text messages to telephones, by Twilio.",
		Example: `account: AC0123456789abcdef0123456789abcdef
token: {env: TWILIO_TOKEN}
from: "+34911000111"
countries: [ES, NL]
`,
		New: func() engine.Channel { return &SMS{MaxSegments: 3, Validity: 4 * time.Hour} },
	}
}

// Open checks every key and reads the secrets, without a connection yet.
func (s *SMS) Open(outfit engine.Outfit) error {
	if err := checkNumbers(s.rules()); err != nil {
		return err
	}
	switch {
	case s.From != "" && !twilioSender(s.From):
		return errors.New("from: is a number such as +34911000111, a short code, or a name of up to 11 characters")
	case s.MaxSegments < 1 || s.MaxSegments > maxSegments:
		return fmt.Errorf("max_segments: %d is not between 1 and %d", s.MaxSegments, maxSegments)
	}
	if err := checkValidity(s.Validity); err != nil {
		return err
	}
	s.line.account, s.line.user, s.line.token, s.line.authToken = s.Account, s.User, s.Token, s.AuthToken
	s.line.from, s.line.service, s.line.endpoint = s.From, s.Service, s.Endpoint
	return s.line.open(outfit)
}

// rules are the numbers that may be written to.
func (s *SMS) rules() phone.Rules { return numbers(s.Region, s.Countries) }

// proper is a number that may be written to, in the form that Twilio takes.
func (s *SMS) proper(number string) (string, error) { return s.known.Proper(s.rules(), number) }

// Carrier tells that a message goes to a telephone number.
func (s *SMS) Carrier() engine.Carrier {
	return engine.Carrier{
		Kind: "sms", Reach: engine.Reach{Type: engine.TypePhone}, Proper: s.proper, Replies: true,
		Segments: s.MaxSegments,
	}
}

// Send hands a message over once.
func (s *SMS) Send(ctx context.Context, m engine.Message) (engine.Receipt, error) {
	if _, err := s.proper(m.Recipient.Address); err != nil { // whoever asks, no other number is written to
		return engine.Receipt{}, engine.Permanent(err)
	}
	text := sms.Clean(m.Content.Text)
	size := sms.Measure(text)
	switch {
	case text == "":
		return engine.Receipt{}, engine.Permanent(errors.New("the message has no text"))
	case size.Segments > s.MaxSegments:
		return engine.Receipt{}, engine.Permanent(errors.New(tooLong(size, s.MaxSegments)))
	}
	receipt, err := s.line.send(ctx, m, twilio.Message{Body: text, Validity: s.Validity})
	if err != nil {
		return engine.Receipt{}, err
	}
	receipt.Detail += ", " + counted(size.Segments)
	return receipt, nil
}

// tooLong says why a message is not sent.
func tooLong(size sms.Count, limit int) string {
	why := fmt.Sprintf("the text takes %s, and max_segments is %d", counted(size.Segments), limit)
	if size.Unicode {
		why += fmt.Sprintf("; %q makes a segment hold 67 characters in place of 153", size.Odd)
	}
	return why
}

// counted is a number of segments in words.
func counted(n int) string {
	if n == 1 {
		return "1 segment"
	}
	return strings.TrimSpace(fmt.Sprintf("%d segments", n))
}

// Careful tells that it says when a message is about to leave: when the connection stands.
func (s *SMS) Careful() bool { return true }

// Callbacks answers Twilio: what became of messages, below /status/, and what people write, at /messages.
func (s *SMS) Callbacks() http.Handler { return &s.line }

// Examine looks whether Twilio lets in, and says what it must be told.
func (s *SMS) Examine(ctx context.Context, _ engine.ExamineTools) []engine.Finding {
	return s.line.examine(ctx)
}

// Close waits for the messages under way and closes the connections.
func (s *SMS) Close() error { return s.line.close() }
