package corebosimport

import (
	"strings"
	"testing"

	"postern/internal/exprsafe"
)

// speaker speaks of tickets of the sample's modules.
func speaker(t *testing.T, module string) *speech {
	t.Helper()
	modules, err := ReadModules([]File{{Name: "describe.json", Text: contents(t, "testdata/sample/describe.json")}})
	if err != nil {
		t.Fatal(err)
	}
	return &speech{
		modules: modules, module: module, subject: "record", zone: "UTC", language: "en", vars: map[string]kind{"x": kindNumber},
	}
}

// Expressions keep the result of the original, which groups from the right.
func TestExpressions(t *testing.T) {
	scope := typesOf(speaker(t, "HelpDesk"))
	for source, want := range map[string]string{
		"2*3+4":                           "2 * (3 + 4)",
		"10-3-2":                          "10 - (3 - 2)",
		"10/5*2":                          "10 / (5 * 2)",
		"2+3*4":                           "2 + 3 * 4",
		"1+2+3":                           "1 + 2 + 3",
		"1+2-3":                           "1 + (2 - 3)",
		"(2*3)+4":                         "2 * 3 + 4",
		"(hours + 1) * 2":                 "(record.hours + 1) * 2",
		"hours * 2 == 4":                  "record.hours * (2 == 4 ? 1 : 0)",
		"-hours":                          "-record.hours",
		".5 * hours":                      "0.5 * record.hours",
		"ticket_no == 'TT1'":              `record.ticket_no == "TT1"`,
		"hours == '8'":                    "record.hours == 8",
		"from_portal == 1":                "record.from_portal",
		"from_portal == 0":                "!record.from_portal",
		"cf_due < '2026-03-01'":           `record.cf_due < date("2026-03-01")`,
		"hours + ticket_no":               "record.hours + number(record.ticket_no)",
		"x + 1":                           "vars.x + 1",
		"previousvalue_hours":             "old.hours",
		`'it\'s'`:                         `"it's"`,
		"`ticket_no`":                     "record.ticket_no",
		"assigned_user_id":                "record.assigned_user_id",
		"$(parent_id : (Contacts) email)": "record.parent_id.email",
		"if hours > 8 then 'long' else 'short' end":               `record.hours > 8 ? "long" : "short"`,
		"if (hours) then 1 else if days then 2 else 3 end":        "(record.hours ?? 0) != 0 ? 1 : ((record.days ?? 0) != 0 ? 2 : 3)",
		"concat(ticket_no, ' ', hours)":                           `join([record.ticket_no, " ", record.hours])`,
		"concat('due ', cf_due)":                                  `join(["due ", formatDate(record.cf_due, "yyyy-MM-dd")])`,
		"coalesce(email, 'none')":                                 `(record.email ?? "none")`,
		"substring(ticket_no, 2)":                                 "record.ticket_no[2:]",
		"substring(ticket_no, 1, 3)":                              "record.ticket_no[1:4]",
		"substring(ticket_no, -3)":                                "record.ticket_no[-3:]",
		"substring(ticket_no, -3, 2)":                             "record.ticket_no[-3:-1]",
		"substring(ticket_no, -3, 3)":                             "record.ticket_no[-3:]",
		"substring(ticket_no, 1, -1)":                             "record.ticket_no[1:-1]",
		"uppercase(hours)":                                        "upper(string(record.hours))",
		"uppercasewords(ticket_title)":                            "title(record.ticket_title)",
		"stringreplace('a', 'b', ticket_no)":                      `replace(record.ticket_no, "a", "b")`,
		"regexreplace('/[0-9]+/', '#', ticket_no)":                `replacePattern(record.ticket_no, "[0-9]+", "#")`,
		"regex('/^TT/i', ticket_no)":                              `record.ticket_no matches "(?i)^TT"`,
		"add_days(cf_due, 3)":                                     `addDays((record.cf_due ?? today("UTC")), 3)`,
		"sub_days(get_date('today'), hours)":                      `addDays(today("UTC"), -record.hours)`,
		"add_days(5)":                                             `addDays(today("UTC"), 5)`,
		"time_diff(modifiedtime, createdtime)":                    "seconds(record.modifiedtime - record.createdtime)",
		"time_diffdays(createdtime)":                              "floor(days(now() - record.createdtime))",
		"networkdays(createdtime, cf_due)":                        "businessDays(addDays(record.createdtime, -1), record.cf_due)",
		"add_workdays(cf_due, 2, 0, '')":                          `addBusinessDays((record.cf_due ?? today("UTC")), 2)`,
		"format_date(cf_due, 'd/m/Y')":                            `formatDate(record.cf_due, "dd/MM/yyyy", "en")`,
		"get_date('time')":                                        `formatDate(inZone(now(), "UTC"), "HH:mm:ss")`,
		"power(hours, 2) + 1":                                     "(record.hours ** 2) + 1",
		"modulo(days, 7)":                                         "(record.days % 7)",
		"average(1, hours)":                                       "mean([1, record.hours])",
		"round(hours, 1)":                                         "round(record.hours, 1)",
		"number_format(hours, 2, ',', '.')":                       `formatNumber(record.hours, 2, "en")`,
		"AND(hours > 1, OR(days > 2, NOT(from_portal)))":          "record.hours > 1 && (record.days > 2 || !record.from_portal)",
		"exists('ticket_no', 'TT1')":                              `any(records("HelpDesk", "ticket_no", "TT1"), #.id != record.id)`,
		"existsrelated('ModComments', 'commentcontent', 'x')":     `any(related("ModComments"), #.commentcontent == "x")`,
		"allrelatedarethesame('ModComments', 'commentcontent')":   `len(uniq(map(related("ModComments"), #.commentcontent))) <= 1`,
		"aggregation('count', 'ModComments', 'id')":               `len(related("ModComments"))`,
		"getIDof('Contacts', 'email', email)":                     `first(records("Contacts", "email", record.email)).id`,
		"hash(ticket_no, 'sha256')":                               "sha256(record.ticket_no)",
		"base64encode(ticket_no)":                                 "base64Encode(record.ticket_no)",
		"jsonEncode(ticket_no)":                                   "toJSON(record.ticket_no)",
		"implode(',', array(ticket_no, 'x'))":                     `join([record.ticket_no, "x"], ",")`,
		"get_nextdate(cf_due, '15,30')":                           "nextMonthDay(record.cf_due, [15, 30])",
		"char(65)":                                                `"A"`,
		"isString(ticket_no)":                                     `kind(record.ticket_no) == "text"`,
		"getGEODistanceFromCoordinates(52.37, 4.89, 40.42, -3.7)": "distance(52.37, 4.89, 40.42, -3.7)",
		"getRelatedIDs('ModComments')":                            `map(related("ModComments"), #.id)`,
		"getCRMIDFromWSID(parent_id)":                             `last(split(record.parent_id, "x"))`,
		"getCurrentUserID()":                                      "actor",
		"randomstring(24)":                                        "random(192)",
		"ticket_no &amp;&amp; 1":                                  "record.ticket_no",
	} {
		got, err := speaker(t, "HelpDesk").expression(source)
		if err != nil || got.text != want {
			t.Errorf("%s: %v\n got %s\nwant %s", source, err, got.text, want)
			continue
		}
		_, fail := exprsafe.Compile(got.text, scope, exprsafe.Any)
		if fail != nil && !strings.Contains(fail.Message, "reads the CRM") {
			t.Errorf("%s became %s: %v", source, got.text, fail)
		}
	}
}

