package twilio

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/twilio/twilio-go/client"

	"postern/engine"
)

// maxCallback is more than Twilio calls back with, in bytes.
const maxCallback = 64 << 10

// Errors of a callback.
var (
	// ErrForged says that a callback is not signed by Twilio with the account's auth token for the address it came to.
	ErrForged = errors.New("the signature is not Twilio's")
	// ErrUnreadable says that a callback is no form, or too large.
	ErrUnreadable = errors.New("the request is not a form of at most 64 kB")
)

// Callback is what Twilio calls back with: a message's new status, or a message of somebody to us.
type Callback struct {
	Account string
	ID      string // of the message: SM…
	Status  string // of a message of ours: sent, delivered …
	Code    string // why it failed; "" for no reason
	From    string // an address as Twilio writes it
	To      string
	Body    string
	OptOut  string // STOP, START or HELP, where the messaging service answered such a word
}

// ReadCallback reads a callback and proves that Twilio sent it: that who signed it knows the auth token. address is the
// one that Twilio was told, in full; what proxies say of it is not asked. It fails with ErrForged or ErrUnreadable.
func ReadCallback(r *http.Request, address, token string) (Callback, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return Callback{}, ErrUnreadable
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxCallback))
	if err != nil {
		return Callback{}, ErrUnreadable
	}
	validator := client.NewRequestValidator(token)
	if token == "" || !validator.ValidateBody(address, body, r.Header.Get("X-Twilio-Signature")) {
		return Callback{}, ErrForged
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Callback{}, ErrUnreadable
	}
	c := Callback{
		Account: form.Get("AccountSid"), ID: form.Get("MessageSid"), Status: form.Get("MessageStatus"),
		Code: form.Get("ErrorCode"), From: form.Get("From"), To: form.Get("To"), Body: form.Get("Body"),
		OptOut: strings.ToUpper(form.Get("OptOutType")),
	}
	if c.Code == "0" {
		c.Code = ""
	}
	return c, nil
}

// State is what a status of Twilio's says of a delivery; "" for one that says nothing that was not known before.
func (c Callback) State() engine.DeliveryState {
	switch c.Status {
	case "sent", "partially_delivered":
		return engine.DeliverySent
	case "delivered":
		return engine.DeliveryDelivered
	case "read":
		return engine.DeliveryRead
	case "undelivered", "failed", "canceled":
		return engine.DeliveryUndelivered
	}
	return ""
}

// ErrorCode is Code as a number; 0 for none.
func (c Callback) ErrorCode() int {
	code, err := strconv.Atoi(c.Code)
	if err != nil {
		return 0
	}
	return code
}
