package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"postern/internal/rig"
)

// domain is where all recipients are. The name before it is the record's id, so that even the envelope tells which
// record a mail is about.
const domain = "@people.example"

// recordOf is the record that a mail to this address is about.
func recordOf(to string) string { return strings.TrimSuffix(to, domain) }

// sink takes the mails. Its hooks are set before the server starts.
type sink struct {
	server *rig.MailServer
	ledger *ledger
	taken  atomic.Int64

	came chan string // gets the record of each mail that counts, if somebody made it

	// What happens at each step of a mail; nil for nothing.
	onRcpt, onDot func(d *rig.Dialogue, record string) error
	onBody        func(d *rig.Dialogue) error
	onAnswer      func(d *rig.Dialogue)

	mu    sync.Mutex
	links map[string]string // by record: each mail about it must carry the same
	met   map[string]bool   // records for which a mail was begun

	anyLink bool // or any link, as after a restore
}

func newSink(l *ledger) *sink {
	return &sink{ledger: l, links: map[string]string{}, met: map[string]bool{}}
}

// start listens; close ends it.
func (s *sink) start() error {
	s.server = &rig.MailServer{Plain: true, Take: s.take, OnBody: s.onBody, OnAnswer: s.onAnswer}
	s.server.OnRcpt = s.meet
	return s.server.Start()
}

// meet learns for whom a mail is.
func (s *sink) meet(d *rig.Dialogue, to string) error {
	s.mu.Lock()
	s.met[recordOf(to)] = true
	s.mu.Unlock()
	if s.onRcpt == nil {
		return nil
	}
	return s.onRcpt(d, recordOf(to))
}

// strangers is how many of the deliveries in doubt had not even said to whom they go.
func (s *sink) strangers(doubts []doubt) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range doubts {
		if !s.met[d.Record] {
			n++
		}
	}
	return n
}

func (s *sink) close() { s.server.Close() }

// take reads a mail when its last dot has come. A mail that a hook refuses does not count, but its link does: the next
// try must carry the same.
func (s *sink) take(d *rig.Dialogue, m rig.Mail) error {
	record := recordOf(m.To)
	letter, err := m.Read()
	switch {
	case err != nil:
		s.ledger.fault("%v", err)
	case len(letter.Links) != 1:
		s.ledger.fault("the mail on %s has %d links", record, len(letter.Links))
	default:
		s.keepLink(record, letter.Links[0])
	}
	if s.onDot != nil {
		if err := s.onDot(d, record); err != nil {
			return err
		}
	}
	s.ledger.see(record, mailed, fmt.Sprint(s.taken.Add(1)))
	if s.came != nil {
		s.came <- record
	}
	return nil
}

func (s *sink) keepLink(record, link string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.links[record]; before != "" && before != link && !s.anyLink {
		s.ledger.fault("two mails on %s carry different links", record)
	}
	s.links[record] = link
}

// link is what the mail about a record leads to; "" before it came.
func (s *sink) link(record string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[record]
}
