// Package phone knows telephone numbers: it brings what people typed into the form that providers take, and refuses
// numbers that no message should go to. What it knows of countries and kinds of numbers is libphonenumber's.
package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Rules are which numbers may be written to.
type Rules struct {
	// Region is the country, ES say, of numbers that are written without a +; none if empty.
	Region string
	// Countries are those that may be written to, by two letters; nil allows all.
	Countries []string
	// Landlines allows numbers of fixed lines.
	Landlines bool
}

// Check complains of countries that there are not.
func (r Rules) Check() error {
	known := phonenumbers.GetSupportedRegions()
	for _, country := range slices.Concat(r.Countries, []string{r.Region}) {
		if country != "" && !known[country] {
			return fmt.Errorf("%q is no country; two letters name one, such as ES", country)
		}
	}
	return nil
}

// ErrNotValid says that a number is none.
var ErrNotValid = errors.New("the number is not valid")

// unreachable are the kinds of numbers that cost their caller or the recipient much, or take no messages.
var unreachable = map[phonenumbers.PhoneNumberType]string{
	phonenumbers.PREMIUM_RATE:    "a premium-rate number",
	phonenumbers.SHARED_COST:     "a number of shared cost",
	phonenumbers.TOLL_FREE:       "a toll-free number",
	phonenumbers.PERSONAL_NUMBER: "a personal number, which is charged like premium rate",
	phonenumbers.PAGER:           "a pager",
	phonenumbers.UAN:             "a company's access number",
	phonenumbers.VOICEMAIL:       "a voice mail box",
}

// nowhere is the region of numbers that belong to no country: satellites, and premium rate of the whole world.
const nowhere = "001"

// Proper is a number in the form +34600123456 (E.164). The error is a sentence without the number: it is no number,
// its country is not among those allowed, or it is of a kind that is not written to.
func (r Rules) Proper(number string) (string, error) {
	parsed, err := parse(number, r.Region)
	if err != nil {
		return "", err
	}
	region := phonenumbers.GetRegionCodeForNumber(parsed)
	kind := phonenumbers.GetNumberType(parsed)
	switch refused := unreachable[kind]; {
	case kind == phonenumbers.UNKNOWN: // of no range that is given out
		return "", ErrNotValid
	case refused != "":
		return "", fmt.Errorf("the number is %s", refused)
	case region == nowhere:
		return "", errors.New("the number belongs to no country")
	case r.Countries != nil && !slices.Contains(r.Countries, region):
		return "", fmt.Errorf("the number is of %s, which is not among the countries", region)
	case kind == phonenumbers.FIXED_LINE && !r.Landlines:
		return "", errors.New("the number is of a fixed line")
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), nil
}

// parse reads a number and refuses what is not written like one. Letters are not read as digits.
func parse(number, region string) (*phonenumbers.PhoneNumber, error) {
	if strings.ContainsFunc(number, func(r rune) bool { return r >= 'A' && r <= 'z' && r != '[' && r != ']' }) {
		return nil, ErrNotValid
	}
	parsed, err := phonenumbers.Parse(number, region)
	if err != nil && region == "" && !strings.HasPrefix(strings.TrimSpace(number), "+") {
		return nil, fmt.Errorf("%w: it begins with no + and the channel has no region", ErrNotValid)
	}
	if err != nil || parsed.GetExtension() != "" {
		return nil, ErrNotValid
	}
	return parsed, nil
}

// E164 tells whether a text is written like a number in the form +34600123456, whoever's it is.
func E164(text string) bool {
	digits, ok := strings.CutPrefix(text, "+")
	if !ok || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}
