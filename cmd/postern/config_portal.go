package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

type portalConfig struct {
	// Facade is the web service that clients of coreBOS speak to, at /portal/<portal>/webservice.php.
	Facade facadeConfig `yaml:"facade"`
}

type facadeConfig struct {
	// Default is the portal whose web service answers at /webservice.php too.
	Default string `yaml:"default"`
	// Plaintext lets clients send their password by POST over https, behind a token, as coreBOS's mode of that name
	// does.
	Plaintext bool `yaml:"plaintext"`
	// AppKeys lets programs sign in by the sha256 or sha512 of a token and their app key.
	AppKeys bool `yaml:"app_keys"`
	// Prefixes are what the ids of modules begin with in the CRM, before the x: { HelpDesk: "17", Contacts: "12" }.
	Prefixes map[string]string `yaml:"prefixes"`
}

// prefixForm is the number of a module in coreBOS.
var prefixForm = regexp.MustCompile(`^[0-9]{1,9}$`)

// validate finds what cannot work whatever the book.
func (c facadeConfig) validate() error {
	var wrong []error
	modules := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Prefixes)) {
		prefix := c.Prefixes[name]
		if !prefixForm.MatchString(prefix) {
			wrong = append(wrong, fmt.Errorf("prefixes: %q of %s is not what ids begin with before the x, "+
				"such as \"17\"", prefix, name))
		}
		if other := modules[prefix]; other != "" {
			wrong = append(wrong, fmt.Errorf("prefixes: %s and %s cannot both have %q", other, name, prefix))
		}
		modules[prefix] = name
	}
	return errors.Join(wrong...)
}
