package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many entries of X-Forwarded-For are looked at, from the right. Nobody has more proxies of their own in
// a row, and what stands further left was written by others.
const maxHops = 16

// Proxies are the machines in front of the HTTP port that are believed when they say for whom they ask. The zero value
// believes nobody.
type Proxies struct{ trusted []netip.Prefix }

// ParseProxies reads addresses and ranges, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8. Names are not looked up: whoever
// answers for a name could then speak for any visitor. The error lists every complaint.
func ParseProxies(texts []string) (Proxies, error) {
	var p Proxies
	var wrong []error
	for _, text := range texts {
		prefix, err := parseProxy(text)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, errors.Join(wrong...)
}

func parseProxy(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a range of addresses, such as 10.0.0.0/8 or "+
			"fd00::/8", text)
	case prefix.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%q is everybody: any visitor could then pretend to be any other; "+
			"name the proxies alone", text)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%q is not the beginning of a range: did you mean %s or %s?",
			text, prefix.Masked(), prefix.Addr())
	}
	return prefix, nil
}

// Any tells whether any proxy is believed.
func (p Proxies) Any() bool { return len(p.trusted) > 0 }

// Client is the address of the visitor that a request comes from: that of the connection or, while that is a trusted
// proxy's, the one before it in X-Forwarded-For, read from the right, where our own proxies write. What stands left of
// the first address that is not trusted was sent by the visitor and is never looked at, nor are other headers. An entry
// that is no address ends the walk at the proxy that wrote it. The zero Addr is a connection without an address.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client, ok := parseHop(r.RemoteAddr)
	if !ok || !p.Trusts(client) {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i, hop := range slices.Backward(hops) {
		before, ok := parseHop(strings.TrimSpace(hop))
		if !ok || len(hops)-i > maxHops {
			return client
		}
		if client = before; !p.Trusts(client) {
			return client
		}
	}
	return client
}

// Trusts tells whether an address is that of a proxy that is believed.
func (p Proxies) Trusts(address netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// parseHop reads an address with or without a port, in brackets or not; an IPv4 address that is written as an IPv6 one
// is the IPv4 one.
func parseHop(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return address.Unmap().WithZone(""), err == nil
}
