package main

import (
	"fmt"

	"postern/internal/exprsafe"
)

const functionsIntro = "What may be called in an [expression](../guide/README.md#expressions), as `postern " +
	"functions` lists it. What may be left out has a ? behind it, what may come several times a …; " +
	"each example is true. A function of null gives null, or works on the empty text or list. Every " +
	"function is bounded in what it looks at and makes; what would go beyond fails with the " +
	"reason.\n\n[Where they stand in place of coreBOS's](../guide/from-corebos.md#functions) is a " +
	"page of its own.\n\n"

// functionsPage lists the functions of expressions by group.
func functionsPage() string {
	p := newPage("Functions", functionsIntro)
	for _, group := range exprsafe.Groups() {
		p.section(group, groupDoc(group))
		p.WriteString("| function | what | example |\n| --- | --- | --- |\n")
		for _, f := range exprsafe.Functions() {
			if f.Group == group {
				signature, example := cell("`"+f.Signature+"`"), cell("`"+f.Example+"`")
				fmt.Fprintf(p, "| %s | %s | %s |\n", signature, cell(f.Summary), example)
			}
		}
		p.WriteString("\n")
	}
	return p.String()
}

// groupDoc is what holds for all functions of a group.
func groupDoc(group string) string {
	switch group {
	case "Text":
		return "Characters are counted, not bytes. `text[from:to]` cuts, `contains`, `startsWith` " +
			"and `endsWith` are operators, and `+` joins."
	case "Patterns":
		return "The pattern is a text in quotes, in " +
			"[RE2](https://github.com/google/re2/wiki/Syntax), as for `matches`. In the new text `$0` is the " +
			"match, `$1` to `$9` are its groups, and `$$` is the sign itself."
	case "Numbers":
		return "`+`, `-`, `*`, `%`, `**` and `sum` give what they give on paper, exactly while it " +
			"has at most 15 digits: `0.1 + 0.2 == 0.3`, and so amounts of money in cents up to " +
			"9,999,999,999,999.99. Beyond that the first 15 digits are right. A quotient is as near as a " +
			"number gets; `round(x, 2)` rounds half away from zero, as invoices do. `%` is the remainder and " +
			"`**` the power."
	case "Dates":
		return "A time is read in the zone that it carries: `inZone` changes that, not the time. A " +
			"date, such as a date field has, is midnight in UTC wherever it is meant, and `today`, `dateOf` " +
			"and `date` without a time of day give dates in that form. Days, months and years are those of " +
			"the calendar and keep the time of day; a time of day that the clocks skip is as much later, and " +
			"of one that comes twice it is the first. Zones are those of IANA, such as `Europe/Madrid`."
	case "Business days":
		return "Holidays are a list of dates, `\"12-25\"` for one of every year; the weekend is a " +
			"list of weekdays, 1 for Monday to 7, and `[6, 7]` if it is left out."
	case "Lists":
		return "`list[0]` is an item, `list[-1]` the last one, `list[from:to]` a part, and `x in " +
			"list` asks whether it is there. In a condition on the items of a list `#` is the item and " +
			"`.name` a field of it."
	case "Formatting":
		return "A language is written `es`, `pt-BR` or `es_es`, and may come from a field; without " +
			"one, or with one that is none, it is English. Dates are written in words in English, Spanish, " +
			"Dutch, German, French, Italian, Portuguese and Catalan, and as `2026-03-01` in other languages. " +
			"Currencies whose place a language does not say here stand behind the amount by their code."
	case "Chance and keys":
		return "What is random is new each time, so it may stand in values only. The secret of " +
			"`hmac` is a name under `secrets` of the configuration, in quotes."
	case "Changes":
		return "The field is a name in quotes. All are false on a new record. In the `until` of a " +
			"`wait` they compare with when the wait began."
	}
	return ""
}
