package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"postern/engine"
	"postern/internal/crowd"
	"postern/internal/pages"
	"postern/internal/upload"
)

// Why a request is refused whatever link it is about.
var (
	errReopen  = errors.New("no open flow of this visitor")
	errRemoved = errors.New("the landing is no longer in the book")
	errLost    = fmt.Errorf("%w, or was made after the backup that the store comes from", ErrExpired)
)

// guarded refuses forms from other sites and bodies beyond the limit before the handler sees them.
func (d *Door) guarded(h handler) handler {
	return func(c *call) (answer, error) {
		if !d.trusted(c.Request) && d.origins.Check(c.Request) != nil {
			return answer{}, pages.ErrOrigin
		}
		// Who reads a form with files holds it to its own limit.
		if c.ContentLength > pages.MaxBody && !pages.IsMultipart(c.Request) {
			return answer{}, pages.ErrTooLarge
		}
		return h(c)
	}
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
	{errEnded, http.StatusGone, "ended"},
	{ErrUsed, http.StatusGone, "used"},
	{ErrReplaced, http.StatusGone, "replaced"},
	{ErrBound, http.StatusConflict, "bound"},
	{errRemoved, http.StatusGone, "removed"},
	{engine.ErrNoRecord, http.StatusGone, "record"},
	{ErrLocked, http.StatusForbidden, "locked"},
	{errMailOver, http.StatusGone, "mail"},
	{pages.ErrOrigin, http.StatusForbidden, "origin"},
	{pages.ErrMethod, http.StatusMethodNotAllowed, "method"},
	{pages.ErrTooLarge, http.StatusRequestEntityTooLarge, "large"},
	{pages.ErrMalformed, http.StatusBadRequest, "malformed"},
	{upload.ErrBusy, http.StatusServiceUnavailable, "busy"},
}

// refuse makes the page for an error. Unknown, malformed and revoked links get one and the same, in the
// browser's language: nothing tells them apart. What nobody foresaw goes to the log under a code that the
// visitor can quote.
func (d *Door) refuse(c *call, header http.Header, err error) answer {
	reply := answer{status: http.StatusServiceUnavailable, page: "reason", header: header}
	if crowded, ok := errors.AsType[*crowd.Error](err); ok {
		reply.status, reply.header = http.StatusTooManyRequests, crowded.Header()
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
	code := pages.ErrorCode(d.with.Random)
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
	if own := "reason." + reason; d.paper.pages.Has(own) {
		reply.page = own
	}
	reply.title = heading
	body := reasonBody{Reason: reason, Heading: heading, Text: c.texts.Say("reason." + reason + ".text"), Code: code}
	switch reason {
	case "expired", "replaced":
		if body.Portal = d.outside(c); body.Portal == "" {
			offerAgain(c, &body)
		}
	case "used", "ended":
		body.Portal = d.outside(c)
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
