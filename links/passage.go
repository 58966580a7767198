package links

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postern/engine"
)

const (
	cookieBytes = 32 // 256 random bits
	cookieChars = 52 // the same in base32
)

// showDoor is the page that anybody sees who has the address, scanners and link previews among them: it tells
// nothing of the record and does nothing.
func (d *Door) showDoor(c *call) (answer, error) {
	link, err := d.linkOf(c)
	if !link.ID.IsZero() {
		d.looks.note(link, c.Request, c.now)
	}
	if err != nil {
		return answer{}, err
	}
	title := c.texts.Say("door.title", "Brand", d.with.Brand.Name)
	return answer{page: "door", title: title, body: doorBody{Masked: link.Masked}}, nil
}

// passDoor opens a flow for the visitor and leads on, so that the token leaves the address bar. Nothing that
// was sent along is read.
func (d *Door) passDoor(c *call) (answer, error) {
	link, err := d.linkOf(c)
	if err != nil {
		return answer{}, err
	}
	landing, err := d.landing(c.Context(), link)
	if err != nil {
		return answer{}, err
	}
	secret, err := d.visitorSecret(c)
	if err != nil {
		return answer{}, err
	}
	flow, err := d.openFlow(c, link, secret)
	if err != nil {
		return answer{}, err
	}
	goTo := flowPath(flow.ID)
	if landing.Action(link.Preset) != nil {
		goTo = actionPath(flow.ID, link.Preset)
	}
	return answer{goTo: goTo, header: http.Header{"Set-Cookie": {d.cookie(secret).String()}}}, nil
}

// linkOf finds the live link that the request's token is of.
func (d *Door) linkOf(c *call) (engine.Link, error) {
	keyID, token, ok := parseToken(c.PathValue("token"))
	if !ok {
		return engine.Link{}, ErrNoLink
	}
	sum, ok := digest(d.with.Keys.Peppers, keyID, token)
	if !ok {
		return engine.Link{}, ErrNoLink
	}
	link, err := d.with.Store.Link(c.Context(), keyID, sum)
	if errors.Is(err, ErrNoLink) && c.now.Before(d.with.Restored.Add(engine.MaxExpires)) {
		return engine.Link{}, errLost
	}
	if err != nil {
		return engine.Link{}, fmt.Errorf("find link: %w", err)
	}
	d.speak(c, link)
	return link, live(link, c.now)
}

// openFlow stores that this browser passed the door. The flow never outlives its link.
func (d *Door) openFlow(c *call, link engine.Link, secret string) (Flow, error) {
	id, err := engine.NewID(c.now, d.with.Random)
	if err != nil {
		return Flow{}, err
	}
	flow := Flow{ID: id, Link: link.ID, Opened: c.now, Expires: c.now.Add(flowLife)}
	if flow.Expires.After(link.Expires) {
		flow.Expires = link.Expires
	}
	flow.Visitor, _ = d.visitorHash(d.with.Keys.Visitors.Current(), secret)
	if err := d.with.Store.Open(c.Context(), flow); err != nil {
		return Flow{}, fmt.Errorf("open flow: %w", err)
	}
	return flow, nil
}

// passage is a flow that the visitor has proved to be theirs, with what it leads to.
type passage struct {
	flow    Flow
	link    engine.Link
	landing *engine.Landing
}

// passageOf finds the request's flow and checks that this browser opened it.
func (d *Door) passageOf(c *call) (passage, error) {
	id, err := engine.ParseID(c.PathValue("flow"))
	if err != nil {
		return passage{}, errReopen
	}
	flow, link, err := d.with.Store.Flow(c.Context(), id, c.now)
	if errors.Is(err, ErrNoLink) {
		return passage{}, errReopen
	}
	if err != nil {
		return passage{}, fmt.Errorf("find flow: %w", err)
	}
	if !d.opened(flow, c.Request) {
		return passage{}, d.estranged(c.Request)
	}
	if !link.Revoked.IsZero() {
		return passage{}, ErrRevoked
	}
	d.speak(c, link)
	landing, err := d.landing(c.Context(), link)
	return passage{flow: flow, link: link, landing: landing}, err
}

