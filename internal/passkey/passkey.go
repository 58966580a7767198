// Package passkey makes and checks passkeys (WebAuthn, W3C) by the library go-webauthn. A passkey is bound to the host
// that it was made for, which is fixed by the configuration and never taken from a request, and always to be used with
// its device's own check that it is its owner (user verification), so that it counts as two factors.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

const (
	// HandleBytes is how long the handle is that a holder's devices know them by.
	HandleBytes = 32
	// patience is what browsers are asked to wait for the holder; what is stored ends by itself.
	patience       = 5 * time.Minute
	challengeBytes = 32
)

// Why there are no passkeys, or one proves nothing.
var (
	// ErrNoHost says that passkeys need a host with a name, and https, but for localhost.
	ErrNoHost = errors.New("passkeys need https and a host with a name")
	// ErrWrong says that an answer proves nothing; the cause is wrapped, for the operators.
	ErrWrong = errors.New("the passkey proves nothing")
	// ErrCounter says that a device has counted back, so that there may be a copy of its passkey.
	ErrCounter = errors.New("the passkey has counted back")
	// ErrUnknown says that an answer is of a passkey that nobody has here.
	ErrUnknown = errors.New("the passkey is not known")
)

// Party is the host that passkeys are made for.
type Party struct {
	library *webauthn.WebAuthn
	random  io.Reader
}

// Key is a passkey as it is kept. Nothing of it is secret.
type Key struct {
	Credential []byte // its id
	Public     []byte // the public key and what the device said of itself, JSON
	Signs      uint32 // counter of its answers; 0 where the device does not count
}

// Holder is who has passkeys.
type Holder struct {
	Handle []byte // HandleBytes random bytes
	Name   string // that they sign in with; their device shows it
	Keys   []Key
}

// Begun is a ceremony that waits for the answer of a browser.
type Begun struct {
	Options []byte // what the script of the page gives to the browser, JSON
	State   []byte // what the answer is checked against, JSON; it must not get into other hands
}

// NewParty makes the party of a base address such as https://my.acme.example. name is what devices show. ErrNoHost
// where browsers make no passkeys for such an address.
func NewParty(base, name string, random io.Reader) (*Party, error) {
	address, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	host := address.Hostname()
	_, notNamed := netip.ParseAddr(host)
	if host == "" || notNamed == nil || address.Scheme != "https" && host != "localhost" {
		return nil, ErrNoHost
	}
	if name == "" {
		name = host
	}
	wait := webauthn.TimeoutConfig{Timeout: patience}
	library, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: []string{address.Scheme + "://" + address.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: wait, Registration: wait},
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	return &Party{library: library, random: random}, nil
}

// Register begins to make a passkey. Devices that hold one of the holder's already make no second one.
func (p *Party) Register(holder Holder) (Begun, error) {
	challenge, err := p.challenge()
	if err != nil {
		return Begun{}, err
	}
	u, err := userOf(holder)
	if err != nil {
		return Begun{}, err
	}
	options, state, err := p.library.BeginRegistration(u, webauthn.WithExclusions(u.descriptors()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error { o.Challenge = challenge; return nil })
	if err != nil {
		return Begun{}, fmt.Errorf("begin a passkey: %w", err)
	}
	return begun(options, state)
}

// Registered takes the answer to Register. ErrWrong where it is none to this, by this host, with user verification.
func (p *Party) Registered(holder Holder, state, answer []byte) (Key, error) {
	session, err := stateOf(state)
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, wrong(err)
	}
	u, err := userOf(holder)
	if err != nil {
		return Key{}, err
	}
	made, err := p.library.CreateCredential(u, session, parsed)
	if err != nil {
		return Key{}, wrong(err)
	}
	return keyOf(made)
}

// Ask begins to use a passkey of a holder, or of whoever answers where holder is nil.
func (p *Party) Ask(holder *Holder) (Begun, error) {
	challenge, err := p.challenge()
	if err != nil {
		return Begun{}, err
	}
	var options *protocol.CredentialAssertion
	var state *webauthn.SessionData
	if holder == nil {
		options, state, err = p.library.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	} else {
		var u user
		if u, err = userOf(*holder); err != nil {
			return Begun{}, err
		}
		options, state, err = p.library.BeginLogin(u, webauthn.WithChallenge(challenge))
	}
	if err != nil {
		return Begun{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return begun(options, state)
}

// Answered takes the answer to Ask. find gives the holder of a passkey by its id; its errors are returned as they are.
// The key is as it has to be kept from now on. Errors beside those: ErrWrong, ErrCounter.
func (p *Party) Answered(state, answer []byte, find func(credential []byte) (Holder, error)) (Key, error) {
	session, err := stateOf(state)
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Key{}, wrong(err)
	}
	holder, err := find(parsed.RawID)
	if err != nil {
		return Key{}, err
	}
	u, err := userOf(holder)
	if err != nil {
		return Key{}, err
	}
	var used *webauthn.Credential
	if len(session.UserID) == 0 {
		whoever := func([]byte, []byte) (webauthn.User, error) { return u, nil }
		used, err = p.library.ValidateDiscoverableLogin(whoever, session, parsed)
	} else {
		used, err = p.library.ValidateLogin(u, session, parsed)
	}
	switch {
	case err != nil:
		return Key{}, wrong(err)
	case used.Authenticator.CloneWarning:
		return Key{}, ErrCounter
	}
	return keyOf(used)
}

func (p *Party) challenge() ([]byte, error) {
	challenge := make([]byte, challengeBytes)
	if _, err := io.ReadFull(p.random, challenge); err != nil {
		return nil, fmt.Errorf("make a challenge: %w", err)
	}
	return challenge, nil
}

func begun(options any, state *webauthn.SessionData) (b Begun, err error) {
	b.Options, err = json.Marshal(options)
	if err == nil {
		b.State, err = json.Marshal(state)
	}
	if err != nil {
		return Begun{}, fmt.Errorf("write what a passkey is asked for: %w", err)
	}
	return b, nil
}

func stateOf(state []byte) (session webauthn.SessionData, err error) {
	if err := json.Unmarshal(state, &session); err != nil {
		return session, fmt.Errorf("read what a passkey was asked for: %w", err)
	}
	return session, nil
}

// wrong keeps what the library says for the operators, with its details.
func wrong(err error) error {
	var detailed *protocol.Error
	if errors.As(err, &detailed) && detailed.DevInfo != "" {
		return fmt.Errorf("%w: %s: %s", ErrWrong, detailed.Details, detailed.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrWrong, err)
}
