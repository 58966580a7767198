// Package totp computes the codes of authenticator apps: time-based one-time passwords (RFC 6238) of six digits, a new
// one every 30 seconds, by HMAC-SHA-1, which is all that every app understands.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238: HMAC-SHA-1 is sound, and the only one that every app takes
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

const (
	// Digits is how long a code is.
	Digits = 6
	// Period is how long a step takes.
	Period = 30 * time.Second
	// window is how many steps the clocks of the two sides may be apart.
	window = 1
	// secretBytes is as long as the hash (RFC 4226, section 4).
	secretBytes = 20
)

// NewSecret makes the secret of an authenticator.
func NewSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("make secret of an authenticator: %w", err)
	}
	return secret, nil
}

// Step is the number of the step that a time lies in.
func Step(at time.Time) int64 { return at.Unix() / int64(Period/time.Second) }

// Code is what an authenticator shows in a step.
func Code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", Digits, number%1_000_000)
}

// Match finds the step of a code: the first one after the step that was accepted last, and no further from now than
// clocks may be apart. All steps are looked at, so that the time it takes tells nothing.
func Match(secret []byte, code string, last int64, now time.Time) (step int64, ok bool) {
	current := Step(now)
	for candidate := current + window; candidate >= current-window; candidate-- {
		right := subtle.ConstantTimeCompare([]byte(Code(secret, candidate)), []byte(code)) == 1
		if right && candidate > last {
			step, ok = candidate, true
		}
	}
	return step, ok
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Typed is a secret as people type it into an app, in groups of four.
func Typed(secret []byte) string {
	var groups []string
	for text := encoding.EncodeToString(secret); text != ""; {
		n := min(4, len(text))
		groups, text = append(groups, text[:n]), text[n:]
	}
	return strings.Join(groups, " ")
}

// Address is what an app reads from a QR code (otpauth, as its apps agree on). issuer and account are what the app
// shows.
func Address(secret []byte, issuer, account string) string {
	issuer, account = strings.ReplaceAll(issuer, ":", " "), strings.ReplaceAll(account, ":", " ")
	address := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account}
	query := url.Values{"secret": {encoding.EncodeToString(secret)}, "issuer": {issuer}}
	address.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // some apps show a plus as it stands
	return address.String()
}
