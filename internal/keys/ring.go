package keys

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// alphabet is base32 (RFC 4648) in lower case: the names of generations are drawn from it.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// What keys are derived for. The words are part of the derivation: changing one orphans what was made with it.
const (
	forTokens   = "link-token"
	forPeppers  = "link-pepper"
	forVisitors = "visitor"
	forCodes    = "code"
	forContent  = "content-seal"
)

// Ring holds the keys derived from a root secret by HKDF-SHA-256 (RFC 5869), one per purpose and generation. Its views
// look the keys up at each use, so all of them know a root that Take has put in place of the one before.
type Ring struct{ now atomic.Pointer[derived] }

// derived is every key of a root. It never changes.
type derived struct {
	current byte                         // the generation that new things are made with
	hashing map[string]map[string][]byte // by purpose and key id
	content map[byte]cipher.AEAD
}

// Mint are the keys of who sends links: it can make their tokens.
type Mint struct {
	Tokens  Hasher
	Peppers Hasher
}

// Door are the keys of who answers links: it can recognise the token of a link and never make one.
type Door struct {
	Peppers  Hasher
	Visitors Hasher
	Codes    Hasher // of the one-time codes that it asks for
}

// NewRing derives every key of a root.
func NewRing(root Root) (*Ring, error) {
	ring := new(Ring)
	return ring, ring.Take(root)
}

// Take derives the keys of a root and uses them from now on, in every view that the ring has given out. After an error
// the keys are those of before.
func (r *Ring) Take(root Root) error {
	if len(root.generations) == 0 {
		return errors.New("derive keys: the root secret is empty")
	}
	d := &derived{
		current: root.generations[len(root.generations)-1].id,
		hashing: map[string]map[string][]byte{}, content: map[byte]cipher.AEAD{},
	}
	for _, g := range root.generations {
		if err := d.add(g); err != nil {
			return fmt.Errorf("derive keys: %w", err)
		}
	}
	r.now.Store(d)
	return nil
}

func (d *derived) add(g generation) error {
	for _, purpose := range []string{forTokens, forPeppers, forVisitors, forCodes} {
		key, err := g.derive(purpose)
		if err != nil {
			return err
		}
		if d.hashing[purpose] == nil {
			d.hashing[purpose] = map[string][]byte{}
		}
		d.hashing[purpose][string(g.id)] = key
	}
	key, err := g.derive(forContent)
	if err != nil {
		return err
	}
	d.content[g.id], err = newAEAD(key)
	return err
}

func (g generation) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, g.secret[:], nil, "postern/"+purpose+"/"+string(g.id), secretBytes)
}

// Mint is the view for who sends links.
func (r *Ring) Mint() Mint { return Mint{Tokens: Hasher{r, forTokens}, Peppers: Hasher{r, forPeppers}} }

// Door is the view for who answers them.
func (r *Ring) Door() Door {
	return Door{Peppers: Hasher{r, forPeppers}, Visitors: Hasher{r, forVisitors}, Codes: Hasher{r, forCodes}}
}

// Seal is the view for who keeps content that must not be readable at rest. random gives the nonces.
func (r *Ring) Seal(random io.Reader) *Seal { return &Seal{ring: r, random: random} }

// Hasher computes HMAC-SHA-256 under the keys of one purpose. Its zero value knows no key.
type Hasher struct {
	ring    *Ring
	purpose string
}

// Current is the key id that new things are made with: one character of base32.
func (h Hasher) Current() string {
	if h.ring == nil {
		return ""
	}
	return string(h.ring.now.Load().current)
}

// Sum is the keyed hash of the parts one after the other, 32 bytes; false when there is no such key (any
// more).
func (h Hasher) Sum(keyID string, parts ...[]byte) ([]byte, bool) {
	if h.ring == nil {
		return nil, false
	}
	key, ok := h.ring.now.Load().hashing[h.purpose][keyID]
	if !ok {
		return nil, false
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil), true
}
