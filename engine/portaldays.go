package engine

import "time"

// Within tells whether a subject with these fields may sign in at a time, as far as its days say: from the first moment
// of Subject.From to the last of Subject.Until. A day is a whole one in the portal's zone; what is no day lets nobody
// in.
func (s Subject) Within(fields Fields, now time.Time) bool {
	from, ok := s.moment(s.From, fields, 0)
	if !ok || now.Before(from) {
		return false
	}
	until, ok := s.moment(s.Until, fields, day)
	return ok && (until.IsZero() || now.Before(until))
}

// moment is when the day in a field begins, or ends; a moment stays what it is. It is zero for no bound, and false for
// what should be one and is not.
func (s Subject) moment(name string, fields Fields, more time.Duration) (time.Time, bool) {
	if name == "" || fields.Text(name) == "" {
		return time.Time{}, true
	}
	around := Around{Field: s.Module.Fields[name], Zone: s.Zone}
	if around.Field == nil {
		return time.Time{}, false
	}
	if around.Zone == nil {
		around.Zone = time.UTC
	}
	if around.Field.Type == TypeDate {
		around.Shift = more
	}
	at := around.Moment(fields[name])
	return at, !at.IsZero()
}
