package keys

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
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

// Ring holds the keys derived from a root secret by HKDF-SHA-256 (RFC 5869), one per purpose and generation.
type Ring struct {
	tokens, peppers, visitors, codes Hasher

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
	if len(root.generations) == 0 {
		return nil, errors.New("derive keys: the root secret is empty")
	}
	current := root.generations[len(root.generations)-1].id
	ring := &Ring{
		tokens: newHasher(current), peppers: newHasher(current), visitors: newHasher(current), codes: newHasher(current),
		content: map[byte]cipher.AEAD{},
	}
	for _, g := range root.generations {
		if err := ring.add(g); err != nil {
			return nil, fmt.Errorf("derive keys: %w", err)
		}
	}
	return ring, nil
}

func (r *Ring) add(g generation) error {
	for purpose, hasher := range map[string]Hasher{
		forTokens: r.tokens, forPeppers: r.peppers, forVisitors: r.visitors, forCodes: r.codes,
	} {
		key, err := g.derive(purpose)
		if err != nil {
			return err
		}
		hasher.keys[string(g.id)] = key
	}
	key, err := g.derive(forContent)
	if err != nil {
		return err
	}
	r.content[g.id], err = newAEAD(key)
	return err
}

func (g generation) derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, g.secret[:], nil, "postern/"+purpose+"/"+string(g.id), secretBytes)
}

// Mint is the view for who sends links.
func (r *Ring) Mint() Mint { return Mint{Tokens: r.tokens, Peppers: r.peppers} }

// Door is the view for who answers them.
func (r *Ring) Door() Door { return Door{Peppers: r.peppers, Visitors: r.visitors, Codes: r.codes} }

// Seal is the view for who keeps content that must not be readable at rest. random gives the nonces.
func (r *Ring) Seal(random io.Reader) *Seal {
	return &Seal{current: r.tokens.current[0], content: r.content, random: random}
}

// Hasher computes HMAC-SHA-256 under the keys of one purpose. Its zero value knows no key.
type Hasher struct {
	current string
	keys    map[string][]byte // by key id
}

func newHasher(current byte) Hasher {
	return Hasher{current: string(current), keys: map[string][]byte{}}
}

// Current is the key id that new things are made with: one character of base32.
func (h Hasher) Current() string { return h.current }

// Sum is the keyed hash of the parts one after the other, 32 bytes; false when there is no such key (any
// more).
func (h Hasher) Sum(keyID string, parts ...[]byte) ([]byte, bool) {
	key, ok := h.keys[keyID]
	if !ok {
		return nil, false
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil), true
}
