package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"postern/engine"
)

// Seal encrypts by AES-256-GCM: one byte of key id, 12 bytes of nonce, the ciphertext with its tag. The
// purpose is authenticated with it. Nonces are random, which is sound for 2^32 seals under one generation
// (NIST SP 800-38D section 8.3).
type Seal struct {
	ring   *Ring
	random io.Reader
}

var _ engine.Sealer = (*Seal)(nil)

// errSealed tells nothing about which byte was wrong.
var errSealed = errors.New("open sealed content: it was changed, or sealed for another purpose")

// Seal encrypts plain under the current generation.
func (s *Seal) Seal(purpose string, plain []byte) ([]byte, error) {
	now := s.ring.now.Load()
	aead := now.content[now.current]
	head := 1 + aead.NonceSize()
	sealed := make([]byte, head, head+len(plain)+aead.Overhead())
	sealed[0] = now.current
	if _, err := io.ReadFull(s.random, sealed[1:head]); err != nil {
		return nil, fmt.Errorf("seal content: read random bits: %w", err)
	}
	return aead.Seal(sealed, sealed[1:head], plain, []byte(purpose)), nil //nolint:gosec // the nonce was just read
}

// Open decrypts what Seal made under a generation that is still there.
func (s *Seal) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, errSealed
	}
	aead, ok := s.ring.now.Load().content[sealed[0]]
	if !ok {
		return nil, fmt.Errorf("open sealed content: key generation %q is not in the key file", sealed[0])
	}
	head := 1 + aead.NonceSize()
	if len(sealed) < head {
		return nil, errSealed
	}
	plain, err := aead.Open(nil, sealed[1:head], sealed[head:], []byte(purpose))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
