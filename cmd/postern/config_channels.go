package main

import (
	"maps"
	"slices"
	"strings"

	"postern/channels"
	"postern/engine"
	"postern/internal/yamldoc"
)

// kindOf is the kind of a channel: its name, unless kind: names another.
func kindOf(entry yamldoc.Entry) *yamldoc.Node {
	if kind := entry.Value.Get("kind"); kind != nil {
		return kind
	}
	return entry.Key
}

// carriers are the channels that workflows may use: those configured, or every kind by its name for a book that is only
// checked. A mistake in a channel is told when it is opened.
func (c config) carriers() map[string]engine.Carrier {
	if len(c.Channels) == 0 {
		return channels.Carriers()
	}
	carriers := map[string]engine.Carrier{}
	for _, entry := range c.Channels {
		carriers[entry.Key.Text()] = carrierOf(entry)
	}
	return carriers
}

// carrierOf is what is known of one channel: of several providers the first says it.
func carrierOf(entry yamldoc.Entry) engine.Carrier {
	first := accountsOf(entry)
	if len(first) == 0 {
		return channels.CarrierOf(kindOf(entry).Text(), &channels.Capture{})
	}
	channel, _ := first[0].decode()
	if channel == nil {
		channel = &channels.Capture{}
	}
	return channels.CarrierOf(first[0].kind.Text(), channel)
}

// channelKinds are the kinds of channels that books may name.
func channelKinds() []string { return slices.Sorted(maps.Keys(channels.Carriers())) }

// openChannels makes the configured channels, without a connection yet. The error lists every complaint.
func (c config) openChannels(outfit engine.Outfit) (map[string]engine.Channel, error) {
	made := map[string]engine.Channel{}
	var wrong yamldoc.Diagnostics
	for _, entry := range c.Channels {
		outfit.Channel = entry.Key.Text()
		outfit.Callbacks = c.callbacks(outfit.Channel)
		channel, diags := openChannel(entry, outfit)
		wrong = append(wrong, diags...)
		if channel != nil {
			made[entry.Key.Text()] = channel
		}
	}
	if wrong.Err() != nil {
		return made, c.complain(wrong)
	}
	return made, nil
}

// openChannel makes the channel of one entry: of one account, or of several providers.
func openChannel(entry yamldoc.Entry, outfit engine.Outfit) (engine.Channel, yamldoc.Diagnostics) {
	accounts := accountsOf(entry)
	if !relayed(entry) {
		return accounts[0].open(outfit)
	}
	wrong := checkProviders(entry, accounts)
	var providers []engine.Provider
	for _, a := range accounts {
		its := outfit
		its.Callbacks += "/" + a.name
		channel, diags := a.open(its)
		wrong = append(wrong, diags...)
		rate, diags := rateAt(a.entry, "rate")
		wrong = append(wrong, diags...)
		providers = append(providers, engine.Provider{Name: a.name, Channel: channel, Rate: rate})
	}
	if wrong.Err() != nil {
		return nil, wrong
	}
	return engine.NewRelay(outfit.Channel, providers, outfit.Clock, outfit.Logger), nil
}

// misplaced points at the key that a channel's complaint begins with, or else at the channel's name.
func misplaced(what string, entry yamldoc.Entry, err error) yamldoc.Diagnostic {
	key, _, _ := strings.Cut(err.Error(), ":")
	at := entry.Value.Get(key)
	if at == nil {
		at = entry.Key
	}
	return at.Errorf("%s %s: %s", what, entry.Key.Text(), err)
}

// carriersNamed are channels of which no more is known than their names: each is of the kind of its name, if there is
// one, and else like email.
func carriersNamed(names []string) map[string]engine.Carrier {
	carriers, kinds := map[string]engine.Carrier{}, channels.Carriers()
	for _, name := range names {
		carrier, isKind := kinds[name]
		if !isKind {
			carrier = kinds["email"]
		}
		carriers[name] = carrier
	}
	return carriers
}
