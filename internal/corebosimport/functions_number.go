package corebosimport

import (
	"strings"
)

// numberSayers count with numbers.
func numberSayers() map[string]sayer {
	all := map[string]sayer{
		"power":   arithmetic("**"),
		"modulo":  arithmetic("%"),
		"average": average,

		"number_format": numberFormat,

		"getGEODistanceFromCoordinates": coordinates,
	}
	for _, name := range []string{"round", "ceil", "floor", "min", "max", "log"} {
		all[name] = numbers(name)
	}
	return all
}

func numbers(name string) sayer {
	return func(s *speech, args []term) (said, error) {
		parts, err := s.numbersOf(args)
		return atom(kindNumber, "%s(%s)", name, strings.Join(parts, ", ")), err
	}
}

func (s *speech) numbersOf(args []term) ([]string, error) {
	if err := arguments(args, 1, -1); err != nil {
		return nil, err
	}
	var parts []string
	for _, arg := range args {
		x, err := s.number(arg)
		if err != nil {
			return nil, err
		}
		parts = append(parts, x.text)
	}
	return parts, nil
}

func arithmetic(operator string) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, 2, 2); err != nil {
			return said{}, err
		}
		left, err := s.number(args[0])
		if err != nil {
			return said{}, err
		}
		right, err := s.number(args[1])
		return atom(kindNumber, "(%s %s %s)", left.at(levelSign), operator, right.at(levelSign)), err
	}
}

// numberFormat writes a number by the language of the messages, whatever marks the original was told to use.
func numberFormat(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 4); err != nil {
		return said{}, err
	}
	n, err := s.number(args[0])
	decimals := 0
	if len(args) > 1 {
		var ok bool
		if decimals, ok = wholeNumber(args[1]); !ok {
			return said{}, unsaidf("the decimals of number_format have to be written as a number")
		}
	}
	x := atom(kindText, "formatNumber(%s, %d, %q)", n.text, decimals, s.language)
	s.change("%s writes a number as its language does.", x.text)
	return x, err
}

func average(s *speech, args []term) (said, error) {
	parts, err := s.numbersOf(args)
	return atom(kindNumber, "mean([%s])", strings.Join(parts, ", ")), err
}

// coordinates is the distance between two places, in kilometres.
func coordinates(s *speech, args []term) (said, error) {
	if err := arguments(args, 4, 4); err != nil {
		return said{}, err
	}
	return numbers("distance")(s, args)
}
