// Package passkeytest plays the device that holds a passkey, with the browser around it.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/url"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// Device makes one passkey and uses it. Counter is what it counts its answers by.
type Device struct {
	t      testing.TB
	site   virtualwebauthn.RelyingParty
	itself virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

// New is a device whose browser is at an origin such as https://my.acme.example.
func New(t testing.TB, origin string) *Device {
	t.Helper()
	at, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	return &Device{
		t: t, site: virtualwebauthn.RelyingParty{ID: at.Hostname(), Name: "test", Origin: origin},
		itself: virtualwebauthn.NewAuthenticator(), key: newKey(t),
	}
}

// newKey makes the key pair of a passkey. Of some the device would write the public key too short.
func newKey(t testing.TB) virtualwebauthn.Credential {
	t.Helper()
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			continue
		}
		written, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, written)
	}
}

// Make is the answer to what a page asks for that makes a passkey.
func (d *Device) Make(options []byte) []byte {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		d.t.Fatal(err)
	}
	d.itself.Options.UserHandle = []byte(asked.UserID)
	return []byte(virtualwebauthn.CreateAttestationResponse(d.site, d.itself, d.key, *asked))
}

// Use is the answer to what a page asks for that uses a passkey.
func (d *Device) Use(options []byte) []byte {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		d.t.Fatal(err)
	}
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.site, d.itself, d.key, *asked))
}
