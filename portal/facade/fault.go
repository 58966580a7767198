package facade

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/facade/query"
)

// code is what a refusal is called, as coreBOS calls it.
type code string

const (
	codeRequired     code = "AUTHENTICATION_REQUIRED"
	codeFailure      code = "AUTHENTICATION_FAILURE"
	codeCredentials  code = "INVALID_USER_CREDENTIALS" //nolint:gosec // the name of a refusal
	codeToken        code = "INVALID_AUTH_TOKEN"       //nolint:gosec // the name of a refusal
	codeDenied       code = "ACCESS_DENIED"
	codeID           code = "INVALID_ID_ATTRIBUTE"
	codeMandatory    code = "MANDATORY_FIELDS_MISSING"
	codeSyntax       code = "QUERY_SYNTAX_ERROR"
	codeUnknown      code = "UNKNOWN_OPERATION"
	codeNotSupported code = "OPERATION_NOT_SUPPORTED"
	codeParameter    code = "INVALID_PARAMETER"
	codeValidation   code = "VALIDATION_FAILED"
	codeOldPassword  code = "INVALID_OLD_PASSWORD"
	codeWeak         code = "PASSWORD_NOT_STRONG"
	codeInternal     code = "INTERNAL_SERVER_ERROR"
)

// Fault is a refusal in coreBOS's words.
type Fault struct {
	status  int
	code    code
	message string
	wait    time.Duration // for Retry-After; 0 for none
}

// Error is the message.
func (f *Fault) Error() string { return f.message }

// fault is a refusal with the status 200 that coreBOS has for all of them.
func fault(code code, message string) *Fault {
	return &Fault{status: http.StatusOK, code: code, message: message}
}

func httpFault(status int, code code, message string) *Fault {
	return &Fault{status: status, code: code, message: message}
}

var errNoObject = errors.New("no object of JSON, or a name stands in it twice")

// The sentences of coreBOS that several places share.
const (
	deniedText = "Permission to perform the operation is denied"
	unreadable = "Permission to read given object is denied"
)

// refuse answers with a refusal. What the caller cannot help is logged; what they sent never is.
func (f *Facade) refuse(w http.ResponseWriter, r *http.Request, operation string, err error) {
	said := f.said(err)
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
	case said.code == codeInternal:
		f.with.Logger.ErrorContext(r.Context(), "the façade could not answer", "operation", operation, "cause", err)
	case said.code == codeFailure:
		f.with.Logger.WarnContext(r.Context(), "the façade refused how a client signs in", "operation", operation,
			"why", said.message)
	}
	if said.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((said.wait+time.Second-1)/time.Second)))
	}
	send(w, said.status, envelope{Error: &refusal{Message: said.message, Code: said.code}})
}

// said is an error in the words of coreBOS.
func (f *Facade) said(err error) *Fault {
	var (
		own       *Fault
		syntax    *query.SyntaxError
		denied    *query.DeniedError
		refused   *portal.Refusal
		busy      *portal.BusyError
		throttled *portal.Throttled
		crowded   *portal.CrowdedError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &syntax):
		return fault(codeSyntax, syntax.Error())
	case errors.As(err, &denied):
		return fault(codeDenied, denied.Error())
	case errors.As(err, &refused):
		return refusalFault(refused)
	case errors.As(err, &busy):
		return &Fault{
			status: http.StatusServiceUnavailable, code: codeInternal,
			message: "There is a lot to do at the moment: try again", wait: max(busy.RetryAfter, time.Second),
		}
	case errors.As(err, &crowded):
		return &Fault{
			status: http.StatusTooManyRequests, code: codeDenied,
			message: "Too much was tried from this address: try again later", wait: max(crowded.Wait, time.Second),
		}
	case errors.As(err, &throttled):
		return &Fault{
			status: http.StatusTooManyRequests, code: codeDenied,
			message: "Too many changes in a short time: try again later", wait: max(throttled.Wait, time.Second),
		}
	}
	for _, known := range sentences {
		if errors.Is(err, known.err) {
			return known.fault
		}
	}
	return httpFault(http.StatusInternalServerError, codeInternal, "Unknown Error while processing request")
}

// sentences are the errors of gate and desk in coreBOS's words. A record that is not there and one that is somebody
// else's are the same.
var sentences = []struct {
	err   error
	fault *Fault
}{
	{portal.ErrRefused, fault(codeCredentials, "Invalid username or password")},
	{portal.ErrSignedOut, fault(codeRequired, "Authentication required")},
	{portal.ErrNoPortal, httpFault(http.StatusNotFound, codeUnknown, "There is no such portal")},
	{portal.ErrPassed, fault(codeToken, "Specified token is invalid or expired")},
	{portal.ErrMethod, fault(codeFailure, "This portal does not let anybody sign in by password")},
	{portal.ErrMalformed, fault(codeParameter, "username, cnonce or password cannot be read")},
	{portal.ErrForbidden, fault(codeDenied, deniedText)},
	{portal.ErrNotFound, fault(codeDenied, unreadable)},
	{portal.ErrConflict, fault(codeValidation, "Somebody else changed this record meanwhile: read it again")},
	{portal.ErrFresh, fault(codeRequired, "Please sign in again before you change this")},
	{portal.ErrUnavailable, &Fault{
		status: http.StatusServiceUnavailable, code: codeInternal,
		message: "The records cannot be reached at the moment", wait: 5 * time.Second,
	}},
}

// refusalFault is what the desk refuses, in coreBOS's words.
func refusalFault(r *portal.Refusal) *Fault {
	switch r.Code {
	case portal.CodeField, portal.CodeFilter, portal.CodeSort, portal.CodeShown:
		return fault(codeDenied, "Permission to access "+r.Field+" attribute denied.")
	case portal.CodeQuestion:
		return fault(codeSyntax, "The query is too long, too deep, or compares with too many values")
	case portal.CodeWide:
		return fault(codeParameter, "The CRM cannot answer this: ask for less")
	case portal.CodeRows, portal.CodeSettled:
		return fault(codeDenied, deniedText)
	case portal.CodeRequired:
		return fault(codeMandatory, r.Field+" does not have a value")
	}
	message := "The value of " + r.Field + " is not accepted: " + r.Code
	if r.Field == "" {
		message = "Not accepted: " + r.Code
	}
	return fault(codeValidation, message)
}

// mandatory says that a field that is needed has no value.
func mandatory(field *engine.Field, language string) *Fault {
	label := field.Label.In(language)
	if label == "" {
		label = field.Name
	}
	return fault(codeMandatory, label+" ("+field.Name+") does not have a value")
}
