package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"postern/internal/rig"
)

// letter is a dead letter, as `postern dead ls --json` tells of it.
type letter struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
}

func (l letter) id() string { return l.ID }

// badEvent is a message that the broker stores and nobody can work on.
type badEvent struct {
	name, subject string
	data          []byte
}

// badEvents are one of each kind. n makes their keys new.
func badEvents(n int) []badEvent {
	key := fmt.Sprintf("17bad%d", n)
	whole := func(change func(e map[string]any)) []byte {
		e := map[string]any{
			"specversion": "1.0", "id": "bad-" + key, "source": "chaos-crm", "type": "record.created",
			"subject": "HelpDesk/" + key, "data": map[string]any{"record": map[string]any{"ticket_title": "Bad"}},
		}
		change(e)
		text, _ := json.Marshal(e)
		return text
	}
	on := "crm.HelpDesk.created." + key
	deep := append(bytes.Repeat([]byte("["), 50_000), bytes.Repeat([]byte("]"), 50_000)...)
	return []badEvent{
		{"malformed", on, []byte(`{"specversion": "1.0", "id": `)},
		{"no JSON", on, []byte{0, 1, 2, 0xff}},
		{"empty", on, nil},
		{"no envelope", on, []byte(`{"ticket": 17}`)},
		{"no id", on, whole(func(e map[string]any) { delete(e, "id") })},
		{"too large", on, whole(func(e map[string]any) { e["data"] = strings.Repeat("x", 300<<10) })},
		{"too deep", on, bytes.Replace(whole(func(map[string]any) {}), []byte(`"Bad"`), deep, 1)},
		{"unknown module", "crm.Yetis.created." + key, whole(func(e map[string]any) { e["subject"] = "Yetis/" + key })},
		{"another key", on, whole(func(e map[string]any) { e["subject"] = "HelpDesk/17else" })},
		{"another type", on, whole(func(e map[string]any) { e["type"] = "record.exploded" })},
		{"a wrong value", on, whole(func(e map[string]any) {
			e["data"] = map[string]any{"record": map[string]any{"hops": "many", "ticket_title": "Bad"}}
		})},
	}
}

// badAmongGood publishes messages that are no events among tickets, kills at some moment of that, and finds each of
// them among the dead letters, once and with a reason. The tickets go on as if nothing had been there, also those that
// came without a key.
func badAmongGood(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	bad := map[string]int{}
	s.load(ctx)
	for round := range s.rounds {
		if err = s.publishBad(ctx, round, bad); err != nil {
			break
		}
		s.strike(ctx, 0, []string{atRandom})
		if err = s.house.restart(ctx); err != nil {
			break
		}
	}
	s.unload()
	if err != nil {
		return err
	}
	if err := s.settle(ctx, s.rounds*connections); err != nil {
		return err
	}
	return s.findBad(ctx, bad)
}

// publishBad publishes one of each kind, and what never reaches the stream.
func (s *siege) publishBad(ctx context.Context, round int, bad map[string]int) error {
	crm, err := rig.ConnectCRM(s.teller.url)
	if err != nil {
		return err
	}
	defer crm.Close()
	for _, b := range badEvents(round) {
		within, cancel := context.WithTimeout(ctx, ackTime)
		_, err := crm.Stream.Publish(within, b.subject, b.data)
		cancel()
		if err != nil {
			return fmt.Errorf("publish an event that is %s: %w", b.name, err)
		}
		bad[b.subject]++
	}
	huge := &nats.Msg{Subject: "crm.HelpDesk.created.17huge", Data: make([]byte, 10<<20)}
	if err := crm.Conn.PublishMsg(huge); err == nil {
		s.blame("the broker takes an event of 10 MB")
	}
	if err := s.publishKeyless(ctx, crm); err != nil {
		return err
	}
	for status, body := range map[int][]byte{
		http.StatusBadRequest: []byte(`{"specversion": "1.0"`), http.StatusRequestEntityTooLarge: make([]byte, 300<<10),
	} {
		answered, _, err := s.house.post(ctx, body)
		if err != nil {
			return err
		}
		if answered != status {
			s.blame("POST /events answers %d, want %d", answered, status)
		}
	}
	return nil
}

// publishKeyless tells a good ticket on a subject without its key.
func (s *siege) publishKeyless(ctx context.Context, crm *rig.CRM) error {
	e := s.teller.next()
	record := e.Record("HelpDesk")
	s.ledger.offer(record)
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	if _, err := crm.Stream.Publish(ctx, "crm.HelpDesk.created", data); err != nil {
		return fmt.Errorf("publish without a key: %w", err)
	}
	s.ledger.owe(record, s.teller.wants...)
	return nil
}

// findBad holds the dead letters against what was bad.
func (s *siege) findBad(ctx context.Context, bad map[string]int) error {
	letters, err := list[letter](ctx, s.house, "dead", "ls")
	if err != nil {
		return err
	}
	found := map[string]int{}
	for _, l := range letters {
		found[published(l.Subject)]++
		if l.Reason == "" {
			s.blame("a dead letter on %s without a reason", l.Subject)
		}
	}
	for subject, n := range bad {
		if found[subject] != n {
			s.blame("%d bad events on %s, %d dead letters", n, subject, found[subject])
		}
	}
	if len(found) != len(bad) {
		s.blame("dead letters on %d subjects, bad events on %d", len(found), len(bad))
	}
	return nil
}

// partitioned is what the stream puts before a subject with a key.
var partitioned = regexp.MustCompile(`^p\.\d+\.`)

// published is the subject as it was published.
func published(subject string) string { return partitioned.ReplaceAllString(subject, "") }

// badWorkflows has workflows that break on some tickets, each in its own way: an expression and a template that fail
// when they run, and a recipient whom the mail server does not know. Others go on, on the same tickets too.
func badWorkflows(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	broken := &teller{
		t: t, ledger: s.ledger, fuse: s.fuse,
		wants: []string{escalated, failed + " expression", undelivered + " template", undelivered + " refused"},
		more: map[string]string{
			"ticketpriorities": "Broken", "description": strings.Repeat("All work and no play. ", 4000),
		},
	}
	broken.made.Store(1 << 20) // ids of their own
	s.effectOf = func(e told) string {
		if e.Type != failed && e.Type != undelivered {
			return effectName(e)
		}
		if e.Data.Reason == "" {
			s.blame("%s of %s without a reason", e.Type, e.Subject)
		}
		return e.Type + " " + e.Data.Workflow
	}
	s.sink.onRcpt = func(_ *rig.Dialogue, record string) error {
		if len(record) > len("17x999999") {
			return rig.Refuse(550, "no such user")
		}
		return nil
	}
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "bad")
	if err != nil {
		return err
	}
	broken.url = s.teller.url
	for range s.rounds {
		for range inBatch / 4 {
			broken.insist(ctx, broken.next())
			s.tellSome(ctx, 1)
		}
		s.broke("expression, template, recipient")
		began := time.Now()
		if err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 }); err != nil {
			return err
		}
		s.recovered(time.Since(began))
	}
	return s.settle(ctx, 0)
}
