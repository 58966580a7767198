package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

// timeline is what happened, in the order of time.
type timeline struct {
	began   time.Time
	moments []moment
}

// moment is one line of a timeline.
type moment struct {
	At    time.Time `json:"at"`
	After float64   `json:"after_seconds"` // since the beginning
	Who   string    `json:"who,omitempty"`
	Text  string    `json:"text"`
}

func (t *timeline) add(at time.Time, who, format string, args ...any) {
	at = at.Truncate(time.Millisecond) // which is what the store keeps
	after := at.Sub(t.began).Round(time.Millisecond).Seconds()
	t.moments = append(t.moments, moment{At: at, After: after, Who: who, Text: fmt.Sprintf(format, args...)})
}

// addAll adds decisions; those of a step are under its name.
func (t *timeline) addAll(who string, history []engine.Decision) {
	for _, d := range history {
		name := who
		if name == "" {
			name = "run"
			if d.Step != "" {
				name = "step " + d.Step
			}
		}
		t.add(d.At, name, "%s", d.Text)
	}
}

// sort puts the moments in order; those of one millisecond stay as they were added.
func (t *timeline) sort() {
	slices.SortStableFunc(t.moments, func(a, b moment) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
}

func (t *timeline) write(out *strings.Builder) {
	t.sort()
	var rows table
	last := ""
	for _, m := range t.moments {
		day := clockText(m.At)
		if day == last {
			day = ""
		} else {
			last = day
		}
		rows.row(day, offsetText(m.At.Sub(t.began)), m.Who, oneLine(m.Text, 1000))
	}
	rows.write(out)
}

// offsetText is a time since the beginning in as much detail as tells something: +0.2 s, +3m20s, +2d4h.
func offsetText(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%s%.1f s", sign, d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%s%dm%02ds", sign, int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%s%dh%02dm", sign, int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%s%dd%dh", sign, int(d.Hours())/24, int(d.Hours())%24)
}

// linkView is a link as operators see it.
type linkView struct {
	ID      engine.ID  `json:"id"`
	Landing string     `json:"landing"`
	Uses    int        `json:"uses"`
	MaxUses int        `json:"max_uses"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

func viewOfLink(l engine.Link) linkView {
	view := linkView{ID: l.ID, Landing: l.Landing, Uses: l.Uses, MaxUses: l.MaxUses, Expires: l.Expires}
	if !l.Revoked.IsZero() {
		view.Revoked = &l.Revoked
	}
	return view
}

func (l linkView) text() string {
	if l.Landing == "" {
		return shortID(l.ID) + " is gone"
	}
	text := fmt.Sprintf("%s to %s, used %d of %d times, until %s",
		shortID(l.ID), l.Landing, l.Uses, l.MaxUses, clockText(l.Expires))
	if l.Revoked != nil {
		text += ", revoked " + clockText(*l.Revoked)
	}
	return text
}
