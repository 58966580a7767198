package corebosimport

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
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
			for _, to := range f.to {
				if s.modules[to] != nil && (f.kind == engine.TypeReference || f.kind == engine.TypeOwner) {
					fields[name] = exprsafe.ReferenceTo(func() exprsafe.Type { return of(to) })
				}
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
