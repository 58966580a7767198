package labels

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Texts are the texts of one language.
type Texts struct {
	Language  string // BCP 47 tag, as the lang attribute wants it
	Direction string // "ltr" or "rtl", as the dir attribute wants it
	localizer *i18n.Localizer
	tag       language.Tag
}

func newTexts(tag language.Tag, localizer *i18n.Localizer) Texts {
	return Texts{Language: tag.String(), Direction: direction(tag), localizer: localizer, tag: tag}
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

// Say is the text of a code, its placeholders filled from pairs of name and value. A code that the
// language lacks is said in English; one that nobody has is returned as it is, so that a gap is seen.
func (t Texts) Say(code string, pairs ...any) string {
	values := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	text, err := t.localizer.Localize(&i18n.LocalizeConfig{MessageID: code, TemplateData: values})
	if text == "" && err != nil {
		return code
	}
	return text
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

// Amount writes a decimal number as the language does, with as many decimals as it came with. What is no
// number, or too long to be written exactly, stays as it is.
func (t Texts) Amount(decimal string) string {
	value, err := strconv.ParseFloat(decimal, 64)
	if err != nil || len(decimal) > 15 || strings.ContainsAny(decimal, "eE") {
		return decimal
	}
	_, decimals, _ := strings.Cut(decimal, ".")
	return message.NewPrinter(t.tag).Sprint(number.Decimal(value, number.Scale(len(decimals))))
}
