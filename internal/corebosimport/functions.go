package corebosimport

import (
	"fmt"
	"maps"
	"regexp/syntax"
	"strconv"
	"strings"
)

// sayer says a call of a function of the original.
type sayer func(s *speech, args []term) (said, error)

// call says a call, or tells why there is no counterpart.
func (s *speech) call(c callTerm) (said, error) {
	if say := sayers()[c.name]; say != nil {
		x, err := say(s, c.args)
		if err != nil && !isUnsaid(err) {
			return said{}, unsaidf("%s: %v", c.name, err)
		}
		return x, err
	}
	if why := whyNot(c.name); why != "" {
		return said{}, unsaidf("%s has no counterpart: %s", c.name, why)
	}
	return said{}, unsaidf("%s is no function that is known here; one of your own PHP code is not converted", c.name)
}

// sayers are the functions of the original that can be said here.
func sayers() map[string]sayer {
	all := textSayers()
	maps.Copy(all, numberSayers())
	maps.Copy(all, timeSayers())
	maps.Copy(all, recordSayers())
	return all
}

// arguments says how many a function takes; -1 for any number.
func arguments(args []term, least, most int) error {
	switch {
	case len(args) < least:
		return fmt.Errorf("expected at least %d values, found %d", least, len(args))
	case most >= 0 && len(args) > most:
		return fmt.Errorf("expected at most %d values, found %d", most, len(args))
	}
	return nil
}

// calling makes a sayer that passes texts on to a function of ours.
func calling(name string, result kind, least, most int) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, least, most); err != nil {
			return said{}, err
		}
		return s.texts(name, result, args...)
	}
}

// texts calls a function of ours with texts.
func (s *speech) texts(name string, result kind, args ...term) (said, error) {
	var parts []string
	for _, arg := range args {
		x, err := s.textual(arg)
		if err != nil {
			return said{}, err
		}
		parts = append(parts, x.text)
	}
	return atom(result, "%s(%s)", name, strings.Join(parts, ", ")), nil
}

func atom(result kind, format string, args ...any) said {
	return said{fmt.Sprintf(format, args...), result, levelAtom}
}

// wholeNumber reads a term that is written as a whole number.
func wholeNumber(t term) (int, bool) {
	switch t := t.(type) {
	case numberTerm:
		n, err := strconv.Atoi(string(t))
		return n, err == nil
	case textTerm:
		n, err := strconv.Atoi(strings.TrimSpace(string(t)))
		return n, err == nil
	case negativeTerm:
		n, ok := wholeNumber(t.of)
		return -n, ok
	case bracketTerm:
		return wholeNumber(t.of)
	}
	return 0, false
}

func textSayers() map[string]sayer {
	return map[string]sayer{
		"concat":         concat,
		"coalesce":       coalesce,
		"stringposition": calling("indexOf", kindNumber, 2, 2),
		"stringlength":   calling("len", kindNumber, 1, 1),
		"stringreplace":  stringReplace,
		"regexreplace":   regexReplace,
		"substring":      substring,
		"uppercase":      calling("upper", kindText, 1, 1),
		"lowercase":      calling("lower", kindText, 1, 1),
		"uppercasefirst": calling("capitalize", kindText, 1, 1),
		"uppercasewords": calling("title", kindText, 1, 1),
		"implode":        implode,
		"explode":        explode,
		"isNumeric":      calling("isNumber", kindBool, 1, 1),
		"regex":          regexTest,
		"char":           character,
		"isString":       isString,
		"AND":            joining("&&", levelAnd),
		"OR":             joining("||", levelOr),
		"NOT":            negation,
	}
}

func concat(s *speech, args []term) (said, error) {
	var parts []string
	for _, arg := range args {
		x, err := s.say(arg)
		if err != nil {
			return said{}, err
		}
		parts = append(parts, x.written())
	}
	return atom(kindText, "join([%s])", strings.Join(parts, ", ")), nil
}

func coalesce(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, -1); err != nil {
		return said{}, err
	}
	var parts []string
	result := kindAny
	for i, arg := range args {
		x, err := s.say(arg)
		if err != nil {
			return said{}, err
		}
		if parts = append(parts, x.at(levelSign)); i == 0 {
			result = x.kind
		} else if x.kind != result {
			result = kindAny
		}
	}
	if len(parts) == 1 {
		return said{parts[0], result, levelAtom}, nil
	}
	return atom(result, "(%s)", strings.Join(parts, " ?? ")), nil
}