// What cannot be said is told with a reason that its admin understands.
func TestExpressionsThatCannotBeSaid(t *testing.T) {
	for source, want := range map[string]string{
		"nofield":                       "HelpDesk has no field nofield",
		"executeSQL('select 1')":        "executeSQL has no counterpart: an expression here runs no SQL",
		"getRequest('id')":              "getRequest has no counterpart: an expression here sees no request of a browser",
		"mine(1)":                       "mine is no function that is known here",
		"cf_due + 1":                    "record.cf_due is no number",
		"cf_tags == 'a'":                "a list cannot be compared as a whole",
		"1 +":                           `the expression "1 +" cannot be read: byte 3: expected a value`,
		"if hours then 1":               "byte 15: expected else",
		"concat(ticket_no":              "byte 16: expected a closing bracket",
		strings.Repeat("(", 100):        "nested more than 60 deep",
		"regex('/(?<=a)b/', ticket_no)": "has parts that patterns here do not have",
		"getFromContext('nothing')":     "no step before this one sets nothing",
		"hash(ticket_no)":               "hash makes sha1 unless told otherwise",
		"substring(ticket_no, hours)":   "the beginning of a substring has to be written as a number",
		"$(parent_id : (Users) email1)": "parent_id of HelpDesk does not lead to Users",
		"$(parent_id : (Contacts) x)":   "Contacts has no field x",
		"round()":                       "round: expected at least 1 values, found 0",
	} {
		x, err := speaker(t, "HelpDesk").expression(source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %s, %v\nwant %s", source, x.text, err, want)
		}
	}
}

