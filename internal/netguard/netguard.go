// Package netguard tells which addresses of the network are inside the house, so that what an admin or a record says
// cannot send a call there. What a name leads to is judged, not the name.
package netguard

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// kinds are the networks that are not of the public internet, with what they are called.
var kinds = []struct {
	name     string
	prefixes []netip.Prefix
}{
	{"this machine", prefixes("127.0.0.0/8", "::1/128")},
	{"no address to call", prefixes("0.0.0.0/8", "::/128", "192.0.0.0/24", "240.0.0.0/4", "100::/64")},
	{"a private network", prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")},
	{"a carrier's own network", prefixes("100.64.0.0/10")},
	{"the local link", prefixes("169.254.0.0/16", "fe80::/10")},
	{"many machines", prefixes("224.0.0.0/4", "ff00::/8")},
	{"for documents and measuring", prefixes("192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"2001:db8::/32", "3fff::/20")},
	{"a tunnel", prefixes("192.88.99.0/24", "2001::/23", "2002::/16", "64:ff9b:1::/48")},
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // the last 32 bits are an IPv4 address
	public = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out
)

// metadata are addresses at which clouds hand out the keys of the machine. Nothing opens them.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"),
}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// plain is the address itself where it is written as another: IPv4 within IPv6, or behind NAT64.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("").Unmap()
	if nat64.Contains(addr) {
		bytes := addr.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return addr
}

// Inside tells what an address is of, if it is not of the public internet; "" if it is.
func Inside(addr netip.Addr) string {
	addr = plain(addr)
	for _, kind := range kinds {
		if slices.ContainsFunc(kind.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			return kind.name
		}
	}
	if !addr.IsValid() || addr.Is6() && !public.Contains(addr) {
		return "no address to call"
	}
	return ""
}

// Rules are what may be called inside the house. The zero value is nothing.
type Rules struct {
	hosts    map[string]bool
	networks []netip.Prefix
	key      string // of the configuration, by which more may be allowed; calls.allow if it is ""
}

// By returns the rules with the key of the configuration that they come from, which complaints name.
func (r Rules) By(key string) Rules {
	r.key = key
	return r
}

// NewRules reads host names, addresses and networks such as 10.1.0.0/16. All complaints come at once.
func NewRules(allow []string) (Rules, error) {
	r := Rules{hosts: map[string]bool{}}
	var wrong []error
	for _, entry := range allow {
		if addr, err := netip.ParseAddr(entry); err == nil {
			r.networks = append(r.networks, netip.PrefixFrom(plain(addr), plain(addr).BitLen()))
		} else if network, err := netip.ParsePrefix(entry); err == nil {
			r.networks = append(r.networks, network.Masked())
		} else if IsName(entry) {
			r.hosts[strings.ToLower(entry)] = true
		} else {
			wrong = append(wrong, fmt.Errorf("%q is no host, address or network such as 10.1.0.0/16", entry))
		}
	}
	return r, errors.Join(wrong...)
}

// ErrInside is why an address is not called.
var ErrInside = errors.New("calls do not go there")

// Check tells why an address that a host has must not be called; nil if it may.
func (r Rules) Check(host string, addr netip.Addr) error {
	real := plain(addr)
	kind := Inside(real)
	switch {
	case slices.Contains(metadata, real):
		return fmt.Errorf("%s hands out the keys of the machine: %w", describe(host, addr), ErrInside)
	case kind == "" || r.hosts[strings.ToLower(host)]:
		return nil
	case slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return p.Contains(real) }):
		return nil
	}
	return fmt.Errorf("%s is %s: %w, unless %s names it", describe(host, addr), kind, ErrInside,
		cmp.Or(r.key, "calls.allow"))
}

func describe(host string, addr netip.Addr) string {
	if inner := strings.Trim(host, "[]"); inner == addr.String() {
		return inner
	}
	return host + " at " + addr.String()
}

// label is one part of a host name.
var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// number is how an old program may write an address: 0x7f000001, 017700000001, 2130706433, or the last part of 127.1.
var number = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)$`)

// IsName tells whether a text is a host name: ASCII labels, the last of which is no number.
func IsName(host string) bool {
	labels := strings.Split(strings.ToLower(host), ".")
	if len(host) > 253 || number.MatchString(labels[len(labels)-1]) {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool { return !label.MatchString(l) })
}

// IsHost tells whether a text is a host name, or an address as it is written between // and a port.
func IsHost(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4() || IsName(host)
}

// Named tells whether a host is among names, in large letters or small.
func Named(names []string, host string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
}
