package links

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"postern/engine"
	"postern/internal/pages"
)

// OptOuts makes the addresses at which people end messages, and reads them. An address carries all it stands for,
// sealed, so that it works for as long as the key stands, whatever has been deleted meanwhile. The same OptOut gives
// the same address, so that a message is the same at every try.
type OptOuts struct {
	base   pages.Base
	nonces []byte // a key
	seal   cipher.AEAD
}

// NewOptOuts takes a key of 32 bytes, which must be the same after every start.
func NewOptOuts(base pages.Base, key []byte) (*OptOuts, error) {
	block, err := aes.NewCipher(keyFor(key, "seal"))
	if err != nil {
		return nil, fmt.Errorf("open addresses to unsubscribe at: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("open addresses to unsubscribe at: %w", err)
	}
	return &OptOuts{base: base, nonces: keyFor(key, "nonce"), seal: seal}, nil
}

func keyFor(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("unsubscribe " + purpose))
	return mac.Sum(nil)
}

// URL is the address at which an opt-out is asked for.
func (o *OptOuts) URL(out engine.OptOut) (string, error) {
	plain, err := json.Marshal([]string{out.Channel, out.Address, out.List, out.Language})
	if err != nil {
		return "", fmt.Errorf("write address to unsubscribe at: %w", err)
	}
	// Two texts that differ get nonces that differ, as far as a hash does.
	nonce := o.nonce(plain)
	sealed := o.seal.Seal(nonce, nonce, plain, nil)
	return o.base.String() + unsubscribePath(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// read is what a token stands for; false if it is none of ours.
func (o *OptOuts) read(token string) (engine.OptOut, bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(token, strays))
	size := o.seal.NonceSize()
	if err != nil || len(sealed) < size {
		return engine.OptOut{}, false
	}
	plain, err := o.seal.Open(nil, sealed[:size], sealed[size:], nil)
	if err != nil {
		return engine.OptOut{}, false
	}
	var parts [4]string
	if json.Unmarshal(plain, &parts) != nil {
		return engine.OptOut{}, false
	}
	return engine.OptOut{Channel: parts[0], Address: parts[1], List: parts[2], Language: parts[3]}, true
}

func (o *OptOuts) nonce(plain []byte) []byte {
	mac := hmac.New(sha256.New, o.nonces)
	mac.Write(plain)
	return mac.Sum(nil)[:o.seal.NonceSize()]
}
