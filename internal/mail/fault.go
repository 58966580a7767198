package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/engine"
)

// step is where a dialogue was when it failed.
type step string

const (
	atGreeting step = "greeting"
	atHello    step = "EHLO"
	atTLS      step = "TLS"
	atAuth     step = "AUTH"
	atMail     step = "MAIL FROM"
	atRcpt     step = "RCPT TO"
	atData     step = "DATA"
	atBody     step = "body"      // the final dot did not leave
	atDot      step = "final dot" // the final dot left
)

// greylisted is how long to wait after a 450 or 451, by which servers turn strangers away at first: a minute is the
// least that RFC 6647 has them wait.
const greylisted = time.Minute

// failed gives what ended a step its verdict. Texts of the server are shown without the private words.
func (s *session) failed(ctx context.Context, at step, err error, private ...string) error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		outOfStep := reply.Code/100 != 4 && reply.Code/100 != 5
		s.dead = s.dead || outOfStep || reply.Code == 421 || at == atBody
		err := refused(at, reply.Code, veil(reply.Msg, private...))
		code, isGone := refusal(fmt.Sprint(reply.Code, " ", reply.Msg))
		if isGone && aboutLetter(at) {
			return &goneError{err, code}
		}
		return err
	}
	s.dead = true
	lost := hungUp(err) || ctx.Err() != nil
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s: %w", at, ctx.Err())
	case lost:
		err = fmt.Errorf("%s: connection lost: %w", at, err)
	default:
		err = fmt.Errorf("%s: %s", at, veil(err.Error(), private...))
	}
	switch {
	case at == atDot:
		return engine.Unknown(err)
	case !lost && (at == atTLS || at == atAuth):
		return engine.Misconfigured(err)
	}
	return err
}

// goneError is that a server knows no such mailbox.
type goneError struct {
	error

	code string
}

// Unwrap is the refusal with its verdict.
func (e *goneError) Unwrap() error { return e.error }

// Gone tells whether an error of [Pool.Send] says that no mail can reach the recipient's mailbox for good, and the
// server's code for that.
func Gone(err error) (code string, ok bool) {
	if e, found := errors.AsType[*goneError](err); found {
		return e.code, true
	}
	return "", false
}

// aboutLetter tells a step that is about the letter, and not about the channel as a whole.
func aboutLetter(at step) bool { return slices.Contains([]step{atRcpt, atData, atBody, atDot}, at) }

// refused gives a reply its verdict by its code and by what the step is about: a letter, or the channel as a whole.
func refused(at step, code int, text string) error {
	err := fmt.Errorf("%s: %d %s", at, code, text)
	switch {
	case code == 450 || code == 451:
		return engine.RetryAfter(err, greylisted)
	case code/100 == 4:
		return err
	case code/100 != 5 && at == atDot: // neither taken nor refused
		return engine.Unknown(err)
	case code/100 != 5:
		return err
	case aboutLetter(at) && code != 530, code == 552: // 530: log in first; 552: too big, which MAIL may say already
		return engine.Permanent(err)
	}
	return engine.Misconfigured(err)
}

// hungUp tells a lost connection from a server that says nonsense and from a failed handshake.
func hungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, end) {
			return true
		}
	}
	// crypto/tls reports alerts as operations of these names.
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op != "remote error" && op.Op != "local error"
}

// detailLimit bounds what is kept of a server's text, in characters.
const detailLimit = 200

var anyAddress = regexp.MustCompile(`[^\s<>()\[\],;:"']+@[^\s<>()\[\],;:"'@]+`)

// veil makes a text of the server fit to be stored and shown: one line, at most detailLimit characters, every mail
// address masked, and none of the private words. Of an address among those its local part is private as well.
func veil(text string, private ...string) string {
	text = headerText(text, 4*detailLimit)
	for _, word := range private {
		if local, _, ok := strings.Cut(word, "@"); ok {
			text = cover(text, word, engine.Recipient{Address: word}.Masked())
			word = local
		}
		text = cover(text, word, "…")
	}
	text = anyAddress.ReplaceAllStringFunc(text, func(address string) string {
		return engine.Recipient{Address: address}.Masked()
	})
	return headerText(text, detailLimit)
}

// cover replaces a word wherever it stands alone, in any case. A single letter hides nothing and is left.
func cover(text, word, mask string) string {
	if len(word) < 2 {
		return text
	}
	if !utf8.ValidString(word) {
		return mask
	}
	var out strings.Builder
	end, before := 0, rune(utf8.RuneError) // what stands before at
	for at := 0; at < len(text); {
		size := folded(text[at:], word)
		after, _ := utf8.DecodeRuneInString(text[at+size:])
		if size > 0 && !wordRune(before) && !wordRune(after) {
			out.WriteString(text[end:at] + mask)
			end = at + size
		}
		if size == 0 {
			_, size = utf8.DecodeRuneInString(text[at:])
		}
		at += size
		before, _ = utf8.DecodeLastRuneInString(text[:at])
	}
	if end == 0 {
		return text
	}
	return out.String() + text[end:]
}

// folded is how many bytes the text begins with that are the word in any case; 0 if it does not.
func folded(text, word string) (size int) {
	for _, want := range word {
		has, width := utf8.DecodeRuneInString(text[size:])
		if width == 0 || !sameLetter(has, want) {
			return 0
		}
		size += width
	}
	return size
}

// sameLetter compares in any case, as strings.EqualFold does.
func sameLetter(a, b rune) bool {
	if a == b {
		return true
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
