package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// scheduled makes a schedule: a cron, every 15m, or at 2026-12-24T09:00.
func scheduled(t testing.TB, said, zone string) *engine.Schedule {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s := &engine.Schedule{Zone: location, Source: said}
	if every, ok := strings.CutPrefix(said, "every "); ok {
		s.Every, err = time.ParseDuration(every)
	} else if at, ok := strings.CutPrefix(said, "at "); ok {
		s.At, err = time.Parse("2006-01-02T15:04", at)
	} else {
		s.Cron, err = engine.ParseCron(said)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ticks are the next n as clocks of the zone show them.
func ticks(s *engine.Schedule, after time.Time, n int) []string {
	var shown []string
	for at := s.Next(after); !at.IsZero() && len(shown) < n; at = s.Next(at) {
		shown = append(shown, at.Format("2006-01-02 15:04 -07"))
	}
	return shown
}

// The rules, each with what the clocks of a zone show. The first five are dates that the original gets wrong.
func TestScheduleDates(t *testing.T) {
	for _, c := range []struct {
		name, said, zone, after string
		want                    []string
	}{
		{
			"several times a day go on the next day", "0 9,13,18 * * *", "UTC", "2026-03-01T10:00:00Z",
			[]string{"2026-03-01 13:00 +00", "2026-03-01 18:00 +00", "2026-03-02 09:00 +00", "2026-03-02 13:00 +00"},
		},
		{
			"without a time of day it is midnight because it says so", "0 0 * * *", "UTC", "2026-03-01T10:00:00Z",
			[]string{"2026-03-02 00:00 +00", "2026-03-03 00:00 +00"},
		},
		{
			"day 31 only where there is one", "0 8 31 * *", "Europe/Madrid", "2026-01-31T08:00:00Z",
			[]string{"2026-03-31 08:00 +02", "2026-05-31 08:00 +02", "2026-07-31 08:00 +02", "2026-08-31 08:00 +02"},
		},
		{
			"yearly, on its third anniversary and after it", "0 9 24 12 *", "UTC", "2026-12-24T08:59:00Z",
			[]string{
				"2026-12-24 09:00 +00", "2027-12-24 09:00 +00", "2028-12-24 09:00 +00", "2029-12-24 09:00 +00",
				"2030-12-24 09:00 +00",
			},
		},
		{
			"every 20 minutes does not drift with how late it was found", "every 20m", "UTC", "2026-03-01T10:07:13Z",
			[]string{"2026-03-01 10:20 +00", "2026-03-01 10:40 +00", "2026-03-01 11:00 +00"},
		},
		{
			"29 February in leap years", "0 9 29 2 *", "UTC", "2026-03-01T00:00:00Z",
			[]string{"2028-02-29 09:00 +00", "2032-02-29 09:00 +00"},
		},
		{
			"29 February, over the year 2100", "0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z",
			[]string{"2104-02-29 09:00 +00"},
		},
		{
			"the last day of each month", "0 8 L * *", "UTC", "2028-01-31T09:00:00Z",
			[]string{"2028-02-29 08:00 +00", "2028-03-31 08:00 +00", "2028-04-30 08:00 +00"},
		},
		{
			"the second Tuesday and the last Friday", "0 8 * * 2#2,5L", "UTC", "2026-03-01T00:00:00Z",
			[]string{"2026-03-10 08:00 +00", "2026-03-27 08:00 +00", "2026-04-14 08:00 +00", "2026-04-24 08:00 +00"},
		},
		{
			"either the day of the month or of the week", "0 8 13 * fri", "UTC", "2026-03-01T00:00:00Z",
			[]string{"2026-03-06 08:00 +00", "2026-03-13 08:00 +00", "2026-03-20 08:00 +00"},
		},
		{
			"a time in the gap is due right after it", "30 2 * * *", "Europe/Madrid", "2026-03-27T12:00:00Z",
			[]string{"2026-03-28 02:30 +01", "2026-03-29 03:00 +02", "2026-03-30 02:30 +02"},
		},
		{
			"several times in the gap are one", "*/15 2 * * *", "Europe/Madrid", "2026-03-28T20:00:00Z",
			[]string{"2026-03-29 03:00 +02", "2026-03-30 02:00 +02"},
		},
		{
			"a time in the fold is due once, at the first", "30 2 * * *", "Europe/Madrid", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25 02:30 +02", "2026-10-26 02:30 +01"},
		},
		{
			"asked within the second pass of the fold", "30 2 * * *", "Europe/Madrid", "2026-10-25T01:10:00Z",
			[]string{"2026-10-26 02:30 +01"},
		},
		{
			"a midnight that does not exist", "0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z",
			[]string{"2026-04-24 01:00 +03", "2026-04-25 00:00 +03"},
		},
		{
			"half an hour of daylight saving", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
			[]string{"2026-10-04 02:30 +11", "2026-10-05 02:15 +11"},
		},
		{
			"a day that a zone leaves out", "0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z",
			[]string{"2011-12-31 00:00 +14", "2012-12-30 12:00 +14"},
		},
		{
			"every 15 minutes goes on through the gap", "every 15m", "Europe/Madrid", "2026-03-29T00:40:00Z",
			[]string{"2026-03-29 01:45 +01", "2026-03-29 03:00 +02", "2026-03-29 03:15 +02"},
		},
		{
			"every 30 minutes goes on through the fold", "every 30m", "Europe/Madrid", "2026-10-25T00:10:00Z",
			[]string{"2026-10-25 02:30 +02", "2026-10-25 02:00 +01", "2026-10-25 02:30 +01", "2026-10-25 03:00 +01"},
		},
		{
			"every 6 hours begins anew at midnight", "every 6h", "Europe/Madrid", "2026-03-28T20:00:00Z",
			[]string{
				"2026-03-29 00:00 +01", "2026-03-29 07:00 +02", "2026-03-29 13:00 +02", "2026-03-29 19:00 +02",
				"2026-03-30 00:00 +02", "2026-03-30 06:00 +02",
			},
		},
		{
			"every 2 days at midnight", "every 48h", "Europe/Madrid", "2026-03-28T12:00:00Z",
			[]string{"2026-03-30 00:00 +02", "2026-04-01 00:00 +02"},
		},
		{
			"every 7 hours, which fits no day", "every 7h", "UTC", "1970-01-01T20:00:00Z",
			[]string{"1970-01-01 21:00 +00", "1970-01-02 04:00 +00"},
		},
		{"once", "at 2026-12-24T09:00", "Europe/Madrid", "2026-03-01T00:00:00Z", []string{"2026-12-24 09:00 +01"}},
		{"once, in the gap", "at 2026-03-29T02:10", "Europe/Madrid", "2026-03-01T00:00:00Z", []string{"2026-03-29 03:00 +02"}},
		{"once, over", "at 2026-12-24T09:00", "Europe/Madrid", "2026-12-24T08:00:00Z", nil},
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := ticks(scheduled(t, c.said, c.zone), after, max(len(c.want), 1)); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %s in %s after %s\n got %v\nwant %v", c.name, c.said, c.zone, c.after, got, c.want)
		}
	}
}

// wall is what clocks of a zone show, minute by minute in a stretch of time.
type wall struct {
	first, last int64               // as Unix times, as if it were UTC
	shown       map[int64]time.Time // when clocks showed a minute first; some they never do
}

func wallOf(zone *time.Location, from, to time.Time) wall {
	w := wall{shown: map[int64]time.Time{}}
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		_, offset := at.In(zone).Zone()
		minute := at.Unix() + int64(offset)
		if _, twice := w.shown[minute]; !twice {
			w.shown[minute] = at
		}
		if w.first == 0 {
			w.first = minute
		}
		w.last = max(w.last, minute)
	}
	return w
}

