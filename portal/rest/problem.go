package rest

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"postern/engine"
	"postern/portal"
)

// problem is why a request was refused (RFC 9457).
type problem struct {
	Type   string `json:"type"`  // urn:postern:portal:<code>
	Title  string `json:"title"` // a sentence for people
	Status int    `json:"status"`
	Code   string `json:"code"`            // for programs
	Field  string `json:"field,omitempty"` // of the module, that it is about
	Part   string `json:"parameter,omitempty"`
	Token  string `json:"token,omitempty"` // in place of the one that was used up, for another try
}

// refusals are the problem of each error; the first that fits counts. What somebody may not know about shares one.
var refusals = []struct {
	err    error
	status int
	code   string
	title  string
}{
	{portal.ErrRefused, http.StatusUnauthorized, "refused", "The name or the password is not right."},
	{portal.ErrSignedOut, http.StatusUnauthorized, "signed_out", "Please sign in."},
	{portal.ErrNoPortal, http.StatusNotFound, "no_portal", "There is no such portal."},
	{portal.ErrMethod, http.StatusForbidden, "method", "This portal does not let you sign in this way."},
	{portal.ErrMalformed, http.StatusBadRequest, "malformed", "This cannot be read."},
	{portal.ErrPassed, http.StatusGone, "passed", "This was used already, or took too long."},
	{portal.ErrWrong, http.StatusUnprocessableEntity, "wrong", "This is not right. Please try again."},
	{portal.ErrNoFactor, http.StatusNotFound, "no_factor", "There is no such factor."},
	{portal.ErrNoPasskeys, http.StatusForbidden, "no_passkeys", "This portal has no passkeys at its address."},
	{portal.ErrLastFactor, http.StatusConflict, "last_factor", "The last second factor has to stay."},
	{portal.ErrPasskeys, http.StatusConflict, "many_passkeys", "There are as many passkeys as there may be."},
	{engine.ErrTaken, http.StatusConflict, "passkey_taken", "This passkey is already in use."},
	{errNoSession, http.StatusNotFound, "no_session", "There is no such session."},
	{portal.ErrForbidden, http.StatusForbidden, "forbidden", "This is not open to you."},
	{portal.ErrNotFound, http.StatusNotFound, "not_found", "There is no such record."},
	{
		portal.ErrConflict, http.StatusConflict, "conflict",
		"Somebody else changed this meanwhile. Please look at it again.",
	},
	{portal.ErrFresh, http.StatusForbidden, "fresh", "Please sign in again before you change this."},
	{
		portal.ErrUnavailable, http.StatusServiceUnavailable, "unavailable",
		"The records cannot be reached at the moment. Please try again in a while.",
	},
	{errNoPath, http.StatusNotFound, "no_path", "There is no such path."},
	{errMethod, http.StatusMethodNotAllowed, "no_method", "This path does not take that method."},
	{errOrigin, http.StatusForbidden, "origin", "This was sent by a page of another site, and nothing was done."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "large", "This is too much at once."},
	{errMedia, http.StatusUnsupportedMediaType, "media", "The body must be JSON and say so in Content-Type."},
	{errMalformed, http.StatusBadRequest, "malformed", "The body cannot be read, or is not as the document says."},
	{errParameter, http.StatusBadRequest, "parameter", "A parameter is unknown, comes twice or cannot be read."},
}

// sentences are what the refusals of the desk say.
var sentences = map[string]string{
	portal.CodeField:    "This field cannot be changed.",
	portal.CodeFilter:   "One cannot filter by this field, or not in this way.",
	portal.CodeSort:     "One cannot sort by this field.",
	portal.CodeShown:    "There is no such field to be shown.",
	portal.CodeQuestion: "This is too much to ask at once, or cannot be asked.",
	portal.CodeWide:     "Too many records would have to be looked at. Please ask for fewer.",
	portal.CodeValue:    "This value does not fit the field.",
	portal.CodeRequired: "This must not be empty.",
	portal.CodeOption:   "This is none of the options.",
	portal.CodeLong:     "This is too long.",
	portal.CodeTaken:    "This is already in use. Please choose another.",
	portal.CodeFile:     "This file cannot be taken. Please choose another.",
	portal.CodeEmpty:    "There is nothing to change.",
	portal.CodeKey:      "The Idempotency-Key was used for something else.",
	portal.CodeRows:     "This would no longer be yours to see.",
	portal.CodeSettled:  "This can no longer be changed.",
}

// weak are what the gate says of passwords that it does not take.
var weak = map[string]string{
	portal.WeakShort:  "The password is too short.",
	portal.WeakLong:   "The password is too long.",
	portal.WeakCommon: "This password is one of those that are tried first. Please choose another.",
	portal.WeakName:   "The password is made of your name. Please choose another.",
	portal.WeakSame:   "This is the password that you have. Please choose another.",
	portal.WeakText:   "The password has characters that a password cannot have.",
}

// refuse answers with why a request is refused.
func (a *API) refuse(w http.ResponseWriter, c *call, err error) {
	if errors.Is(err, context.Canceled) && c.Context().Err() != nil {
		return // there is nobody to tell
	}
	p, wait := a.problemOf(c, err)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="portal"`)
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	p.Type = "urn:postern:portal:" + p.Code
	if again, ok := errors.AsType[*againError](err); ok {
		p.Token = again.token
	}
	if part, ok := errors.AsType[*partError](err); ok {
		p.Part = part.name
	}
	a.write(w, c, p.Status, "application/problem+json; charset=utf-8", p)
}

// problemOf is the problem of an error, and when to try again; zero if that would not help.
func (a *API) problemOf(c *call, err error) (p problem, wait time.Duration) {
	if refusal, ok := errors.AsType[*portal.Refusal](err); ok {
		return problem{
			Status: refusal.Status, Code: refusal.Code, Field: refusal.Field, Title: sentences[refusal.Code],
			Part: parameterOf(refusal),
		}, 0
	}
	if w, ok := errors.AsType[*portal.WeakError](err); ok {
		return problem{
			Status: http.StatusUnprocessableEntity, Code: "password_" + w.Code, Title: weak[w.Code], Part: "next",
		}, 0
	}
	if busy, ok := errors.AsType[*portal.BusyError](err); ok {
		return problem{
			Status: http.StatusServiceUnavailable, Code: "busy",
			Title: "There is a lot to do just now. Please try again.",
		}, max(busy.RetryAfter, time.Second)
	}
	if crowded, ok := errors.AsType[*portal.CrowdedError](err); ok {
		return problem{
			Status: http.StatusTooManyRequests, Code: "crowded",
			Title: "Too much was tried from this address. Please wait a little.",
		}, max(crowded.Wait, time.Second)
	}
	if throttled, ok := errors.AsType[*portal.Throttled](err); ok {
		return problem{
			Status: http.StatusTooManyRequests, Code: "throttled",
			Title: "That was a lot of changes in a short time. Please wait a little.",
		}, max(throttled.Wait, time.Second)
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			if r.status == http.StatusServiceUnavailable {
				wait = 5 * time.Second
			}
			return problem{Status: r.status, Code: r.code, Title: r.title}, wait
		}
	}
	a.with.Logger.ErrorContext(c.Context(), "a request to the portal's API failed", "path", c.Pattern, "error", err)
	return problem{
		Status: http.StatusServiceUnavailable, Code: "failed",
		Title: "Something went wrong here. Please try again in a while.",
	}, 5 * time.Second
}
