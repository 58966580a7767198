package links

import (
	"crypto/hmac"
	"net/http"

	"postern/engine"
	"postern/internal/pages"
)

// A browser is known by two cookies. One holds its flows for as long as they last. The other holds the links that are
// bound to it, for as long as any link may live, and is only set where a landing asks for it.
const (
	visitorCookie = "postern"
	boundCookie   = "postern-bound"
)

// visitorSecret is what the visitor's browser is known by: the cookie it has, so that a second link does not
// end the flow of the first, else a new one.
func (d *Door) visitorSecret(c *call) (string, error) { return d.secret(c, visitorCookie) }

// secret is the value of one of our cookies, a fresh one where the browser has none.
func (d *Door) secret(c *call, name string) (string, error) {
	if secret, ok := d.brought(c.Request, name); ok && pages.WellFormed(secret) {
		return secret, nil
	}
	return pages.NewSecret(d.with.Random)
}

// opened tells whether the request comes from the browser that opened the flow.
func (d *Door) opened(flow Flow, r *http.Request) bool {
	return d.isBrowser(flow.Visitor, r, visitorCookie)
}

// isBrowser tells whether the request's cookie is the one of which a hash is kept.
func (d *Door) isBrowser(kept []byte, r *http.Request, name string) bool {
	secret, ok := d.brought(r, name)
	return ok && d.isSecret(kept, secret)
}

// isSecret tells whether a hash is kept of a secret.
func (d *Door) isSecret(kept []byte, secret string) bool {
	if len(kept) == 0 {
		return false
	}
	hash, ok := d.visitorHash(string(kept[:1]), secret)
	return ok && hmac.Equal(hash, kept)
}

// visitorHash is what the store keeps of a cookie: the key id, then a keyed hash.
func (d *Door) visitorHash(keyID, secret string) ([]byte, bool) {
	sum, ok := d.with.Keys.Visitors.Sum(keyID, []byte(secret))
	return append([]byte(keyID), sum...), ok
}

// bind returns the keyed hash of the browser that a link opens in alone, and the cookie that it is known by; nil for a
// link that opens in any. It fails with ErrBound where this is another browser.
func (d *Door) bind(c *call, link engine.Link, landing *engine.Landing) ([]byte, *http.Cookie, error) {
	switch {
	case link.Bound != nil && !d.isBrowser(link.Bound, c.Request, boundCookie):
		return nil, nil, ErrBound
	case link.Bound == nil && !landing.Bind:
		return nil, nil, nil
	}
	secret, err := d.secret(c, boundCookie)
	if err != nil {
		return nil, nil, err
	}
	bound := link.Bound
	if bound == nil {
		bound, _ = d.visitorHash(d.with.Keys.Visitors.Current(), secret)
	}
	return bound, d.with.Base.NewCookie(boundCookie, secret, engine.MaxExpires), nil
}

// greet gives a browser the cookie that a link may be bound to before its button is pressed; nil where there is nothing
// to give. Who presses twice would else come as two browsers, and be shut out by themselves.
func (d *Door) greet(c *call, link engine.Link) *http.Cookie {
	if _, has := d.brought(c.Request, boundCookie); has || link.Bound != nil {
		return nil
	}
	landing, err := d.landing(c.Context(), link)
	if err != nil {
		return nil // the button tells
	}
	_, keep, err := d.bind(c, link, landing)
	if err != nil {
		return nil
	}
	return keep
}

// cookie is what holds the visitor's flows.
func (d *Door) cookie(secret string) *http.Cookie {
	return d.with.Base.NewCookie(visitorCookie, secret, flowLife)
}
