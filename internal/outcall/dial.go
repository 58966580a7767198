package outcall

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
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

// Reach connects to the host of an address, by TLS where that is to be spoken, and asks for nothing. Behind a proxy it
// gets as far as that.
func (c *Caller) Reach(ctx context.Context, address string) error {
	target, err := c.target(address)
	if err != nil {
		return err
	}
	if c.through != nil {
		target = c.through
	}
	port := map[string]string{"http": "80", "https": "443"}[target.Scheme]
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", net.JoinHostPort(target.Hostname(), cmp.Or(target.Port(), port)))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if target.Scheme != "https" {
		return nil
	}
	trust := c.again.TLSClientConfig.Clone()
	trust.ServerName = target.Hostname()
	if err := tls.Client(conn, trust).HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	return nil
}
