package corebosimport

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/exprsafe"
)

// typesOf are the modules as expressions see them.
func typesOf(s *speech) *exprsafe.Scope {
	object := map[string]exprsafe.Type{}
	var of func(module string) exprsafe.Type
	of = func(module string) exprsafe.Type {
		if known, ok := object[module]; ok {
			return known
		}
		fields := map[string]exprsafe.Type{"id": {Kind: exprsafe.Text}}
		object[module] = exprsafe.ObjectOf(module, fields)
		for name, f := range s.modules[module].fields {
			kinds := map[kind]exprsafe.Kind{
				kindText: exprsafe.Text, kindNumber: exprsafe.Number, kindBool: exprsafe.Bool, kindTime: exprsafe.Time,
				kindMoment: exprsafe.Time, kindList: exprsafe.List,
			}
			fields[name] = exprsafe.Type{Kind: kinds[f.said()]}
			if to := s.modules.known(f.to); f.kind == engine.TypeReference || f.kind == engine.TypeOwner {
				fields[name] = exprsafe.ReferenceTo(func() exprsafe.Type {
					union := map[string]exprsafe.Type{}
					for _, module := range to.items {
						for field, typ := range of(module.text).Fields {
							if known, there := union[field]; there {
								typ = exprsafe.Either(known, typ)
							}
							union[field] = typ
						}
					}
					return exprsafe.ObjectOf(f.name, union)
				})
			}
		}
		return object[module]
	}
	record := of(s.module)
	return &exprsafe.Scope{Names: map[string]exprsafe.Type{
		"record": record, "old": record, "actor": {Kind: exprsafe.Text},
		"vars": exprsafe.ObjectOf("vars", map[string]exprsafe.Type{"x": {Kind: exprsafe.Number}}),
	}}
}

// value of a term by the rules of the original, whose operators take all that follows.
func valueOf(t term) float64 {
	switch t := t.(type) {
	case numberTerm:
		var f float64
		_, _ = fmt.Sscan(string(t), &f)
		return f
	case bracketTerm:
		return valueOf(t.of)
	case negativeTerm:
		return -valueOf(t.of)
	case binaryTerm:
		left, right := valueOf(t.left), valueOf(t.right)
		switch t.op {
		case "+":
			return left + right
		case "-":
			return left - right
		}
		return left * right
	}
	return math.NaN()
}

