package rehearsal

import (
	"strings"
	"testing"
)

// An expectation that many happenings fulfil leaves to another the one that only it fits.
func TestMatchFindsAHappeningForEach(t *testing.T) {
	message := func(to, subject string) *happening {
		return &happening{kind: "message", facts: map[string]any{"to": to, "subject": subject}}
	}
	want := func(facts ...wanted) *expected { return &expected{kind: "message", facts: facts} }
	to := func(address string) wanted { return wanted{"to", address, like} }
	happened := []*happening{message("ann", "one"), message("ann", "two"), message("bob", "one")}
	wants := []*expected{
		want(to("/./")), want(to("ann")), want(to("ann"), wanted{"subject", "one", like}), want(to("eve")),
	}
	met, rest := match(wants, happened)
	if met[0] != happened[2] || met[1] != happened[1] || met[2] != happened[0] || met[3] != nil || len(rest) > 0 {
		t.Errorf("met %v, rest %v", met, rest)
	}
}

func TestMatchLeavesWhatNobodyExpected(t *testing.T) {
	happened := []*happening{{kind: "call", title: "call"}, {kind: "event", title: "event"}}
	met, rest := match([]*expected{{kind: "event"}}, happened)
	if met[0] != happened[1] || len(rest) != 1 || rest[0] != happened[0] {
		t.Errorf("met %v, rest %v", met, rest)
	}
}

// What was written to a record must be named whole, but for what is empty.
func TestUpdatesAreNamedWhole(t *testing.T) {
	h := &happening{kind: "update", title: "update of P/1", facts: map[string]any{"a": "1", "b": "2", "c": ""}}
	e := &expected{kind: "update", title: "update of P/1", whole: true, facts: []wanted{{"a", "1", like}}}
	if got := strings.Join(e.fits(h), "; "); got != "b: 2 was not expected" {
		t.Errorf("differences: %s", got)
	}
	e.facts = append(e.facts, wanted{"b", "2", like})
	if got := e.fits(h); len(got) > 0 {
		t.Errorf("differences: %v", got)
	}
}

// The nearest happening is the one to be told of, and it is told once.
func TestNear(t *testing.T) {
	want := &expected{kind: "message", facts: []wanted{{"to", "ann", like}, {"subject", "one", like}}}
	far := &happening{kind: "message", facts: map[string]any{"to": "bob", "subject": "two"}}
	close := &happening{kind: "message", facts: map[string]any{"to": "ann", "subject": "two"}}
	nearest, rest := near(want, []*happening{far, close, {kind: "call"}})
	if nearest != close || len(rest) != 2 {
		t.Errorf("nearest %v, rest %v", nearest, rest)
	}
	if nearest, _ := near(want, []*happening{{kind: "call"}}); nearest != nil {
		t.Errorf("a call is near a message: %v", nearest)
	}
}
