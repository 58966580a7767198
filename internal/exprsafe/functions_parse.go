package exprsafe

import (
	"strconv"
	"strings"
	"time"
)

// parseFunctions read dates that are not written as date() takes them.
func parseFunctions() []function {
	return []function{
		{
			name: "parseDate", args: "text, pattern, zone?", params: []Kind{Text, Text, Text}, optional: 1,
			result:  Time,
			summary: "reads a date by a pattern of yyyy yy MM dd HH mm ss, in UTC if no zone is named",
			example: `parseDate("31/12/2026", "dd/MM/yyyy") == date("2026-12-31")`,
			check:   parseCheck, call: parseDate,
		},
	}
}

// written are the numbers that a pattern may ask for, by their letters.
func written() map[string]int {
	return map[string]int{
		"yyyy": year4, "yy": year2, "MM": monthPart, "M": monthPart, "dd": dayPart, "d": dayPart,
		"HH": hourPart, "H": hourPart, "mm": minutePart, "ss": secondPart,
	}
}

// The parts of a date, as they lie in what a pattern has read.
const (
	year4 = iota
	year2
	monthPart
	dayPart
	hourPart
	minutePart
	secondPart
	parts
)

// piece is a run of letters of a pattern, or a text that has to stand there as it is.
type piece struct {
	part, digits int
	exact        bool // exactly so many digits, not fewer
	text         string
}

// pieces takes a pattern apart.
func pieces(pattern string) ([]piece, *Error) {
	var list []piece
	letters := written()
	seen := map[int]bool{}
	for rest := pattern; rest != ""; {
		length := len(rest) - len(strings.TrimLeft(rest, rest[:1]))
		if sign := rest[0]; (sign < 'A' || 'Z' < sign) && (sign < 'a' || 'z' < sign) {
			list, rest = append(list, piece{text: rest[:1]}), rest[1:]
			continue
		}
		part, ok := letters[rest[:length]]
		switch {
		case !ok:
			const example = "\" in the pattern; an example is \"dd/MM/yyyy HH:mm\""
			return nil, &Error{Message: "unknown letters \"" + rest[:length] + example}
		case seen[part]:
			return nil, &Error{Message: "the pattern has \"" + rest[:length] + "\" twice"}
		}
		seen[part] = true
		list = append(list, piece{part: part, digits: max(length, 2), exact: length > 1})
		rest = rest[length:]
	}
	if !(seen[year4] || seen[year2]) || !seen[monthPart] || !seen[dayPart] {
		return nil, &Error{Message: "a pattern that reads a date has a year, a month and a day: \"dd/MM/yyyy\""}
	}
	return list, nil
}

func parseCheck(i int, text string) *Error {
	switch i {
	case 1:
		_, fail := pieces(text)
		return fail
	case 2:
		return zoneCheck(text)
	}
	return nil
}

// parseDate refuses dates that there are not, such as 31 April; the empty text is null.
func parseDate(r *run, args []any) (any, error) {
	text, pattern := strings.TrimSpace(str(args[0])), str(args[1])
	zone, err := r.zoneOr(arg(args, 2), time.UTC)
	if text == "" || err != nil {
		return nil, err
	}
	if len(pattern) > datePattern {
		return nil, faultf("the pattern of a date is longer than %d bytes", datePattern)
	}
	list, fail := pieces(pattern)
	if fail != nil {
		return nil, fault("the pattern of a date cannot be read")
	}
	const other = fault("the text is not a date by the pattern")
	var read [parts]int
	for _, p := range list {
		if read[p.part], text, err = p.read(text, read[p.part]); err != nil {
			return nil, other
		}
		if p.part == year2 {
			read[year4] = 2000 + read[year2]
		}
	}
	date := time.Date(read[year4], time.Month(read[monthPart]), read[dayPart], 0, 0, 0, 0, time.UTC)
	isDate := date.Day() == read[dayPart] && int(date.Month()) == read[monthPart]
	if text != "" || !isDate || read[hourPart] > 23 || read[minutePart] > 59 || read[secondPart] > 59 {
		return nil, other
	}
	clock := time.Duration(read[hourPart])*time.Hour + time.Duration(read[minutePart])*time.Minute +
		time.Duration(read[secondPart])*time.Second
	return inEra(civil(date.Year(), date.Month(), date.Day(), clock, zone))
}

// read takes the piece from the front of a text; a piece that is text leaves the number as it was.
func (p piece) read(text string, number int) (n int, rest string, err error) {
	if p.text != "" {
		rest, ok := strings.CutPrefix(text, p.text)
		if !ok {
			return number, text, fault("other text")
		}
		return number, rest, nil
	}
	length := 0
	for length < min(p.digits, len(text)) && '0' <= text[length] && text[length] <= '9' {
		length++
	}
	if p.exact && length < p.digits {
		return number, text, fault("too few digits")
	}
	n, err = strconv.Atoi(text[:length])
	return n, text[length:], err
}
