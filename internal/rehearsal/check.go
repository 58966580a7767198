package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
)

// Failure is one way in which a case went otherwise than expected.
type Failure struct {
	Line  int      `json:"line"` // of the test file
	Lines []string `json:"text"` // what was expected and what happened
}

// check holds what happened since the last expectation against what is expected now.
func (s *play) check(ctx context.Context, e *expectations) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	happened, err := s.happened(ctx)
	if err != nil {
		return err
	}
	met, rest := match(e.wants, happened)
	for i, want := range e.wants {
		if met[i] == nil {
			var nearest *happening
			nearest, rest = near(want, rest)
			s.fail(want.line, unmet(want, nearest)...)
		}
	}
	for _, h := range rest {
		if s.unexpected(e, h) {
			s.fail(e.line, append([]string{"not expected  " + h.title}, outline(h)...)...)
		}
	}
	for _, stand := range e.stands {
		if err := s.stands(ctx, stand); err != nil {
			return err
		}
	}
	return nil
}

// unexpected tells whether a happening that nobody named is one too many.
func (s *play) unexpected(e *expectations, h *happening) bool {
	if e.nothing && h.kind == "run" {
		return !slices.Contains([]any{engine.NotMet, engine.NotAgain, engine.Unchanged}, h.facts["reason"])
	}
	return !h.quiet && !e.ignore[h.kind]
}

func (s *play) fail(line int, lines ...string) {
	s.failures = append(s.failures, Failure{Line: line, Lines: lines})
}

// stands holds a record against what it should be by now.
func (s *play) stands(ctx context.Context, want standing) error {
	record, there, err := s.record(ctx, want.ref)
	if err != nil {
		return err
	}
	switch {
	case want.gone && there:
		s.fail(want.line, fmt.Sprintf("expected      %s is gone", want.ref), "found         it is there")
	case want.gone:
	case !there:
		s.fail(want.line, fmt.Sprintf("expected      record %s", want.ref), "found         it is not there")
	default:
		for name, value := range want.fields {
			if !like(value, record.Fields[name]) {
				s.fail(want.line, fmt.Sprintf("expected      record %s", want.ref),
					indent(fmt.Sprintf("%s: expected %s, found %s", name, show(value), show(record.Fields[name])))[0])
			}
		}
	}
	return nil
}

// match finds for each expectation a happening of its own, for as many as can be. rest is what nobody expected.
func match(wants []*expected, happened []*happening) (met []*happening, rest []*happening) {
	takenBy := map[*happening]int{}
	var assign func(i int, tried map[*happening]bool) bool
	assign = func(i int, tried map[*happening]bool) bool {
		for _, h := range happened {
			if tried[h] || len(wants[i].fits(h)) > 0 {
				continue
			}
			tried[h] = true
			if other, taken := takenBy[h]; !taken || assign(other, tried) {
				takenBy[h] = i
				return true
			}
		}
		return false
	}
	for i := range wants {
		assign(i, map[*happening]bool{})
	}
	met = make([]*happening, len(wants))
	for _, h := range happened {
		if i, taken := takenBy[h]; taken {
			met[i] = h
		} else {
			rest = append(rest, h)
		}
	}
	return met, rest
}

// near finds what was probably meant by an expectation that is not met, and takes it out of the rest.
func near(want *expected, rest []*happening) (*happening, []*happening) {
	best, least := -1, 0
	for i, h := range rest {
		differences := len(want.fits(h))
		if h.kind == want.kind && (!want.whole || h.title == want.title) && (best < 0 || differences < least) {
			best, least = i, differences
		}
	}
	if best < 0 {
		return nil, rest
	}
	return rest[best], slices.Delete(slices.Clone(rest), best, best+1)
}

// unmet says what was expected and what happened in its place.
func unmet(want *expected, h *happening) []string {
	lines := []string{"expected      " + want.title}
	if h == nil {
		for _, f := range want.facts {
			if f.name != "to" && f.name != "state" && f.name != "type" {
				lines = append(lines, indent(f.name+": "+show(f.value))...)
			}
		}
		return append(lines, "happened      nothing of the kind")
	}
	lines = append(lines, "happened      "+h.title)
	for _, d := range want.fits(h) {
		lines = append(lines, indent(d)...)
	}
	if reason, _ := engine.PlainText(h.facts["reason"]); reason != "" {
		lines = append(lines, indent("because "+reason)...)
	}
	return lines
}

// outline is what matters of a happening that nobody expected, beside its title.
func outline(h *happening) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(h.facts)) {
		text, single := engine.PlainText(h.facts[name])
		list, _ := h.facts[name].([]any)
		switch {
		case single && text == "", !single && list != nil && len(list) == 0, told[name], h.facts[name] == nil:
		case name == "state" && text == string(engine.DeliveryAccepted):
		case strings.Contains(strings.TrimSpace(text), "\n"):
			lines = append(lines, indent(name+":\n  "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  "))...)
		default:
			lines = append(lines, indent(name+": "+show(h.facts[name]))...)
		}
	}
	return lines
}

// told are the facts that the title of a happening tells, and those that are told otherwise.
var told = map[string]bool{"html": true, "to": true, "by": true, "about": true, "type": true, "workflow": true}

// indent puts a text under the column of what happened.
func indent(text string) []string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.Repeat(" ", 14) + lines[i]
	}
	return lines
}
