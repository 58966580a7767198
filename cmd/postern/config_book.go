package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/links"
	portalpages "postern/portal/pages"
	"postern/tasks"
	"postern/workflows"
)

// bookOptions are what a book may use under the configuration. One without secrets may belong to a book that names
// some all the same: they are missed when they are needed.
func (c config) bookOptions() workflows.Options {
	texts, languages := pageTexts()
	return workflows.Options{
		Texts: texts, Languages: languages, Brand: c.letterhead(),
		Tasks: tasks.Kinds(), Carriers: c.carriers(), Kinds: channelKinds(),
		Shipped: c.Book == "" && len(c.Channels) > 0, Secrets: slices.Sorted(maps.Keys(c.Secrets)),
		Calls: c.Calls.Rules(), KeepAll: c.mirrors(), Hosts: c.hosts(),
	}
}

// pageTexts are the codes of the texts of the door and of portals, with the values that each may and must hold, and the
// languages that they are in. They are a part of the program; a test reads them.
func pageTexts() (map[string]labels.Holes, []string) {
	texts, err := links.Texts()
	if err != nil {
		return nil, nil
	}
	ofPortals, err := portalpages.Texts()
	if err != nil {
		return nil, nil
	}
	maps.Copy(texts, ofPortals)
	languages, err := pages.Languages()
	if err != nil {
		return nil, nil
	}
	return texts, languages
}

// hosts are those that landings may lead on to; nil, for any, where there is no configuration to name them.
func (c config) hosts() []string {
	if c.folder == "" {
		return nil
	}
	return append([]string{}, c.Web.Hosts...)
}

// secretSource finds secrets for hashes. One whose place holds none is not there.
func (c config) secretSource() engine.SecretSource {
	return func(name string) ([]byte, bool) {
		secret, ok := c.Secrets[name]
		if !ok {
			return nil, false
		}
		value, err := secret.Reveal()
		return []byte(value), err == nil && value != ""
	}
}

// checkHandOvers looks whether the secrets that landings sign with are long enough. Those that are missing are
// checkSecrets' to tell.
func (c config) checkHandOvers(book *engine.Book) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(book.Landings)) {
		to := book.Landings[name].HandOver
		if to == nil {
			continue
		}
		value, err := c.Secrets[to.Secret].Reveal()
		if err == nil && len(value) < links.MinSigner {
			wrong = append(wrong, fmt.Errorf("secrets: %s: landing %s signs with it, so it needs at least %d bytes; "+
				"it has %d", to.Secret, name, links.MinSigner, len(value)))
		}
	}
	return errors.Join(wrong...)
}

// checkSecrets looks whether each named secret is where the configuration says.
func (c config) checkSecrets() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		wrong = append(wrong, c.checkSecret(name))
	}
	return errors.Join(wrong...)
}

func (c config) checkSecret(name string) error {
	value, err := c.Secrets[name].Reveal()
	if err == nil && value == "" {
		err = errors.New("a secret names env or file, where it is")
	}
	if err != nil {
		return fmt.Errorf("secrets: %s: %w", name, err)
	}
	return nil
}
