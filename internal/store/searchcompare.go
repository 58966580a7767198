package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/engine"
)

// comparison is one comparison with its values as parameters.
type comparison struct {
	*question
	p      engine.Predicate
	values []any
}

// operands are the values of a comparison as parameters; false where nothing can be compared with them.
func operands(p engine.Predicate) (values []any, ok bool) {
	if p.Op != engine.OpIn && len(p.Values) != 1 {
		return nil, false
	}
	for _, operand := range p.Values {
		value, ok := parameter(operand.Value)
		if !ok || operand.From != engine.FromConstant {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// parameter is a value that the function of comparisons reads as the engine would read the value itself: texts as
// bytes, since those of functions end at their first NUL, behind one more, since no bytes are NULL.
func parameter(value any) (any, bool) {
	switch v := value.(type) {
	case nil, int64, float64:
		return v, true
	case int:
		return int64(v), true
	case string:
		return asBytes(v), true
	case json.Number:
		return asBytes(v.String()), true
	case bool:
		return asBytes(fmt.Sprint(v)), true
	case time.Time:
		if v.Nanosecond() == 0 {
			return asBytes(v.Format(time.RFC3339)), true
		}
		return asBytes(v.Format(time.RFC3339Nano)), true
	}
	return nil, false
}

func asBytes(text string) []byte { return append([]byte{'='}, text...) }

// positive is the condition that a comparison holds which never does where its path leads nowhere. What stands before
// the last name of the path are references: the record must refer to one for which the rest holds.
func (c comparison) positive(row string, m *engine.Module, steps []string) string {
	if len(steps) == 1 {
		if condition, ok := c.exact(row, m, steps[0]); ok {
			return condition
		}
		return c.last(row, m, steps[0])
	}
	var targets []string
	for _, to := range c.targets(m, steps[0]) {
		next := c.row()
		index, ok := c.index(to, steps[1], len(steps) > 2)
		if !ok {
			index = ""
		}
		// A plain id would be compared as a column of texts is, which an index of expressions is none of.
		targets = append(targets, fmt.Sprintf("SELECT +%s.id FROM records AS %s%s WHERE %s AND %s",
			next, next, using(index), inModule(next, to.Name), c.positive(next, to, steps[1:])))
	}
	if len(targets) == 0 {
		return "NULL"
	}
	return valueOf(row, c.place(m, steps[0])) + " IN (" + strings.Join(targets, " UNION ALL ") + ")"
}

// outcome is a number for what a comparison comes to: 1 and 0 for true and false, 2 where it cannot be compared.
func (c comparison) outcome(row string, m *engine.Module, steps []string) string {
	if len(steps) == 1 {
		return "coalesce(" + c.last(row, m, steps[0]) + ", 2)"
	}
	nowhere := "2"
	if holds, known := c.p.Compare(nil, nil); known {
		nowhere = map[bool]string{false: "0", true: "1"}[holds]
	}
	found := []string{"coalesce(NULL"}
	for _, to := range c.targets(m, steps[0]) {
		next := c.row()
		found = append(found, fmt.Sprintf("(SELECT %s FROM records AS %s WHERE %s AND %s.id = %s)",
			c.outcome(next, to, steps[1:]), next, inModule(next, to.Name), next, valueOf(row, c.place(m, steps[0]))))
	}
	return strings.Join(append(found, nowhere), ", ") + ")"
}

// targets are the modules that a reference may lead to.
func (c comparison) targets(m *engine.Module, reference string) (targets []*engine.Module) {
	field := m.Fields[reference]
	if field == nil {
		return nil
	}
	for _, to := range field.To {
		if module := c.Modules[to]; module != nil {
			targets = append(targets, module)
		}
	}
	return targets
}

// exact is a condition that holds where the comparison does, and may use an index: that a text is one of those given.
// The empty text stands for fields that are not there, so that no index finds it.
func (c comparison) exact(row string, m *engine.Module, name string) (string, bool) {
	field := m.Fields[name]
	if name == "id" {
		field = &engine.Field{Type: engine.TypeText}
	}
	if field == nil || !field.IsText() {
		return "", false
	}
	at, stored := c.place(m, name), row+".id"
	switch {
	case name == "id" && c.p.Op == engine.OpFold:
		return "", false
	case c.p.Op == engine.OpFold:
		stored = foldOf(row+".fields", at)
	case c.p.Op != engine.OpEqual && c.p.Op != engine.OpIn:
		return "", false
	case name != "id":
		stored = valueOf(row, at)
	}
	params := make([]string, len(c.p.Values))
	for i, operand := range c.p.Values {
		text, ok := operand.Value.(string)
		if !ok || text == "" {
			return "", false
		}
		if c.p.Op == engine.OpFold {
			text = engine.Fold(text)
		}
		params[i] = c.param(text)
	}
	if len(params) == 1 {
		return stored + " = " + params[0], true
	}
	return stored + " IN (" + strings.Join(params, ", ") + ")", true
}

// last compares a value of a row as the engine does it; NULL where it cannot be compared.
func (c comparison) last(row string, m *engine.Module, name string) string {
	if name == "id" {
		return c.test(engine.TypeText, "json_quote("+row+".id)")
	}
	field := m.Fields[name]
	switch {
	case field == nil && row == "r0":
		return "NULL"
	case field == nil:
		return c.test("", "NULL")
	}
	return c.test(field.Type, row+".fields -> "+quoted(c.place(m, name).path()))
}

// test is a call of the function that compares.
func (c comparison) test(kind engine.FieldType, value string) string {
	args := []string{quoted(string(c.p.Op)), quoted(string(kind)), value}
	for _, value := range c.values {
		args = append(args, c.param(value))
	}
	return "postern_test(" + strings.Join(args, ", ") + ")"
}
