package labels

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Format writes numbers, amounts of money and dates the way a language does. It does not change once
// made. What it writes has plain spaces only, which every channel can carry.
type Format struct {
	tag     language.Tag
	printer *message.Printer
	base    string // the language without its region: "es"
}

// NewFormat takes a BCP 47 tag, also with an underscore as CRMs write it: es, es-MX, es_mx. Where it
// cannot be read, ok is false and the format is that of English.
func NewFormat(tag string) (f Format, ok bool) {
	parsed, err := language.Parse(tag)
	if err != nil || parsed == language.Und {
		parsed = language.English
	}
	base, _ := parsed.Base()
	return Format{tag: parsed, printer: message.NewPrinter(parsed), base: base.String()}, err == nil
}

// plainSpaces are the spaces that languages group digits with, made plain.
var plainSpaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ")

// Number writes a number, which is rounded already, with so many decimals.
func (f Format) Number(value float64, decimals int) string {
	return plainSpaces.Replace(f.printer.Sprint(number.Decimal(value, number.Scale(decimals))))
}

// CurrencyDecimals is how many decimals amounts in a currency have (ISO 4217), such as 2 for EUR and 0
// for JPY; ok tells whether there is such a currency.
func CurrencyDecimals(code string) (decimals int, ok bool) {
	unit, err := currency.ParseISO(code)
	if err != nil || code != unit.String() {
		return 0, false
	}
	decimals, _ = currency.Standard.Rounding(unit)
	return decimals, true
}

// signs are the currencies that people know by a sign. Others are written by their code.
var signs = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

// Money writes an amount, which is rounded already, in a currency. Where the sign stands is known of the
// languages listed here; in others the code stands behind the number.
func (f Format) Money(value float64, code string) (string, error) {
	decimals, ok := CurrencyDecimals(code)
	if !ok {
		return "", fmt.Errorf("unknown currency %q", code)
	}
	amount, minus := f.Number(math.Abs(value), decimals), ""
	if value < 0 {
		minus = "-"
	}
	sign, known := signs[code]
	if !known {
		sign = code
	}
	region, _ := f.tag.Region()
	switch {
	case known && (f.base == "en" || f.tag.String() == "es-MX"):
		return minus + sign + amount, nil
	case f.base == "en":
		return minus + sign + " " + amount, nil
	case f.base == "nl", region.String() == "BR", region.String() == "AT" && f.base == "de":
		return sign + " " + minus + amount, nil
	case slices.Contains([]string{"ca", "de", "es", "fr", "it", "pt"}, f.base):
		return minus + amount + " " + sign, nil
	}
	return minus + amount + " " + code, nil
}
