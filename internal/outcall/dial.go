package outcall

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// dial connects to a host by an address that may be called. It resolves the name itself, so that the address that is
// judged is the one that is connected to; the connection is judged once more as it is made. A name one of whose
// addresses is inside is not called at all.
func (c *Caller) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	check := func(addr netip.Addr) error { return c.rules.Check(host, addr) }
	if c.through != nil {
		check = func(netip.Addr) error { return nil } // it is the proxy, which the configuration names
	}
	addrs, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if err := check(addr); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{Timeout: connectTime, Control: func(_, address string, _ syscall.RawConn) error {
		connected, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return check(connected.Addr())
	}}
	var failures []error
	for _, addr := range addrs {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// resolve finds the addresses of a host.
func (c *Caller) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	resolver := c.outfit.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	addrs, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("find the address of %s: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("find the address of %s: it has none", host)
	}
	return addrs, nil
}

// vet judges the host of a call that goes through a proxy, as far as it can be seen from here.
func (c *Caller) vet(ctx context.Context, host string) error {
	if c.through == nil {
		return nil
	}
	addrs, err := c.resolve(ctx, host)
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
