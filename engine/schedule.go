package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs
)

// Schedule says when a workflow is due, in the time of a zone. Exactly one of Cron, Every and At is set.
type Schedule struct {
	Cron   *Cron
	Every  time.Duration // from a minute to a year, on a grid that never drifts: see Next
	At     time.Time     // once, as a wall time
	Zone   *time.Location
	Missed Missed
	Each   *Each  // one run for each record; nil for one run about no record
	Source string // what says when, as the admin wrote it: "0 8 * * 1-5"
}

// Missed is what becomes of ticks that came while nobody was there.
type Missed string

// The choices of missed.
const (
	MissedOnce Missed = "once" // one run for all of them
	MissedSkip Missed = "skip" // none
	MissedAll  Missed = "all"  // one run for each, for the last MaxMissed of them
)

// MaxMissed is how many missed ticks are made up for at most.
const MaxMissed = 100

// tickLate is how late a tick may be found and still not be missed.
const tickLate = time.Minute

// Each is a walk over the records of a module.
type Each struct {
	Module string
	Where  Program // which records; nil for all
}

// The bounds of Schedule.Every.
const (
	MinEvery = time.Minute
	MaxEvery = 366 * day
)

const day = 24 * time.Hour

// Next is the first tick after a moment; zero if there is none. What a cron or at says are wall times: one that
// clocks skip is due at the first moment after the gap, one that they show twice at the first of both.
//
// Every that divides a day is counted from each midnight of the zone; a number of whole days from 1 January 1970
// there, due at midnight; any other from the beginning of that year in UTC.
func (s *Schedule) Next(after time.Time) time.Time {
	switch {
	case s.Cron != nil:
		return s.nextCron(after)
	case s.Every > 0:
		return s.nextEvery(after)
	}
	if at := instantOf(s.At, s.Zone); at.After(after) {
		return at
	}
	return time.Time{}
}

func (s *Schedule) nextCron(after time.Time) time.Time {
	for wall := wallOf(after, s.Zone); ; {
		if wall = s.Cron.next(wall); wall.IsZero() {
			return wall
		}
		if at := instantOf(wall, s.Zone); at.After(after) {
			return at
		}
	}
}

func (s *Schedule) nextEvery(after time.Time) time.Time {
	midnight := wallOf(after, s.Zone).Truncate(day)
	switch {
	case day%s.Every == 0:
		// A midnight that is skipped or shown twice leaves the moment on either side of the one found here.
		for at := midnight.Add(-day); ; at = at.Add(day) {
			begin, end := instantOf(at, s.Zone), instantOf(at.Add(day), s.Zone)
			if !after.Before(end) {
				continue
			}
			if after.Before(begin) {
				return begin
			}
			next := begin.Add(after.Sub(begin).Truncate(s.Every) + s.Every)
			if next.After(end) {
				return end
			}
			return next
		}
	case s.Every%day == 0:
		every := int64(s.Every / day)
		for number := midnight.Unix() / int64(day/time.Second) / every * every; ; number += every {
			at := instantOf(time.Unix(number*int64(day/time.Second), 0).UTC(), s.Zone)
			if at.After(after) {
				return at
			}
		}
	}
	every := int64(s.Every / time.Second)
	return time.Unix((after.Unix()/every+1)*every, 0).In(s.Zone)
}

// Key names the schedule by what it says: one that says something else begins anew.
func (s *Schedule) Key() string {
	said := fmt.Sprintf("schedule %s zone %s", s.Source, s.Zone)
	if s.Each != nil {
		said += " each " + s.Each.Module
		if s.Each.Where != nil {
			said += " where " + s.Each.Where.Source()
		}
	}
	return contentKey(said)
}

// contentKey is a short hash of what a trigger says.
func contentKey(said string) string {
	sum := sha256.Sum256([]byte(said))
	return hex.EncodeToString(sum[:8])
}

// dueTick is what is to be done about a schedule whose next tick has come.
type dueTick struct {
	at        time.Time // the tick that is run now; zero for none
	missed    int       // ticks before it that are not made up for
	following time.Time // the tick after; zero for none
}

// due decides, at a moment, about the ticks from next on. Of several that are missed it takes the first that is to
// be made up for; the others follow when this one is done.
func (s *Schedule) due(next, now time.Time) dueTick {
	var ticks []time.Time // the last of those that have come
	passed := 0
	for at := next; !at.IsZero() && !at.After(now); at = s.Next(at) {
		if len(ticks) == MaxMissed {
			ticks = ticks[1:]
		}
		ticks = append(ticks, at)
		passed++
	}
	last := ticks[len(ticks)-1]
	switch {
	case s.Missed == MissedAll:
		return dueTick{at: ticks[0], missed: passed - len(ticks), following: s.Next(ticks[0])}
	case s.Missed == MissedSkip && now.Sub(last) > tickLate:
		return dueTick{missed: passed, following: s.Next(last)}
	}
	return dueTick{at: last, missed: passed - 1, following: s.Next(last)}
}
