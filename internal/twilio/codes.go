package twilio

import (
	"fmt"
	"net/http"
	"time"

	"postern/engine"
)

// The codes that more than this package must know.
const (
	CodeOptedOut        = 21610 // the recipient said STOP
	CodeNotConversing   = 63016 // WhatsApp: free text while no conversation is open
	CodeRegion          = 21408 // the account's permissions do not allow the country
	CodeFiltered        = 30007 // a carrier took the message for spam
	codeInvalidTo       = 21211
	codeNoMobile        = 21614
	codeLandline        = 21635
	codeTooManyRequests = 20429
)

// fate is what a code means for a message.
type fate int

const (
	fatePermanent fate = iota // no try will do
	fatePassing               // another try may do
	fateBroken                // none will before an operator acts
)

// codes are those of https://www.twilio.com/docs/api/errors that a message may meet with. Others go by their status.
var codes = map[int]struct {
	fate fate
	text string
}{
	20003:               {fateBroken, "the credentials were refused"},
	20404:               {fateBroken, "there is no such account"},
	codeTooManyRequests: {fatePassing, "too many requests at once"},
	codeInvalidTo:       {fatePermanent, "the number is none"},
	21212:               {fateBroken, "the sender in from is no number"},
	CodeRegion:          {fatePermanent, "the account may not send to this country: see its geo permissions"},
	21603:               {fateBroken, "the request named no sender"},
	21606:               {fateBroken, "the number in from cannot send to there"},
	21609:               {fateBroken, "Twilio cannot reach the address for callbacks: see web.callbacks"},
	CodeOptedOut:        {fatePermanent, "the recipient said STOP"},
	21611:               {fatePassing, "the queue of the sender is full"},
	21612:               {fatePermanent, "the sender cannot reach this number"},
	codeNoMobile:        {fatePermanent, "the number is not of a mobile phone"},
	21617:               {fatePermanent, "the text is longer than 1,600 characters"},
	21619:               {fatePermanent, "the message has no text"},
	codeLandline:        {fatePermanent, "the number is of a fixed line"},
	21655:               {fatePermanent, "there is no template of this name"},
	21656:               {fatePermanent, "the template's variables are not valid"},
	21659:               {fateBroken, "the number in from is not one of the account"},
	21660:               {fateBroken, "the number in from is of another account"},
	21701:               {fateBroken, "there is no such messaging service"},
	21703:               {fateBroken, "the messaging service has no sender"},
	21705:               {fateBroken, "the messaging service is not valid"},
	30001:               {fatePassing, "the queue is full"},
	30002:               {fateBroken, "the account is suspended"},
	30003:               {fatePassing, "the phone cannot be reached: it may be off"},
	30004:               {fatePermanent, "the message was blocked"},
	30005:               {fatePermanent, "the number is not known, or no longer in use"},
	30006:               {fatePermanent, "the number is of a fixed line, or its carrier takes no SMS"},
	CodeFiltered:        {fatePermanent, "a carrier took the message for spam"},
	30008:               {fatePassing, "the carrier does not say why"},
	30022:               {fatePassing, "more messages than the carrier takes from this sender"},
	30034:               {fateBroken, "the sender is not registered with the carriers (A2P 10DLC)"},
	30036:               {fatePermanent, "the message waited longer than its validity"},
	63001:               {fateBroken, "WhatsApp refused the sender"},
	63003:               {fatePermanent, "the number is not on WhatsApp"},
	63007:               {fateBroken, "the sender in from is none of WhatsApp"},
	63013:               {fatePermanent, "the message is against WhatsApp's rules"},
	CodeNotConversing:   {fatePermanent, "no conversation is open: only an approved template may be sent"},
	63018:               {fatePassing, "more messages than WhatsApp takes from this sender"},
	63024:               {fatePermanent, "the number is not on WhatsApp"},
	63027:               {fatePermanent, "the template is not approved in this language"},
	63028:               {fatePermanent, "the template wants another number of variables"},
	63032:               {fatePermanent, "WhatsApp limits what this person gets"},
	63040:               {fatePermanent, "the template was rejected"},
	63041:               {fatePermanent, "the template is paused"},
	63042:               {fatePermanent, "the template is disabled"},
	63049:               {fatePermanent, "WhatsApp sends this person no marketing"},
}

// Meaning is a sentence on a code.
func Meaning(code int) string {
	if known, ok := codes[code]; ok {
		return fmt.Sprintf("%s (Twilio's %d)", known.text, code)
	}
	return fmt.Sprintf("Twilio's error %d", code)
}

// Suppresses tells whether an address gets nothing more after a code, and why.
func Suppresses(code int) (engine.SuppressionReason, bool) {
	switch code {
	case CodeOptedOut:
		return engine.SuppressedOptOut, true
	case codeInvalidTo, codeNoMobile, codeLandline:
		return engine.SuppressedBounce, true
	}
	return "", false
}

// verdict says what should happen next. after is how long the answer asked to wait.
func (r *Refusal) verdict(after time.Duration) error {
	if known, ok := codes[r.Code]; ok && r.Status < 500 {
		switch known.fate {
		case fatePermanent:
			return engine.Permanent(r)
		case fateBroken:
			return engine.Misconfigured(r)
		case fatePassing:
			return engine.RetryAfter(r, after)
		}
	}
	switch r.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return engine.RetryAfter(r, after)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return engine.Misconfigured(r)
	case http.StatusRequestTimeout:
		return engine.Unknown(r)
	}
	if r.Status >= 500 {
		return engine.Unknown(r)
	}
	return engine.Permanent(r)
}
