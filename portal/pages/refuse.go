package pages

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"postern/internal/pages"
	"postern/internal/upload"
	"postern/portal"
)

// errUnknown says that nothing is at an address.
var errUnknown = errors.New("there is nothing here")

// reasonBody says why there is nothing to see. Code is for a failure that somebody should look into.
type reasonBody struct {
	Heading, Text string
	Code          string
	Link, To      string // label and path of the way on; "" for none
}

// refusal is an error with the reason that people are told, under whose name its labels stand.
type refusal struct {
	err    error
	status int
	reason string
}

// refusals says which reason each error has; the first that fits counts.
var refusals = []refusal{
	{portal.ErrForbidden, http.StatusForbidden, "forbidden"},
	{portal.ErrNotFound, http.StatusNotFound, "missing"},
	{errUnknown, http.StatusNotFound, "missing"},
	{portal.ErrNoPortal, http.StatusNotFound, "missing"},
	{portal.ErrConflict, http.StatusConflict, "conflict"},
	{portal.ErrFresh, http.StatusForbidden, "fresh"},
	{portal.ErrSignedOut, http.StatusUnauthorized, "out"},
	{portal.ErrPassed, http.StatusGone, "passed"},
	{portal.ErrMethod, http.StatusForbidden, "way"},
	{portal.ErrNoPasskeys, http.StatusForbidden, "way"},
	{portal.ErrMalformed, http.StatusBadRequest, "malformed"},
	{pages.ErrOrigin, http.StatusForbidden, "origin"},
	{pages.ErrMethod, http.StatusMethodNotAllowed, "method"},
	{pages.ErrTooLarge, http.StatusRequestEntityTooLarge, "large"},
	{pages.ErrMalformed, http.StatusBadRequest, "malformed"},
	{upload.ErrBusy, http.StatusServiceUnavailable, "busy"},
}

// refuse makes the page for an error. What nobody foresaw goes to the log under a code that people can quote.
func (p *Pages) refuse(c *call, reply answer, err error) answer {
	reply = answer{header: reply.header} // what went wrong changes no cookie
	if errors.Is(err, portal.ErrSignedOut) && (c.Method == http.MethodGet || c.Method == http.MethodHead) {
		reply.goTo = c.signInPath()
		return reply
	}
	if wait, busy := waits(err); busy {
		reply.header = http.Header{"Retry-After": {fmt.Sprint(int(math.Ceil(wait.Seconds())))}}
		reply.status = http.StatusServiceUnavailable
		if _, slow := errors.AsType[*portal.BusyError](err); !slow {
			reply.status = http.StatusTooManyRequests
		}
		return c.explain(reply, "busy", "")
	}
	if refusal, ok := errors.AsType[*portal.Refusal](err); ok {
		reply.status = refusal.Status
		return c.explain(reply, "malformed", "")
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			reply.status = r.status
			return c.explain(reply, r.reason, "")
		}
	}
	reply.status, reply.header = http.StatusServiceUnavailable, http.Header{"Retry-After": {"60"}}
	if errors.Is(c.Context().Err(), context.Canceled) {
		return c.explain(reply, "unavailable", "") // they have left meanwhile: nobody waits for an answer
	}
	if errors.Is(err, portal.ErrUnavailable) {
		return c.explain(reply, "unavailable", "") // the desk has said why in the log
	}
	code := pages.ErrorCode(p.with.Random)
	p.with.Logger.ErrorContext(c.Context(), "portal could not answer", "code", code, "route", c.Pattern, "error", err)
	return c.explain(reply, "unavailable", code)
}

// waits tells whether an error is that something has to be waited for, and how long.
func waits(err error) (time.Duration, bool) {
	if busy, ok := errors.AsType[*portal.BusyError](err); ok {
		return busy.RetryAfter, true
	}
	if much, ok := errors.AsType[*portal.Throttled](err); ok {
		return much.Wait, true
	}
	if crowded, ok := errors.AsType[*portal.CrowdedError](err); ok {
		return crowded.Wait, true
	}
	return 0, false
}

// explain fills a page with the texts of a reason, which are labels under its name.
func (c *call) explain(reply answer, reason, code string) answer {
	said := "portal.reason." + reason
	body := reasonBody{Heading: c.texts.Say(said + ".title"), Text: c.texts.Say(said + ".text"), Code: code}
	switch {
	case c.portal == nil:
	case reason == "fresh" || reason == "out":
		body.Link, body.To = c.texts.Say("portal.reason.sign_in"), c.path("sign-in")
	default:
		body.Link, body.To = c.texts.Say("portal.reason.home"), c.path()
	}
	reply.page, reply.title, reply.body = "reason", body.Heading, body
	return reply
}
