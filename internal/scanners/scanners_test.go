package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"postern/internal/peer"
	"postern/internal/rig"
)

// start builds the program, runs it and lets it send one mail of each kind.
func start(t *testing.T) (*stand, []*ticket) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "postern")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/postern")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build postern: %v\n%s", err, out)
	}
	s, err := open(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	tickets, err := s.mail(t.Context(), newPlan(1, len(kinds)+1, kinds))
	if err != nil {
		t.Fatalf("%v\n%s", err, s.postern.Tail())
	}
	return s, tickets
}

func TestBrowsersWithoutAPerson(t *testing.T) {
	chromium := peer.Chromium(t)
	s, tickets := start(t)
	settled := func(t *testing.T) {
		t.Helper()
		if _, err := s.settle(tickets); err != nil {
			t.Fatal(err)
		}
		if err := s.ledger.wrong(nil); err != nil {
			t.Error(err)
		}
	}

	t.Run("T11 a browser that opens a link and runs scripts for 30 s leaves nothing behind", func(t *testing.T) {
		const scripts = 30 * time.Second
		err := browse(t.Context(), chromium, stops(tickets), func(tab context.Context, at stop) error {
			did, err := look(tab, at.link, scripts)
			if err != nil {
				return err
			}
			if cookies, err := cookiesOf(tab); err != nil || len(cookies) > 0 {
				t.Errorf("%s: it was given %d cookies, %v", at.ticket.kind.name, len(cookies), err)
			}
			return did.enough(scripts)
		})
		if err != nil {
			t.Fatal(err)
		}
		settled(t)
		for _, it := range tickets {
			if seen := s.ledger.of(it); seen != (tally{mails: 1}) {
				t.Errorf("%s: %+v", it.kind.name, seen)
			}
		}
	})

	t.Run("T13 a browser that clicks on every button has no effect but one that can be taken back", func(t *testing.T) {
		walks := map[*ticket][]walk{}
		var mu sync.Mutex
		err := browse(t.Context(), chromium, stops(tickets), func(tab context.Context, at stop) error {
			w, err := clicks(tab, at.link, 3, true)
			mu.Lock()
			defer mu.Unlock()
			walks[at.ticket] = append(walks[at.ticket], w)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		settled(t)
		for _, it := range tickets {
			seen := s.ledger.of(it)
			if !it.kind.clicks {
				if seen.effects() > 0 {
					t.Errorf("%s asks for more than a click: %+v after %v", it.kind.name, seen, walks[it])
				}
				continue
			}
			if seen.effects() == 0 || seen.standing() > 1 {
				t.Errorf("%s: %+v after %v", it.kind.name, seen, walks[it])
			}
			if seen.standing() == 1 {
				if err := s.takeBack(t.Context(), it, walks[it]); err != nil {
					t.Errorf("%s: %v after %v", it.kind.name, err, walks[it])
				}
			}
		}
	})
}

func TestPlan(t *testing.T) {
	for _, count := range []int{1, 8, 40, 200} {
		links := 0
		for _, it := range newPlan(1, count, kinds) {
			links += it.kind.links
		}
		if own := newPlan(2, count, actingKinds()); links != count || len(own) != count {
			t.Errorf("of %d there are %d links to scan, and %d people", count, links, len(own))
		}
	}
}

func TestLedgerFindsWhatIsWrong(t *testing.T) {
	plan := newPlan(1, 8, kinds)
	tell := func(kind string, n int, id string) func(l *ledger) {
		return func(l *ledger) {
			l.event("postern."+kind+".x", []byte(`{"id":"`+id+`","source":"postern","type":"`+kind+`",
				"subject":"HelpDesk/`+plan[n].id+`","data":{}}`))
		}
	}
	tests := map[string]struct {
		seen  []func(l *ledger)
		want  tally // of all
		wrong bool
	}{
		"nothing":                  {nil, tally{}, false},
		"an effect":                {[]func(*ledger){tell("link.used", 2, "a")}, tally{used: 1, events: 1}, false},
		"an effect told twice":     {[]func(*ledger){tell("link.used", 2, "a"), tell("link.used", 2, "a")}, tally{used: 1, events: 1}, false},
		"two effects":              {[]func(*ledger){tell("link.used", 2, "a"), tell("link.used", 2, "b")}, tally{used: 2, events: 2}, true},
		"taken back between":       {[]func(*ledger){tell("link.used", 2, "a"), tell("link.undone", 2, "b"), tell("link.used", 2, "c")}, tally{used: 2, undone: 1, events: 3}, false},
		"a change without a use":   {[]func(*ledger){tell("record.updated", 0, "a")}, tally{changes: 1, events: 1}, false},
		"a record nobody wanted":   {[]func(*ledger){tell("record.created", 0, "a")}, tally{events: 1}, true},
		"a mail to whom we do not": {[]func(*ledger){func(l *ledger) { l.mail(letter("eve@people.example")) }}, tally{}, true},
		"a mail without its links": {[]func(*ledger){func(l *ledger) { l.mail(letter(plan[0].address)) }}, tally{}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			l.expect(plan)
			for _, see := range test.seen {
				see(l)
			}
			if got := l.sum(plan); got != test.want {
				t.Errorf("seen %+v, want %+v", got, test.want)
			}
			if err := l.wrong(nil); (err != nil) != test.wrong {
				t.Errorf("complaint %v", err)
			}
		})
	}
	if got := (tally{changes: 1}).effects(); got != 1 {
		t.Errorf("a change that no use was told of counts as %d effects", got)
	}
}

func letter(to string) rig.Letter { return rig.Letter{To: to, Subject: "Ticket"} }
