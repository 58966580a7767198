package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"postern/internal/rig"
)

const (
	flood     = 1500                  // tickets told at once over NATS, in a round
	posters   = 300                   // that send events over HTTP at the same time
	postTime  = 2 * time.Second       // for which they do
	mailTime  = 15 * time.Millisecond // of the mail server for one mail: 8 connections carry some 500 a second
	openEvery = 50 * time.Millisecond // a visitor opens a page
	openLimit = 2 * time.Second       // for the page, on a machine that is busy with all of this
	rssLimit  = 400 << 20             // bytes of memory
)

// overload tells more than can be delivered, over NATS and HTTP at once. Whoever is refused is told when to come again,
// memory stays bounded, the pages behind links stay up, and all that was acknowledged is delivered in the end.
func overload(ctx context.Context, t *trial) (err error) {
	s := newSiege(t)
	s.sink.onDot = func(*rig.Dialogue, string) error { time.Sleep(mailTime); return nil }
	defer func() { s.end(err) }()
	ctx, err = s.begin(ctx, ownBroker, "urgent")
	if err != nil {
		return err
	}
	first := s.teller.next()
	s.teller.insist(ctx, first)
	if err := rig.Await(ctx, func() bool { return s.sink.link(first.Record("HelpDesk")) != "" }); err != nil {
		return err
	}
	for range s.rounds {
		if err := s.overloaded(ctx, s.sink.link(first.Record("HelpDesk"))); err != nil {
			return err
		}
	}
	return s.settle(ctx, 0)
}

// overloaded plays one round.
func (s *siege) overloaded(ctx context.Context, link string) error {
	watching, enough := context.WithCancel(ctx)
	var watchers, loaders sync.WaitGroup
	var pages []time.Duration
	var memory int64
	watchers.Go(func() { pages = s.openPages(watching, link) })
	watchers.Go(func() { memory = s.watchMemory(watching) })
	var floodErr error
	loaders.Go(func() { floodErr = s.floodNATS(ctx) })
	answers := s.floodHTTP(ctx)
	loaders.Wait()
	s.broke("flood")
	began := time.Now()
	err := rig.Await(ctx, func() bool { return len(s.ledger.missing()) == 0 })
	enough()
	watchers.Wait()
	if err != nil || floodErr != nil {
		return errors.Join(err, floodErr)
	}
	s.recovered(time.Since(began))
	slices.Sort(pages)
	s.say("POST /events answered %v; %d MB of memory; %d pages, the slowest after %s", answers, memory>>20, len(pages),
		pages[len(pages)-1].Round(time.Millisecond))
	if answers[http.StatusTooManyRequests]+answers[http.StatusServiceUnavailable] == 0 {
		s.blame("nobody was refused: that was no overload")
	}
	if memory > rssLimit {
		s.blame("%d MB of memory, more than %d", memory>>20, rssLimit>>20)
	}
	if slow := pages[len(pages)*99/100]; slow > openLimit {
		s.blame("one page in a hundred took %s, more than %s", slow, openLimit)
	}
	return nil
}

// floodNATS tells tickets as fast as the broker takes them.
func (s *siege) floodNATS(ctx context.Context) error {
	crm, err := rig.ConnectCRM(s.teller.url)
	if err != nil {
		return err
	}
	defer crm.Close()
	events := make([]rig.Event, flood)
	for i := range events {
		events[i] = s.teller.next()
		s.ledger.offer(events[i].Record("HelpDesk"))
	}
	return crm.Publish(ctx, events, func(e rig.Event) { s.ledger.owe(e.Record("HelpDesk"), s.teller.wants...) })
}

// floodHTTP posts events from many clients at once and counts the answers by status.
func (s *siege) floodHTTP(ctx context.Context) map[int]int {
	answers := map[int]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	until := time.Now().Add(postTime)
	for range posters {
		group.Go(func() {
			for time.Now().Before(until) && ctx.Err() == nil {
				status, err := s.postTicket(ctx)
				if err != nil {
					s.blame("under load: %v", err)
				}
				mu.Lock()
				answers[status]++
				mu.Unlock()
				if status != http.StatusAccepted {
					time.Sleep(openEvery)
				}
			}
		})
	}
	group.Wait()
	return answers
}

// openPages opens a link again and again and returns how long each answer took.
func (s *siege) openPages(ctx context.Context, link string) (took []time.Duration) {
	for ctx.Err() == nil {
		began := time.Now()
		request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, link, nil)
		if err != nil {
			s.blame("%v", err)
			return took
		}
		response, err := (&http.Client{Timeout: requestTime}).Do(request)
		took = append(took, time.Since(began))
		if err != nil {
			s.blame("open a page under load: %v", err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			s.blame("a page under load answers %d", response.StatusCode)
		}
		time.Sleep(openEvery)
	}
	return took
}

// residentIn finds the memory in use in what Linux tells of a process, in kB.
var residentIn = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// watchMemory returns the most bytes of memory that were in use.
func (s *siege) watchMemory(ctx context.Context) (most int64) {
	for ctx.Err() == nil {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.house.current().PID()))
		if found := residentIn.FindSubmatch(text); err == nil && found != nil {
			kb, _ := strconv.ParseInt(string(found[1]), 10, 64)
			most = max(most, kb<<10)
		}
		time.Sleep(openEvery)
	}
	return most
}
