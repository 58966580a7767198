package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"postern/channels"
	"postern/engine"
	"postern/internal/crm"
	"postern/internal/netguard"
)

// channelParts are the configured channels, each with what its kind looks at.
func (d *doctor) channelParts() []part {
	made, err := d.site.config.openChannels(d.site.config.outfitAlone())
	var parts []part
	if err != nil {
		parts = append(parts, part{"channels", func(context.Context) []diagnosis {
			return []diagnosis{fault("open", "docs/reference/channels.md shows every key", "%v", err)}
		}})
	}
	d.channels = made
	for _, name := range slices.Sorted(maps.Keys(made)) {
		parts = append(parts, part{"channel " + name, func(ctx context.Context) []diagnosis {
			return examineChannel(ctx, made[name], d.tools)
		}})
	}
	return parts
}

func examineChannel(ctx context.Context, channel engine.Channel, tools engine.ExamineTools) []diagnosis {
	examined, ok := channel.(engine.Examined)
	if !ok {
		return []diagnosis{good("configuration", "in order; there is nothing more to look at")}
	}
	var found []diagnosis
	for _, f := range examined.Examine(ctx, tools) {
		found = append(found, diagnosis{What: f.What, Good: f.Good, Look: f.Look, Text: f.Text, Hint: f.Hint})
	}
	return found
}

// calledBack tells whether a provider calls back for a channel. A relay answers for its parts, which may all be silent.
func calledBack(channel engine.Channel) bool {
	if relay, ok := channel.(*engine.Relay); ok {
		return relay.CalledBack()
	}
	_, ok := channel.(engine.Callee)
	return ok
}

// callbacks looks whether providers can reach the addresses that they call back.
func (d *doctor) callbacks(ctx context.Context) []diagnosis {
	var called []string
	for _, name := range slices.Sorted(maps.Keys(d.channels)) {
		if calledBack(d.channels[name]) {
			called = append(called, name)
		}
	}
	if len(called) == 0 {
		return []diagnosis{good("address", "none is needed: no channel is called back")}
	}
	base, err := url.Parse(d.site.config.callbacks(""))
	if err != nil {
		return []diagnosis{fault("address", "set web.callbacks", "%v", err)}
	}
	found := []diagnosis{d.public(ctx, base)}
	for _, name := range called {
		if d.serving && found[0].Good {
			found = append(found, d.reach(ctx, name))
		}
	}
	if !d.serving {
		found = append(found, good("reachable", "not asked: nobody serves this data folder"))
	}
	return found
}

// public looks whether an address is one that a provider elsewhere can call.
func (d *doctor) public(ctx context.Context, base *url.URL) diagnosis {
	const hint = "set web.base_url, or web.callbacks if providers come by another way, to a public https address"
	if base.Scheme != "https" {
		return fault("address", hint, "%s is not https: providers send what must stay secret", base)
	}
	addresses, err := d.tools.Resolver.LookupIPAddr(ctx, base.Hostname())
	if err != nil {
		return fault("address", hint, "find the address of %s: %v", base.Hostname(), err)
	}
	for _, address := range addresses {
		ip, _ := netip.AddrFromSlice(address.IP)
		if kind := netguard.Inside(ip); kind != "" {
			return fault("address", hint, "%s is at %s, which is %s", base.Hostname(), ip, kind)
		}
	}
	return good("address", "%s is public", base)
}

// reach calls the address of a channel, as its provider does but without its proof.
func (d *doctor) reach(ctx context.Context, channel string) diagnosis {
	const hint = "the proxy in front of Postern must let this path through; where a firewall keeps this machine from " +
		"its own public address, try it from elsewhere"
	address := d.site.config.callbacks(channel)
	status, _, err := d.get(ctx, http.MethodGet, address)
	switch {
	case err != nil:
		return fault(channel, hint, "%s: %v", address, err)
	case status >= 500:
		return fault(channel, hint, "%s answers %d %s", address, status, http.StatusText(status))
	}
	return good(channel, "%s answers", address)
}

// get asks for an address and leaves what it answers unread.
func (d *doctor) get(ctx context.Context, method, address string) (status int, header http.Header, err error) {
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return 0, nil, errors.New("the address cannot be called")
	}
	request.Header.Set("User-Agent", "Postern doctor")
	response, err := d.client.Do(request)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the address was told
	}
	if err != nil {
		return 0, nil, err
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Header, nil
}

// maxSkew is how much this machine's clock may differ from another one's; times in headers have whole seconds.
const maxSkew = 5 * time.Second

// clock holds this machine's clock against that of a server that is asked anyway.
func (d *doctor) clock(ctx context.Context) []diagnosis {
	for _, address := range d.clocks() {
		asked := d.now()
		_, header, err := d.get(ctx, http.MethodHead, address)
		if err != nil {
			continue
		}
		told, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			continue
		}
		_, host, _ := strings.Cut(strings.TrimSuffix(address, "/"), "://")
		answered := d.now()
		early, late := told.Sub(answered), asked.Sub(told.Add(time.Second))
		if skew := max(early, late); skew > maxSkew {
			return []diagnosis{fault("time", "let the network set this machine's clock: timedatectl set-ntp true",
				"differs by %v from that of %s: signatures and times of links will not hold",
				skew.Round(time.Second), host)}
		}
		return []diagnosis{good("time", "as at %s", host)}
	}
	return []diagnosis{good("time", "nobody to compare with")}
}

// twilioAPI is where Twilio's API is, if the configuration does not say.
const twilioAPI = "https://api.twilio.com"

// clocks are the servers with clocks of their own that the configuration has us ask.
func (d *doctor) clocks() []string {
	var addresses []string
	if d.site.config.CRM.Kind == crm.KindCorebos {
		addresses = append(addresses, d.site.config.CRM.URL)
	}
	for _, name := range slices.Sorted(maps.Keys(d.channels)) {
		switch channel := d.channels[name].(type) {
		case *channels.Push:
			addresses = append(addresses, channel.URL)
		case *channels.SMS:
			addresses = append(addresses, cmp.Or(channel.Endpoint, twilioAPI))
		case *channels.WhatsApp:
			addresses = append(addresses, cmp.Or(channel.Endpoint, twilioAPI))
		case *channels.WebPush:
			if !strings.HasPrefix(channel.Services[0], "*") {
				addresses = append(addresses, "https://"+channel.Services[0]+"/")
			}
		}
	}
	return addresses
}
