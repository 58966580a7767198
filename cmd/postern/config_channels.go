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
		channel, _ := decodeChannel(entry)
		if channel == nil {
			channel = &channels.Capture{}
		}
		carriers[entry.Key.Text()] = channels.CarrierOf(kindOf(entry).Text(), channel)
	}
	return carriers
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

// rates are the limits of the channels that have one. The error lists every complaint.
func (c config) rates() (map[string]engine.Rate, error) {
	rates := map[string]engine.Rate{}
	var wrong yamldoc.Diagnostics
	for _, entry := range c.Channels {
		node := entry.Value.Get("rate")
		if node == nil {
			continue
		}
		rate, err := engine.ParseRate(node.Text())
		if err != nil {
			wrong = append(wrong, node.Errorf("channel %s: rate: %v", entry.Key.Text(), err))
		}
		rates[entry.Key.Text()] = rate
	}
	if wrong.Err() != nil {
		return nil, c.complain(wrong)
	}
	return rates, nil
}

// decodeChannel makes the channel of one entry, not open yet; nil if there is no such kind.
func decodeChannel(entry yamldoc.Entry) (engine.Channel, yamldoc.Diagnostics) {
	name := kindOf(entry)
	kinds := channels.Kinds()
	i := slices.IndexFunc(kinds, func(k engine.ChannelKind) bool { return k.Name == name.Text() })
	if i < 0 {
		var names []string
		for _, k := range kinds {
			names = append(names, k.Name)
		}
		return nil, yamldoc.Diagnostics{name.Unknown("kind of channel", names)}
	}
	channel := kinds[i].New()
	diags := yamldoc.Decode(entry.Value.Without("kind").Without("rate"), channel)
	if capture, ok := channel.(*channels.Capture); ok {
		capture.StandIn(entry.Key.Text())
	}
	return channel, diags
}

// openChannel makes the channel of one entry.
func openChannel(entry yamldoc.Entry, outfit engine.Outfit) (engine.Channel, yamldoc.Diagnostics) {
	channel, diags := decodeChannel(entry)
	if diags.Err() != nil {
		return nil, diags
	}
	if opener, ok := channel.(engine.Opener); ok {
		if err := opener.Open(outfit); err != nil {
			return nil, yamldoc.Diagnostics{misplaced(entry, err)}
		}
	}
	return channel, nil
}

// misplaced points at the key that a channel's complaint begins with, or else at the channel's name.
func misplaced(entry yamldoc.Entry, err error) yamldoc.Diagnostic {
	key, _, _ := strings.Cut(err.Error(), ":")
	at := entry.Value.Get(key)
	if at == nil {
		at = entry.Key
	}
	return at.Errorf("channel %s: %s", entry.Key.Text(), err)
}

// carriersNamed are channels of which no more is known than their names: each is of the kind of its name, if there is
// one, and else like email.
func carriersNamed(names []string) map[string]engine.Carrier {
	carriers, kinds := map[string]engine.Carrier{}, channels.Carriers()
	for _, name := range names {
		carrier, isKind := kinds[name]
		switch {
		case isKind:
		case name == "sms" || name == "whatsapp":
			carrier = engine.Carrier{Kind: name, Reach: engine.Reach{Type: engine.TypePhone}}
		default:
			carrier = kinds["email"]
		}
		carriers[name] = carrier
	}
	return carriers
}
