package workflows

import (
	"fmt"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Channels are those of the named channels that there are. If the last one is passed over, the workflow is left out.
func (s *stepScope) Channels(key string, names []string) []string {
	return s.usable(names, func(name string) *yamldoc.Node {
		at := s.at(key)
		for _, item := range at.Items() {
			if item.Text() == name {
				return item
			}
		}
		return at
	})
}

// Carrier is what is known of a channel.
func (s *stepScope) Carrier(channel string) engine.Carrier { return s.options.Carriers[channel] }

// usable are those of the named channels that there are. It complains of any other, at its place; but one that is only
// not configured is passed over in the shipped book, and in a kept version. If that leaves none, what is being loaded
// lacks the first of them.
func (l *loader) usable(names []string, at func(name string) *yamldoc.Node) (usable []string) {
	passed := ""
	for _, name := range names {
		_, known := l.options.Carriers[name]
		unset := slices.Contains(l.options.Kinds, name)
		switch {
		case known:
			usable = append(usable, name)
		case unset && (l.options.Shipped || l.options.Kept):
			if passed == "" {
				passed = name
			}
		case unset:
			d := at(name).Errorf("channel %s is not configured", name)
			d.Hint = fmt.Sprintf("add an entry %s under channels in the configuration", name)
			l.complain(d)
		default:
			l.complain(unknown(at(name), "channel", name, slices.Sorted(maps.Keys(l.options.Carriers))))
		}
	}
	if len(usable) == 0 && passed != "" {
		l.lack(passed)
	}
	return usable
}

// lack notes that what is being loaded cannot be, for want of a channel.
func (l *loader) lack(channel string) {
	if l.lacks == "" {
		l.lacks = channel
	}
}

// leavable loads a part of the book, and leaves it out again if it lacks a channel: with its complaints, which come of
// that. It tells what is lacking; "" for nothing.
func (l *loader) leavable(what, name string, load func()) (lacks string) {
	before := len(l.diags)
	l.lacks = ""
	load()
	lacks, l.lacks = l.lacks, ""
	if lacks != "" {
		l.diags = l.diags[:before]
		l.left[what+" "+name] = lacks
	}
	return lacks
}
