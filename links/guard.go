package links

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"postern/engine"
)

const (
	maxBody   = 64 << 10 // bytes of a form
	maxFields = 100      // of a form
)

// Why a request is refused whatever link it is about.
var (
	errMethod    = errors.New("the method is not one of this page")
	errOrigin    = errors.New("the form was sent from another site")
	errTooLarge  = errors.New("the form is too large")
	errMalformed = errors.New("the form cannot be read")
	errReopen    = errors.New("no open flow of this visitor")
	errRemoved   = errors.New("the landing is no longer in the book")
	errLost      = fmt.Errorf("%w, or was made after the backup that the store comes from", ErrExpired)
)

// protect sets the headers that every answer carries. Referrer-Policy is same-origin and not stricter because
// without it browsers send "Origin: null" with forms, which the check of origins has to refuse.
func protect(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", contentPolicy())
	// A page that opened this one, or shows it in a frame, must not reach into it.
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// contentPolicy lets a page load what is ours, and its forms go to the door and, where they lead on, to some hosts.
func contentPolicy(hosts ...string) string {
	forms := []string{"'self'"}
	for _, host := range hosts {
		forms = append(forms, "https://"+host)
	}
	return "default-src 'none'; style-src 'self'; img-src 'self'; form-action " + strings.Join(forms, " ") +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// guarded refuses forms from other sites and bodies beyond the limit before the handler sees them.
func (d *Door) guarded(h handler) handler {
	return func(c *call) (answer, error) {
		if !d.trusted(c.Request) && d.origins.Check(c.Request) != nil {
			return answer{}, errOrigin
		}
		if c.ContentLength > maxBody && !isMultipart(c) { // who reads a form with files holds it to its own limit
			return answer{}, errTooLarge
		}
		return h(c)
	}
}

// readForm reads the fields of a form sent as application/x-www-form-urlencoded, or as an object by a front end; the
// query string is not looked at.
func readForm(r *http.Request) (url.Values, error) {
	// One byte more than allowed tells a long body from one that just fits.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, errMalformed
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/json" {
		return readObject(body)
	}
	if err != nil || media != "application/x-www-form-urlencoded" || bytes.Count(body, []byte("&")) >= maxFields {
		return nil, errMalformed
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errMalformed
	}
	return values, nil
}

// refusals says which page each error leads to; the first that fits counts.
var refusals = []struct {
	err    error
	status int
	reason string
}{
	{errUnknown, http.StatusNotFound, "unknown"},
	{ErrNoLink, http.StatusNotFound, "unknown"},
	{ErrRevoked, http.StatusNotFound, "unknown"},
	{errReopen, http.StatusNotFound, "reopen"},
	{errCookies, http.StatusForbidden, "cookies"},
	{ErrExpired, http.StatusGone, "expired"},
	{ErrUsed, http.StatusGone, "used"},
	{ErrReplaced, http.StatusGone, "replaced"},
	{ErrBound, http.StatusConflict, "bound"},
	{errRemoved, http.StatusGone, "removed"},
	{engine.ErrNoRecord, http.StatusGone, "record"},
	{ErrLocked, http.StatusForbidden, "locked"},
	{errMailOver, http.StatusGone, "mail"},
	{errOrigin, http.StatusForbidden, "origin"},
	{errMethod, http.StatusMethodNotAllowed, "method"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "large"},
	{errMalformed, http.StatusBadRequest, "malformed"},
	{errBusy, http.StatusServiceUnavailable, "busy"},
}

// refuse makes the page for an error. Unknown, malformed and revoked links get one and the same, in the
// browser's language: nothing tells them apart. What nobody foresaw goes to the log under a code that the
// visitor can quote.
func (d *Door) refuse(c *call, header http.Header, err error) answer {
	reply := answer{status: http.StatusServiceUnavailable, page: "reason", header: header}
	if crowd, ok := errors.AsType[*crowded](err); ok {
		reply.status, reply.header = http.StatusTooManyRequests, crowd.header()
		return d.explain(c, reply, "crowd", "")
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			reply.status = r.status
			return d.explain(c, reply, r.reason, "")
		}
	}
	if errors.Is(c.Context().Err(), context.Canceled) {
		// The visitor has left meanwhile: nobody waits for an answer, and nothing is wrong.
		d.with.Logger.DebugContext(c.Context(), "visitor left", "route", c.Pattern, "error", err)
		return d.explain(c, reply, "unavailable", "")
	}
	code := d.errorCode()
	d.with.Logger.ErrorContext(c.Context(), "door could not answer", "code", code, "route", c.Pattern, "error", err)
	reply.header = http.Header{"Retry-After": {"60"}}
	return d.explain(c, reply, "unavailable", code)
}

// explain fills a page with the texts of a reason, which are labels under its name. It is the common page unless the
// reason has one of its own.
func (d *Door) explain(c *call, reply answer, reason, code string) answer {
	if reason == "unknown" {
		c.texts = d.speech.texts("", c.Header.Get("Accept-Language"))
	}
	heading := c.texts.Say("reason." + reason + ".title")
	if own := "reason." + reason; d.pages.byName[own] != nil {
		reply.page = own
	}
	reply.title = heading
	body := reasonBody{Reason: reason, Heading: heading, Text: c.texts.Say("reason." + reason + ".text"), Code: code}
	if reason == "expired" || reason == "replaced" {
		offerAgain(c, &body)
	}
	reply.body = body
	return reply
}

// offerAgain lets a page offer that the link is sent once more. A page of a flow, which knows no token, cannot.
func offerAgain(c *call, body *reasonBody) {
	if c.link == nil || !resendable(*c.link, c.now) {
		body.AgainText = c.texts.Say("resend.ask")
		return
	}
	body.Again, body.Masked = tokenPath(c)+"/again", c.link.Masked
	body.AgainText = c.texts.Say("resend.text", "Masked", c.link.Masked)
}

// errorCode names one failure, short enough to be read out on the telephone.
func (d *Door) errorCode() string {
	var bits [5]byte // 8 characters of base32
	if _, err := io.ReadFull(d.with.Random, bits[:]); err != nil {
		return "norandom"
	}
	return base32.StdEncoding.EncodeToString(bits[:])
}
