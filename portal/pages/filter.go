package pages

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/forms"
)

// filter is what a list can be narrowed by: one choice, or a range.
type filter struct {
	Kind    string // choice or range
	ID      string
	Label   string
	Value   string // of a choice
	From    string // of a range
	To      string
	Type    string // of the inputs of a range, as HTML names it
	Options []forms.Option
	Problem string // why what was typed is not looked at
}

// filters are those of the fields that the role may filter by, as the call has set them, and what they ask for.
func (c *call) filters(access *engine.Access) ([]filter, engine.Predicate) {
	var filters []filter
	var where engine.Predicate
	for _, name := range access.Filter {
		field := forms.FieldOf(access.Module, name)
		f := filter{ID: "filter-" + name, Label: forms.FieldLabel(field, c.texts.Language)}
		var asks engine.Predicate
		switch field.Type {
		case engine.TypePicklist, engine.TypeBoolean:
			asks = c.choice(&f, field)
		case engine.TypeDate, engine.TypeDateTime,
			engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
			asks = c.between(&f, field)
		default:
			continue // words are searched for in all texts at once, and people know no ids
		}
		where = where.Both(asks)
		filters = append(filters, f)
	}
	return filters, where
}

// asked is what the call has set for a field.
func (c *call) asked(prefix string, field *engine.Field) string {
	return strings.TrimSpace(c.URL.Query().Get(prefix + "." + field.Name))
}

// choice is one of a few values.
func (c *call) choice(f *filter, field *engine.Field) engine.Predicate {
	f.Kind, f.Value = "choice", c.asked("is", field)
	values := map[string]any{}
	add := func(value string, plain any, label string) {
		values[value] = plain
		f.Options = append(f.Options, forms.Option{Value: value, Label: label, Chosen: f.Value == value})
	}
	if field.Type == engine.TypeBoolean {
		add("yes", true, c.texts.Say("value.yes"))
		add("no", false, c.texts.Say("value.no"))
	}
	for _, option := range field.Options {
		add(option, option, field.ChoiceLabel(option, c.texts.Language))
	}
	plain, known := values[f.Value]
	if !known {
		f.Value = ""
		return engine.Predicate{}
	}
	return leaf(engine.OpEqual, field, plain)
}

// between is a range, both ends of which belong to it.
func (c *call) between(f *filter, field *engine.Field) engine.Predicate {
	f.Kind, f.From, f.To = "range", c.asked("from", field), c.asked("to", field)
	f.Type = "date"
	read, complaint := c.day, "error.date"
	if !slices.Contains([]engine.FieldType{engine.TypeDate, engine.TypeDateTime}, field.Type) {
		f.Type = "text"
		read, complaint = c.number, "error.number"
	}
	var where engine.Predicate
	for _, end := range []struct {
		text string
		op   engine.PredicateOp
	}{{f.From, engine.OpGreaterEqual}, {f.To, engine.OpLessEqual}} {
		if end.text == "" {
			continue
		}
		value, op, ok := read(field, end.text, end.op)
		if !ok {
			f.Problem = c.texts.Say(complaint)
			continue
		}
		where = where.Both(leaf(op, field, value))
	}
	return where
}

// day reads the end of a range of days; of a moment, all of the day counts.
func (c *call) day(field *engine.Field, text string, op engine.PredicateOp) (any, engine.PredicateOp, bool) {
	at, err := time.ParseInLocation(time.DateOnly, text, c.texts.Clocks())
	if err != nil || field.Type == engine.TypeDate {
		return text, op, err == nil
	}
	if op == engine.OpLessEqual {
		at, op = at.AddDate(0, 0, 1), engine.OpLess
	}
	return at.UTC().Format(time.RFC3339), op, true
}

func (c *call) number(field *engine.Field, text string, op engine.PredicateOp) (any, engine.PredicateOp, bool) {
	text = strings.Replace(text, ",", ".", 1)
	plain, err := (&engine.Field{Name: field.Name, Type: field.Type}).Plain(text)
	number, isNumber := plain.(json.Number)
	return number, op, err == nil && isNumber && strings.Trim(text, "+-.0123456789") == ""
}

func leaf(op engine.PredicateOp, field *engine.Field, value any) engine.Predicate {
	return engine.Predicate{Op: op, Path: field.Name, Values: []engine.Operand{{Value: value}}}
}
