package exprsafe

import (
	"errors"
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`record.statu == "Open"`, `unknown field "statu" of HelpDesk (did you mean "status"?)`, `statu`},
		{`record.Status == "Open"`, `unknown field "Status" of HelpDesk (did you mean "status"?)`, `Status`},
		{`"é" == record.zzzzz`, `unknown field "zzzzz" of HelpDesk`, `zzzzz`},
		{`status == "Open"`, `unknown name "status" (did you mean "record.status"?)`, `status`},
		{`record.status == Paid`, `unknown name "Paid"; text is written in quotes`, `Paid`},
		{` {{ record.status == "Open" }}`, `an expression stands here alone, without {{ }}`, `{{`},
		{`record.due < now() + 3d`, `this is not a number; a duration is written duration("3d")`, ``},
		{`record.status is "Open"`, `unexpected "is" (did you mean "=="?)`, `is`},
		{`record.title like "x"`, `unexpected "like" (did you mean "contains"?)`, `like`},
		{`record.status in ("a", "b")`, `unexpected ","; a list is written [1, 2], a number without commas`, `,`},
		{`recrod.status`, `unknown name "recrod" (did you mean "record"?)`, `recrod`},
		{`1 + uper("x")`, `unknown function "uper" (did you mean "upper"?)`, `uper`},
		{`chagned("status")`, `unknown function "chagned" (did you mean "changed"?)`, `chagned`},
		{`now < date("2026-01-01")`, `now is a function: write now(…)`, `now`},
		{`record.status && true`, `expected true or false, this gives text`, `record`},
		{`true && !record.amount`, `expected true or false, this gives a number`, `record.amount`},
		{`record.amount ? 1 : 2`, `expected true or false, this gives a number`, `record`},
		{`record.status == 5`, `text cannot be compared with a number`, `record`},
		{`record.amount == "5"`, `a number cannot be compared with text`, `record`},
		{`record.amount < "5"`, `a number cannot be compared with text`, `record`},
		{`record.due > "2026-01-01"`, `write date(…) around the text`, `"2026`},
		{`record.urgent == ""`, `true or false is never empty`, `""`},
		{`record.urgent < true`, `true and false have no order`, `record`},
		{`record.tags == ["a"]`, `a list or a map cannot be compared`, `record`},
		{`record.amount in ["a"]`, `this looks for a number in a list of other values (text)`, `record`},
		{`"a" in record.status`, `for text use contains`, `"a"`},
		{`record.tags contains "a"`, `expected text, this gives a list; use in`, `record`},
		{`record.status + 1`, `text and a number cannot be added; write string(…)`, `record`},
		{`record.status - 1`, `- cannot be used between text and a number`, `record`},
		{`record.due + record.due`, `+ cannot be used between a time and a time`, `record`},
		{`-record.status`, `expected a number, this gives text`, `record`},
		{`lower(1)`, `lower expects text, this gives a number`, `1`},
		{`lower()`, `lower does not take 0 arguments; an example is`, `lower`},
		{`now(1)`, `now does not take 1 arguments`, `now`},
		{`duration("200000d") * 2`, `the text is not a duration`, `"200000d"`},
		{`date("2026-02-30")`, `the text is not a date`, `"2026`},
		{`date(record.title, "Europe/Madird")`, `unknown time zone "Europe/Madird"; they are written like`, `"Europe`},
		{`today("europe/madrid")`, `unknown time zone "europe/madrid"`, `"europe`},
		{`inZone(now(), "america/new york")`, `(did you mean "America/New_York"?)`, `"america`},
		{`inZone(now(), "Local")`, `unknown time zone "Local"`, `"Local"`},
		{`startOf(now(), "moth")`, `unknown unit of time "moth" (did you mean "month"?)`, `"moth"`},
		{`formatDate(now(), "d-m-Y")`, `unknown letters "m" in the pattern; an example is "dd.MM.yyyy HH:mm"`, `"d-m-Y"`},
		{`formatDate(now(), "d 'de")`, `a quote in the pattern is not closed`, `"d 'de"`},
		{`formatDate(now(), "long", "klingon_x")`, `unknown language "klingon_x"; they are written like es`, `"klingon`},
		{`parseDate(record.title, "d-m-Y")`, `unknown letters "m" in the pattern; an example is "dd/MM/yyyy HH:mm"`, `"d-m-Y"`},
		{`parseDate(record.title, "dd/MM")`, `a pattern that reads a date has a year, a month and a day`, `"dd/MM"`},
		{`parseDate(record.title, "yyyy-MM-dd yyyy")`, `the pattern has "yyyy" twice`, `"yyyy`},
		{`formatNumber(1, 2, "1234")`, `unknown language "1234"`, `"1234"`},
		{`formatCurrency(1, "euro")`, `unknown currency "euro"; they are written like EUR`, `"euro"`},
		{`formatCurrency(1, "EUR", "?")`, `unknown language "?"`, `"?"`},
		{`max("a", 1)`, `max expects a list or a number or a time or a duration, this gives text`, `"a"`},
		{`nextWeekday(now(), "Monday")`, `nextWeekday expects a number or a list, this gives text`, `"Monday"`},
		{`extract(record.title, record.status)`, `a pattern is written as a quoted text`, `record.status`},
		{`replacePattern(record.title, "(", "")`, `this pattern cannot be read: missing closing )`, `"("`},
		{`extractAll(record.title, "(a{30}){30}")`, `this pattern has more than 250 steps`, `"(a`},
		{`hmac(record.title, "x")`, `hmac takes the name of a configured secret in quotes`, `record.title`},
		{`hmac("", "x")`, `hmac takes the name of a configured secret in quotes`, `""`},
		{`hmac("rates", "x", "hexx")`, `unknown encoding "hexx" (did you mean "hex"?)`, `"hexx"`},
		{`sortBy(lines)`, `a list and a condition are expected`, `)`},
		{`sortBy(lines, .prise)`, `unknown field "prise" of line`, `prise`},
		{`first(lines).prise`, `unknown field "prise" of line (did you mean "price"?)`, `prise`},
		{`decreased("status")`, `decreased asks about a number, status is text`, `"status"`},
		{`removed("status", "x")`, `removed asks about a list, status is text`, `"status"`},
		{`record`, `record is a whole record; name one of its fields`, `record`},
		{`event.record`, `event.record is a whole record`, `event`},
		{`record.status.x`, `record.status is text and has no field "x"`, `x`},
		{`record.tags.x`, `record.tags is a list and has no field "x"`, `x`},
		{`record.tags["a"]`, `record.tags is a list and has no field "a"`, `"a"`},
		{`record.tags[record.status]`, `counted from 0, this gives text`, `record.status`},
		{`record.status[0]`, `expected a list or a map, this gives text`, `record`},
		{`lines[0].prize`, `unknown field "prize" of line (did you mean "price"?)`, `prize`},
		{`any(lines, .prize > 1)`, `unknown field "prize" of line`, `prize`},
		{`any(record.status, true)`, `any expects a list, this gives text`, `record`},
		{`filter(lines, .name)`, `expected true or false, this gives text`, `.name`},
		{`count(lines)`, `count takes a list and a condition`, `count`},
		{`record.status matches "("`, "this pattern cannot be read: missing closing )", `"("`},
		{`null.x`, `null has no field "x"`, `x`},
		{`record.status = "Open"`, `unexpected "=" (did you mean "=="?)`, `=`},
		{`true AND false`, `unexpected "AND" (did you mean "and"?)`, `AND`},
		{`record.status ==`, `the expression ends too early`, ``},
		{`(1 + 2`, `the expression ends too early`, ``},
		{`1 + ) 2`, `unexpected ")"`, `)`},
		{`"abc`, `a quoted text is not closed`, ``},
		{`"a\q"`, `unknown escape`, ``},
		{`1 @ 2`, `this character has no meaning here`, `@`},
		{`record.`, `the expression ends too early`, ``},
		{`record.+`, `a name is expected after the dot`, ``},
		{`99999999999999999999`, `this number is too large`, ``},
		{`/* x`, `the expression is empty`, ``},
		{` `, `the expression is empty`, ``},
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, world(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}

