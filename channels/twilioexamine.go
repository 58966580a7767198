package channels

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"

	"postern/engine"
	"postern/internal/netguard"
)

// examine looks whether the account lets the user in and whether Twilio can call back. Nobody gets anything.
func (l *twilioLine) examine(ctx context.Context, tools engine.ExamineTools) []engine.Finding {
	return []engine.Finding{l.examineLogin(ctx), l.examineSender(), l.examineCallback(ctx, tools.Resolver)}
}

func (l *twilioLine) examineLogin(ctx context.Context) engine.Finding {
	if err := l.client.Look(ctx); err != nil {
		return engine.Finding{
			What: "login", Text: err.Error(),
			Hint: "compare account, user and token with Twilio's console: Account, API keys & tokens",
		}
	}
	return engine.Finding{What: "login", Good: true, Text: "Twilio lets in"}
}

func (l *twilioLine) examineSender() engine.Finding {
	if l.service != "" {
		return engine.Finding{What: "sender", Good: true, Text: "messaging service " + l.service}
	}
	return engine.Finding{What: "sender", Good: true, Text: l.prefix + l.from}
}

// examineCallback looks whether Twilio can reach us: over TLS, at an address of the public internet.
func (l *twilioLine) examineCallback(ctx context.Context, resolver engine.Resolver) engine.Finding {
	bad := engine.Finding{
		What: "callback",
		Hint: "set web.callbacks to the https address at which the internet reaches Postern; " +
			"without it nobody hears whether messages arrive, nor who says STOP",
	}
	u, err := url.Parse(l.outfit.Callbacks)
	if err != nil || u.Host == "" {
		bad.Text = "there is no address for callbacks"
		return bad
	}
	if u.Scheme != "https" {
		bad.Text = l.outfit.Callbacks + " is not https"
		return bad
	}
	addrs, err := resolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil || len(addrs) == 0 {
		bad.Text = u.Hostname() + " has no address"
		return bad
	}
	for _, addr := range addrs {
		ip, _ := netip.AddrFromSlice(addr.IP)
		if inside := netguard.Inside(ip.Unmap()); inside != "" {
			bad.Text = fmt.Sprintf("%s is at %s: %s", u.Hostname(), ip.Unmap(), inside)
			return bad
		}
	}
	return engine.Finding{
		What: "callback", Good: true,
		Text: "Twilio reports to " + l.outfit.Callbacks + statusPath + "…; give it " + l.outfit.Callbacks + messagesPath +
			" for messages that come in",
	}
}
