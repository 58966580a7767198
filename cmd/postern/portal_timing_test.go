package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	portalhouse "postern/portal/portaltest/house"
)

// class is a kind of name that nobody is to tell from the others by an answer or its time. All names are of one length,
// so that the lengths of answers are the same too.
type class struct {
	kind, name, password string
}

const wrongPassword = "eleven green umbrellas fly"

// nameClasses are the names of each kind. What is sent for all but the second is the right password: it is what they
// are that keeps them out.
func nameClasses() []class {
	return []class{
		{"unknown", "nob@acme.example", portalhouse.Password},
		{"known", "ana@acme.example", wrongPassword},
		{"disabled", "bob@acme.example", portalhouse.Password},
		{"expired", "aln@acme.example", portalhouse.Password},
		{"not active", "eve@acme.example", portalhouse.Password},
		{"locked", "mia@acme.example", portalhouse.Password},
		{"without a password", "pia@acme.example", portalhouse.Password},
	}
}

// timingSamples are how many requests are sent for each class: make timing asks for 2,000. Of a few, only such times
// are looked at as no load of the machine can change.
func timingSamples(t *testing.T) (samples int, measured bool) {
	t.Helper()
	text := os.Getenv("POSTERN_TIMING")
	if text == "" {
		return 3, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10 {
		t.Fatalf("POSTERN_TIMING is %q: give how many samples to take of each class", text)
	}
	return n, true
}

// T51: nobody tells by an answer, or by its time, whether a name is known, is shut out or has to wait: by any way to
// prove a password, or to ask for a link. The classes come by turns over real HTTP and a real clock. All answers are
// the same, byte by byte; refusals take their floor; and what is asked for by name alone is not looked up before the
// answer. With 2,000 samples (make timing) neither the best threshold nor a classifier that learns tells two apart.
func TestT51TimesTellNothing(t *testing.T) {
	samples, measured := timingSamples(t)
	for _, q := range questions() {
		t.Run(q.name, func(t *testing.T) {
			if !measured {
				t.Parallel() // times are not compared
			}
			s := newTiming(t, q)
			times := s.sample(samples)
			if !measured {
				return
			}
			bound := timingBound(samples)
			for _, c := range s.classes[1:] {
				unknown := times[s.classes[0].kind]
				rank, guess := rankAUC(unknown, times[c.kind]), learned(unknown, times[c.kind])
				t.Logf("unknown and %s: rank AUC %.3f, learned AUC %.3f", c.kind, rank, guess)
				if rank > bound || guess > bound {
					t.Errorf("%s is told from unknown: AUC %.3f by rank, %.3f learned, at most %.3f",
						c.kind, rank, guess, bound)
				}
			}
		})
	}
}

// timing is portal, API and façade on the machine's clock, with a name of each class.
type timing struct {
	*hall
	question question
	url      string
	classes  []class
	client   *http.Client
	db       *sql.DB
	crm      *countingCRM
	answers  map[string]string // by kind
}

// countingCRM counts how often records are asked for.
type countingCRM struct {
	portal.CRM
	asked atomic.Int64
}

func (c *countingCRM) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	c.asked.Add(1)
	return c.CRM.Get(ctx, refs...)
}

func (c *countingCRM) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	c.asked.Add(1)
	return c.CRM.Search(ctx, search)
}

func newTiming(t *testing.T, q question) *timing {
	t.Helper()
	crm := &countingCRM{}
	h := newHall(t, func(c *portal.GateConfig) {
		crm.CRM, c.CRM = c.CRM, crm
		c.Clock, c.Floor = engine.SystemClock{}, q.floor
	})
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.Folder, "postern.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &timing{
		hall: h, question: q, url: server.URL, classes: nameClasses(), client: client, db: db, crm: crm,
		answers: map[string]string{},
	}
	s.people()
	return s
}

