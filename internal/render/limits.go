package render

import (
	"fmt"
	"strings"
)

// Limits of a template and of one message. Reaching MaxWork takes a fraction of a second.
const (
	MaxSource     = 256 << 10 // bytes of one file
	MaxRanges     = 4         // how many ranges may lie in one another: html/template walks each twice
	MaxOutput     = 256 << 10 // bytes of each part of a message, and of what print makes
	MaxIterations = 10_000    // how often all ranges of a message together may go round
	MaxText       = 64 << 10  // bytes of a value that a template looks at
	MaxList       = 1000      // items of one
	MaxWork       = 32 << 20  // bytes that all parts of a message look at or make
)

const (
	stepWork   = 256  // of a node that is executed, beside what it looks at
	entryWork  = 256  // of an item of a list or map
	makeWork   = 4    // of a byte that a function makes
	maxWidth   = 1000 // the largest width and precision of printf
	maxStray   = 100  // signs < in a file of HTML that begin no tag; html/template goes through the rest for each
	maxTrouble = 100  // mistakes that are told of one template
)

// budget is what is left of the limits of one message.
type budget struct{ work, rounds int }

func newBudget() *budget { return &budget{work: MaxWork, rounds: MaxIterations} }

// spend counts work.
func (b *budget) spend(n int) error {
	if b.work -= n; b.work < 0 {
		return faultf("the message looks at more than %d MB", MaxWork>>20)
	}
	return nil
}

// start counts the nodes outside of ranges. Like round it gives nothing, since it stands in an assignment.
func (b *budget) start(nodes int) (string, error) { return "", b.spend(nodes * stepWork) }

// round counts one round of a range over so many nodes.
func (b *budget) round(nodes int) (string, error) {
	if b.rounds--; b.rounds < 0 {
		return "", errTooManyRounds
	}
	return "", b.spend((1 + nodes) * stepWork)
}

// look counts the size of a value that is about to be written, compared or walked, and refuses one that is beyond the
// limits.
func (b *budget) look(v any) (any, error) {
	n, err := size(v)
	if err != nil {
		return nil, err
	}
	return v, b.spend(n)
}

// show looks at a value and gives it the form in which it is written.
func (b *budget) show(v any, m manner) (any, error) {
	v, err := b.look(v)
	if err != nil {
		return nil, err
	}
	return m.write(v)
}

// fault is a reason of ours for which a message is not written.
type fault string

// Error is the reason. It never quotes a value.
func (f fault) Error() string { return string(f) }

func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

var errTooManyRounds = faultf("the ranges of a message go round %d times at most", MaxIterations)

// size is the work of looking at a value once.
func size(v any) (int, error) {
	switch v := v.(type) {
	case string:
		return len(v), nil
	case address:
		return len(v), nil
	case refused:
		return 0, fault(v.reason)
	case routed:
		return len(v) * entryWork, nil // written as its id, or walked
	case []any:
		n := 0
		for _, item := range v {
			of, err := size(item)
			if err != nil {
				return 0, err
			}
			n += entryWork + of
		}
		return n, nil
	case map[string]any:
		n := 0
		for key, item := range v {
			of, err := size(item)
			if err != nil {
				return 0, err
			}
			n += entryWork + len(key) + of
		}
		return n, nil
	}
	return 0, nil
}

// limited refuses more than MaxOutput bytes.
type limited struct{ strings.Builder }

// Write fails once the output is too long.
func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxOutput {
		return 0, faultf("the message is longer than %d bytes", MaxOutput)
	}
	return l.Builder.Write(p)
}
