package exprsafe

import (
	"math"
	"time"

	"postern/internal/labels"
)

// formatFunctions write for people, in a language such as es, pt-BR or es_es; English if none is given.
func formatFunctions() []function {
	return []function{
		{
			name: "formatNumber", args: "number, decimals?, language?", params: []Kind{Number, Number, Text},
			optional: 2,
			result:   Text,
			summary:  "a number as the language writes it, with 0 to 15 decimals",
			example:  `formatNumber(1234.5, 2, "es") == "1.234,50"`,
			check:    languageAt(2), call: formatNumber,
		},
		{
			name: "formatCurrency", args: "amount, currency, language?", params: []Kind{Number, Text, Text},
			optional: 1,
			result:   Text,
			summary:  "an amount in a currency by its code (ISO 4217), as the language writes it",
			example:  `formatCurrency(1234.5, "EUR", "nl") == "€ 1.234,50"`,
			check:    currencyCheck, call: formatCurrency,
		},
		{
			name: "formatDate", args: "time, pattern, language?", params: []Kind{Time, Text, Text}, optional: 1,
			result:  Text,
			summary: `"long", "short", or a pattern of yyyy MM dd HH mm ss, MMMM for the month, EEEE for the weekday`,
			example: `formatDate(date("2026-03-01"), "long", "es") == "1 de marzo de 2026"`,
			check:   patternCheck, call: formatDate,
		},
	}
}

// What writing by language costs, in units of work.
const (
	languageWork = 1000
	datePattern  = 200 // the most bytes of the pattern of a date
)

// languageAt checks the language that is the n-th argument.
func languageAt(n int) func(i int, text string) *Error {
	return func(i int, text string) *Error {
		if i != n || text == "" {
			return nil
		}
		if _, ok := labels.NewFormat(text); !ok {
			return &Error{Message: "unknown language \"" + text + "\"; they are written like es or pt-BR"}
		}
		return nil
	}
}

// format makes the format of a language. What a field holds and is no language counts as English, as it
// does everywhere.
func (r *run) format(language any) (labels.Format, error) {
	if err := r.spend(languageWork); err != nil {
		return labels.Format{}, err
	}
	text := str(language)
	if len(text) > longestZone {
		text = ""
	}
	f, _ := labels.NewFormat(text)
	return f, nil
}

// rounded rounds a number for writing.
func rounded(v any, decimals int) (float64, error) {
	x := amount(v)
	if math.Abs(x) >= 1e21 {
		return 0, fault("the number is too large to be written")
	}
	return roundTo(x, decimals)
}

func formatNumber(r *run, args []any) (any, error) {
	decimals := min(places(amount(args[0])), paper)
	if len(args) > 1 {
		var err error
		if decimals, err = count(args[1], 0, paper, "the number of decimals"); err != nil {
			return nil, err
		}
	}
	x, err := rounded(args[0], decimals)
	if err != nil {
		return nil, err
	}
	f, err := r.format(arg(args, 2))
	if err != nil {
		return nil, err
	}
	return f.Number(x, decimals), nil
}

func currencyCheck(i int, text string) *Error {
	if i != 1 {
		return languageAt(2)(i, text)
	}
	if _, ok := labels.CurrencyDecimals(text); !ok {
		return &Error{Message: "unknown currency \"" + text + "\"; they are written like EUR"}
	}
	return nil
}

func formatCurrency(r *run, args []any) (any, error) {
	decimals, ok := labels.CurrencyDecimals(str(args[1]))
	if !ok {
		return nil, fault("there is no such currency; an example is EUR")
	}
	x, err := rounded(args[0], decimals)
	if err != nil {
		return nil, err
	}
	f, err := r.format(arg(args, 2))
	if err != nil {
		return nil, err
	}
	return f.Money(x, str(args[1]))
}

func patternCheck(i int, text string) *Error {
	if i != 1 {
		return languageAt(2)(i, text)
	}
	f, _ := labels.NewFormat("")
	if _, err := f.Date(time.Unix(0, 0), text); err != nil {
		return &Error{Message: err.Error() + "; an example is \"dd.MM.yyyy HH:mm\", and words are put in 'quotes'"}
	}
	return nil
}

func formatDate(r *run, args []any) (any, error) {
	pattern := str(args[1])
	if len(pattern) > datePattern {
		return nil, faultf("the pattern of a date is longer than %d bytes", datePattern)
	}
	f, err := r.format(arg(args, 2))
	if err != nil {
		return nil, err
	}
	text, err := f.Date(when(args[0]), pattern)
	if err != nil {
		return nil, fault("the pattern of a date cannot be read")
	}
	return text, nil
}
