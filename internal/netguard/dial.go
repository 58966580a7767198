package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Resolver finds the addresses of a name.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer connects to hosts by addresses that may be called. It resolves names itself, so that the address that is
// judged is the one that is connected to; the connection is judged once more as it is made. A name one of whose
// addresses must not be called is not called at all.
type Dialer struct {
	Check    func(host string, addr netip.Addr) error // why an address must not be called; Rules.Check, say
	Resolver Resolver                                 // nil for the machine's own
	Timeout  time.Duration                            // for each of finding the addresses and connecting to one
}

// DialContext is for http.Transport. The address is a host and a port.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	addrs, err := d.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if err := d.Check(host, addr); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{Timeout: d.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		connected, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return d.Check(host, connected.Addr())
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

// Resolve finds the addresses of a host; there is at least one.
func (d Dialer) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	resolver := d.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
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
