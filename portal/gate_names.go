package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/internal/scram"
)

const (
	tokenBytes = 32
	// agentBytes is how much is kept of what a browser calls itself.
	agentBytes = 200
)

// newToken is 256 random bits as 43 characters, with their digest.
func (g *Gate) newToken() (token string, digest []byte, err error) {
	bits := make([]byte, tokenBytes)
	if _, err := io.ReadFull(g.with.Random, bits); err != nil {
		return "", nil, fmt.Errorf("make a token: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(bits)
	return token, digestOf(token), nil
}

// digestOf is what the store knows a token by; nil for what cannot be one.
func digestOf(token string) []byte {
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// normal is a name as it is compared, whatever its spelling; "" for what can be nobody's.
func normal(name string) string {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > MaxName {
		return ""
	}
	folded, err := scram.Fold(name)
	if err != nil {
		return ""
	}
	return folded
}

// laneOf is the digest of the lane of all strangers who give a name. Names that nobody has get one too.
func (g *Gate) laneOf(portal, name string) []byte {
	mac := hmac.New(sha256.New, g.with.Names)
	_, _ = fmt.Fprintf(mac, "lane\x00%s\x00%s", portal, normal(name))
	return mac.Sum(nil)
}

// secondLane is the digest of the lane of all unknown browsers that answer to somebody's second step.
func (g *Gate) secondLane(who person) []byte {
	mac := hmac.New(sha256.New, g.with.Names)
	_, _ = fmt.Fprintf(mac, "second lane\x00%s\x00%s", who.portal.Name, who.record.Ref)
	return mac.Sum(nil)
}

// handle is what the devices of a holder know them by. It is made of who they are, so that they have one however many
// passkeys are made at once, and nobody can tell who they are by it.
func (g *Gate) handle(holder Holder) []byte {
	mac := hmac.New(sha256.New, g.with.Names)
	_, _ = fmt.Fprintf(mac, "handle\x00%s\x00%s", holder.Portal, holder.Subject)
	return mac.Sum(nil)
}

// agentOf is what a browser calls itself, as it is kept: printable, and not long.
func agentOf(caller Caller) string {
	agent := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, caller.Agent)
	for len(agent) > agentBytes {
		_, size := utf8.DecodeLastRuneInString(agent)
		agent = agent[:len(agent)-size]
	}
	return agent
}

// networkOf is an address without what tells one visitor of a network from another; "" where it is not known.
func networkOf(address netip.Addr) string {
	address = address.Unmap()
	bits := 48
	if address.Is4() {
		bits = 24
	}
	prefix, err := address.Prefix(bits)
	if err != nil || !prefix.IsValid() {
		return ""
	}
	return prefix.String()
}

// hashOf is a hash of a text for one purpose.
func hashOf(purpose, text string) []byte {
	sum := sha256.Sum256([]byte(purpose + "\x00" + text))
	return sum[:]
}

// Lane is the digest of the lane of strangers who give a name, for an Order to open it.
func (g *Gate) Lane(portal, name string) []byte { return g.laneOf(portal, name) }