func TestConditions(t *testing.T) {
	scope := typesOf(speaker(t, "HelpDesk"))
	for test, want := range map[string]string{
		``:   "",
		`[]`: "",
		`[{"fieldname":"ticketstatus","operation":"is","value":"O &amp; K"}]`:                                             `record.ticketstatus == "O & K"`,
		`[{"fieldname":"hours","operation":"less than","value":"8"}]`:                                                     `(record.hours ?? 0) < 8`,
		`[{"fieldname":"hours","operation":"is","value":""}]`:                                                             `record.hours == ""`,
		`[{"fieldname":"hours","operation":"greater than","value":"days","valuetype":"fieldname"}]`:                       `record.hours > record.days`,
		`[{"fieldname":"from_portal","operation":"is","value":"false:boolean"}]`:                                          `!record.from_portal`,
		`[{"fieldname":"from_portal","operation":"has changed to","value":"true:boolean"}]`:                               `changed_to("from_portal", true)`,
		`[{"fieldname":"parent_id","operation":"is","value":"77"}]`:                                                       `record.parent_id endsWith "x77"`,
		`[{"fieldname":"parent_id","operation":"is","value":"12x77"}]`:                                                    `record.parent_id == "12x77"`,
		`[{"fieldname":"modifiedby","operation":"is not","value":"5"}]`:                                                   `record.modifiedby != "19x5"`,
		`[{"fieldname":"ticketstatus","operation":"is empty"}]`:                                                           `!has(record.ticketstatus)`,
		`[{"fieldname":"ticket_title","operation":"is empty"}]`:                                                           `record.ticket_title in ["", "0"]`,
		`[{"fieldname":"from_portal","operation":"is empty"}]`:                                                            `!record.from_portal`,
		`[{"fieldname":"parent_id : (Contacts) lastname","operation":"is empty"}]`:                                        `(record.parent_id.lastname ?? "") in ["", "0"]`,
		`[{"fieldname":"parent_id : (Contacts) lastname","operation":"is","value":"Doe"}]`:                                `record.parent_id.lastname == "Doe"`,
		`[{"fieldname":"parent_id : (Contacts) lastname","operation":"is not","value":"Doe"}]`:                            `record.parent_id != "" && record.parent_id.lastname != "Doe"`,
		`[{"fieldname":"hours","operation":"contains","value":"5"}]`:                                                      `string(record.hours) contains "5"`,
		`[{"fieldname":"createdtime","operation":"more than hours before","value":"days * 24","valuetype":"expression"}]`: `record.createdtime <= now() - duration(string(record.days * 24) + "h")`,
		`[{"fieldname":"cf_due","operation":"monthday","value":"createdtime","valuetype":"fieldname"}]`:                   `month(record.cf_due) == month(record.createdtime) && day(record.cf_due) == day(record.createdtime)`,
	} {
		s := speaker(t, "HelpDesk")
		out := s.conditions(test, s.one)
		if len(out.missing) > 0 || out.said.text != want {
			t.Errorf("%s: %v\n got %s\nwant %s", test, out.missing, out.said.text, want)
		}
		if _, fail := exprsafe.Compile(out.said.text, scope, exprsafe.Bool); want != "" && fail != nil {
			t.Errorf("%s became %s: %v", test, out.said.text, fail)
		}
	}
}
