package corebosimport

import (
	"fmt"
	"strings"
)

// timeSayers count with dates. The original writes a date as text; here it stays a time until it is written.
func timeSayers() map[string]sayer {
	return map[string]sayer{
		"time_diff":         timeDifference("seconds(%s)", levelAtom),
		"time_diffdays":     timeDifference("floor(days(%s))", levelAtom),
		"time_diffyears":    span("yearsBetween", "In coreBOS %s may count otherwise around leap days."),
		"time_diffweekdays": span("businessDays", "%s counts Monday to Friday here, without holidays."),
		"networkdays":       networkDays,
		"add_days":          shift("addDays", ""),
		"sub_days":          shift("addDays", "-"),
		"add_months":        shift("addMonths", ""),
		"sub_months":        shift("addMonths", "-"),
		"add_workdays":      shiftWorkdays(""),
		"sub_workdays":      shiftWorkdays("-"),
		"get_date":          getDate,
		"get_nextdate":      nextDate,
		"format_date":       formatDate,
		"getISODate":        isoDate,
		"base64encode":      calling("base64Encode", kindText, 1, 1),
		"base64decode":      calling("base64Decode", kindText, 1, 1),
		"jsonEncode":        passing("toJSON", kindText),
		"jsonDecode":        calling("fromJSON", kindAny, 1, 1),
		"flattenarray":      passing("flatten", kindList),
		"array":             array,
		"hash":              hash,
		"randomstring":      randomText,
		"uniqid":            uniqueID,
	}
}

// now is the present time; today the date of today where the original counted its days.
func (s *speech) today() said { return atom(kindTime, "today(%q)", s.zone) }

// sides are the two times of a difference; one alone is taken from now.
func (s *speech) sides(args []term) (from, to said, err error) {
	if err := arguments(args, 1, 2); err != nil {
		return said{}, said{}, err
	}
	from = atom(kindMoment, "now()")
	if len(args) == 2 {
		if from, err = s.time(args[0]); err != nil {
			return said{}, said{}, err
		}
	}
	to, err = s.time(args[len(args)-1])
	return from, to, err
}

func timeDifference(format string, level int) sayer {
	return func(s *speech, args []term) (said, error) {
		from, to, err := s.sides(args)
		return said{fmt.Sprintf(format, from.at(levelAdd)+" - "+to.at(levelAdd)), kindNumber, level}, err
	}
}

func span(name, difference string) sayer {
	return func(s *speech, args []term) (said, error) {
		from, to, err := s.sides(args)
		x := atom(kindNumber, "%s(%s, %s)", name, to.text, from.text)
		s.change(difference, x.text)
		return x, err
	}
}

func networkDays(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 3); err != nil {
		return said{}, err
	}
	if len(args) == 3 && args[2] != textTerm("") {
		return said{}, unsaidf("networkdays takes its holidays from a business map; " +
			"list them: businessDays(from, to, [\"12-25\"])")
	}
	from, err := s.time(args[0])
	if err != nil {
		return said{}, err
	}
	to := s.today()
	if len(args) > 1 {
		to, err = s.time(args[1])
	}
	return atom(kindNumber, "businessDays(addDays(%s, -1), %s)", from.text, to.text), err
}

// base is the date that a function counts from; today if it is left out or empty.
func (s *speech) base(args []term) (date said, amount term, err error) {
	if err := arguments(args, 1, 2); err != nil {
		return said{}, nil, err
	}
	amount = args[len(args)-1]
	if len(args) == 1 || args[0] == textTerm("") {
		return s.today(), amount, nil
	}
	date, err = s.time(args[0])
	if err == nil && date.text != s.today().text && !strings.HasPrefix(date.text, "date(\"") {
		date = atom(kindTime, "(%s ?? %s)", date.at(levelSign), s.today().text)
	}
	return date, amount, err
}

func shift(name, sign string) sayer {
	return func(s *speech, args []term) (said, error) {
		date, amount, err := s.base(args)
		if err != nil {
			return said{}, err
		}
		n, err := s.number(amount)
		text := n.text
		if sign != "" {
			text = "-" + n.at(levelSign)
		}
		return atom(kindTime, "%s(%s, %s)", name, date.text, strings.TrimPrefix(text, "--")), err
	}
}

func shiftWorkdays(sign string) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, 2, 4); err != nil {
			return said{}, err
		}
		if saturday, ok := wholeNumber(lastOf(args, 3)); len(args) > 2 && (!ok || saturday != 0) ||
			len(args) == 4 && args[3] != textTerm("") {
			return said{}, unsaidf("Saturdays and the holidays of a business map are not converted; " +
				"say them: addBusinessDays(time, days, [\"12-25\"])")
		}
		return shift("addBusinessDays", sign)(s, args[:2])
	}
}

