package passkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"postern/internal/passkey"

	"github.com/descope/virtualwebauthn"
)

const home = "https://my.acme.example"

// device is an authenticator that its holder trusts, with the browser around it.
type device struct {
	t      *testing.T
	party  *passkey.Party
	site   virtualwebauthn.RelyingParty // what the browser says it is on
	itself virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
	holder passkey.Holder
}

func newDevice(t *testing.T) *device {
	t.Helper()
	party, err := passkey.NewParty(home, "Acme", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	handle := bytes.Repeat([]byte{7}, passkey.HandleBytes)
	return &device{
		t: t, party: party, site: virtualwebauthn.RelyingParty{ID: "my.acme.example", Name: "Acme", Origin: home},
		itself: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle}),
		key:    newKey(),
		holder: passkey.Holder{Handle: handle, Name: "zoe@acme.example"},
	}
}

// newKey makes the key pair of a passkey. Of some the device of the tests would write the public key too short.
func newKey() virtualwebauthn.Credential {
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		written, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			panic(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, written)
	}
}

// register makes a passkey and keeps it.
func (d *device) register() error {
	begun, err := d.party.Register(d.holder)
	if err != nil {
		d.t.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		d.t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAttestationResponse(d.site, d.itself, d.key, *options)
	key, err := d.party.Registered(d.holder, begun.State, []byte(answer))
	if err == nil {
		d.holder.Keys = append(d.holder.Keys, key)
	}
	return err
}

func (d *device) registered() *device {
	d.t.Helper()
	if err := d.register(); err != nil {
		d.t.Fatal(err)
	}
	return d
}

// ask begins to use a passkey.
func (d *device) ask(holder *passkey.Holder) passkey.Begun {
	d.t.Helper()
	begun, err := d.party.Ask(holder)
	if err != nil {
		d.t.Fatal(err)
	}
	return begun
}

// answer is what the device says to something that was begun.
func (d *device) answer(begun passkey.Begun) []byte {
	d.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(begun.Options))
	if err != nil {
		d.t.Fatal(err)
	}
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.site, d.itself, d.key, *options))
}

// find knows the holder alone.
func (d *device) find(credential []byte) (passkey.Holder, error) {
	for _, key := range d.holder.Keys {
		if bytes.Equal(key.Credential, credential) {
			return d.holder, nil
		}
	}
	return passkey.Holder{}, passkey.ErrUnknown
}

func (d *device) use(holder *passkey.Holder) error {
	begun := d.ask(holder)
	key, err := d.party.Answered(begun.State, d.answer(begun), d.find)
	if err == nil {
		d.holder.Keys[0] = key
	}
	return err
}

func TestPasskey(t *testing.T) {
	d := newDevice(t).registered()
	for range 3 {
		if err := d.use(nil); err != nil { // by whoever answers
			t.Fatal(err)
		}
		if err := d.use(&d.holder); err != nil { // by a holder who is known
			t.Fatal(err)
		}
	}
	if d.holder.Keys[0].Signs != 6 {
		t.Errorf("the counter stands at %d", d.holder.Keys[0].Signs)
	}
	begun, err := d.party.Register(d.holder)
	if err != nil {
		t.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(begun.Options))
	if err != nil {
		t.Fatal(err)
	}
	if !d.key.IsExcludedForAttestation(*options) {
		t.Error("the device would make a second passkey")
	}
	for _, want := range []string{`"residentKey":"required"`, `"userVerification":"required"`, `"my.acme.example"`} {
		if !strings.Contains(string(begun.Options), want) {
			t.Errorf("options lack %s:\n%s", want, begun.Options)
		}
	}
}

