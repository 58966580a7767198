// Package mail writes mails and hands them to an SMTP server.
//
// A [Letterhead] turns a message into a [Letter]: the bytes that leave, the same for the same message at every try.
// A [Pool] keeps connections to one server, hands letters over and says by the verdict of its errors what a failure
// means for the letter. The hand-over has one instant that matters: once the line with the final dot is written, the
// server may have the letter, and a lost answer leaves that unknown (RFC 5321, section 4.2.5).
//
// It is the only package that imports go-mail. Of that it uses the MIME writer and, one layer below its client, the
// SMTP commands: the client hides which command failed, bounds only the dial by a context, asks for SMTPUTF8 where no
// address needs it, and prefers NTLM and CRAM-MD5 to PLAIN under TLS.
package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"postern/engine"
)

// Letterhead is what all mails of a channel have in common.
type Letterhead struct {
	From    netmail.Address
	ReplyTo *netmail.Address // nil for none
	Domain  string           // the right-hand side of Message-IDs; ASCII
	Signers []Signer         // of every letter, in this order
	Bounces *ReturnPath      // where bounces come to; nil for the address that a letter is from
}

// Letter is a mail as it leaves: its envelope, and its bytes with CRLF line ends.
type Letter struct {
	From, To string // addresses without name and brackets
	Raw      []byte
}

// Write renders a message as a mail to its recipient. Nothing in it is random, so that writing the same message again
// gives the same bytes under the same Message-ID. It fails, for good, when the recipient's address is no mail address;
// the error does not repeat the address.
func (h Letterhead) Write(m engine.Message) (Letter, error) {
	to, err := ParseAddress(m.Recipient.Address)
	if err != nil {
		return Letter{}, engine.Permanent(fmt.Errorf("recipient: %w", err))
	}
	to.Name = displayName(m.Recipient.Name)
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(digest("boundary", m.Delivery.String())))
	msg.FromMailAddress(&h.From)
	msg.ToMailAddress(to)
	if h.ReplyTo != nil {
		msg.ReplyToMailAddress(h.ReplyTo)
	}
	h.writeHeader(msg, m)
	if err := writeUnsubscribe(msg, m.Content.Unsubscribe); err != nil {
		return Letter{}, engine.Permanent(err)
	}
	msg.SetBodyString(gomail.TypeTextPlain, strings.ToValidUTF8(m.Content.Text, "\uFFFD"))
	if m.Content.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, strings.ToValidUTF8(m.Content.HTML, "\uFFFD"))
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return Letter{}, fmt.Errorf("write mail: %w", err)
	}
	letter := Letter{From: h.From.Address, To: to.Address}
	if h.Bounces != nil {
		letter.From = h.Bounces.Address(m.Delivery)
	}
	if letter.Raw, err = signed(raw.Bytes(), h.Signers, m.Created); err != nil {
		return Letter{}, fmt.Errorf("write mail: %w", err)
	}
	return letter, nil
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// writeHeader sets all fields but the addresses. Auto-Submitted (RFC 3834) keeps absence replies away; References and
// In-Reply-To name a mail that was never sent, by which mail programs gather all mails on one record.
func (h Letterhead) writeHeader(msg *gomail.Msg, m engine.Message) {
	msg.Subject(headerText(m.Content.Subject, subjectLimit))
	msg.SetDateWithValue(m.Created)
	msg.SetMessageIDWithValue(m.Delivery.String() + "@" + h.Domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if !m.Record.IsZero() {
		thread := "<" + digest("thread", m.Record.String()) + "@" + h.Domain + ">"
		msg.SetGenHeader(gomail.HeaderReferences, thread)
		msg.SetGenHeader(gomail.HeaderInReplyTo, thread)
	}
	if languageTag.MatchString(m.Content.Language) {
		msg.SetGenHeader(gomail.HeaderContentLang, m.Content.Language)
	}
}

// longestAddress is how long the address of a page may be, in characters: its field cannot be folded, and a line has at
// most 998.
const longestAddress = 900

// writeUnsubscribe says where the recipient ends messages like this one (RFC 2369), with one click in their mail
// program if it is reached by https (RFC 8058).
func writeUnsubscribe(msg *gomail.Msg, address string) error {
	if address == "" {
		return nil
	}
	page, err := url.Parse(address)
	if err != nil || page.Host == "" || len(address) > longestAddress || strings.ContainsAny(address, "<>\"\\ ") ||
		!ascii(address) {
		return errors.New("the address to unsubscribe at is none")
	}
	msg.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+address+">")
	if page.Scheme == "https" {
		msg.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	return nil
}

// digest is 128 bits in hexadecimal, different for every purpose.
func digest(purpose, text string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(sum[:16])
}
