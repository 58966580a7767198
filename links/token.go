package links

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"postern/engine"
	"postern/internal/keys"
)

const (
	// tokenChars is the length of a token: 26 characters of base32 are 130 bits.
	tokenChars = 26
	tokenBytes = 17 // of a hash, enough to fill them
	// alphabet is base32 (RFC 4648 section 6) in lower case: no 0, 1, 8 or 9, which are taken for letters.
	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	// strays are what a mail program may take into an address from the sentence around it.
	strays = ".,)>"
)

var base32Lower = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// deriveToken computes the token of a link's generation: the same each time, so that a message sent again
// carries the same address.
func deriveToken(tokens keys.Hasher, keyID string, id engine.ID, generation int) (string, bool) {
	count := binary.BigEndian.AppendUint32(nil, uint32(generation))
	sum, ok := tokens.Sum(keyID, id[:], count)
	if !ok {
		return "", false
	}
	return base32Lower.EncodeToString(sum[:tokenBytes])[:tokenChars], true
}

// digest is what the store knows a token by.
func digest(peppers keys.Hasher, keyID, token string) ([]byte, bool) {
	return peppers.Sum(keyID, []byte(token))
}

// keyedHash is what a link keeps of a value that it has to know again and must not tell: nil for "".
func keyedHash(peppers keys.Hasher, keyID, kind, value string) []byte {
	if value == "" {
		return nil
	}
	sum, _ := peppers.Sum(keyID, []byte(kind+"\x00"+value))
	return sum
}

// parseToken takes the last part of a link's address apart: one character of key id, then the token. Letters
// may be in either case, as in a QR code, and punctuation may trail.
func parseToken(text string) (keyID, token string, ok bool) {
	text = strings.TrimRight(text, strays)
	if len(text) != 1+tokenChars {
		return "", "", false
	}
	text = strings.ToLower(text)
	for i := range len(text) {
		if strings.IndexByte(alphabet, text[i]) < 0 {
			return "", "", false
		}
	}
	return text[:1], text[1:], true
}
