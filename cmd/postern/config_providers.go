package main

import (
	"errors"
	"slices"
	"time"

	"postern/channels"
	"postern/engine"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// account is one account that carries messages, as it is configured: the whole entry of a channel, or one of its
// providers.
type account struct {
	channel string
	name    string // of the provider; "" for a channel of one account
	kind    *yamldoc.Node
	entry   yamldoc.Entry
}

// Keys of an entry that are not its kind's.
var channelKeys = []string{"kind", "rate", "budget"}

// relayed tells whether a channel has several providers.
func relayed(entry yamldoc.Entry) bool { return entry.Value.Get("providers") != nil }

// accountsOf are the accounts of a channel, in order.
func accountsOf(entry yamldoc.Entry) (accounts []account) {
	name := entry.Key.Text()
	if !relayed(entry) {
		return []account{{channel: name, kind: kindOf(entry), entry: entry}}
	}
	for key, value := range entry.Value.Get("providers").Entries() {
		a := account{channel: name, name: key.Text(), kind: kindOf(entry), entry: yamldoc.Entry{Key: key, Value: value}}
		if kind := value.Get("kind"); kind != nil {
			a.kind = kind
		}
		accounts = append(accounts, a)
	}
	return accounts
}

// checkProviders holds the entry of a channel with providers against what it may say.
func checkProviders(entry yamldoc.Entry, accounts []account) (wrong yamldoc.Diagnostics) {
	for key := range entry.Value.Entries() {
		if name := key.Text(); name != "providers" && !slices.Contains(channelKeys, name) {
			d := key.Errorf("channel %s has providers: %s belongs to each of them", entry.Key.Text(), name)
			wrong = append(wrong, d)
		}
	}
	if len(accounts) == 0 {
		at := entry.Value.Get("providers")
		return append(wrong, at.Errorf("channel %s: providers names at least one, such as { main: { … } }",
			entry.Key.Text()))
	}
	for _, a := range accounts {
		if !workflows.PlainName(a.name) {
			wrong = append(wrong, a.entry.Key.Errorf("a provider's name may hold only small letters, digits and -"))
		}
		if a.kind.Text() != accounts[0].kind.Text() {
			wrong = append(wrong, a.kind.Errorf("the providers of a channel are of one kind: %s is %s, %s is %s",
				accounts[0].name, accounts[0].kind.Text(), a.name, a.kind.Text()))
		}
	}
	return wrong
}

// what it is, in complaints.
func (a account) what() string {
	if a.name == "" {
		return "channel"
	}
	return "provider"
}

// decode makes the channel of an account, not open yet; nil if there is no such kind.
func (a account) decode() (engine.Channel, yamldoc.Diagnostics) {
	kinds := channels.Kinds()
	i := slices.IndexFunc(kinds, func(k engine.ChannelKind) bool { return k.Name == a.kind.Text() })
	if i < 0 {
		var names []string
		for _, k := range kinds {
			names = append(names, k.Name)
		}
		return nil, yamldoc.Diagnostics{a.kind.Unknown("kind of channel", names)}
	}
	channel, value := kinds[i].New(), a.entry.Value
	for _, key := range channelKeys {
		if key != "budget" || a.name == "" { // a budget is the channel's
			value = value.Without(key)
		}
	}
	diags := yamldoc.Decode(value, channel)
	if capture, ok := channel.(*channels.Capture); ok {
		capture.StandIn(a.channel)
	}
	return channel, diags
}

// open makes the channel of an account.
func (a account) open(outfit engine.Outfit) (engine.Channel, yamldoc.Diagnostics) {
	channel, diags := a.decode()
	if diags.Err() != nil {
		return nil, diags
	}
	if opener, ok := channel.(engine.Opener); ok {
		if err := opener.Open(outfit); err != nil {
			return nil, yamldoc.Diagnostics{misplaced(a.what(), a.entry, err)}
		}
	}
	return channel, nil
}

// rateAt reads a rate at a key of an entry; the zero Rate where there is none.
func rateAt(entry yamldoc.Entry, key string) (engine.Rate, yamldoc.Diagnostics) {
	node := entry.Value.Get(key)
	if node == nil {
		return engine.Rate{}, nil
	}
	rate, err := engine.ParseRate(node.Text())
	if err != nil {
		return rate, yamldoc.Diagnostics{node.Errorf("channel %s: %s: %v", entry.Key.Text(), key, err)}
	}
	return rate, nil
}

// rates are the limits of the channels that have one. The error lists every complaint.
func (c config) rates() (map[string]engine.Rate, error) {
	rates := map[string]engine.Rate{}
	var wrong yamldoc.Diagnostics
	for _, entry := range c.Channels {
		rate, diags := rateAt(entry, "rate")
		wrong = append(wrong, diags...)
		if rate == (engine.Rate{}) && relayed(entry) {
			rate = together(accountsOf(entry))
		}
		if rate != (engine.Rate{}) {
			rates[entry.Key.Text()] = rate
		}
	}
	if wrong.Err() != nil {
		return nil, c.complain(wrong)
	}
	return rates, nil
}

// together is what providers take in all; the zero Rate if one of them has no limit.
func together(accounts []account) engine.Rate {
	const day = 24 * time.Hour
	sum := engine.Rate{Per: day}
	for _, a := range accounts {
		rate, diags := rateAt(a.entry, "rate")
		if diags.Err() != nil || rate.Count == 0 {
			return engine.Rate{}
		}
		sum.Count += rate.Count * int(day/rate.Per)
	}
	if sum.Count == 0 {
		return engine.Rate{}
	}
	return sum
}

// checkLimits refuses rates and budgets that say nothing clear.
func (c config) checkLimits() error {
	_, rates := c.rates()
	_, budgets := c.budgets()
	return errors.Join(rates, budgets)
}

// budgets are how many messages may leave by the channels that have a limit. The error lists every complaint.
func (c config) budgets() (map[string]engine.Rate, error) {
	budgets := map[string]engine.Rate{}
	var wrong yamldoc.Diagnostics
	for _, entry := range c.Channels {
		budget, diags := rateAt(entry, "budget")
		wrong = append(wrong, diags...)
		switch {
		case budget.Count > engine.MaxBudget:
			wrong = append(wrong, entry.Value.Get("budget").Errorf("channel %s: budget: it counts to %d at most",
				entry.Key.Text(), engine.MaxBudget))
		case budget.Count > 0:
			budgets[entry.Key.Text()] = budget
		}
	}
	if wrong.Err() != nil {
		return nil, c.complain(wrong)
	}
	return budgets, nil
}
