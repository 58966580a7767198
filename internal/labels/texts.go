package labels

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Texts are the texts of one language.
type Texts struct {
	Language  string         // BCP 47 tag, as the lang attribute wants it
	Direction string         // "ltr" or "rtl", as the dir attribute wants it
	zone      *time.Location // whose clocks tell the time; nil for UTC
	tag       language.Tag
	tags      []language.Tag // the language, what it falls back to, and English
	layers    []Layer        // the topmost first
}

func newTexts(tag language.Tag, layers []Layer) Texts {
	t := Texts{Language: tag.String(), Direction: direction(tag), tag: tag, layers: layers}
	for ; tag != language.Und; tag = tag.Parent() {
		t.tags = append(t.tags, tag)
	}
	t.tags = append(t.tags, language.English)
	return t
}

// direction tells how the language's usual script runs.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	switch script.String() {
	case "Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa":
		return "rtl"
	}
	return "ltr"
}

// Over are the same texts with a layer of others over them. The language stays.
func (t Texts) Over(layer Layer) Texts {
	if len(layer) > 0 {
		t.layers = append([]Layer{layer}, t.layers...)
	}
	return t
}

// In are the same texts with times told by the clocks of a zone; nil for UTC.
func (t Texts) In(zone *time.Location) Texts {
	t.zone = zone
	return t
}

// Clocks is the zone whose clocks tell the time.
func (t Texts) Clocks() *time.Location {
	if t.zone == nil {
		return time.UTC
	}
	return t.zone
}

// find looks through the layers for the language, then for what it falls back to.
func (t Texts) find(code string) (phrase, bool) {
	for _, tag := range t.tags {
		for _, layer := range t.layers {
			if p, ok := layer[tag][code]; ok {
				return p, true
			}
		}
	}
	return nil, false
}

// Has tells whether there is a text for a code, be it in English.
func (t Texts) Has(code string) bool {
	_, ok := t.find(code)
	return ok
}

// Say is the text of a code, its placeholders filled from pairs of name and value. A code that the
// language lacks is said in English; one that nobody has is returned as it is, so that a gap is seen.
func (t Texts) Say(code string, pairs ...any) string {
	p, ok := t.find(code)
	if !ok {
		return code
	}
	return p.fill(pairs, t.Direction == "rtl")
}

// Day writes a date the long way, so that no reader takes the month for the day. It is that which the time's own zone
// shows: a date of no zone is one in UTC.
func (t Texts) Day(at time.Time) string {
	months := strings.Fields(t.Say("date.months"))
	month := at.Month().String()
	if len(months) == 12 {
		month = months[at.Month()-1]
	}
	return t.Say("date.day", "Day", at.Day(), "Month", month, "Year", at.Year())
}

// Moment writes an instant to the minute, with the zone's short name at that instant: CET, CEST, or +03 where it has
// only a number.
func (t Texts) Moment(at time.Time) string {
	at = at.In(t.Clocks())
	return t.Say("date.moment", "Day", t.Day(at), "Time", at.Format("15:04"), "Zone", shortName(at))
}

// Clock writes the time of an instant of today to the minute, with the zone's short name as Moment does.
func (t Texts) Clock(at time.Time) string {
	at = at.In(t.Clocks())
	return t.Say("date.clock", "Time", at.Format("15:04"), "Zone", shortName(at))
}

// ZoneNames are the short names that the zone goes by in the seasons around an instant, that of standard time first:
// CET/CEST. Who writes a time may mean another season than that of today.
func (t Texts) ZoneNames(at time.Time) string {
	at = at.In(t.Clocks())
	name := shortName(at)
	_, end := at.ZoneBounds()
	if end.IsZero() || shortName(end) == name {
		return name
	}
	if at.IsDST() {
		return shortName(end) + "/" + name
	}
	return name + "/" + shortName(end)
}

// shortName is what the zone of a time is called at that time.
func shortName(at time.Time) string {
	name, _ := at.Zone()
	return name
}

// Amount writes a decimal number as the language does, with as many decimals as it came with, in the digits 0 to 9 as
// all of the door's numbers. What is no number, or too long to be written exactly, stays as it is.
func (t Texts) Amount(decimal string) string {
	value, err := strconv.ParseFloat(decimal, 64)
	if err != nil || len(decimal) > 15 || strings.ContainsAny(decimal, "eE") {
		return decimal
	}
	_, decimals, _ := strings.Cut(decimal, ".")
	tag, err := t.tag.SetTypeForKey("nu", "latn")
	if err != nil {
		tag = t.tag
	}
	return message.NewPrinter(tag).Sprint(number.Decimal(value, number.Scale(len(decimals))))
}
