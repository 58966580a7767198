package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// floodProgram is the name by which this program, which is that of the tests, sends password forms.
const floodProgram = "flood"

// flood sends so many forms at once to an address, each again about a second after its answer, as impatient people do,
// until its input ends. It is a program of its own, which leaves processors to the one that it floods: who floods sits
// at other machines. It says true when the first one is turned away, and at the end how many answers had which status.
func flood() {
	if err := flooding(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

func flooding(address, number string) error {
	forms, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s := &sender{
		address: address, statuses: map[int]int{}, turnedAway: make(chan struct{}),
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: forms},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	var all sync.WaitGroup
	for n := range forms {
		all.Go(func() { s.again(ctx, n) })
	}
	<-s.turnedAway
	fmt.Println(true)
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(s.statuses)
}

// sender sends forms.
type sender struct {
	address string
	client  *http.Client

	mu         sync.Mutex
	statuses   map[int]int
	first      sync.Once
	turnedAway chan struct{}
}

// again sends a form again and again.
func (s *sender) again(ctx context.Context, n int) {
	for ctx.Err() == nil {
		status := s.send(ctx, n)
		s.mu.Lock()
		s.statuses[status]++
		s.mu.Unlock()
		if status == http.StatusServiceUnavailable {
			s.first.Do(func() { close(s.turnedAway) })
		}
		select {
		case <-time.After(time.Duration(500+n*37%1000) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// noRetry stands for the status of an answer that turns away and does not say when to come again.
const noRetry = -1

// send sends one with a wrong password and returns the status of its answer; 0 where none came.
func (s *sender) send(ctx context.Context, n int) int {
	form := url.Values{"name": {fmt.Sprintf("person%d@acme.example", n)}, "password": {wrongPassword}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := s.client.Do(r)
	if err != nil {
		return 0
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	if reply.StatusCode == http.StatusServiceUnavailable && reply.Header.Get("Retry-After") == "" {
		return noRetry
	}
	return reply.StatusCode
}
