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
	Language  string // BCP 47 tag, as the lang attribute wants it
	Direction string // "ltr" or "rtl", as the dir attribute wants it
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

// Day writes a date the long way, so that no reader takes the month for the day.
func (t Texts) Day(at time.Time) string {
	months := strings.Fields(t.Say("date.months"))
	month := at.Month().String()
	if len(months) == 12 {
		month = months[at.Month()-1]
	}
	return t.Say("date.day", "Day", at.Day(), "Month", month, "Year", at.Year())
}

// Moment writes an instant to the minute, in UTC.
func (t Texts) Moment(at time.Time) string {
	at = at.UTC()
	return t.Say("date.moment", "Day", t.Day(at), "Time", at.Format("15:04"))
}

// Clock writes the time of an instant of today to the minute, in UTC.
func (t Texts) Clock(at time.Time) string {
	return t.Say("date.clock", "Time", at.UTC().Format("15:04"))
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
