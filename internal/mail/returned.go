package mail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"

	gomessage "github.com/emersion/go-message"
)

// What is read of a mail that came back. It comes from anybody.
const (
	returnedParts = 20        // of one multipart
	returnedDepth = 3         // of multiparts within one another
	returnedText  = 64 << 10  // bytes of its words, and of a report
	returnedHead  = 256 << 10 // bytes of its header
	statusGroups  = 50        // recipients that a report may name
)

// returned is a mail that came to a return path, taken apart.
type returned struct {
	head     gomessage.Header
	statuses []textproto.MIMEHeader // of each recipient in a delivery status
	feedback textproto.MIMEHeader
	letter   textproto.MIMEHeader // header of ours that it brings back
	text     string               // the words for people
}

// ReadBounce reads a mail that came to a return path. What it cannot understand settles nothing. The reader is not
// always read to its end.
func ReadBounce(r io.Reader) Bounce {
	whole, err := gomessage.ReadWithOptions(r, &gomessage.ReadOptions{MaxHeaderBytes: returnedHead})
	if whole == nil || err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
		return Bounce{}
	}
	m := returned{head: whole.Header}
	m.take(whole, 0)
	return m.bounce()
}

// take keeps what a part has to say.
func (m *returned) take(part *gomessage.Entity, depth int) {
	if parts := part.MultipartReader(); parts != nil {
		for range returnedParts {
			inner, err := parts.NextPart()
			if err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
				return
			}
			if depth < returnedDepth {
				m.take(inner, depth+1)
			}
		}
		return
	}
	kind, _, err := part.Header.ContentType()
	if err != nil {
		kind = "text/plain"
	}
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		for _, group := range headers(part.Body, statusGroups) {
			if group.Get("Action") != "" { // the first one is about the mail as a whole
				m.statuses = append(m.statuses, group)
			}
		}
	case "message/feedback-report":
		if groups := headers(part.Body, 1); len(groups) > 0 {
			m.feedback = groups[0]
		}
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
		if groups := headers(part.Body, 1); len(groups) > 0 {
			m.letter = groups[0]
		}
	case "text/plain":
		if m.text == "" {
			text, _ := io.ReadAll(io.LimitReader(part.Body, returnedText))
			m.text = string(text)
		}
	}
}

// headers are the first groups of fields in a report, as far as they can be read.
func headers(r io.Reader, most int) (groups []textproto.MIMEHeader) {
	text, _ := io.ReadAll(io.LimitReader(r, returnedText))
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	for len(groups) < most {
		group, err := lines.ReadMIMEHeader()
		if len(group) > 0 {
			groups = append(groups, group)
		}
		if errors.Is(err, io.EOF) || err != nil && !strings.HasPrefix(err.Error(), "malformed MIME header") {
			return groups
		}
	}
	return groups
}