func TestWantErrors(t *testing.T) {
	for _, tt := range []struct {
		src     string
		want    Kind
		message string
	}{
		{`record.status`, Bool, `expected true or false, this gives text`},
		{`record.amount`, Text, `expected text, this gives a number`},
		{`record.status == ""`, List, `expected a list, this gives true or false`},
	} {
		_, fail := Compile(tt.src, world(), tt.want)
		wantError(t, tt.src, fail, tt.message, tt.src)
	}
}

func TestEvalErrors(t *testing.T) {
	env := full()
	env["vars"] = map[string]any{"text": "secret", "n": 1, "odd": struct{}{}, "list": []any{}, "inf": "1e999"}
	tests := []struct{ src, message, at string }{
		{`1 + vars.text`, `a number and text cannot be added`, `+`},
		{`1 - vars.text`, `- cannot be used between a number and text`, `-`},
		{`vars.text > 1`, `text cannot be compared with a number`, `>`},
		{`vars.list == vars.list`, `a list or a map cannot be compared`, `==`},
		{`1 / (vars.n - 1)`, `a number is divided by zero`, `/`},
		{`10 ** 300 * 10 ** 300`, `the number is too large`, `*`},
		{`lower(vars.n)`, `lower expects text, this gives a number`, `lower`},
		{`number(vars.text)`, `the text is not a number`, `number`},
		{`number(vars.inf)`, `the text is not a number`, `number`},
		{`date(vars.text)`, `the text is not a date`, `date`},
		{`duration(vars.text)`, `the text is not a duration`, `duration`},
		{`vars.text.x.y`, `vars.text.x.y cannot be read`, `y`},
		{`vars.n[0]`, `expected a list or a map`, `[`},
		{`vars.n && true`, `expected true or false, this gives a number`, `vars`},
		{`any(vars.text, true)`, `any expects a list, this gives text`, `any`},
		{`vars.odd`, `vars.odd is not plain data`, `odd`},
		{`string(vars.list)`, `a list cannot be written as text`, `string`},
		{`duration("100000d") * 2`, `the duration is too long`, `*`},
		{`round(1, vars.n - 2)`, `round takes 0 to 15 digits`, `round`},
		{`uniq([[1]])`, `a list cannot be written`, `uniq`},
		{`sort([1, "a"])`, `cannot be compared`, `sort`},
	}
	for _, tt := range tests {
		_, err := evaluate(t, tt.src, env)
		var fail *Error
		if !errors.As(err, &fail) {
			t.Errorf("%s: %v is no *Error", tt.src, err)
			continue
		}
		wantError(t, tt.src, fail, tt.message, tt.at)
		if strings.Contains(fail.Error(), "secret") {
			t.Errorf("%s: the error tells the value: %v", tt.src, fail)
		}
	}
	delete(env, EnvNow)
	if _, err := evaluate(t, `now()`, env); err == nil || err.Error() != "now() has no time here" {
		t.Errorf("now() without a clock: %v", err)
	}
}