// A device that does not count says 0 each time.
func TestDeviceThatDoesNotCount(t *testing.T) {
	d := newDevice(t).registered()
	for range 2 {
		d.key.Counter = ^uint32(0) // the next one is 0
		if err := d.use(nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestT69PasskeyIsRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*device)
		want   error
	}{
		"another origin":        {func(d *device) { d.site.Origin = home + ".evil.example" }, passkey.ErrWrong},
		"another port":          {func(d *device) { d.site.Origin = home + ":8443" }, passkey.ErrWrong},
		"plain http":            {func(d *device) { d.site.Origin = "http://my.acme.example" }, passkey.ErrWrong},
		"another RP id":         {func(d *device) { d.site.ID = "acme.example" }, passkey.ErrWrong},
		"no user verification":  {func(d *device) { d.itself.Options.UserNotVerified = true }, passkey.ErrWrong},
		"nobody there":          {func(d *device) { d.itself.Options.UserNotPresent = true }, passkey.ErrWrong},
		"another holder":        {func(d *device) { d.itself.Options.UserHandle = []byte("x") }, passkey.ErrWrong},
		"the counter went back": {func(d *device) { d.holder.Keys[0].Signs = 9 }, passkey.ErrCounter},
		"the counter stands":    {func(d *device) { d.holder.Keys[0].Signs = 1 }, passkey.ErrCounter},
		"a credential that nobody has": {
			func(d *device) { d.key = newKey() }, passkey.ErrUnknown,
		},
		"another key under the credential's id": {func(d *device) {
			id := d.key.ID
			d.key = newKey()
			d.key.ID = id
		}, passkey.ErrWrong},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t).registered()
			test.change(d)
			if err := d.use(nil); !errors.Is(err, test.want) {
				t.Errorf("whoever: %v, want %v", err, test.want)
			}
			if name == "another holder" {
				return // who is known need not be named
			}
			d.key.Counter = 0
			holder := d.holder
			if err := d.use(&holder); !errors.Is(err, test.want) {
				t.Errorf("a holder: %v, want %v", err, test.want)
			}
		})
	}
}

func TestT69ChallengeOfAnotherCeremony(t *testing.T) {
	d := newDevice(t).registered()
	first, second := d.ask(nil), d.ask(nil)
	if _, err := d.party.Answered(second.State, d.answer(first), d.find); !errors.Is(err, passkey.ErrWrong) {
		t.Errorf("an answer to another challenge: %v", err)
	}
	known := d.ask(&d.holder)
	other := newDevice(t).registered()
	find := func([]byte) (passkey.Holder, error) {
		other.holder.Handle = bytes.Repeat([]byte{9}, passkey.HandleBytes)
		return other.holder, nil
	}
	if _, err := d.party.Answered(known.State, other.answer(known), find); !errors.Is(err, passkey.ErrWrong) {
		t.Errorf("the passkey of somebody else: %v", err)
	}
}

func TestT69RegistrationIsRefused(t *testing.T) {
	for name, change := range map[string]func(*device){
		"another origin":       func(d *device) { d.site.Origin = "https://acme.example" },
		"another RP id":        func(d *device) { d.site.ID = "acme.example" },
		"no user verification": func(d *device) { d.itself.Options.UserNotVerified = true },
		"nobody there":         func(d *device) { d.itself.Options.UserNotPresent = true },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t)
			change(d)
			if err := d.register(); !errors.Is(err, passkey.ErrWrong) {
				t.Errorf("registered: %v", err)
			}
		})
	}
}

func TestRubbishIsRefused(t *testing.T) {
	d := newDevice(t).registered()
	for _, answer := range []string{"", "{}", "null", `{"id":"","rawId":"","type":"public-key"}`, "\x00"} {
		if _, err := d.party.Answered(d.ask(nil).State, []byte(answer), d.find); !errors.Is(err, passkey.ErrWrong) {
			t.Errorf("%q as an answer: %v", answer, err)
		}
		begun, err := d.party.Register(d.holder)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.party.Registered(d.holder, begun.State, []byte(answer)); !errors.Is(err, passkey.ErrWrong) {
			t.Errorf("%q as a passkey: %v", answer, err)
		}
	}
	if _, err := d.party.Answered([]byte("no state"), nil, d.find); err == nil {
		t.Error("a state that is none is taken")
	}
}

func TestHosts(t *testing.T) {
	for base, ok := range map[string]bool{
		home: true, "https://my.acme.example:8443": true, "http://localhost:8080": true, "https://localhost": true,
		"http://my.acme.example": false, "https://192.0.2.7": false, "http://127.0.0.1:8080": false,
		"http://[::1]:80": false, "": false,
	} {
		_, err := passkey.NewParty(base, "Acme", rand.Reader)
		if (err == nil) != ok || err != nil && !errors.Is(err, passkey.ErrNoHost) {
			t.Errorf("%q: %v, want passkeys %v", base, err, ok)
		}
	}
}

func TestWithoutRandomness(t *testing.T) {
	party, err := passkey.NewParty(home, "Acme", iotest.ErrReader(errors.New("dry")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := party.Ask(nil); err == nil {
		t.Error("asked without a challenge")
	}
	if _, err := party.Register(passkey.Holder{Handle: []byte{1}, Name: "zoe"}); err == nil {
		t.Error("began without a challenge")
	}
}
