package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"postern/engine"
)

// seenEvent is an entry of the stream as a reader sees it.
type seenEvent struct {
	Seq     uint64        `json:"seq"`
	Stored  time.Time     `json:"stored"`
	Subject string        `json:"subject"` // as it was published
	Event   *engine.Event `json:"event,omitempty"`
	Broken  string        `json:"broken,omitempty"` // why it is no event

	at engine.Address
}

// seen decodes an entry as the engine does, but for what needs the book.
func seen(entry engine.Entry) seenEvent {
	s := seenEvent{Seq: entry.Seq, Stored: entry.Stored.UTC(), Subject: entry.Subject}
	var err error
	if s.at, err = engine.ParseAddress(entry.Subject); err == nil {
		s.Subject = s.at.Subject()
		s.Event, err = engine.DecodeEvent(s.at, entry.Header, entry.Data)
	}
	if err != nil {
		s.Event, s.Broken = nil, err.Error()
	}
	return s
}

// broken is the type of what is no event.
const broken = "broken"

func (s seenEvent) kind() string {
	if s.Event == nil {
		return broken
	}
	return s.Event.Type
}

func (s seenEvent) module() string {
	if s.Event == nil {
		return s.at.Noun
	}
	return s.Event.Ref().Module
}

// eventFilter says which events to show; "" lets all of them through.
type eventFilter struct{ subject, module, kind string }

func (f eventFilter) lets(s seenEvent) bool {
	return (f.subject == "" || subjectLike(s.Subject, f.subject)) &&
		(f.module == "" || f.module == s.module()) &&
		(f.kind == "" || f.kind == s.kind())
}

// check finds a filter that nothing can ever pass.
func (f eventFilter) check() error {
	noun, verb, two := strings.Cut(f.kind, ".")
	switch {
	case slices.Contains(strings.Split(f.subject, "."), "") && f.subject != "":
		return fmt.Errorf("--subject %q has an empty token; such as crm.HelpDesk.*.>", f.subject)
	case f.kind != "" && f.kind != broken && (!two || noun == "" || verb == ""):
		return fmt.Errorf("--type %q is no type such as record.updated, or broken", f.kind)
	}
	return nil
}

// subjectLike matches as NATS does: * stands for one token, > for one or more at the end.
func subjectLike(subject, pattern string) bool {
	tokens, wanted := strings.Split(subject, "."), strings.Split(pattern, ".")
	for i, want := range wanted {
		switch {
		case want == ">" && i == len(wanted)-1:
			return len(tokens) > i
		case i >= len(tokens) || (want != "*" && want != tokens[i]):
			return false
		}
	}
	return len(tokens) == len(wanted)
}

// eventPrinter prints events in columns, or as JSON.
type eventPrinter struct {
	out    *bufio.Writer
	asJSON bool
	lines  int
}

// eventColumns are wide enough for most of what they hold; what is longer moves the rest of its line.
const eventColumns = "%-24s  %8v  %-16s  %-28s  %s\n"

func newEventPrinter(out io.Writer, asJSON bool) *eventPrinter {
	p := &eventPrinter{out: bufio.NewWriter(out), asJSON: asJSON}
	if !asJSON {
		p.printf(eventColumns, "STORED", "SEQ", "TYPE", "SUBJECT", "FROM")
		_ = p.flush() // before anything comes; an error shows again at the next line
	}
	return p
}

func (p *eventPrinter) print(s seenEvent) {
	p.lines++
	if p.asJSON {
		encoder := json.NewEncoder(p.out)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s) // what was decoded can be written; flush tells if nobody reads
		return
	}
	subject, from := s.Subject, s.Broken
	if s.Event != nil {
		subject, from = s.Event.Subject, teller(s)
	}
	p.printf(eventColumns, s.Stored.Format("2006-01-02T15:04:05.000Z"), s.Seq, printable(s.kind()), printable(subject),
		printable(from))
}

// teller says who tells an event, what caused it, and that it will come again with its key.
func teller(s seenEvent) string {
	from := s.Event.Source
	if s.Event.CauseID != "" {
		from += " <- " + s.Event.CauseID
	}
	if s.at.Domain == engine.DomainCRM && s.at.Key == "" {
		from += "  (no key)"
	}
	return from
}

// printable keeps what others wrote from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// printf leaves errors to flush, which tells the first.
func (p *eventPrinter) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

// flush shows what was printed. It fails when nobody reads any more.
func (p *eventPrinter) flush() error {
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("print events: %w", err)
	}
	return nil
}