// TestWrongData checks that a field which does not hold what its module declares is named.
func TestWrongData(t *testing.T) {
	env := data(map[string]any{
		"status": true, "amount": "12", "due": "2026-01-01", "tags": []any{1, true},
		"urgent": 1, "title": 12,
	})
	for src, want := range map[string]string{
		`record.status == "a"`:   `record.status holds true or false where text is expected`,
		`record.amount > 1`:      `record.amount holds text where a number is expected`,
		`record.due > now()`:     `record.due holds text where a time is expected`,
		`record.urgent`:          `record.urgent holds a number where true or false is expected`,
		`"a" in record.tags`:     `record.tags holds true or false where text is expected`,
		`record.title == "12"`:   ``, // a number reads as text
		`event.type == "x"`:      ``,
		`steps.x.y == "x"`:       ``,
		`any(lines, .price > 5)`: ``,
	} {
		_, err := evaluate(t, src, env)
		if got := message(err); got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
	env["record"] = map[string]string{"status": "x"}
	_, err := evaluate(t, `record.status`, env)
	if want := `record.status cannot be read: a value on the way has no fields`; message(err) != want {
		t.Errorf("a record of another Go type: %v", err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSuggest(t *testing.T) {
	names := []string{"ticketstatus", "ticketpriorities", "id", "description"}
	for word, want := range map[string]string{
		"ticketsttus": "ticketstatus", "tikcetstatus": "ticketstatus", "TicketStatus": "ticketstatus",
		"ix": "id", "xyz": "", "descrption": "description", "": "",
	} {
		if got := suggest(word, names); got != want {
			t.Errorf("suggest(%q) = %q, want %q", word, got, want)
		}
	}
}