func getDate(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	which, _ := args[0].(textTerm)
	switch which {
	case "now":
		return atom(kindMoment, "now()"), nil
	case "tomorrow":
		return atom(kindTime, "addDays(%s, 1)", s.today().text), nil
	case "yesterday":
		return atom(kindTime, "addDays(%s, -1)", s.today().text), nil
	case "time":
		return atom(kindText, `formatDate(inZone(now(), %q), "HH:mm:ss")`, s.zone), nil
	}
	return s.today(), nil
}

// formatDate writes a date by a pattern of PHP's.
func formatDate(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	date, err := s.time(args[0])
	if err != nil {
		return said{}, err
	}
	form, ok := args[1].(textTerm)
	if !ok {
		return said{}, unsaidf("the form of a date has to be written out in quotes")
	}
	letters := map[rune]string{
		'Y': "yyyy", 'm': "MM", 'd': "dd", 'H': "HH", 'i': "mm", 's': "ss", 'F': "MMMM", 'l': "EEEE",
	}
	var pattern strings.Builder
	for _, r := range string(form) {
		switch letter, known := letters[r]; {
		case known:
			pattern.WriteString(letter)
		case strings.ContainsRune("-/.:, ", r):
			pattern.WriteRune(r)
		default:
			return said{}, unsaidf("the letter %c of the form %s of a date is not known here",
				r, quotedShort(string(form)))
		}
	}
	return atom(kindText, "formatDate(%s, %s, %q)", date.text, jsonQuoted(pattern.String()), s.language), nil
}

// nextDate is the next day of a month that is one of a list, which the original writes with commas.
func nextDate(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 4); err != nil {
		return said{}, err
	}
	if len(args) > 2 && args[2] != textTerm("") {
		return said{}, unsaidf("the holidays of a business map are not known here; see toBusinessDay and nextMonthDay")
	}
	date, err := s.time(args[0])
	if err != nil {
		return said{}, err
	}
	days, isText := args[1].(textTerm)
	list := joinNumbers(listed(string(days)), func(day int) (int, bool) { return day, day >= 1 && day <= 31 })
	if !isText || list == "?" {
		return said{}, unsaidf("the days of get_nextdate have to be written out, such as '15,30'")
	}
	return atom(kindTime, "nextMonthDay(%s, [%s])", date.text, strings.ReplaceAll(list, ",", ", ")), nil
}

func isoDate(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 3); err != nil {
		return said{}, err
	}
	parts, err := s.numbersOf(args)
	return atom(kindTime, "fromISOWeek(%s)", strings.Join(parts, ", ")), err
}

func passing(name string, result kind) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, 1, 1); err != nil {
			return said{}, err
		}
		x, err := s.say(args[0])
		return atom(result, "%s(%s)", name, x.text), err
	}
}

func array(s *speech, args []term) (said, error) {
	var parts []string
	for _, arg := range args {
		x, err := s.say(arg)
		if err != nil {
			return said{}, err
		}
		parts = append(parts, x.text)
	}
	return atom(kindList, "[%s]", strings.Join(parts, ", ")), nil
}

func hash(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 2); err != nil {
		return said{}, err
	}
	if lastOf(args, 2) != textTerm("sha256") {
		return said{}, unsaidf("hash makes sha1 unless told otherwise, which is not made here; " +
			"there are sha256 and hmac")
	}
	return s.texts("sha256", kindText, args[0])
}

// randomText is randomstring where no field can be filled: in a message or among other values.
func randomText(s *speech, args []term) (said, error) {
	bits, err := randomBits(args)
	if err != nil {
		return said{}, err
	}
	s.change("randomstring gave hexadecimal digits; random(%d) gives small letters and digits.", bits)
	return atom(kindText, "random(%d)", bits), nil
}

// randomBits is how random a randomstring is: a byte for each of what it counts, 10 if nothing is said.
func randomBits(args []term) (int, error) {
	if err := arguments(args, 0, 1); err != nil {
		return 0, err
	}
	n := 10
	if len(args) == 1 {
		var ok bool
		if n, ok = wholeNumber(args[0]); !ok || n < 1 {
			return 0, unsaidf("the length of randomstring has to be written as a number")
		}
	}
	return min(max(n*8, 64), 512), nil
}

func uniqueID(s *speech, _ []term) (said, error) {
	s.change("uniqid was made of the clock and could be guessed; uuid() cannot.")
	return atom(kindText, "uuid()"), nil
}