// people makes somebody of each class but the first.
func (s *timing) people() {
	s.T.Helper()
	pia := engine.Ref{Module: "Contacts", ID: "12x9"}
	of := map[string]engine.Ref{
		"known": portalhouse.Ana, "disabled": portalhouse.Bob, "expired": portalhouse.Alan,
		"not active": portalhouse.Eve, "locked": portalhouse.Mia, "without a password": pia,
	}
	for _, c := range s.classes[1:] {
		if s.Put(of[c.kind], engine.Fields{"email": c.name, "portal": true}); of[c.kind] != pia {
			s.SetPassword(portalhouse.Customers, of[c.kind])
		}
	}
	s.Put(portalhouse.Alan, engine.Fields{"support_end_date": "2020-01-01"})
	s.Put(portalhouse.Eve, engine.Fields{"portal": false})
	by := engine.Order{By: "test", At: s.Clock.Now()}
	_, err := s.Gate.Order(s.T.Context(), portalhouse.Customers, "bob@acme.example", portal.OrderDisable, by)
	if err != nil {
		s.T.Fatal(err)
	}
	lane := s.Gate.Lane(portalhouse.Customers, "mia@acme.example")
	for n := range portal.LaneLast {
		at := time.Now().Add(2 * portal.LaneMost * time.Duration(n-portal.LaneLast))
		if open, err := s.Store.TryPassword(s.T.Context(), portal.Try{Lane: lane, At: at}); err != nil || !open {
			s.T.Fatalf("try %d: open %t, %v", n, open, err)
		}
	}
}

// sample asks for each class by turns, in a random order, so that none always comes after the same other one, and
// returns how long each answer took, by kind.
func (s *timing) sample(samples int) map[string][]float64 {
	s.T.Helper()
	times := map[string][]float64{}
	const warm = 2
	order := rand.New(rand.NewPCG(51, uint64(samples)))
	for n := range samples + warm {
		for _, i := range order.Perm(len(s.classes)) {
			c := s.classes[i]
			took := s.one(c, n)
			if n >= warm {
				times[c.kind] = append(times[c.kind], took.Seconds())
			}
		}
	}
	return times
}

// one asks once.
func (s *timing) one(c class, n int) time.Duration {
	s.T.Helper()
	s.forget()
	r := s.question.ask(s, c, n)
	before := s.crm.asked.Load()
	began := time.Now()
	reply, err := s.client.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	body, err := io.ReadAll(reply.Body)
	took := time.Since(began)
	if reply.Body.Close(); err != nil || reply.StatusCode != s.question.status {
		s.T.Fatalf("%s: %s, %v\n%s", c.kind, reply.Status, err, body)
	}
	if least := s.question.least(); took < least {
		s.T.Errorf("%s is answered after %s; every such answer takes %s", c.kind, took, least)
	}
	if looked := s.crm.asked.Load() != before; looked == s.question.blind {
		s.T.Errorf("%s: records were asked for: %t", c.kind, looked)
	}
	s.alike(c, reply, string(body))
	return took
}

// forget takes away what the requests before have counted, but for who is locked: the same work for every class.
func (s *timing) forget() {
	s.T.Helper()
	for _, query := range []string{
		"DELETE FROM portal_lanes WHERE wrong < 50", "DELETE FROM limits", "DELETE FROM portal_askings",
	} {
		if _, err := s.db.ExecContext(s.T.Context(), query); err != nil {
			s.T.Fatal(err)
		}
	}
}

// alike holds an answer against those that the other classes got: all of it but the name, the time, and what is random
// in every answer.
func (s *timing) alike(c class, reply *http.Response, body string) {
	s.T.Helper()
	header := reply.Header.Clone()
	header.Del("Date")
	if s.question.random != nil {
		header.Del("Content-Length")
		body = s.question.random.ReplaceAllString(body, "…")
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&text, "%s: %q\n", name, header[name])
	}
	text.WriteString(strings.ReplaceAll(body, c.name, "NAME"))
	s.answers[c.kind] = text.String()
	if first, there := s.answers["unknown"]; there && text.String() != first {
		s.T.Errorf("%s is answered\n%s\nand who is unknown\n%s", c.kind, text.String(), first)
	}
}
