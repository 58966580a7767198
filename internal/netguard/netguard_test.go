package netguard_test

import (
	"errors"
	"net/netip"
	"testing"

	"postern/internal/netguard"
)

func TestInside(t *testing.T) {
	for text, inside := range map[string]bool{
		"93.184.216.34": false, "8.8.8.8": false, "2606:2800:220:1::1": false, "64:ff9b::808:808": false,
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::": true, "0.0.0.0": true, "10.1.2.3": true,
		"172.16.0.1": true, "172.31.255.255": true, "192.168.1.1": true, "100.64.0.1": true, "169.254.1.1": true,
		"224.0.0.1": true, "255.255.255.255": true, "240.0.0.1": true, "192.0.2.1": true, "198.18.0.1": true,
		"fe80::1": true, "fe80::1%eth0": true, "fc00::1": true, "fd12::1": true, "ff02::1": true,
		"::ffff:10.0.0.1": true, "::ffff:127.0.0.1": true, "64:ff9b::a00:1": true, "64:ff9b:1::1": true,
		"2002:7f00:1::": true, "2001:0:1::1": true, "2001:db8::1": true, "::7f00:1": true, "4000::1": true,
	} {
		if got := netguard.Inside(netip.MustParseAddr(text)); (got != "") != inside {
			t.Errorf("%s is %q, want inside %v", text, got, inside)
		}
	}
	if netguard.Inside(netip.Addr{}) == "" {
		t.Error("no address at all is of the public internet")
	}
}

func TestRules(t *testing.T) {
	rules, err := netguard.NewRules([]string{"crm.acme.example", "10.1.0.0/16", "192.168.7.7", "fd12::/16", "169.254.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, addr string
		ok         bool
	}{
		{"any.example", "93.184.216.34", true},
		{"CRM.acme.example", "10.9.9.9", true},
		{"any.example", "10.1.2.3", true},
		{"any.example", "::ffff:10.1.2.3", true},
		{"any.example", "64:ff9b::a01:203", true},
		{"any.example", "10.2.0.1", false},
		{"any.example", "192.168.7.7", true},
		{"any.example", "192.168.7.8", false},
		{"any.example", "fd12::9", true},
		{"any.example", "fd13::9", false},
		{"any.example", "169.254.3.4", true},
		{"any.example", "169.254.169.254", false}, // whatever is allowed
		{"crm.acme.example", "::ffff:169.254.169.254", false},
		{"crm.acme.example", "fd00:ec2::254", false},
		{"x.crm.acme.example", "10.9.9.9", false},
	} {
		err := rules.Check(c.host, netip.MustParseAddr(c.addr))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, netguard.ErrInside) {
			t.Errorf("%s at %s: %v, want ok %v", c.host, c.addr, err, c.ok)
		}
	}
	if err := (netguard.Rules{}).Check("a.example", netip.MustParseAddr("127.0.0.1")); err == nil {
		t.Error("no rules let a call inside")
	}
	for _, wrong := range []string{"", "10.1.0.0/99", "https://a.example", "a b", "127.1", "0x7f000001", "a..b"} {
		if _, err := netguard.NewRules([]string{wrong}); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestIsHost(t *testing.T) {
	for text, want := range map[string]bool{
		"api.example.com": true, "API.example.com": true, "localhost": true, "xn--mnchen-3ya.example": true, "10.0.0.1": true,
		"[2606::1]": true, "a_b.example": true, "1.example": true,
		"": false, "2130706433": false, "127.1": false, "0x7f.0.0.1": false, "017700000001": false, "a.b.0x1": false,
		"2606::1": false, "[fe80::1%eth0]": false, "[10.0.0.1]": false, "[2606::1": false, "münchen.example": false,
		"a b": false, "a@b": false, "a/b": false, "a:1": false, "-a.example": false, "a.example.": false,
	} {
		if netguard.IsHost(text) != want {
			t.Errorf("IsHost(%q) is not %v", text, want)
		}
	}
}
