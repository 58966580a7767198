package main

import (
	"errors"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// lint is what serve would refuse of channels, limits, recipients and secrets, all at once. A secret that is not to be
// had on this machine is a warning: a configuration is often checked elsewhere than it is used.
func (c config) lint() (wrong yamldoc.Diagnostics) {
	outfit := c.outfitAlone()
	for _, entry := range c.Channels {
		outfit.Channel = entry.Key.Text()
		outfit.Callbacks = c.callbacks(outfit.Channel)
		accounts := accountsOf(entry)
		if relayed(entry) {
			wrong = append(wrong, checkProviders(entry, accounts)...)
		}
		for _, a := range accounts {
			wrong = append(wrong, a.lint(outfit)...)
		}
	}
	_, diversion := c.diversion()
	for _, err := range []error{c.checkLimits(), diversion} {
		wrong = append(wrong, complaintsIn(err)...)
	}
	return append(wrong, c.lintSecrets()...)
}

// lint is what is wrong with an account.
func (a account) lint(outfit engine.Outfit) yamldoc.Diagnostics {
	channel, wrong := a.decode()
	if a.name != "" {
		outfit.Callbacks += "/" + a.name
		_, diags := rateAt(a.entry, "rate")
		wrong = append(wrong, diags...)
	}
	opener, ok := channel.(engine.Opener)
	if wrong.Err() != nil || !ok {
		return wrong
	}
	err := opener.Open(outfit)
	if err == nil {
		return wrong
	}
	d := misplaced(a.what(), a.entry, err)
	if _, missing := errors.AsType[engine.MissingSecret](err); missing {
		d.Severity, d.Code = yamldoc.Warning, "secret"
	}
	return append(wrong, d)
}

// lintSecrets is what is wrong with the secrets that workflows name. They are told of the file as a whole.
func (c config) lintSecrets() (wrong yamldoc.Diagnostics) {
	var file string
	for name := range c.sources {
		file = name
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		err := c.checkSecret(name)
		if err == nil {
			continue
		}
		d := yamldoc.Diagnostic{File: file, Severity: yamldoc.Error, Message: err.Error()}
		if _, missing := errors.AsType[engine.MissingSecret](err); missing {
			d.Severity, d.Code = yamldoc.Warning, "secret"
		}
		wrong = append(wrong, d)
	}
	return wrong
}

// complaintsIn are the complaints of an error that may join several lists of them.
func complaintsIn(err error) (diags yamldoc.Diagnostics) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			diags = append(diags, complaintsIn(one)...)
		}
		return diags
	}
	found, _ := errors.AsType[complaints](err)
	return found.diags
}
