package labels

import (
	"fmt"
	"strings"
	"time"
)

// calendar is how a language names months and weekdays, and writes dates.
type calendar struct {
	months, short string // January … and Jan …
	days, letters string // Monday … and Mon …
	long, digits  string // patterns
}

// calendars holds the languages whose dates can be written in words. The short names are those of CLDR
// without their points.
var calendars = map[string]calendar{
	"en": {
		"January February March April May June July August September October November December",
		"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
		"Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "Mon Tue Wed Thu Fri Sat Sun",
		"d MMMM yyyy", "d MMM yyyy", // in numbers nobody could tell the day from the month
	},
	"es": {
		"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"ene feb mar abr may jun jul ago sept oct nov dic",
		"lunes martes miércoles jueves viernes sábado domingo", "lun mar mié jue vie sáb dom",
		"d 'de' MMMM 'de' yyyy", "dd/MM/yyyy",
	},
	"nl": {
		"januari februari maart april mei juni juli augustus september oktober november december",
		"jan feb mrt apr mei jun jul aug sep okt nov dec",
		"maandag dinsdag woensdag donderdag vrijdag zaterdag zondag", "ma di wo do vr za zo",
		"d MMMM yyyy", "dd-MM-yyyy",
	},
	"de": {
		"Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
		"Jan Feb März Apr Mai Juni Juli Aug Sept Okt Nov Dez",
		"Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag", "Mo Di Mi Do Fr Sa So",
		"d. MMMM yyyy", "dd.MM.yyyy",
	},
	"fr": {
		"janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
		"janv févr mars avr mai juin juil août sept oct nov déc",
		"lundi mardi mercredi jeudi vendredi samedi dimanche", "lun mar mer jeu ven sam dim",
		"d MMMM yyyy", "dd/MM/yyyy",
	},
	"it": {
		"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
		"gen feb mar apr mag giu lug ago set ott nov dic",
		"lunedì martedì mercoledì giovedì venerdì sabato domenica", "lun mar mer gio ven sab dom",
		"d MMMM yyyy", "dd/MM/yyyy",
	},
	"pt": {
		"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
		"jan fev mar abr mai jun jul ago set out nov dez",
		"segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
		"seg ter qua qui sex sáb dom", "d 'de' MMMM 'de' yyyy", "dd/MM/yyyy",
	},
	"ca": {
		"gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
		"gen febr març abr maig juny jul ag set oct nov des",
		"dilluns dimarts dimecres dijous divendres dissabte diumenge", "dl dt dc dj dv ds dg",
		"d MMMM 'del' yyyy", "dd/MM/yyyy",
	},
}

// calendar of a language that is not listed is numbers only, in the order that ISO 8601 gives them.
func (f Format) calendar() calendar {
	c, ok := calendars[f.base]
	switch tag := f.tag.String(); {
	case !ok:
		return calendar{long: "yyyy-MM-dd", digits: "yyyy-MM-dd"}
	case tag == "en-US":
		c.long, c.digits = "MMMM d, yyyy", "MM/dd/yyyy"
	case tag == "en-GB":
		c.digits = "dd/MM/yyyy"
	}
	return c
}

// Date writes a time as its own zone shows it. The pattern is long or short for the language's own way,
// or is made of yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm ss a, where letters that stand for
// themselves are put in 'quotes'.
func (f Format) Date(t time.Time, pattern string) (string, error) {
	c := f.calendar()
	switch pattern {
	case "long":
		pattern = c.long
	case "short":
		pattern = c.digits
	}
	var out strings.Builder
	for rest := pattern; rest != ""; {
		sign := rest[0]
		length := 1
		switch {
		case sign == '\'':
			text, n, ok := quoted(rest)
			if !ok {
				return "", fmt.Errorf("a quote in the pattern is not closed")
			}
			out.WriteString(text)
			length = n
		case isLetter(sign):
			length = len(rest) - len(strings.TrimLeft(rest, string(sign)))
			text, ok := c.part(t, rest[:length])
			if !ok {
				return "", fmt.Errorf("unknown letters %q in the pattern", rest[:length])
			}
			out.WriteString(text)
		default:
			out.WriteByte(sign)
		}
		rest = rest[length:]
	}
	return out.String(), nil
}

// quoted is the text that begins with a quote, and its length with both quotes. Two quotes in a row are
// one, within it and alone.
func quoted(rest string) (text string, length int, ok bool) {
	if strings.HasPrefix(rest, "''") {
		return "'", 2, true
	}
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] != '\'':
			text += rest[i : i+1]
		case strings.HasPrefix(rest[i:], "''"):
			text += "'"
			i++
		default:
			return text, i + 1, true
		}
	}
	return "", 0, false
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// layouts are the letters that Go writes too.
var layouts = map[string]string{
	"yyyy": "2006", "yy": "06", "MM": "01", "M": "1", "dd": "02", "d": "2", "HH": "15", "hh": "03", "h": "3",
	"mm": "04", "ss": "05", "a": "PM",
}

// part writes one run of letters.
func (c calendar) part(t time.Time, letters string) (string, bool) {
	weekday := (int(t.Weekday()) + 6) % 7
	switch letters {
	case "MMMM":
		return word(c.months, int(t.Month())-1, t.Format("01")), true
	case "MMM":
		return word(c.short, int(t.Month())-1, t.Format("01")), true
	case "EEEE":
		return word(c.days, weekday, t.Weekday().String()), true
	case "EEE":
		return word(c.letters, weekday, t.Weekday().String()[:3]), true
	case "H":
		return fmt.Sprint(t.Hour()), true
	}
	layout, ok := layouts[letters]
	return t.Format(layout), ok
}

// word is the n-th of several, or something else where there are none.
func word(words string, n int, otherwise string) string {
	if list := strings.Fields(words); n < len(list) {
		return list[n]
	}
	return otherwise
}
