package exprsafe

import (
	"testing"
	"time"
)

// The clocks of Madrid go forward from 2:00 to 3:00 on 29 March 2026, and back from 3:00 to 2:00 on
// 25 October.
func TestCalendar(t *testing.T) {
	const madrid = `, "Europe/Madrid")`
	text := func(src string) string { return "string(" + src + ")" }
	checkValues(t, []value{
		// Reading
		{text(`date("2026-07-01 09:00"` + madrid), "2026-07-01T09:00:00+02:00"},
		{text(`date("2026-01-01T09:00"` + madrid), "2026-01-01T09:00:00+01:00"},
		{text(`date("2026-07-01T09:00:00Z"` + madrid), "2026-07-01T09:00:00Z"},
		{text(`date("2026-03-29 02:30:00"` + madrid), "2026-03-29T03:30:00+02:00"},
		{text(`date("2026-10-25 02:30:00"` + madrid), "2026-10-25T02:30:00+02:00"},
		{text(`date("2026-10-25 03:00:00"` + madrid), "2026-10-25T03:00:00+01:00"},
		{`date("")`, nil},
		{text(`parseDate("1.3.26 7:05", "d.M.yy H:mm"` + madrid), "2026-03-01T07:05:00+01:00"},
		{text(`parseDate(" 20260301T235959", "yyyyMMdd" + "T" + "HHmmss")`), "fails: the pattern of a date cannot be read"},
		{text(`parseDate("20260301 235959", "yyyyMMdd HHmmss")`), "2026-03-01T23:59:59Z"},
		{`parseDate("31/04/2026", "dd/MM/yyyy")`, "fails: the text is not a date by the pattern"},
		{`parseDate("1/4/2026", "dd/MM/yyyy")`, "fails: the text is not a date by the pattern"},
		{`parseDate("01/04/2026 ", "dd/MM/yyyy HH")`, "fails: the text is not a date by the pattern"},
		{`parseDate("01/04/2026x", "dd/MM/yyyy")`, "fails: the text is not a date by the pattern"},
		{`parseDate("01/04/2026 24", "dd/MM/yyyy HH")`, "fails: the text is not a date by the pattern"},
		{`parseDate("0000-01-01", "yyyy-MM-dd")`, "fails: the date is outside the years 1 to 9999"},
		{`year(parseDate("00-01-01", "yy-MM-dd"))`, 2000},
		{`parseDate(vars.empty, "dd/MM/yyyy")`, nil},
		{`date("2026-03-01", vars.text)`, "fails: there is no such time zone"},
		{`date(vars.empty, "Europe/Madrid")`, nil},

		// Adding
		{text(`addDays(date("2026-03-28 09:00"` + madrid + `, 1)`), "2026-03-29T09:00:00+02:00"},
		{text(`addDays(date("2026-03-28 02:30"` + madrid + `, 1)`), "2026-03-29T03:30:00+02:00"},
		{text(`addDays(date("2026-10-24 02:30"` + madrid + `, 1)`), "2026-10-25T02:30:00+02:00"},
		{text(`date("2026-03-28 09:00"` + madrid + ` + duration("1d")`), "2026-03-29T10:00:00+02:00"},
		{text(`addDays(date("2026-01-01"), -1)`), "2025-12-31T00:00:00Z"},
		{text(`addMonths(date("2024-03-31 10:15:20"), -1)`), "2024-02-29T10:15:20Z"},
		{text(`addMonths(date("2026-11-30"), 15)`), "2028-02-29T00:00:00Z"},
		{text(`addMonths(date("2026-02-28 02:30"` + madrid + `, 1)`), "2026-03-28T02:30:00+01:00"},
		{text(`addYears(date("2024-02-29"), 4)`), "2028-02-29T00:00:00Z"},
		{`addDays(now(), 0.5)`, "fails: what addDays adds is a whole number from"},
		{`addYears(now(), 9000)`, "fails: the date is outside the years 1 to 9999"},
		{`addMonths(now(), -40000)`, "fails: the date is outside the years 1 to 9999"},
		{`addDays(null, 1)`, nil},
		{`addDays(now(), null)`, nil},

		// Beginning and end
		{text(`startOf(date("2026-03-29 12:00"` + madrid + `, "day")`), "2026-03-29T00:00:00+01:00"},
		{text(`endOf(date("2026-03-29 12:00"` + madrid + `, "day")`), "2026-03-29T23:59:59+02:00"},
		{text(`startOf(date("2026-03-01"), "week")`), "2026-02-23T00:00:00Z"},
		{text(`endOf(date("2026-03-01"), "week")`), "2026-03-01T23:59:59Z"},
		{text(`startOf(date("2026-03-02"), "week")`), "2026-03-02T00:00:00Z"},
		{text(`startOf(date("2026-06-30"), "quarter")`), "2026-04-01T00:00:00Z"},
		{text(`endOf(date("2026-11-30"), "quarter")`), "2026-12-31T23:59:59Z"},
		{text(`endOf(date("2024-02-01"), "year")`), "2024-12-31T23:59:59Z"},
		{text(`startOf(date("2026-03-01 10:59:30"), "hour")`), "2026-03-01T10:00:00Z"},
		{text(`endOf(date("2026-03-01 10:59:30"), "minute")`), "2026-03-01T10:59:59Z"},
		{text(`startOf(inZone(date("2026-03-01 10:59:30"), "Asia/Kathmandu"), "hour")`), "2026-03-01T16:00:00+05:45"},
		{`startOf(now(), vars.text)`, "fails: a unit of time is minute, hour"},
		{`endOf(date("2026-03-01"), "day") < addDays(date("2026-03-01"), 1)`, true},

		// Between
		{`daysBetween(date("2026-03-28 23:00"` + madrid + `, date("2026-03-30 01:00"` + madrid + `)`, 2},
		{`daysBetween(date("2026-03-02"), date("2026-03-01"))`, -1},
		{`daysBetween(date("1969-12-30"), date("1970-01-02"))`, 3},
		{`monthsBetween(date("2026-01-31"), date("2026-02-27"))`, 0},
		{`monthsBetween(date("2026-03-31"), date("2026-02-28"))`, -1},
		{`monthsBetween(date("2026-01-15"), date("2027-01-14"))`, 11},
		{`yearsBetween(date("2024-02-29"), date("2025-02-28"))`, 1},
		{`yearsBetween(null, now())`, nil},
		{`hours(date("2026-03-02") - date("2026-03-01"))`, 24},
		{`age(date("1996-03-01 23:00:00"))`, 30},
		{`age(date("1996-03-02"))`, 29},
		{`age(null)`, nil},

		// Parts
		{`week(date("2027-01-01"))`, 53},
		{`quarter(date("2026-12-31"))`, 4},
		{`seconds(duration("1.5s"))`, 1.5},
		{`minutes(duration("1d"))`, 1440},
		{`unix(date("2026-03-01"))`, 1772323200},
		{`fromUnix(1772323200.9)`, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		{`fromUnix(1e18)`, "fails: the date is outside the years 1 to 9999"},
		{`fromISOWeek(2026, 1) == date("2025-12-29")`, true},
		{`fromISOWeek(2026, 53, 7) == date("2027-01-03")`, true},
		{`fromISOWeek(2026, 54)`, "fails: the week is a whole number from 1 to 53"},
		{`fromISOWeek(0, 1)`, "fails: the year is a whole number from 1 to 9999"},
		{`fromISOWeek(2026, 1, 8)`, "fails: the weekday is a whole number from 1 to 7"},

		// Next
		{`nextWeekday(date("2026-03-01"), 7) == date("2026-03-08")`, true},
		{`nextWeekday(date("2026-03-01"), [2, 5]) == date("2026-03-03")`, true},
		{`nextWeekday(date("2026-03-01"), null)`, nil},
		{`nextWeekday(date("2026-03-01"), 8)`, "fails: a day of nextWeekday is a whole number from 1 to 7"},
		{`nextWeekday(date("2026-03-01"), [])`, "fails: nextWeekday has no day to look for"},
		{`nextMonthDay(date("2026-01-31"), 30) == date("2026-02-28")`, true},
		{`nextMonthDay(date("2026-01-30"), 31) == date("2026-01-31")`, true},
		{`nextMonthDay(date("2026-02-28"), 31) == date("2026-03-31")`, true},
		{`nextMonthDay(date("2026-03-01"), [1]) == date("2026-04-01")`, true},
	})
}

func TestZones(t *testing.T) {
	env := full()
	env[EnvNow] = time.Date(2026, 2, 28, 23, 30, 0, 0, time.UTC)
	for src, want := range map[string]any{
		`today() == date("2026-02-28")`:                            true,
		`today("Europe/Madrid") == date("2026-03-01")`:             true,
		`today("America/New_York") == date("2026-02-28")`:          true,
		`isToday(date("2026-03-01"), "Europe/Madrid")`:             true,
		`isToday(date("2026-03-01"))`:                              false,
		`isToday(inZone(now(), "Europe/Madrid"), "Europe/Madrid")`: true,
		`isToday(null)`:                                                false,
		`isAnniversary(date("2004-02-29"))`:                            true,
		`isAnniversary(date("2004-02-29"), "Europe/Madrid")`:           false,
		`isAnniversary(date("2000-03-01"), "Europe/Madrid")`:           true,
		`age(date("2000-03-01"), today("Europe/Madrid"))`:              26,
		`age(date("2000-03-01"))`:                                      25,
		`string(inZone(now(), "Asia/Kathmandu"))`:                      "2026-03-01T05:15:00+05:45",
		`inZone(now(), "Asia/Kathmandu") == now()`:                     true,
		`dateOf(now(), "Europe/Madrid") == date("2026-03-01")`:         true,
		`dateOf(inZone(now(), "Europe/Madrid")) == date("2026-03-01")`: true,
		`dateOf(null)`: nil,
		`map(["UTC", "Europe/Madrid"], hour(inZone(now(), #)))`:                      []any{23, 0},
		`daysBetween(today("Europe/Madrid"), date("2026-03-11"))`:                    10,
		`date("2026-03-01") < addDays(today("Europe/Madrid"), 1)`:                    true,
		`formatDate(inZone(now(), "Europe/Madrid"), "EEEE d MMM yyyy, HH:mm", "es")`: "domingo 1 mar 2026, 00:30",
		`formatDate(now(), "EEE dd-MM-yy h:mm a ss M 'o''clock' H", "")`:             "Sat 28-02-26 11:30 PM 00 2 o'clock 23",
		`formatDate(now(), "''", "nl")`:                                              "'",
		`formatDate(now(), "short", "nl") + formatDate(now(), "long", "en-US")`:      "28-02-2026February 28, 2026",
		`formatDate(now(), "long", "ja") + formatDate(now(), "MMM EEE", "ja")`:       "2026-02-2802 Sat",
		`formatDate(null, "long")`:                                                   "",
		`formatDate(now(), "long", vars.text + "?")`:                                 "28 February 2026",
		`formatNumber(1234567.891, 2, "de") + formatNumber(-0.5, 0, "en")`:           "1.234.567,89-1",
		`formatNumber(1234.5)`:                                                       "1,234.5",
		`formatNumber(1234567, 0, "fr")`:                                             "1 234 567",
		`formatNumber(2.345, 2)`:                                                     "2.35",
		`formatNumber(null, 2)`:                                                      "",
		`formatCurrency(1234.5, "EUR", "es")`:                                        "1.234,50 €",
		`formatCurrency(1234.5, "EUR", "en") + formatCurrency(-2, "CHF", "en-GB")`:   "€1,234.50-CHF 2.00",
		`formatCurrency(-1234.5, "EUR", "nl_nl") + formatCurrency(5, "JPY", "de")`:   "€ -1.234,505 ¥",
		`formatCurrency(10, "BRL", "pt-BR") + formatCurrency(10, "USD", "es-MX")`:    "BRL 10,00$10.00",
		`formatCurrency(10, "EUR", "pl") + formatCurrency(10, "EUR", "de-AT")`:       "10,00 EUR€ 10,00",
		`formatCurrency(1.005, "EUR") + formatCurrency(999999999.99, "EUR")`:         "€1.01€999,999,999.99",
	} {
		got, err := evaluate(t, src, env)
		checkOne(t, src, got, err, want)
	}
	checkValues(t, []value{
		{`inZone(now(), vars.text)`, "fails: there is no such time zone"},
		{`inZone(now(), "")`, noon},
		{`formatCurrency(1, vars.text)`, "fails: there is no such currency"},
		{`formatDate(now(), vars.text)`, "fails: the pattern of a date cannot be read"},
		{`formatDate(now(), padStart("", 201, "d"))`, "fails: the pattern of a date is longer than 200 bytes"},
		{`formatNumber(1e22, 2)`, "fails: the number is too large to be written"},
		{`formatNumber(1, 16)`, "fails: the number of decimals is a whole number from 0 to 15"},
	})
}

func TestBusinessDays(t *testing.T) {
	// 24 December 2026 is a Thursday.
	const thursday, holidays = `date("2026-12-24")`, `, ["12-25", "2027-01-01"]`
	day := func(src string) string { return `formatDate(` + src + `, "yyyy-MM-dd")` }
	checkValues(t, []value{
		{day(`addBusinessDays(` + thursday + `, 1)`), "2026-12-25"},
		{day(`addBusinessDays(` + thursday + `, 1` + holidays + `)`), "2026-12-28"},
		{day(`addBusinessDays(` + thursday + `, 6` + holidays + `)`), "2027-01-05"},
		{day(`addBusinessDays(date("2027-01-05"), -6` + holidays + `)`), "2026-12-24"},
		{day(`addBusinessDays(date("2026-12-26"), 0)`), "2026-12-26"},
		{day(`addBusinessDays(date("2026-12-26"), -1)`), "2026-12-25"},
		{day(`addBusinessDays(` + thursday + `, 2, [], [7])`), "2026-12-26"},
		{day(`addBusinessDays(` + thursday + `, 1, [], [5, 6])`), "2026-12-27"},
		{`string(addBusinessDays(date("2026-03-27 09:00", "Europe/Madrid"), 1))`, "2026-03-30T09:00:00+02:00"},
		{`businessDays(` + thursday + `, date("2027-01-05")` + holidays + `)`, 6},
		{`businessDays(date("2027-01-05"), ` + thursday + holidays + `)`, -6},
		{`businessDays(` + thursday + `, ` + thursday + `)`, 0},
		{`businessDays(date("2026-12-25 23:00:00"), date("2026-12-28 01:00:00"))`, 1},
		{`businessDays(date("2000-01-01"), date("2100-01-01"))`, "fails: businessDays looks at no more than 20000 days"},
		{`isBusinessDay(date("2026-12-26"))`, false},
		{`isBusinessDay(date("2026-12-26"), null, [7])`, true},
		{`isBusinessDay(date("2026-12-25"), [date("2026-12-25")])`, false},
		{`isBusinessDay(null)`, false},
		{day(`toBusinessDay(date("2026-12-25")` + holidays + `)`), "2026-12-28"},
		{day(`toBusinessDay(` + thursday + holidays + `)`), "2026-12-24"},
		{`isBusinessDay(now(), ["tomorrow"])`, "fails: a holiday is a date such as 2026-12-25"},
		{`isBusinessDay(now(), ["02-29"])`, false},
		{`isBusinessDay(now(), [], 1..7)`, "fails: a weekend of seven days leaves no business day"},
		{`isBusinessDay(now(), [], [0])`, "fails: a day of the weekend is a whole number from 1 to 7"},
		{`addBusinessDays(now(), 20000)`, "fails: what addBusinessDays adds is a whole number from -10000 to 10000"},
		{`addBusinessDays(null, 1)`, nil},
	})
}
