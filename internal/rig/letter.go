package rig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	_ "github.com/emersion/go-message/charset" // knows the character sets of mails
	"github.com/emersion/go-message/mail"
)

// linkIn finds links, of landings and of mailed proofs, as a mail program makes them clickable.
var linkIn = regexp.MustCompile(`https?://\S+/[lm]/\S+`)

// Letter is what a person sees of a mail.
type Letter struct {
	To, Subject string
	Links       []string // those in the plain text, each once
}

// Read decodes a mail as a mail program does. What could be read comes with the error.
func (m Mail) Read() (Letter, error) {
	l := Letter{To: m.To}
	reader, err := mail.CreateReader(bytes.NewReader(m.Raw))
	if err != nil {
		return l, fmt.Errorf("read mail: %w", err)
	}
	if l.Subject, err = reader.Header.Subject(); err != nil {
		return l, fmt.Errorf("read mail: subject: %w", err)
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, fmt.Errorf("read mail: %w", err)
		}
		header, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		text, err := io.ReadAll(part.Body)
		if err != nil {
			return l, fmt.Errorf("read mail: %w", err)
		}
		if kind, _, _ := header.ContentType(); kind == "text/plain" {
			found := linkIn.FindAllString(string(text), -1)
			slices.Sort(found)
			l.Links = slices.Compact(found)
		}
	}
}
