package pages

import (
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	secretBytes = 32 // 256 random bits
	secretChars = 52 // the same in base32

	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var base32Lower = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// NewSecret is a secret that nobody has yet, of 256 bits, for a cookie.
func NewSecret(random io.Reader) (string, error) {
	var bits [secretBytes]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", fmt.Errorf("read random bits: %w", err)
	}
	return base32Lower.EncodeToString(bits[:]), nil
}

// WellFormed tells whether a cookie's value could be a secret of ours; anything else is replaced, not kept.
func WellFormed(secret string) bool {
	return len(secret) == secretChars && strings.Trim(secret, alphabet) == ""
}

// CookieName has the prefix that makes browsers refuse the cookie from other hosts and over plain http; on
// this machine itself, without https, it cannot.
func (b Base) CookieName(name string) string {
	if b.secure {
		return "__Host-" + name
	}
	return name
}

// NewCookie is SameSite=Lax, not Strict: Strict would not come back on the way from a mail program. A life of zero is
// until the browser is closed, and one below takes the cookie away.
func (b Base) NewCookie(name, secret string, life time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure everywhere but on plain http, which is this machine only
		Name: b.CookieName(name), Value: secret, Path: "/", MaxAge: int(life / time.Second),
		Secure: b.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
