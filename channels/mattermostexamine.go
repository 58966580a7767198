package channels

import (
	"context"
	"net/netip"
	"net/url"
	"strings"

	"postern/engine"
	"postern/internal/netguard"
)

// Examine looks whether the token is good and whether the server can call back. A hook can only be tried by a message.
func (m *Mattermost) Examine(ctx context.Context, tools engine.ExamineTools) []engine.Finding {
	var found []engine.Finding
	if m.hook != nil {
		found = append(found, engine.Finding{
			What: "hook", Good: true, Text: "it cannot be tried without a message: postern send does that",
		})
	} else {
		found = append(found, m.examineToken(ctx))
	}
	return append(found, m.examineCallbacks(ctx, tools))
}

func (m *Mattermost) examineToken(ctx context.Context) engine.Finding {
	finding := engine.Finding{What: "token", Hint: "look at the bot account under Integrations, and at url and token"}
	me, err := m.bot.Me(ctx)
	switch {
	case err != nil:
		finding.Text = err.Error()
		return finding
	case me.DeleteAt > 0:
		finding.Text = "the bot's account is deactivated"
		return finding
	}
	finding.Good, finding.Hint = true, ""
	finding.Text = "the token is good: it is that of " + userName(me.Username)
	if strings.HasPrefix(m.URL, "http:") {
		finding.Text += ", without TLS on this machine"
	}
	return finding
}

// examineCallbacks looks at the address that buttons call: whether a server elsewhere could reach it is seen by its
// name only.
func (m *Mattermost) examineCallbacks(ctx context.Context, tools engine.ExamineTools) engine.Finding {
	finding := engine.Finding{What: "buttons", Hint: "set web.callbacks to an https address that the server reaches"}
	u, err := url.Parse(m.outfit.Callbacks)
	if err != nil || u.Host == "" {
		finding.Text = "there is no address that the server could call"
		return finding
	}
	if u.Scheme != "https" {
		finding.Text = "the server would call " + m.outfit.Callbacks + "/press, without TLS"
		return finding
	}
	addrs, err := tools.Resolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil || len(addrs) == 0 {
		finding.Text = u.Hostname() + " has no address"
		return finding
	}
	for _, addr := range addrs {
		ip, ok := netip.AddrFromSlice(addr.IP)
		if kind := netguard.Inside(ip); ok && kind != "" {
			finding.Text = u.Hostname() + " is of " + kind + ", which Mattermost does not call by itself"
			finding.Hint = "name it in ServiceSettings.AllowedUntrustedInternalConnections of Mattermost"
			return finding
		}
	}
	finding.Good, finding.Hint = true, ""
	finding.Text = "the server calls " + m.outfit.Callbacks + "/press"
	return finding
}
