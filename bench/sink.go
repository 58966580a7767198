package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"postern/internal/rig"
)

// quiet without a mail counts as: no more come.
const quiet = 300 * time.Millisecond

var (
	subjectIn = []byte("\nSubject: Ticket TT-")
	ticketIn  = []byte("TT-") // in a message to a web service
	linkIn    = regexp.MustCompile(`http://\S+/l/(\S+)`)
)

// sink is the mail server of a trial, and its clock: it notes when the mail about each ticket came, and if hooks stands
// beside it when the message to that. What is said of mails holds for those messages, too.
type sink struct {
	server rig.MailServer
	hooks  *hooks // nil for none

	mu    sync.Mutex
	came  map[int]time.Time // by number of the ticket
	count int
	first time.Time
	last  time.Time
	again int      // mails about a ticket that had enough of them
	each  int      // mails that a ticket may have
	had   []uint8  // by number of the ticket
	links []string // tokens, if they are wanted
	keep  bool     // they are
}

func newSink() (*sink, error) {
	s := &sink{each: 1}
	s.server = rig.MailServer{Plain: true, Take: s.take}
	return s, s.server.Start()
}

func (s *sink) port() int       { return s.server.Port }
func (s *sink) address() string { return fmt.Sprintf("127.0.0.1:%d", s.server.Port) }

func (s *sink) close() {
	s.server.Close()
	if s.hooks != nil {
		s.hooks.close()
	}
}

// channels are those of Postern that lead here, beside email.
func (s *sink) channels() string {
	if s.hooks == nil {
		return ""
	}
	return s.hooks.channel()
}

// begin forgets everything. Each ticket may get this many mails.
func (s *sink) begin(each int, keepLinks bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came, s.had, s.count, s.again, s.each, s.keep = map[int]time.Time{}, nil, 0, 0, each, keepLinks
	s.links = nil
}

// take notes a mail. What is done here is done for both sides, and is little.
func (s *sink) take(_ *rig.Dialogue, m rig.Mail) error {
	now := time.Now()
	n, err := ticketOf(m.Raw, subjectIn)
	if err != nil {
		return rig.Refuse(554, err.Error())
	}
	s.note(n, now)
	if s.keep {
		s.keepLink(m.Raw)
	}
	return nil
}

// note counts a message about a ticket.
func (s *sink) note(n int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		s.first = now
	}
	s.count++
	s.last, s.came[n] = now, now
	for len(s.had) <= n {
		s.had = append(s.had, make([]uint8, n+1024)...)
	}
	if s.had[n]++; int(s.had[n]) > s.each {
		s.again++
	}
}

func (s *sink) keepLink(raw []byte) {
	if found := linkIn.FindSubmatch(raw); found != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.links = append(s.links, string(found[1]))
	}
}

// ticketOf finds the number of the ticket: the digits behind a mark.
func ticketOf(raw, mark []byte) (n int, err error) {
	_, text, found := bytes.Cut(raw, mark)
	if !found {
		return 0, fmt.Errorf("there is no %q", mark)
	}
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			break
		}
		n = 10*n + int(digit-'0')
	}
	return n, nil
}

func (s *sink) seen() (count int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, s.last
}

// await waits for this many mails and then for quiet, in which nothing more may come. It returns the time from the
// first mail to the last.
func (s *sink) await(ctx context.Context, want int) (time.Duration, error) {
	err := rig.Await(ctx, func() bool {
		count, last := s.seen()
		return count >= want && time.Since(last) > quiet
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		return 0, fmt.Errorf("%d mails of %d came: %w", s.count, want, err)
	case s.count != want || s.again > 0:
		return 0, fmt.Errorf("%d mails came for %d, %d of them too often", s.count, want, s.again)
	}
	return s.last.Sub(s.first), nil
}

// awaitFirst waits for the first mail.
func (s *sink) awaitFirst(ctx context.Context) error {
	return rig.Await(ctx, func() bool { count, _ := s.seen(); return count > 0 })
}
