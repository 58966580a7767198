package channels

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/phone"
	"postern/internal/twilio"
)

// twilioLine is what SMS and WhatsApp share: a sender at Twilio, by which messages leave and people answer.
type twilioLine struct {
	account, user, from, service, endpoint string
	token, authToken                       engine.Secret

	prefix string // of addresses at Twilio: "" or "whatsapp:"

	outfit engine.Outfit
	client *twilio.Client
	signer string // the auth token, by which Twilio signs
	forged counter
}

// Names of things at Twilio.
var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	userSID    = regexp.MustCompile(`^(AC|SK)[0-9a-fA-F]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	senderName = regexp.MustCompile(`^[A-Za-z0-9 +_&-]{1,11}$`) // at least one letter, which is checked apart
	shortCode  = regexp.MustCompile(`^[0-9]{3,8}$`)
)

// How long Twilio may hold a message that waits.
const minValidity, longValidity = 5 * time.Second, 10 * time.Hour

func checkValidity(validity time.Duration) error {
	if validity < minValidity || validity > longValidity {
		return fmt.Errorf("validity: %s is not between %s and 10h", validity, minValidity)
	}
	return nil
}

// numbers are the numbers that may be written to. Those without a + are of the first country if no region is said.
func numbers(region string, countries []string) phone.Rules {
	if region == "" && len(countries) > 0 {
		region = countries[0]
	}
	return phone.Rules{Region: region, Countries: countries}
}

func checkNumbers(rules phone.Rules) error {
	if err := (phone.Rules{Countries: rules.Countries}).Check(); err != nil {
		return fmt.Errorf("countries: %w", err)
	}
	if err := (phone.Rules{Region: rules.Region}).Check(); err != nil {
		return fmt.Errorf("region: %w", err)
	}
	return nil
}

// open checks the configuration and reads the secrets.
func (l *twilioLine) open(outfit engine.Outfit) error {
	if l.user == "" {
		l.user = l.account
	}
	endpoint, err := l.checked()
	if err != nil {
		return err
	}
	secret, err := reveal(l.token, outfit)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if l.signer, err = l.signs(secret, outfit); err != nil {
		return fmt.Errorf("auth_token: %w", err)
	}
	l.outfit = outfit
	account := twilio.Account{SID: l.account, User: l.user, Secret: secret, Endpoint: endpoint}
	l.client = twilio.New(account, outfit.Clock)
	return nil
}

func (l *twilioLine) checked() (*url.URL, error) {
	switch {
	case !accountSID.MatchString(l.account):
		return nil, errors.New("account: is AC and 32 digits, as Twilio's console shows it")
	case !userSID.MatchString(l.user):
		return nil, errors.New("user: is the account, or an API key: SK and 32 digits")
	case l.service != "" && !serviceSID.MatchString(l.service):
		return nil, errors.New("service: is a messaging service: MG and 32 digits")
	case l.service == "" && l.from == "":
		return nil, errors.New("from: is not set, nor is service: one of them says who sends")
	case l.service != "" && l.from != "":
		return nil, errors.New("from: is set, and service is too: one of them says who sends")
	}
	if l.endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(l.endpoint)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !here(u.Hostname())) {
		return nil, errors.New("endpoint: is an address such as https://api.dublin.ie1.twilio.com, without a path")
	}
	return u, nil
}

// signs is the auth token, by which Twilio signs what it calls back with. The secret of an API key signs nothing.
func (l *twilioLine) signs(secret string, outfit engine.Outfit) (string, error) {
	switch {
	case !l.authToken.IsZero():
		return reveal(l.authToken, outfit)
	case l.user == l.account:
		return secret, nil
	}
	return "", errors.New(
		"is not set, but user is an API key: Twilio signs its callbacks with the account's auth token")
}

// reveal reads a secret that must be there.
func reveal(s engine.Secret, outfit engine.Outfit) (string, error) {
	value, err := s.In(outfit.Folder).Reveal()
	if err == nil && value == "" {
		err = errors.New("is not set")
	}
	return value, err
}

// send hands a message over once. What it means that a number got nothing is heard at once.
func (l *twilioLine) send(ctx context.Context, m engine.Message, out twilio.Message) (engine.Receipt, error) {
	out.To, out.Service, out.Callback = l.prefix+m.Recipient.Address, l.service, l.statusAddress(m.Delivery)
	if l.from != "" {
		out.From = l.prefix + l.from
	}
	taken, err := l.client.Send(ctx, out, m.Leaving)
	if err != nil {
		l.refused(ctx, m, err)
		return engine.Receipt{}, err
	}
	receipt := engine.Receipt{Provider: "twilio", ID: taken.ID, Detail: taken.Status}
	if taken.ID == "" {
		receipt.Detail = "taken, but the answer broke off"
	}
	return receipt, nil
}

// refused follows from a refusal: an address that gets nothing more, and what an operator must see.
func (l *twilioLine) refused(ctx context.Context, m engine.Message, err error) {
	code := twilio.CodeOf(err)
	if code == twilio.CodeRegion || code == twilio.CodeFiltered {
		l.outfit.Logger.Warn("Twilio refused a message, and will refuse others like it", "channel", l.outfit.Channel,
			"delivery", m.Delivery.String(), "reason", err.Error())
	}
	reason, ok := twilio.Suppresses(code)
	if !ok || l.outfit.Hear == nil {
		return // without Hear nobody keeps anything: a single message was sent by hand
	}
	heard := engine.Heard{
		Channel: l.outfit.Channel, Key: fmt.Sprintf("refused:%d:%s", code, m.Delivery), At: l.outfit.Clock.Now(),
		Suppress: []engine.Suppression{{
			Channel: l.outfit.Channel, Address: m.Recipient.Address, Reason: reason, Detail: twilio.Meaning(code),
			By: byOf(reason), At: l.outfit.Clock.Now(),
		}},
	}
	if err := l.outfit.Hear(ctx, heard); err != nil {
		l.outfit.Logger.Error("an address that gets nothing more could not be kept", "channel", l.outfit.Channel,
			"delivery", m.Delivery.String(), "error", err)
	}
}

// byOf is who wanted a suppression.
func byOf(reason engine.SuppressionReason) string {
	if reason == engine.SuppressedOptOut {
		return "recipient"
	}
	return "provider"
}

// statusAddress is where Twilio reports on a delivery: the address proves whose message it was, also where the answer
// to its request was lost. It is empty where Twilio could not reach it, for it refuses such a message.
func (l *twilioLine) statusAddress(delivery engine.ID) string {
	u, err := url.Parse(l.outfit.Callbacks)
	if err != nil || u.Hostname() == "" || here(u.Hostname()) {
		return ""
	}
	return l.outfit.Callbacks + statusPath + delivery.String()
}

// own is an address at Twilio without its prefix.
func (l *twilioLine) own(address string) (string, bool) { return strings.CutPrefix(address, l.prefix) }

func (l *twilioLine) close() error {
	if l.client == nil {
		return nil
	}
	return l.client.Close()
}

// twilioSender tells whether from can send SMS: a number, a short code, or a name of up to 11 characters.
func twilioSender(from string) bool {
	hasLetter := strings.ContainsFunc(from, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
	return phone.E164(from) || shortCode.MatchString(from) || hasLetter && senderName.MatchString(from)
}

// here tells whether a host is this machine.
func here(host string) bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host)
}
