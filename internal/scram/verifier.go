package scram

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// Mech names the mechanism, as RFC 7677 registers it.
const Mech = "SCRAM-SHA-256"

// Rounds is how often PBKDF2 hashes a new password (OWASP Password Storage: 600,000 for SHA-256).
const Rounds = 600_000

const (
	minRounds = 4096 // RFC 7677, 4
	maxRounds = 10_000_000
	saltBytes = 16
	maxSalt   = 64
	// breath is after how many rounds a derivation lets others at the processor: about a quarter of a millisecond.
	breath = 1000
)

// Verifier is what is kept of a password.
type Verifier struct {
	Salt   []byte
	Rounds int
	Stored []byte // hash of the key by which a client proves itself
	Server []byte // key by which the server does
}

// New makes a verifier of a password with a fresh salt. It takes about 0.2 s of a processor, but never long at a time.
// It fails with ErrText, or as ctx does.
func New(ctx context.Context, password string, rounds int, random io.Reader) (Verifier, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return Verifier{}, fmt.Errorf("make a salt: %w", err)
	}
	return derive(ctx, password, salt, rounds, runtime.Gosched)
}

// Check tells whether a password is the one that the verifier was made of. It costs as much as New, right or wrong.
// breathe is called after each quarter of a millisecond or so, to let others at the processor.
func (v Verifier) Check(ctx context.Context, password string, breathe func()) (bool, error) {
	other, err := derive(ctx, password, v.Salt, v.Rounds, breathe)
	if err != nil {
		return false, err
	}
	return hmac.Equal(other.Stored, v.Stored), nil
}

func derive(
	ctx context.Context, password string, salt []byte, rounds int, breathe func(),
) (Verifier, error) {
	if rounds < minRounds || rounds > maxRounds {
		return Verifier{}, fmt.Errorf("%d rounds are not between %d and %d", rounds, minRounds, maxRounds)
	}
	prepared, unfit := Prepare(password) // what is no password costs as much as one, too
	salted, err := stretch(ctx, []byte(prepared), salt, rounds, breathe)
	if err = errors.Join(unfit, err); err != nil {
		return Verifier{}, err
	}
	stored := sha256.Sum256(keyed(salted, []byte("Client Key")))
	return Verifier{Salt: salt, Rounds: rounds, Stored: stored[:], Server: keyed(salted, []byte("Server Key"))}, nil
}

// stretch is PBKDF2-HMAC-SHA-256 with one block of output (RFC 8018, 5.2), which lets others at the processor on the
// way: crypto/pbkdf2 holds on to it until it is done.
func stretch(ctx context.Context, password, salt []byte, rounds int, breathe func()) ([]byte, error) {
	mac := hmac.New(sha256.New, password)
	mac.Write(salt)
	mac.Write([]byte{0, 0, 0, 1})
	sum := mac.Sum(nil)
	last := append([]byte(nil), sum...)
	for i := 1; i < rounds; i++ {
		mac.Reset()
		mac.Write(last)
		last = mac.Sum(last[:0])
		for j := range sum {
			sum[j] ^= last[j]
		}
		if i%breath == 0 {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("derive a key: %w", err)
			}
			breathe()
		}
	}
	return sum, nil
}

// Fake is a verifier for a name that has none: no password is right for it, and nobody can tell it from a true one. The
// same key and name give the same verifier on every node, at all times.
func Fake(key []byte, rounds int, name ...string) Verifier {
	mark := func(what string) []byte {
		mac := hmac.New(sha256.New, key)
		for _, part := range append([]string{what}, name...) {
			_ = binary.Write(mac, binary.BigEndian, uint32(len(part)))
			mac.Write([]byte(part))
		}
		return mac.Sum(nil)
	}
	return Verifier{
		Salt: mark("fake salt")[:saltBytes], Rounds: rounds, Stored: mark("fake stored"), Server: mark("fake server"),
	}
}

// version is the first byte of a written verifier.
const version = 1

var errVerifier = errors.New("read verifier: it is damaged")

// Bytes writes a verifier, for ReadVerifier.
func (v Verifier) Bytes() []byte {
	out := []byte{version}
	out = binary.BigEndian.AppendUint32(out, uint32(v.Rounds))
	out = append(out, v.Stored...)
	out = append(out, v.Server...)
	return append(out, v.Salt...)
}

// ReadVerifier reads what Bytes wrote.
func ReadVerifier(text []byte) (Verifier, error) {
	const head, keys = 5, 2 * sha256.Size
	if len(text) <= head+keys || len(text) > head+keys+maxSalt || text[0] != version {
		return Verifier{}, errVerifier
	}
	rounds := int(binary.BigEndian.Uint32(text[1:head]))
	if rounds < minRounds || rounds > maxRounds {
		return Verifier{}, errVerifier
	}
	return Verifier{
		Rounds: rounds, Stored: text[head : head+sha256.Size], Server: text[head+sha256.Size : head+keys],
		Salt: text[head+keys:],
	}, nil
}

func keyed(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
