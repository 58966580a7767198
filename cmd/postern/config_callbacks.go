package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"postern/internal/pages"
)

// callbacks is the public address below which a channel's provider reaches it, without a final slash; that of all
// channels for "".
func (c config) callbacks(channel string) string {
	base, err := c.base()
	if err != nil {
		return "" // told when the configuration is checked
	}
	address := cmp.Or(c.Web.Callbacks, base.String()+"/callbacks")
	if channel == "" {
		return address
	}
	return address + "/" + channel
}

// checkCallbacks refuses what is no address to call.
func (c config) checkCallbacks() error {
	if c.Web.Callbacks == "" {
		return nil
	}
	u, err := url.Parse(c.Web.Callbacks)
	if err == nil {
		_, err = pages.ParseBase(u.Scheme + "://" + u.Host)
	}
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(u.Path, "/") {
		return fmt.Errorf("web.callbacks: %q is no https address without a final slash, such as "+
			"https://go.acme.example/callbacks", c.Web.Callbacks)
	}
	return nil
}
