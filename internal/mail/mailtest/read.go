package mailtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // knows the character sets of mails
	"github.com/emersion/go-message/mail"
)

// Read is a mail as a mail program sees it.
type Read struct {
	Header mail.Header
	Parts  map[string]string // decoded text by media type, lines ended by LF
	Order  []string          // the media types as they come
}

// Parse reads a mail and fails the test if it is malformed.
func Parse(t testing.TB, raw []byte) Read {
	t.Helper()
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("read mail: %v\n%s", err, raw)
	}
	read := Read{Header: reader.Header, Parts: map[string]string{}}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return read
		}
		if err != nil && !message.IsUnknownCharset(err) {
			t.Fatalf("read part: %v\n%s", err, raw)
		}
		header, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			t.Fatalf("a part is an attachment\n%s", raw)
		}
		kind, _, err := header.ContentType()
		if err != nil {
			t.Fatalf("read part: %v\n%s", err, raw)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("read part: %v\n%s", err, raw)
		}
		read.Order = append(read.Order, kind)
		read.Parts[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// Text is a decoded header field, "" when it is absent.
func (r Read) Text(field string) string {
	text, err := r.Header.Text(field)
	if err != nil {
		return r.Header.Get(field)
	}
	return text
}
