package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// AddressID is an address as the store knows it: a keyed hash, 128 bits of HMAC-SHA-256. What is suppressed and who
// wrote to us is kept by it, so that the store alone tells nobody's address.
type AddressID ID

// String is the usual text of an id.
func (id AddressID) String() string { return ID(id).String() }

// IsZero tells whether there is no address.
func (id AddressID) IsZero() bool { return id == AddressID{} }

// HashAddress is the id of an address on a channel. Letters of mail addresses count alike, whether small or capital.
func HashAddress(key []byte, channel, address string) AddressID {
	address = strings.TrimSpace(address)
	if strings.Contains(address, "@") {
		address = strings.ToLower(address)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(channel + "\x00" + address))
	return AddressID(mac.Sum(nil)[:16])
}

func (e *Engine) hashAddress(channel, address string) AddressID {
	return HashAddress(e.AddressKey, channel, address)
}
