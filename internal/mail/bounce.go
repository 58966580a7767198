package mail

import (
	"regexp"
	"strings"
	"unicode"

	"postern/engine"
)

// Bounce is what a mail says of the delivery whose return path it came to.
type Bounce struct {
	// State is delivered, bounced or complained; "" for a mail that settles nothing: a warning of a delay, somebody's
	// absence, or what cannot be understood.
	State  engine.DeliveryState
	Code   string // the enhanced code (RFC 3463) as far as there is one, or the kind of a complaint
	Detail string // one line, every address masked
	// Suppress tells that nothing more should go to the recipient: there is no such mailbox, or they complained.
	Suppress bool
	Path     string // the return path that a complaint names; "" for none
}

// gone are the enhanced codes that speak of the recipient's mailbox for good. What servers say against a sender, a
// text, or their own condition is not among them.
var gone = map[string]bool{"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.6": true, "5.1.10": true, "5.2.1": true}

var (
	enhancedCode = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	replyCode    = regexp.MustCompile(`\b([45]\d\d)\b`)
	// nobody is how servers say in words that there is no such mailbox, and against is what they then do not mean.
	nobody = regexp.MustCompile(`(?i)\b(no such|unknown|invalid|non-?existent|no) (local )?` +
		`(user|mailbox|recipient|account)\b|\b(user|mailbox|recipient|account|address)\b[^.;\n]{0,60}` +
		`\b(unknown|not found|not exist|doesn't exist|no longer (exists|available|active))\b`)
	against = regexp.MustCompile(`(?i)\b(sender|spam|policy|block(ed|list)?|blacklist(ed)?|relay(ing)?|denied|` +
		`quota|full)\b`)
	// busy is that a mailbox gets too much at once, which Google says with 5.2.1 as well.
	busy = regexp.MustCompile(`(?i)\brate\b|\btoo (many|quickly|fast)\b|\blater\b`)
)

// enhanced is the first enhanced code in a text; "" for none. Four numbers are the address of a machine.
func enhanced(text string) string {
	for _, at := range enhancedCode.FindAllStringIndex(text, -1) {
		after := strings.TrimPrefix(text[at[1]:], ".")
		more := after != text[at[1]:] && after != "" && after[0] >= '0' && after[0] <= '9'
		if !more && !strings.HasSuffix(text[:at[0]], ".") {
			return text[at[0]:at[1]]
		}
	}
	return ""
}

// isGone tells whether a code, with the words that came with it, speaks of the recipient's mailbox for good.
func isGone(code, words string) bool {
	return gone[code] && !(code == "5.2.1" && busy.MatchString(words))
}

// refusal reads what a server says with a code of 5xx: the code that tells most, and whether the mailbox is gone.
func refusal(text string) (code string, lost bool) {
	code = enhanced(text)
	if code == "" || strings.HasSuffix(code, ".0.0") {
		words := nobody.MatchString(text) && !against.MatchString(text)
		if code == "" {
			code = replyCode.FindString(text)
		}
		return code, words && strings.HasPrefix(code, "5")
	}
	return code, isGone(code, text)
}

// detail is one line of a text that came from anywhere.
func detail(text string) string {
	return veil(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text))
}

// bounce is what the parts of a mail amount to.
func (m *returned) bounce() Bounce {
	switch {
	case m.feedback != nil:
		return m.complaint()
	case m.statuses != nil:
		return m.status()
	case m.fromServer():
		return m.guess()
	}
	return Bounce{}
}

// complaint reads a feedback report (ARF, RFC 5965).
func (m *returned) complaint() Bounce {
	kind := strings.ToLower(strings.TrimSpace(m.feedback.Get("Feedback-Type")))
	b := Bounce{Code: detail(kind), Path: strings.Trim(m.feedback.Get("Original-Mail-From"), "<> ")}
	if b.Path == "" {
		b.Path = strings.Trim(m.letter.Get("Return-Path"), "<> ")
	}
	if kind == "abuse" || kind == "fraud" || kind == "opt-out" {
		b.State, b.Suppress, b.Detail = engine.DeliveryComplained, true, "the recipient called it "+b.Code
	}
	return b
}

// status reads the status of a delivery (DSN, RFC 3464): one of several says that it failed only if none says that it
// arrived, since a mailbox may forward to others.
func (m *returned) status() (b Bounce) {
	for _, group := range m.statuses {
		switch action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(group.Get("Action"))), " "); action {
		case "delivered":
			return Bounce{State: engine.DeliveryDelivered, Code: enhanced(group.Get("Status"))}
		case "failed":
			if b.State == "" {
				b = failed(group.Get("Status"), group.Get("Diagnostic-Code"))
			}
		}
	}
	return b
}

// failed reads a status, and the words of the server where that says nothing in particular.
func failed(status, diagnostic string) Bounce {
	_, words, typed := strings.Cut(diagnostic, ";")
	if !typed {
		words = diagnostic
	}
	b := Bounce{State: engine.DeliveryBounced, Code: enhanced(status)}
	b.Detail = detail(strings.TrimSpace(words))
	if b.Suppress = isGone(b.Code, words); b.Code != "" && !strings.HasSuffix(b.Code, ".0.0") {
		return b
	}
	if code, lost := refusal(words); code != "" {
		b.Code, b.Suppress = code, lost
	}
	return b
}

var (
	servers = regexp.MustCompile(`(?i)mailer-?daemon|postmaster|mail delivery (sub)?system`)
	failure = regexp.MustCompile(`(?i)undeliver|not delivered|delivery (has )?fail|failure|failed|` +
		`returned (mail|to sender)|could not be delivered`)
	delay = regexp.MustCompile(`(?i)delay|warning|still (being )?tr(ied|ying)|temporar`)
)

// fromServer tells whether a mail that is no report claims to be a server's about a failure for good.
func (m *returned) fromServer() bool {
	subject := m.head.Get("Subject")
	return servers.MatchString(m.head.Get("From")) && !delay.MatchString(subject) &&
		(failure.MatchString(subject) || m.head.Get("X-Failed-Recipients") != "")
}

// guess reads the words of a server that writes no report, such as qmail's. Without a code of 5xx it is no failure.
func (m *returned) guess() Bounce {
	for line := range strings.Lines(m.text) {
		code, lost := refusal(line)
		if strings.HasPrefix(code, "5") {
			return Bounce{State: engine.DeliveryBounced, Code: code, Suppress: lost, Detail: detail(line)}
		}
	}
	return Bounce{}
}
