package pages

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Base is the address that links and pages begin with. It comes from the configuration alone: what a request says of
// its host is never believed.
type Base struct {
	origin string // scheme and host, without a slash at the end
	secure bool
}

// ParseBase reads a base address such as https://go.acme.example. It must be https, except for this machine
// itself, and have nothing behind the host.
func ParseBase(text string) (Base, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return Base{}, fmt.Errorf("base address %q is not like https://go.acme.example", text)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return Base{}, fmt.Errorf("base address %q must begin with https://", text)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return Base{}, fmt.Errorf("base address %q must begin with https://: plain http is only for this machine", text)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return Base{}, fmt.Errorf("base address %q must end after the host", text)
	}
	return Base{origin: u.Scheme + "://" + strings.ToLower(u.Host), secure: u.Scheme == "https"}, nil
}

// Secure tells whether addresses begin with https.
func (b Base) Secure() bool { return b.secure }

// String is the base as addresses begin with it.
func (b Base) String() string { return b.origin }

// Host is the name or address of where the base leads, without scheme and port.
func (b Base) Host() string {
	u, err := url.Parse(b.origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// loopback tells whether a host can only be this machine (RFC 6761 section 6.3, RFC 4291 section 2.5.3).
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
