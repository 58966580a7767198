package pages

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/scram"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const wrongPassword = "eleven green umbrellas fly"

// floodForms are how many password forms are sent at once, and whether pages are to keep their speed: make flood asks
// for 500 of them, on a machine that has nothing else to do.
func floodForms(t *testing.T) (forms int, measured bool) {
	t.Helper()
	text := os.Getenv("POSTERN_FLOOD")
	if text == "" {
		return 60, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("POSTERN_FLOOD is %q: give how many forms to send at once", text)
	}
	return n, true
}

// T59: however many passwords are sent at once, few are checked at a time, few wait, and all others are told to come
// again later; memory and processor are bounded, and pages are as quick as ever.
func TestT59FloodOfForms(t *testing.T) {
	forms, measured := floodForms(t)
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	gate := s.OpenGate(func(c *portal.GateConfig) {
		c.Clock, c.Rounds, c.Floor = engine.SystemClock{}, scram.Rounds, 500*time.Millisecond
	})
	s.pages.with.Gate = gate
	person := s.somebody()
	person.signIn("ana@acme.example", house.Password)
	page := s.url + start + "/records/HelpDesk"

	usual := 500 * time.Millisecond
	if measured {
		usual = 10 * time.Second
	}
	before := s.hammer(person, page, usual)
	resident, processor, began := rss(t), cpu(t), time.Now()

	ctx, stop := context.WithTimeout(t.Context(), usual+time.Second)
	defer stop()
	answered := s.flood(ctx, forms)
	during := s.hammer(person, page, usual)
	most := rss(t)
	spent := (cpu(t) - processor).Seconds() / time.Since(began).Seconds()
	statuses := answered()

	t.Logf("%d forms at once: %v; pages p99 %s, usually %s; memory grew by %d MB; %.2f processors", forms, statuses,
		p99(during), p99(before), (most-resident)>>20, spent)
	if statuses[http.StatusServiceUnavailable] == 0 || statuses[http.StatusSeeOther] > 0 {
		t.Errorf("the forms were answered %v", statuses)
	}
	if grown := most - resident; grown > 64<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	if measured && p99(during) > 2*p99(before) {
		t.Errorf("pages take %s, usually %s", p99(during), p99(before))
	}
}

// flood sends so many forms at once, each again about a second after its answer, as people who are impatient do. It
// returns what waits for the end and tells how many answers had which status; 0 stands for those that were given up.
func (s *stage) flood(ctx context.Context, forms int) func() map[int]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: forms},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for n := range forms {
		all.Go(func() {
			for ctx.Err() == nil {
				status := s.sendForm(ctx, client, n)
				mu.Lock()
				statuses[status]++
				mu.Unlock()
				select {
				case <-time.After(time.Duration(500+n*37%1000) * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() map[int]int {
		all.Wait()
		client.CloseIdleConnections()
		return statuses
	}
}

// sendForm sends one form with a wrong password and returns the status of its answer.
func (s *stage) sendForm(ctx context.Context, client *http.Client, n int) int {
	form := url.Values{"name": {fmt.Sprintf("person%d@acme.example", n)}, "password": {wrongPassword}}
	body := strings.NewReader(form.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+start+"/sign-in", body)
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	if reply.StatusCode == http.StatusServiceUnavailable && reply.Header.Get("Retry-After") == "" {
		s.t.Error("turned away without being told when to come again")
	}
	return reply.StatusCode
}

// hammer fetches a page at a steady pace for a time and returns how long each took.
func (s *stage) hammer(p *person, page string, while time.Duration) (times []time.Duration) {
	s.t.Helper()
	const pace = 10 * time.Millisecond
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for end := time.Now().Add(while); time.Now().Before(end); <-tick.C {
		began := time.Now()
		reply, err := p.client.Get(page)
		if err != nil {
			s.t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, reply.Body)
		if reply.Body.Close(); err != nil || reply.StatusCode != http.StatusOK {
			s.t.Fatalf("the page is %s, %v", reply.Status, err)
		}
		times = append(times, time.Since(began))
	}
	return times
}

func p99(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)*99/100].Round(10 * time.Microsecond)
}

// rss is how much memory the process holds, in bytes.
func rss(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("how much memory is held can be read on Linux alone")
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// cpu is how long the process has had processors.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
