package main

import (
	"log/slog"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// diversion is where messages go in place of their recipients. The error lists every complaint.
func (c config) diversion() (engine.Diversion, error) {
	d := engine.Diversion{Only: c.OnlyTo}
	carriers := c.carriers()
	var wrong yamldoc.Diagnostics
	for _, channel := range slices.Sorted(maps.Keys(c.RedirectTo)) {
		at := c.RedirectTo[channel]
		carrier, known := carriers[channel]
		if !known {
			wrong = append(wrong, at.Errorf("redirect_to: there is no channel %s", channel))
			continue
		}
		address := strings.TrimSpace(at.Text())
		var err error
		if carrier.Proper != nil {
			address, err = carrier.Proper(address)
		}
		switch {
		case err != nil:
			wrong = append(wrong, at.Errorf("redirect_to: %s: %v", channel, err))
		case address == "":
			wrong = append(wrong, at.Errorf("redirect_to: %s: the address is empty", channel))
		default:
			if d.To == nil {
				d.To = map[string]string{}
			}
			d.To[channel] = address
		}
	}
	if wrong.Err() != nil {
		return d, c.complain(wrong)
	}
	return d, nil
}

// divertedTo says in words what a diversion does; "" for nothing.
func divertedTo(d engine.Diversion) string {
	var said []string
	for _, channel := range slices.Sorted(maps.Keys(d.To)) {
		said = append(said, "all of "+channel+" goes to "+engine.Recipient{Address: d.To[channel]}.Masked())
	}
	if d.Only != nil {
		var only []string
		for _, pattern := range d.Only {
			if !strings.Contains(pattern, "*") {
				pattern = engine.Recipient{Address: pattern}.Masked()
			}
			only = append(only, pattern)
		}
		said = append(said, "only "+strings.Join(only, ", ")+" get messages")
	}
	return strings.Join(said, "; ")
}

// warnOfDiversion tells loudly that people do not get their messages.
func warnOfDiversion(d engine.Diversion, logger *slog.Logger) {
	if said := divertedTo(d); said != "" {
		logger.Warn("MESSAGES ARE DIVERTED: take redirect_to and only_to out of the configuration before people are "+
			"to get theirs", "diverted", said)
	}
}
