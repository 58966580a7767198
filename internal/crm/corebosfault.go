package crm

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"postern/engine"
)

// Codes by which coreBOS refuses, as far as they decide what happens next.
const (
	codeNoSession = "AUTHENTICATION_REQUIRED"
	codeOldToken  = "INVALID_AUTH_TOKEN" //nolint:gosec // a code, no token
	codeWrongKey  = "INVALID_USER_CREDENTIALS"
	codeDenied    = "ACCESS_DENIED"
	codeWrongID   = "INVALID_ID_ATTRIBUTE"
	codeDatabase  = "DATABASE_QUERY_ERROR"
	codeBrokeDown = "INTERNAL_SERVER_ERROR"
)

// refusal is what the CRM said in place of a result.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`

	operation string
}

// Error is the CRM's own sentence.
func (r *refusal) Error() string {
	return fmt.Sprintf("the CRM refuses to %s: %s (%s)", r.operation, r.Message, r.Code)
}

// verdict says what a refusal means. One of a create may come after the record was stored, with an owner that does not
// exist for example, so that where the CRM broke down in a write, nobody can tell.
func (r *refusal) verdict(writes bool) error {
	switch r.Code {
	case codeDenied:
		return engine.Misconfigured(r)
	case codeNoSession:
		return r
	case codeDatabase, codeBrokeDown:
		if writes {
			return engine.Unknown(r)
		}
		return r
	}
	return engine.Permanent(r)
}

// refusedWith tells whether an error is a refusal by one of the codes.
func refusedWith(err error, codes ...string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && slices.Contains(codes, r.Code)
}

// signInVerdict says what a failed sign-in means: a user or key that the CRM does not know is the operator's to mend, a
// token that ran out in between is worth another try.
func signInVerdict(err error) error {
	r, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return err
	case r.Code == codeWrongKey || r.Code == codeNoSession:
		return engine.Misconfigured(r)
	case r.Code == codeOldToken:
		return r
	}
	return err
}

// lost is an error after which no answer can be read. If the request had left, a write may have been done.
func (r request) lost(left bool, err error) error {
	err = fmt.Errorf("%s: %w", r.operation, err)
	if left && r.writes() {
		return engine.Unknown(err)
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return engine.Misconfigured(err)
	}
	return err
}

// checkStatus finds answers that are not from coreBOS, which says 200 even to refuse, or where it fell over: a write
// may have been done by then. What a web server in front refuses by itself did not reach it.
func (r request) checkStatus(resp *http.Response) error {
	status := resp.StatusCode
	err := fmt.Errorf("the CRM's web server answered %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // what is no number of seconds asks for no delay
		return engine.RetryAfter(fmt.Errorf("%s: %w", r.operation, err), time.Duration(max(seconds, 0))*time.Second)
	case status == http.StatusRequestEntityTooLarge:
		return engine.Permanent(fmt.Errorf("%s: %w", r.operation, err))
	case status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != 499:
		return engine.Misconfigured(fmt.Errorf("%s: %w: is crm.url the address of the CRM?", r.operation, err))
	}
	return r.lost(true, err)
}

// bare takes the address out of an error: it holds what was asked for.
func bare(err error) error {
	if with, ok := errors.AsType[*url.Error](err); ok {
		return with.Err
	}
	return err
}
