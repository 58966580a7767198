package outcall

import (
	"context"
	"net"
	"net/netip"

	"postern/internal/netguard"
)

// dial connects to a host by an address that may be called, or to the proxy, which the configuration names.
func (c *Caller) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := c.dialer()
	if c.through != nil {
		dialer.Check = func(string, netip.Addr) error { return nil }
	}
	return dialer.DialContext(ctx, network, address)
}

func (c *Caller) dialer() netguard.Dialer {
	return netguard.Dialer{Check: c.rules.Check, Resolver: c.outfit.Resolver, Timeout: connectTime}
}

// vet judges the host of a call that goes through a proxy, as far as it can be seen from here.
func (c *Caller) vet(ctx context.Context, host string) error {
	if c.through == nil {
		return nil
	}
	addrs, err := c.dialer().Resolve(ctx, host)
	if err != nil {
		return nil //nolint:nilerr // only the proxy knows the name
	}
	for _, addr := range addrs {
		if err := c.rules.Check(host, addr); err != nil {
			return err
		}
	}
	return nil
}
