package channels

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"postern/engine"
	"postern/internal/sms"
	"postern/internal/twilio"
)

// What comes below Outfit.Callbacks.
const (
	statusPath   = "/status/"  // and a delivery: what became of it
	messagesPath = "/messages" // what people write to us
)

// counter counts what must not fill the log.
type counter struct{ n atomic.Int64 }

// next counts one more, and tells whether it is worth a line: the first, the second, the fourth, the eighth …
func (c *counter) next() (n int64, tell bool) {
	n = c.n.Add(1)
	return n, n&(n-1) == 0
}

// ServeHTTP answers Twilio's callbacks.
func (l *twilioLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Twilio posts", http.StatusMethodNotAllowed)
		return
	}
	path := l.below(r.URL)
	callback, err := twilio.ReadCallback(r, l.publicAddress(path, r.URL.RawQuery), l.signer)
	if errors.Is(err, twilio.ErrForged) {
		l.tellForged()
		http.Error(w, "the signature is not right", http.StatusForbidden)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	heard, err := l.understand(path, callback)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if heard != nil {
		if err := l.outfit.Hear(r.Context(), *heard); err != nil {
			l.outfit.Logger.Error("a callback could not be taken in", "channel", l.outfit.Channel, "error", err)
			http.Error(w, "try again", again(err))
			return
		}
	}
	if path != messagesPath {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, "<Response/>") // no answer of ours: Twilio answers STOP and HELP itself
}

// again is the status for a callback that could not be taken in: Twilio tries once more, unless it makes no sense.
func again(err error) int {
	if engine.IsPermanent(err) {
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

// below is the path below Outfit.Callbacks, as it was sent, whether or not the address before it was cut off.
func (l *twilioLine) below(u *url.URL) string {
	base, err := url.Parse(l.outfit.Callbacks)
	if err != nil {
		return u.EscapedPath()
	}
	return strings.TrimPrefix(u.EscapedPath(), base.EscapedPath())
}

// publicAddress is what Twilio called, as it was told: proxies may say otherwise.
func (l *twilioLine) publicAddress(path, query string) string {
	address := l.outfit.Callbacks + path
	if query != "" {
		address += "?" + query
	}
	return address
}

func (l *twilioLine) tellForged() {
	if n, tell := l.forged.next(); tell {
		l.outfit.Logger.Warn("callbacks that Twilio did not sign", "channel", l.outfit.Channel, "count", n,
			"hint", "if they are Twilio's, web.callbacks must be the address it calls, and auth_token the account's")
	}
}

// understand is what a callback says; nil for nothing new.
func (l *twilioLine) understand(path string, c twilio.Callback) (*engine.Heard, error) {
	if path == messagesPath {
		return l.message(c)
	}
	text, ok := strings.CutPrefix(path, statusPath)
	delivery, err := engine.ParseID(text)
	if !ok || err != nil {
		return nil, errors.New("only " + statusPath + "… and " + messagesPath + " are called")
	}
	return l.status(delivery, c), nil
}

// status is what became of a message.
func (l *twilioLine) status(delivery engine.ID, c twilio.Callback) *engine.Heard {
	state := c.State()
	if state == "" {
		return nil
	}
	heard := l.heard("status:" + c.ID + ":" + c.Status)
	heard.Report = &engine.Report{Delivery: delivery, ProviderID: c.ID, State: state, Code: c.Code}
	code := c.ErrorCode()
	if code != 0 {
		heard.Report.Detail = twilio.Meaning(code)
	}
	if address, ours := l.own(c.To); ours {
		if reason, ok := twilio.Suppresses(code); ok {
			heard.Suppress = []engine.Suppression{l.suppression(address, reason, twilio.Meaning(code))}
		}
	}
	return heard
}

// message is what somebody wrote to us. A word such as STOP ends our messages to them, whoever answers it.
func (l *twilioLine) message(c twilio.Callback) (*engine.Heard, error) {
	from, ours := l.own(c.From)
	if !ours || strings.Contains(from, ":") {
		return nil, fmt.Errorf("%s is not the channel that this message came by", l.outfit.Channel)
	}
	to, _ := l.own(c.To)
	heard := l.heard("message:" + c.ID)
	heard.Reply = &engine.Reply{From: from, To: to, Text: cut(c.Body), ID: c.ID}
	switch wishOf(c) {
	case sms.Stop:
		heard.Suppress = []engine.Suppression{l.suppression(from, engine.SuppressedOptOut, "STOP")}
	case sms.Start:
		heard.Lift = []engine.Suppression{l.suppression(from, engine.SuppressedOptOut, "START")}
	case sms.Help, sms.NoWish:
	}
	return heard, nil
}

// wishOf is what a message asks for: by a word of the messaging service's own, in any language, or by a known one.
func wishOf(c twilio.Callback) sms.Wish {
	if c.OptOut != "" {
		return sms.WishOf(c.OptOut)
	}
	return sms.WishOf(c.Body)
}

func (l *twilioLine) heard(key string) *engine.Heard {
	return &engine.Heard{Channel: l.outfit.Channel, Key: key[:min(len(key), 200)], At: l.outfit.Clock.Now()}
}

func (l *twilioLine) suppression(address string, reason engine.SuppressionReason, detail string) engine.Suppression {
	return engine.Suppression{
		Channel: l.outfit.Channel, Address: address, Reason: reason, Detail: detail, By: byOf(reason),
		At: l.outfit.Clock.Now(),
	}
}

// maxReply is how much of a reply is kept, in characters.
const maxReply = 4000

func cut(text string) string {
	if runes := []rune(text); len(runes) > maxReply {
		return string(runes[:maxReply])
	}
	return text
}
