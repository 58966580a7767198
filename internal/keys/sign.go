package keys

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// forAudit is what the key of the audit's seals is derived for.
const forAudit = "audit-seal"

// Signer signs with Ed25519 (RFC 8032). Its key is derived from the first generation that the root ever had and stays
// when that is retired, so that what was sealed stays verifiable.
type Signer struct{ private ed25519.PrivateKey }

// NewSigner derives the key of the audit's seals.
func NewSigner(root Root) (Signer, error) {
	if len(root.generations) == 0 {
		return Signer{}, fmt.Errorf("derive the audit's key: the root secret is empty")
	}
	seed, err := root.auditSeed()
	if err != nil {
		return Signer{}, err
	}
	return Signer{private: ed25519.NewKeyFromSeed(seed)}, nil
}

// Lasting derives 32 bytes for a purpose that stay the same as long as there is a root, whichever generations are
// retired: for what must be recognised for years, such as a suppressed address.
func (r Root) Lasting(purpose string) ([]byte, error) {
	seed, err := r.auditSeed()
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, seed, nil, "postern/lasting/"+purpose, secretBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return key, nil
}

// Sign returns the signature of a message, 64 bytes.
func (s Signer) Sign(message []byte) []byte { return ed25519.Sign(s.private, message) }

// Verify tells whether a signature of this key is under a message.
func (s Signer) Verify(message, signature []byte) bool {
	public, _ := s.private.Public().(ed25519.PublicKey)
	return ed25519.Verify(public, message, signature)
}
