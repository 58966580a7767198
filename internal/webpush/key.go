package webpush

import (
	"crypto/ecdh"
	"errors"
	"io"
	"strings"
)

// Key is what proves to push services who sends (RFC 8292). Browsers subscribe to its public half; with another key
// every subscription made for this one is dead.
type Key struct {
	pair *ecdh.PrivateKey
}

// NewKey makes a key.
func NewKey(random io.Reader) (Key, error) {
	pair, err := ecdh.P256().GenerateKey(random)
	return Key{pair}, err
}

// ParseKey reads the private half: 32 bytes in base64. The error does not repeat it.
func ParseKey(text string) (Key, error) {
	pair, err := ecdh.P256().NewPrivateKey(decode(strings.TrimSpace(text)))
	if err != nil {
		return Key{}, errors.New("is no key as postern keys webpush makes it: 32 bytes in base64")
	}
	return Key{pair}, nil
}

// Public is the public half as pages hand it to pushManager.subscribe: 65 bytes in base64url.
func (k Key) Public() string { return encode(k.pair.PublicKey().Bytes()) }

// Private is the private half, to be written into a file that nobody else reads.
func (k Key) Private() string { return encode(k.pair.Bytes()) }

// libraryAddress is a subject as the library wants it: it writes mailto: itself.
func libraryAddress(subject string) string { return strings.TrimPrefix(subject, "mailto:") }