// Whatever is computed, the result is that of the original.
func TestSumsKeepTheirResult(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var random func(depth int) string
	random = func(depth int) string {
		text := fmt.Sprint(dice.IntN(9) + 1)
		if depth > 0 && dice.IntN(3) == 0 {
			text = "(" + random(depth-1) + ")"
		}
		if dice.IntN(6) == 0 {
			text = "-" + text
		}
		for depth > 0 && dice.IntN(3) > 0 {
			text += []string{"+", "-", "*"}[dice.IntN(3)] + random(depth-1)
		}
		return text
	}
	s := speaker(t, "HelpDesk")
	for range 3000 {
		source := random(3)
		x, err := s.expression(source)
		if isUnsaid(err) { // too deep for one of the two
			continue
		}
		p, err := parseExpression(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		got, want := evaluate(t, s, x.text, exprsafe.Number, map[string]any{}), valueOf(p.term)+0 // no minus zero
		if fmt.Sprintf("%v", got) != fmt.Sprintf("%.0f", want) {
			t.Fatalf("%s is %.0f there; %s is %v here", source, want, x.text, got)
		}
	}
}

func evaluate(t *testing.T, s *speech, source string, want exprsafe.Kind, record map[string]any) any {
	t.Helper()
	program, fail := exprsafe.Compile(source, typesOf(s), want)
	if fail != nil {
		t.Fatalf("%s: %v", source, fail)
	}
	v, err := program.Eval(map[string]any{"record": record})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	if f, ok := v.(float64); ok && f == float64(int(f)) {
		return int(f)
	}
	return v
}

// holds is what a list of conditions comes to in the original: from left to right, in groups that are taken
// one after another, beginning with true.
func holds(lines []condition, of []bool) bool {
	results, joins, order := map[string]bool{}, map[string]string{}, []string{}
	for i, line := range lines {
		group := fmt.Sprint(line.Group)
		switch _, known := results[group]; {
		case !known:
			order = append(order, group)
			results[group] = of[i]
		case lines[i-1].Join == "or":
			results[group] = results[group] || of[i]
		default:
			results[group] = results[group] && of[i]
		}
		joins[group] = line.GroupJoin
	}
	all := true
	for _, group := range order {
		if joins[group] == "or" {
			all = all || results[group]
		} else {
			all = all && results[group]
		}
	}
	return all
}

// Whatever is joined by and, or and groups, it holds when it does in the original.
func TestConditionsKeepTheirMeaning(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	fields := []string{"from_portal", "commentadded", "from_mailscanner"}
	word := func() string { return []string{"and", "or"}[dice.IntN(2)] }
	s := speaker(t, "HelpDesk")
	for range 2000 {
		record := map[string]any{}
		for _, name := range fields {
			record[name] = dice.IntN(2) == 1
		}
		var lines []condition
		var of []bool
		group, join := 1, word()
		for range dice.IntN(7) + 1 {
			if dice.IntN(3) == 0 {
				group, join = group+1, word()
			}
			name, yes := fields[dice.IntN(len(fields))], dice.IntN(2) == 1
			lines = append(lines, condition{
				Field: name, Operation: "is", Value: fmt.Sprintf("%t:boolean", yes), Join: word(), Group: fmt.Sprint(group),
				GroupJoin: join,
			})
			of = append(of, record[name] == yes)
		}
		test, err := json.Marshal(lines)
		if err != nil {
			t.Fatal(err)
		}
		out := s.conditions(string(test), s.one)
		got := true
		if out.said.text != "" {
			got, _ = evaluate(t, s, out.said.text, exprsafe.Bool, record).(bool)
		}
		if want := holds(lines, of); got != want {
			t.Fatalf("%s\nof %v is %t there; %s is %t here", test, record, want, out.said.text, got)
		}
	}
}

// Each operation on a field of each type, beside each sort of value, is said in a condition that compiles, or
// refused. Nothing an admin can click together gets past the import and fails in lint.
func TestEveryOperationOnEveryField(t *testing.T) {
	operations := []string{
		"is", "is not", "contains", "does not contain", "starts with", "ends with", "does not start with",
		"does not end with", "has changed", "has changed to", "was", "is empty", "is not empty", "exists", "equal to",
		"does not equal", "less than", "greater than", "less than or equal to", "greater than or equal to",
		"has this as nth child", "between", "before", "after", "is today", "less than days ago", "more than days ago",
		"in less than", "in more than", "days ago", "days later", "monthday", "less than hours before",
		"more than hours before", "less than hours later", "more than hours later", "matches", "another",
	}
	values := []condition{
		{Value: ""},
		{Value: "abc"},
		{Value: "7"},
		{Value: "2026-03-01"},
		{Value: "2026-03-01,2026-04-01"},
		{Value: "true:boolean"},
		{Value: "hours", ValueType: "fieldname"},
		{Value: "ticket_no", ValueType: "fieldname"},
		{Value: "cf_due", ValueType: "fieldname"},
		{Value: "cf_tags", ValueType: "fieldname"},
		{Value: "from_portal", ValueType: "fieldname"},
		{Value: "hours * 2", ValueType: "expression"},
		{Value: "get_date('today')", ValueType: "expression"},
		{Value: "concat(ticket_no, 'x')", ValueType: "expression"},
	}
	s := speaker(t, "HelpDesk")
	scope := typesOf(s)
	said := 0
	for _, field := range []string{
		"ticket_title", "hours", "cf_score", "from_portal", "cf_due", "cf_checked", "ticketstatus", "cf_tags", "parent_id",
		"assigned_user_id", "email", "parent_id : (Contacts) lastname", "parent_id : (Contacts) birthday",
		"parent_id : (Contacts) emailoptout", "parent_id : (Accounts) annual_revenue", "parent_id : (Accounts) account_id",
	} {
		for _, operation := range operations {
			for _, line := range values {
				line.Field, line.Operation = field, operation
				x, err := s.one(line)
				if err != nil {
					continue
				}
				said++
				_, fail := exprsafe.Compile(x.text, scope, exprsafe.Bool)
				if fail != nil && !strings.Contains(fail.Message, "reads the CRM") {
					t.Errorf("%s %s %v (%s) became %s: %v", field, operation, line.Value, line.ValueType, x.text, fail)
				}
			}
		}
	}
	if said < 3000 {
		t.Errorf("only %d conditions were said", said)
	}
}

// Whatever is read as an expression of the original is said in one of ours that compiles, or refused.
func FuzzExpression(f *testing.F) {
	for _, source := range []string{
		"2*3+4", "if hours > 8 then 'long' else cf_due end", "concat(cf_tags, cf_due, from_portal)", "-(hours)",
		"add_days(cf_due, 'x')", "$(parent_id : (Contacts) birthday) == cf_due", "coalesce(email, 1) + 2", "x == ticket_no",
		"NOT(cf_tags)", "substring(cf_due, 1)", "min(hours, days)", "implode(',', cf_tags)", "implode(00,0)", "regex('a', hours)",
	} {
		f.Add(source)
	}
	modules, err := ReadModules([]File{{Name: "describe.json", Text: describedSample(f)}})
	if err != nil {
		f.Fatal(err)
	}
	speaks := speech{modules: modules, module: "HelpDesk", subject: "record", zone: "UTC", language: "en"}
	speaks.vars = map[string]kind{"x": kindNumber}
	scope := typesOf(&speaks)
	f.Fuzz(func(t *testing.T, source string) {
		s := speaks
		x, err := s.expression(source)
		if err != nil {
			return
		}
		if _, fail := exprsafe.Compile(x.text, scope, exprsafe.Any); fail != nil &&
			!strings.Contains(fail.Message, "reads the CRM") {
			t.Errorf("%q became %s: %v", source, x.text, fail)
		}
	})
}

func describedSample(f *testing.F) []byte {
	f.Helper()
	text, err := os.ReadFile("testdata/sample/describe.json")
	if err != nil {
		f.Fatal(err)
	}
	return text
}