func stringReplace(s *speech, args []term) (said, error) {
	if err := arguments(args, 3, 3); err != nil {
		return said{}, err
	}
	return s.texts("replace", kindText, args[2], args[0], args[1])
}

func regexReplace(s *speech, args []term) (said, error) {
	if err := arguments(args, 3, 3); err != nil {
		return said{}, err
	}
	pattern, err := patternOf(args[0])
	if err != nil {
		return said{}, err
	}
	return s.texts("replacePattern", kindText, args[2], textTerm(pattern), args[1])
}

// patternOf reads a pattern that is written as a text, with or without the delimiters of PHP.
func patternOf(t term) (string, error) {
	text, ok := t.(textTerm)
	if !ok {
		return "", unsaidf("a pattern has to be written out as a text")
	}
	return toRE2(string(text))
}

// toRE2 takes the delimiters and flags of PHP off a pattern, and sees that it means something here.
func toRE2(pattern string) (string, error) {
	const delimiters = "/#~@!%"
	flags := ""
	if len(pattern) > 1 && strings.ContainsRune(delimiters, rune(pattern[0])) {
		if end := strings.LastIndexByte(pattern, pattern[0]); end > 0 {
			flags = pattern[end+1:]
			pattern = strings.ReplaceAll(pattern[1:end], `\`+pattern[:1], pattern[:1])
		}
	}
	var inner []rune
	for _, flag := range flags {
		switch flag {
		case 'i', 'm', 's':
			inner = append(inner, flag)
		case 'u': // texts are UTF-8 here
		default:
			return "", unsaidf("the pattern %s has the flag %c, which is not known here", quotedShort(pattern), flag)
		}
	}
	if len(inner) > 0 {
		pattern = "(?" + string(inner) + ")" + pattern
	}
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return "", unsaidf("the pattern %s has parts that patterns here do not have (%v)", quotedShort(pattern), err)
	}
	return pattern, nil
}

// substring counts as PHP does: from 0, negative from the end; a negative length leaves so much off the end.
func substring(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 3); err != nil {
		return said{}, err
	}
	x, err := s.textual(args[0])
	if err != nil {
		return said{}, err
	}
	from, ok := wholeNumber(args[1])
	if !ok {
		return said{}, unsaidf("the beginning of a substring has to be written as a number")
	}
	begin, end := strconv.Itoa(from), ""
	if len(args) == 3 {
		length, ok := wholeNumber(args[2])
		switch {
		case !ok:
			return said{}, unsaidf("the length of a substring has to be written as a number")
		case length < 0:
			end = strconv.Itoa(length)
		case from >= 0 || from+length < 0:
			end = strconv.Itoa(from + length)
		}
	}
	return atom(kindText, "%s[%s:%s]", x.text, begin, end), nil
}

func implode(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	items, err := s.say(args[1])
	if err != nil {
		return said{}, err
	}
	if items.kind != kindList && items.kind != kindAny {
		return said{}, unsaidf("it joins what is no list")
	}
	separator, err := s.textual(args[0])
	return atom(kindText, "join(%s, %s)", items.text, separator.text), err
}

func explode(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	return s.texts("split", kindList, args[1], args[0])
}

func regexTest(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	pattern, err := patternOf(args[0])
	if err != nil {
		return said{}, err
	}
	x, err := s.textual(args[1])
	return said{x.at(levelCompare) + " matches " + jsonQuoted(pattern), kindBool, levelCompare}, err
}

// joining makes a sayer of AND or OR.
func joining(operator string, level int) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, 1, -1); err != nil {
			return said{}, err
		}
		var parts []string
		for _, arg := range args {
			x, err := s.condition(arg)
			if err != nil {
				return said{}, err
			}
			parts = append(parts, x.at(level))
		}
		if len(parts) == 1 {
			return said{parts[0], kindBool, levelAtom}, nil
		}
		return said{strings.Join(parts, " "+operator+" "), kindBool, level}, nil
	}
}

// character is a character by its number.
func character(_ *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	n, ok := wholeNumber(args[0])
	if !ok || n < 1 || n > 0x10ffff {
		return said{}, unsaidf("the number of a character has to be written out")
	}
	return sayText(string(rune(n))), nil
}

func isString(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	x, err := s.say(args[0])
	return said{"kind(" + x.text + `) == "text"`, kindBool, levelCompare}, err
}

func negation(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	x, err := s.condition(args[0])
	return not(x), err
}
