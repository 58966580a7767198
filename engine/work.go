package engine

import (
	"errors"
	"math"
)

// Work is what evaluations that share an Env may cost together, beside the limit that each has of its
// own: many costly ones in a row would keep a lane or the intake busy as one without limits would. A
// unit is about a byte looked at, and takes up to some 6 ns. A nil Work has no end.
type Work struct{ left int }

// How much work there is in one place.
const (
	QuickWork   = 1 << 20  // where others wait: the conditions of all workflows on one event, a page
	StretchWork = 64 << 20 // the steps of a run up to its next commit
	leastWork   = 4 << 10  // what each evaluation gets when all is spent: an ordinary condition takes less
)

// ErrWork is the verdict on an evaluation that was stopped because its Work had come to an end. With
// more it may succeed.
var ErrWork = errors.New("too much work")

// NewWork is so many units.
func NewWork(units int) *Work { return &Work{left: units} }

// Left is what the next evaluation may cost.
func (w *Work) Left() int {
	if w == nil {
		return math.MaxInt
	}
	return max(w.left, leastWork)
}

// Spend takes off what an evaluation did cost.
func (w *Work) Spend(units int) {
	if w != nil {
		w.left -= min(units, w.left)
	}
}