// inFlow gives a handler the visitor's passage while its link is live. Who used the link up in this flow is
// led to the receipt.
func (d *Door) inFlow(h func(*call, passage) (answer, error)) handler {
	return func(c *call) (answer, error) {
		p, err := d.passageOf(c)
		if err != nil {
			return answer{}, err
		}
		reply, err := answer{}, live(p.link, c.now)
		if err == nil {
			reply, err = h(c, p)
		}
		if !errors.Is(err, ErrUsed) {
			return d.leading(c, p, reply), err
		}
		if _, none := d.with.Store.LastVisit(c.Context(), p.flow.ID); none != nil {
			return answer{}, ErrUsed
		}
		return answer{goTo: receiptPath(p.flow.ID)}, nil
	}
}

// inVisit gives a handler the visitor's passage also when the link is used up, for what concerns the visit that did it.
func (d *Door) inVisit(h func(*call, passage) (answer, error)) handler {
	return func(c *call) (answer, error) {
		p, err := d.passageOf(c)
		if err != nil {
			return answer{}, err
		}
		if err := live(p.link, c.now); err != nil && !errors.Is(err, ErrUsed) {
			return answer{}, err
		}
		return h(c, p)
	}
}

// leading lets the forms of a page lead on to the hosts that its landing leads to, and to no others.
func (d *Door) leading(c *call, p passage, reply answer) answer {
	hosts := d.outwardHosts(c.Context(), p.landing)
	if reply.page == "" || len(hosts) == 0 {
		return reply
	}
	if reply.header == nil {
		reply.header = http.Header{}
	}
	reply.header.Set("Content-Security-Policy", contentPolicy(hosts...))
	return reply
}

// visitorSecret is what the visitor's browser is known by: the cookie it has, so that a second link does not
// end the flow of the first, else a new one.
func (d *Door) visitorSecret(c *call) (string, error) {
	if cookie, err := c.Cookie(d.cookieName()); err == nil && wellFormed(cookie.Value) {
		return cookie.Value, nil
	}
	return d.newSecret()
}

// newSecret is a secret that nobody has yet.
func (d *Door) newSecret() (string, error) {
	var bits [cookieBytes]byte
	if _, err := io.ReadFull(d.with.Random, bits[:]); err != nil {
		return "", fmt.Errorf("read random bits: %w", err)
	}
	return base32Lower.EncodeToString(bits[:]), nil
}

// wellFormed tells whether a cookie's value could be one of ours; anything else is replaced, not kept.
func wellFormed(secret string) bool {
	return len(secret) == cookieChars && strings.Trim(secret, alphabet) == ""
}

// opened tells whether the request comes from the browser that opened the flow.
func (d *Door) opened(flow Flow, r *http.Request) bool {
	cookie, err := r.Cookie(d.cookieName())
	if err != nil || len(flow.Visitor) == 0 {
		return false
	}
	hash, ok := d.visitorHash(string(flow.Visitor[:1]), cookie.Value)
	return ok && hmac.Equal(hash, flow.Visitor)
}

// visitorHash is what the store keeps of a cookie: the key id, then a keyed hash.
func (d *Door) visitorHash(keyID, secret string) ([]byte, bool) {
	sum, ok := d.with.Keys.Visitors.Sum(keyID, []byte(secret))
	return append([]byte(keyID), sum...), ok
}

// cookieName has the prefix that makes browsers refuse the cookie from other hosts and over plain http; on
// this machine itself, without https, it cannot.
func (d *Door) cookieName() string {
	if d.with.Base.secure {
		return "__Host-postern"
	}
	return "postern"
}

// cookie is SameSite=Lax, not Strict: Strict would not come back on the way from a mail program.
func (d *Door) cookie(secret string) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure everywhere but on plain http, which is this machine only
		Name: d.cookieName(), Value: secret, Path: "/", MaxAge: int(flowLife / time.Second),
		Secure: d.with.Base.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// flowPath is where a flow's record is shown. Flow ids may be seen: without the cookie they open nothing.
func flowPath(flow engine.ID) string { return "/f/" + flow.String() }

// actionPath is where an action of the flow's landing is shown and confirmed.
func actionPath(flow engine.ID, action string) string {
	return flowPath(flow) + "/" + url.PathEscape(action)
}

// receiptPath lies beside the flow's pages, so that no action can be named like it.
func receiptPath(flow engine.ID) string { return "/r/" + flow.String() }
