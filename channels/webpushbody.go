package channels

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"postern/engine"
	"postern/internal/webpush"
)

// notification is what the service worker of the guide shows.
type notification struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body"`
	URL   string `json:"url,omitempty"`
	Tag   string `json:"tag"` // the delivery: the same again takes the place of the first
	Lang  string `json:"lang,omitempty"`
}

// payload writes a message so that it fits: its text is cut, if need be.
func payload(m engine.Message) ([]byte, error) {
	n := notification{
		Title: fit(oneLine(m.Content.Subject), maxHeading), URL: m.Content.Link,
		Tag: m.Delivery.String(), Lang: m.Content.Language,
	}
	body := strings.TrimRight(m.Content.Text, " \n")
	written := func(length int) (text bytes.Buffer) {
		n.Body = fit(body, length)
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(n) // strings can always be written
		return text
	}
	// The longest text that fits, in bytes: quotes and controls take more than one each.
	tooLong := func(length int) bool { text := written(length); return text.Len() > webpush.MaxPayload }
	if tooLong(0) {
		return nil, errors.New("the message does not fit without any text")
	}
	text := written(sort.Search(min(len(body), webpush.MaxPayload)+1, tooLong) - 1)
	return text.Bytes(), nil
}

// topic has a push service deliver a message once that it was sent twice while the browser was off.
func topic(delivery engine.ID) string {
	hash := sha256.Sum256(delivery[:])
	return base64.RawURLEncoding.EncodeToString(hash[:24])
}
