package portal

import "time"

// Limits of lanes (NIST SP 800-63B, 3.2.2): free tries, then a wait that doubles, then no more tries at all until the
// subject proves themselves in another way or an operator opens the lane.
const (
	LaneFree  = 5
	LaneFirst = 30 * time.Second
	LaneMost  = time.Hour
	LaneLast  = 100
	LaneTold  = 24 * time.Hour // the subject hears of a shut lane once in so long
)

// never is after every wait.
var never = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// Lane is how often a password was tried in vain since somebody last got in.
type Lane struct {
	Wrong int
	Until time.Time // when it is open again
	Last  time.Time // of the last try
	Told  time.Time // when the subject last heard that it is shut
}

// Open tells whether a try is judged at a time.
func (l Lane) Open(now time.Time) bool { return !now.Before(l.Until) }

// Tried is the lane after one more try.
func (l Lane) Tried(now time.Time) Lane {
	l.Wrong++
	l.Last = now
	switch over := l.Wrong - LaneFree; {
	case l.Wrong >= LaneLast:
		l.Until = never
	case over >= 0:
		l.Until = now.Add(min(LaneFirst<<min(over, 10), LaneMost))
	}
	return l
}

// Tell tells whether the subject is to hear now that the lane is shut.
func (l Lane) Tell(now time.Time) bool { return now.Sub(l.Told) >= LaneTold }
