package crm

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/engine"
)

// said is what one comparison of a field says to coreBOS: its text, "" where there are no words for it, and none where
// no record can be meant. Numbers and times are asked for up to the next whole one, and with their bounds.
func said(field *engine.Field, p comparison) (text string, none bool) {
	if field == nil || len(p.Values) != 1 || !moduleName.MatchString(field.Name) {
		return "", field == nil
	}
	value := p.Values[0].Value
	switch {
	case field.Type == engine.TypeBoolean:
		return saidTruth(field, p), false
	case p.negated || p.Op == engine.OpNotEqual: // would have to find what is empty too
		return "", false
	case value == nil || value == "":
		if p.Op == engine.OpEqual {
			return field.Name + " is null", false // no literal may be empty
		}
		return "", false
	case field.IsText():
		return saidText(field, p.Op, value)
	}
	switch field.Type {
	case engine.TypeDate, engine.TypeDateTime:
		return saidTime(field, p.Op, value), false
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return saidNumber(field, p.Op, value), false
	}
	return "", false
}

// viewed is a value as a field reads it; nil if it is none for it.
func viewed(field *engine.Field, value any) any {
	module := engine.Module{Fields: map[string]*engine.Field{field.Name: field}}
	view, err := module.ViewOf(engine.Fields{field.Name: value})
	if err != nil {
		return nil
	}
	return view[field.Name]
}

func saidTruth(field *engine.Field, p comparison) string {
	truth, ok := viewed(field, p.Values[0].Value).(bool)
	if !ok || (p.Op != engine.OpEqual && p.Op != engine.OpNotEqual) {
		return ""
	}
	if (p.Op == engine.OpNotEqual) != p.negated {
		truth = !truth
	}
	return field.Name + map[bool]string{true: "='1'", false: "='0'"}[truth]
}

// longestSaid is how many characters of a text are asked for.
const longestSaid = 100

// saidText asks for a text by the characters that mean themselves to every parser of coreBOS, whatever they are in.
func saidText(field *engine.Field, op engine.PredicateOp, value any) (text string, none bool) {
	wanted, _ := viewed(field, value).(string)
	switch {
	case op == engine.OpEqual && (field.Type == engine.TypeReference || field.Name == "id"):
		if !idForm.MatchString(wanted) {
			return "", true // the CRM refuses to look for what is no id
		}
		return field.Name + "='" + wanted + "'", false
	case field.Type == engine.TypeReference || field.Type == engine.TypeOwner || field.Name == "id":
		return "", false
	case (op == engine.OpEqual || op == engine.OpFold) && wanted == pattern(wanted, false):
		return field.Name + "='" + wanted + "'", false
	}
	like := pattern(wanted, op == engine.OpLike)
	switch op {
	case engine.OpEqual, engine.OpFold, engine.OpLike:
	case engine.OpStarts:
		like += "%"
	case engine.OpEnds:
		like = "%" + like
	case engine.OpContains, engine.OpMentions:
		like = "%" + like + "%"
	default:
		return "", false // the database orders texts in its own way
	}
	if strings.Trim(like, "%_") == "" {
		return "", false
	}
	return field.Name + " like '" + like + "'", false
}

// pattern is a text with a sign for each character that may mean something else to the CRM: to its parsers, which are
// chosen by the dots, brackets and words of a query, or in how it stores a text. Of a pattern, % and _ stay what they
// are.
func pattern(text string, isPattern bool) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > longestSaid {
			b.WriteByte('%')
			break
		}
		switch {
		case isPattern && (r == '%' || r == '_'), r == ' ', r == '-', r == ':', r == '@':
			b.WriteRune(r)
		case r >= utf8.RuneSelf && unicode.SimpleFold(unicode.SimpleFold(r)) != r:
			b.WriteByte('%') // of the signs that are one letter without case the database may know two
		case r < 0x10000 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case r == '\'':
			b.WriteString("''")
		default:
			b.WriteByte('%')
		}
	}
	out := b.String()
	for _, word := range []string{"not in", "not null", "related"} {
		if strings.Contains(strings.ToLower(out), word) {
			return "%"
		}
	}
	return out
}

func saidNumber(field *engine.Field, op engine.PredicateOp, value any) string {
	number, err := json.Number(textOf(value)).Float64()
	if err != nil || math.Abs(number) > 1e15 {
		return ""
	}
	whole := func(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }
	return saidBounds(field.Name, op, whole(math.Floor(number)), whole(math.Ceil(number)))
}

func textOf(value any) string {
	switch v := value.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	text, _ := engine.PlainText(value)
	return strings.TrimSpace(text)
}

func saidTime(field *engine.Field, op engine.PredicateOp, value any) string {
	at, ok := viewed(field, value).(time.Time)
	if !ok {
		return ""
	}
	form := datetime
	if field.Type == engine.TypeDate {
		form = time.DateOnly
	}
	least := at.UTC().Format(form)
	most := least
	if field.Type == engine.TypeDateTime && at.Nanosecond() > 0 {
		most = at.UTC().Add(time.Second).Format(form)
	}
	return saidBounds(field.Name, op, least, most)
}

// saidBounds asks for values about one of which only bounds are written.
func saidBounds(name string, op engine.PredicateOp, least, most string) string {
	var all []string
	if slices.Contains([]engine.PredicateOp{engine.OpEqual, engine.OpGreater, engine.OpGreaterEqual}, op) {
		all = append(all, name+">='"+least+"'")
	}
	if slices.Contains([]engine.PredicateOp{engine.OpEqual, engine.OpLess, engine.OpLessEqual}, op) {
		all = append(all, name+"<='"+most+"'")
	}
	return strings.Join(all, " and ")
}