// due are the minutes that fit. It is naive on purpose: it goes through all of them and asks of each whether a clock
// ever showed it.
func (w wall) due(fits func(time.Time) bool) (due []time.Time) {
	skipped := false
	for minute := w.first; minute <= w.last; minute += 60 {
		at, exists := w.shown[minute]
		switch does := fits(time.Unix(minute, 0).UTC()); {
		case !exists:
			skipped = skipped || does
		case skipped || does:
			due, skipped = append(due, at), false
		}
	}
	return due
}

func TestCronAgainstEachMinute(t *testing.T) {
	crons := map[string]func(w time.Time) bool{
		"*/27 * * * *": func(w time.Time) bool { return w.Minute()%27 == 0 },
		"15 0,2,23 * * *": func(w time.Time) bool {
			return w.Minute() == 15 && (w.Hour() == 0 || w.Hour() == 2 || w.Hour() == 23)
		},
		"0 2 * * sun":  func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 0 && w.Weekday() == time.Sunday },
		"59 23 31 * *": func(w time.Time) bool { return w.Hour() == 23 && w.Minute() == 59 && w.Day() == 31 },
		"45 2 L * 1-5": func(w time.Time) bool {
			lastDay := w.AddDate(0, 0, 1).Day() == 1
			weekday := w.Weekday() != time.Sunday && w.Weekday() != time.Saturday
			return w.Hour() == 2 && w.Minute() == 45 && (lastDay || weekday)
		},
		"10 4 29 2 *": func(w time.Time) bool {
			return w.Month() == time.February && w.Day() == 29 && w.Hour() == 4 && w.Minute() == 10
		},
	}
	for name, months := range map[string][]time.Month{ // about when clocks are moved, and the end of February
		"UTC": {2}, "Europe/Madrid": {3, 10}, "America/New_York": {3, 11}, "Australia/Lord_Howe": {4, 10},
		"Asia/Kathmandu": {2}, "Africa/Casablanca": {3, 4}, "America/St_Johns": {3, 11}, "Africa/Cairo": {4, 10},
		"America/Asuncion": {3, 10},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, month := range months {
			from := time.Date(2024, month, 1, 0, 0, 0, 0, zone)
			to := from.AddDate(0, 1, 2)
			shown := wallOf(zone, from, to)
			for said, fits := range crons {
				s := scheduled(t, said, name)
				at := from.Add(-time.Second)
				for i, want := range shown.due(fits) {
					if at = s.Next(at); !at.Equal(want) {
						t.Fatalf("%s in %s: tick %d is %v, want %v", said, name, i, at, want.In(zone))
					}
				}
				if at = s.Next(at); at.Before(to) {
					t.Errorf("%s in %s: %v is one too many", said, name, at)
				}
			}
		}
	}
}

func TestCronMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"0 8 * *":       "a cron schedule has five fields: minute, hour, day of the month, month, day of the week; this one has 4 (0 8 * * *)",
		"0 0 8 * * 1-5": "a cron schedule has five fields: minute, hour, day of the month, month, day of the week; this one has 6 (0 8 * * 1-5)",
		"@daily":        "a cron schedule is written in five fields (0 0 * * *)",
		"0 24 * * *":    "24 is no hour: they go from 0 to 23 (0 0 * * *)",
		"60 8 * * *":    "60 is no minute: they go from 0 to 59 (0 8 * * *)",
		"0 8 32 * *":    "32 is no day of the month: they go from 1 to 31 ()",
		"0 8 * * mo":    `"mo" is no day of the week: it is a number from 0 to 7 or a name such as mon ()`,
		"0 8 * * 5-1":   "the range 5-1 of the day of the week runs backwards (0 8 * * 5-7,0-1)",
		"0 8 30 2 *":    "no month that is meant has such a day: it would never be due ()",
		"*/0 * * * *":   `"*/0": after / stands how many to go on by, from 1 to 59 ()`,
		"0 8 * * 5#6":   `"5#6": after # stands which such day of the month is meant, from 1 to 5 ()`,
		"eight 8 * * *": `"eight" is no minute: it is a number from 0 to 59 ()`,
	} {
		_, err := engine.ParseCron(text)
		told, ok := errors.AsType[*engine.CronError](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
		} else if got := fmt.Sprintf("%s (%s)", told.Message, told.Hint); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, said := range []string{"*/5 * * * *", "0 8 * * 1-5", "0 9 29 2 *", "every 15m"} {
		b.Run(said, func(b *testing.B) {
			s := scheduled(b, said, "Europe/Madrid")
			after := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				s.Next(after)
			}
		})
	}
}
