package main

import (
	"strings"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	doubtful := []doubt{{ID: "1", Record: "17x1", Reason: "the answer was lost"}}
	tests := map[string]struct {
		also   func(l *ledger) // besides one ticket of which all is as it should be
		doubts []doubt
		want   sums
		wrong  string // of the complaints; "" for none
	}{
		"all as it should be": {func(*ledger) {}, nil, sums{events: 1, effects: 2}, ""},
		"an effect is missing": {
			func(l *ledger) { l.owe("17x2", filled) }, nil, sums{events: 2, effects: 2, lost: 1}, "lost: record.updated",
		},
		"a mail comes twice": {
			func(l *ledger) { l.see("17x1", mailed, "2") }, nil,
			sums{events: 1, effects: 3, duplicated: 1},
			"duplicated: 2 × mail of 17x1",
		},
		"an event comes again under its id": {
			func(l *ledger) { l.see("17x1", filled, "a") }, nil, sums{events: 1, effects: 2}, "",
		},
		"a mail that left is in doubt": {func(*ledger) {}, doubtful, sums{events: 1, effects: 2, unknown: 1}, ""},
		"a mail that did not come is in doubt": {
			func(l *ledger) { delete(l.seen, deed{"17x1", mailed}) }, doubtful, sums{events: 1, effects: 1, unknown: 1}, "",
		},
		"no doubt explains a missing update": {
			func(l *ledger) { delete(l.seen, deed{"17x1", filled}) }, doubtful,
			sums{events: 1, effects: 1, lost: 1, unknown: 1},
			"lost: record.updated",
		},
		"a doubt without a reason": {
			func(*ledger) {}, []doubt{{ID: "1", Record: "17x1"}}, sums{events: 1, effects: 2, unknown: 1}, "without a reason",
		},
		"an event that nobody acknowledged has its effects": {
			func(l *ledger) { l.offer("17x3"); l.see("17x3", mailed, "3") }, nil, sums{events: 1, effects: 3}, "",
		},
		"a mail for no event": {
			func(l *ledger) { l.see("17x4", mailed, "4") }, nil, sums{events: 1, effects: 3}, "nobody asked for: mail of 17x4",
		},
		"an effect of another kind": {
			func(l *ledger) { l.see("17x1", used, "u") }, nil, sums{events: 1, effects: 3}, "nobody asked for: link.used",
		},
		"another content under the same id": {
			func(l *ledger) { l.sameContent("a", "1"); l.sameContent("a", "2") }, nil,
			sums{events: 1, effects: 2},
			"another content",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			l.owe("17x1", mailed, filled)
			l.see("17x1", mailed, "1")
			l.see("17x1", filled, "a")
			test.also(l)
			got, wrong := l.audit(test.doubts)
			if got != test.want {
				t.Errorf("counted %+v, want %+v", got, test.want)
			}
			all := strings.Join(wrong, "\n")
			if (test.wrong == "") != (all == "") || !strings.Contains(all, test.wrong) {
				t.Errorf("complaints %q, want %q", all, test.wrong)
			}
		})
	}
}

func TestFuseBlowsAtItsMoment(t *testing.T) {
	kills := 0
	f := &fuse{kill: func() { kills++ }}
	f.pass(atDot) // not armed
	blown := f.arm(atDot, 1)
	for _, moment := range []string{atAck, atDot} {
		if f.pass(moment); kills != 0 {
			t.Fatalf("blew at %s", moment)
		}
	}
	f.pass(atDot)
	f.pass(atDot)
	if _, open := <-blown; open || kills != 1 {
		t.Errorf("killed %d times", kills)
	}
	if at := f.burn(t.Context(), atDot, 0, time.Millisecond); at != atRandom || kills != 2 {
		t.Errorf("a moment that does not come ends at %q with %d kills", at, kills)
	}
}

func TestLine(t *testing.T) {
	r := &trial{
		name: "kill_send", played: 3, recoveries: []time.Duration{3 * time.Second, 120 * time.Millisecond, time.Second},
		sums: sums{events: 10, effects: 20, unknown: 2},
	}
	const want = "chaos kill_send rounds=3 events=10 effects=20 lost=0 duplicated=0 unknown=2 " +
		"recovery_p50=1s recovery_max=3s"
	if got := r.line(); got != want {
		t.Errorf("printed %s\nwant    %s", got, want)
	}
}

func TestEveryScenarioHasRounds(t *testing.T) {
	for _, s := range scenarios() {
		if s.rounds(1) < 1 || s.rounds(100) != s.share {
			t.Errorf("%s plays %d rounds of 1 and %d of 100", s.name, s.rounds(1), s.rounds(100))
		}
	}
	if _, err := choose("kill_send,no_such"); err == nil || !strings.Contains(err.Error(), "kill_send") {
		t.Errorf("an unknown scenario: %v", err)
	}
}
