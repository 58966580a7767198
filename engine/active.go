package engine

import "time"

// Active is when a workflow starts runs. The zero value is always.
type Active struct {
	From  time.Time // the first instant; zero for no beginning
	Until time.Time // the first instant after the end; zero for no end
}

// At tells whether a moment is within.
func (a Active) At(now time.Time) bool {
	return !now.Before(a.From) && (a.Until.IsZero() || now.Before(a.Until))
}
