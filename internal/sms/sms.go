// Package sms counts what a text costs as an SMS, and knows the words by which people stop messages.
package sms

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// Count is what a text costs as an SMS.
type Count struct {
	Segments int  // parts that are sent and charged; 0 for no text
	Units    int  // septets of GSM-7, or UTF-16 units
	Unicode  bool // the text holds what GSM-7 does not: a segment holds less than half
	// Odd is the first character that GSM-7 does not hold; 0 if there is none.
	Odd rune
}

// How much one segment holds: alone, and as one of several, which begin with what puts them together again.
const (
	gsmAlone, gsmPart         = 160, 153
	unicodeAlone, unicodePart = 70, 67
)

// basic are the characters of GSM-7 (3GPP TS 23.038), by value. ESC, which leads to the others, stands at 27.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// extended are those that take two septets.
const extended = "\f^{}\\[~]|€"

// septets tells how many septets a character takes; 0 if GSM-7 does not hold it.
func septets(r rune) int {
	switch {
	case r >= ' ' && r <= '~' && !strings.ContainsRune("^{}\\[~]|`", r):
		return 1
	case r == '\x1b':
		return 0
	case strings.ContainsRune(basic, r):
		return 1
	case strings.ContainsRune(extended, r):
		return 2
	}
	return 0
}

// Measure counts the segments of a text. No character is cut in two between segments.
func Measure(text string) Count {
	var c Count
	for _, r := range text {
		if septets(r) == 0 {
			c.Odd, c.Unicode = r, true
			break
		}
	}
	alone, part, size := gsmAlone, gsmPart, septets
	if c.Unicode {
		alone, part, size = unicodeAlone, unicodePart, utf16.RuneLen
	}
	room := part // what is left of the segment under way
	for _, r := range text {
		n := max(size(r), 1)
		c.Units += n
		if c.Segments == 0 || n > room {
			c.Segments, room = c.Segments+1, part
		}
		room -= n
	}
	if c.Units > 0 && c.Units <= alone {
		c.Segments = 1
	}
	return c
}

// Clean is a text without what no telephone shows, or what makes it show something else: control characters but line
// breaks, and marks that turn the direction of what follows. Blanks and line breaks at its ends are cut off.
func Clean(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		}
		return r
	}, text))
}
