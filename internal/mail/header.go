package mail

import (
	"errors"
	netmail "net/mail"
	"strings"
	"unicode"
)

// Limits of free text in a header field, in characters: beyond them mail programs show nothing, and a single word that
// long could break the limit of 998 bytes a line (RFC 5322, section 2.1.1).
const (
	subjectLimit = 250
	nameLimit    = 100
)

// addressLimit is the longest path without its brackets, in bytes (RFC 5321, section 4.5.3.1.3).
const addressLimit = 254

var errAddress = errors.New("the address is no mail address")

// ParseAddress reads an address that stands alone, without name, brackets or comment (addr-spec, RFC 5322, section
// 3.4.1). The error does not repeat the address.
func ParseAddress(text string) (*netmail.Address, error) {
	address, err := netmail.ParseAddress(text)
	if err != nil || len(text) > addressLimit || "<"+text+">" != address.String() {
		return nil, errAddress
	}
	return address, nil
}

// ParseMailbox reads an address of our own, with or without a name: "Support <support@acme.example>". It must be
// ASCII, since every server takes that.
func ParseMailbox(text string) (*netmail.Address, error) {
	mailbox, err := netmail.ParseAddress(text)
	if err != nil {
		return nil, errors.New(`must be an address such as "Support <support@acme.example>"`)
	}
	if !ascii(mailbox.Address) || len(mailbox.Address) > addressLimit {
		return nil, errors.New("its address must be ASCII and at most 254 characters long")
	}
	mailbox.Name = displayName(mailbox.Name)
	return mailbox, nil
}

// displayName makes a name fit to stand before an address. A backslash goes: within an encoded word it is forbidden
// there (RFC 2047, section 5, rule 3), and the encoder of the library leaves it as it is.
func displayName(name string) string {
	return headerText(strings.ReplaceAll(name, `\`, " "), nameLimit)
}

// Domain is what follows the last @ of an address.
func Domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// headerText makes free text fit for a header field: one line, single spaces, no control characters, at most limit
// characters. Text that looks like an encoded word (RFC 2047) is broken up, since a reader would decode it.
func headerText(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.ReplaceAll(text, "=?", "= ?")
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return text
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
