package forms

import "time"

// written are the ways in which a moment comes without a zone: that of the control, and what people type where a
// browser has none.
var written = []string{inputMoment, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime, time.DateOnly}

// momentOf reads a text without a zone by the clocks of one; false for any other text.
func momentOf(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range written {
		if wall, err := time.Parse(layout, text); err == nil {
			return instantOf(wall, zone), true
		}
	}
	return time.Time{}, false
}

// instantOf is the moment at which the clocks of a zone show what wall shows in UTC. What they show twice, when they
// are put back, is the first of both. What they skip, when they are put forward, has a reading by the old clocks and
// one by the new, and is the later of them: 02:30 becomes 03:30, so that nobody is held to an hour before the one they
// wrote. The functions of expressions read a time of day in the same way.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	before, after := offset(wall.AddDate(0, 0, -1), zone), offset(wall.AddDate(0, 0, 1), zone)
	old, later := wall.Add(-before), wall.Add(-after)
	if offset(old, zone) != before && offset(later, zone) == after {
		return later.In(zone)
	}
	return old.In(zone)
}

// offset is how far the clocks of a zone are ahead of UTC at a moment.
func offset(at time.Time, zone *time.Location) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
