package store

import (
	"cmp"
	"strings"
	"time"

	"postern/engine"
)

// The oracle of searches knows what a value means, since it chose the meaning first and a way to write it then, and has
// nothing of the code that reads values: known is false for what is not of its field's type.
type meaning struct {
	known bool
	is    any // nil, string, int, float64, bool or time.Time
}

// verdict is what a comparison comes to: it holds, it does not, or there is nothing to compare.
type verdict int

const (
	fails verdict = iota
	holds
	neither
)

func (v verdict) not() verdict {
	return map[verdict]verdict{fails: holds, holds: fails, neither: neither}[v]
}

func truth(b bool) verdict {
	if b {
		return holds
	}
	return fails
}

// world is what a store of a search holds, as the oracle sees it.
type world struct {
	modules   map[string]*engine.Module
	records   map[engine.Ref]engine.Record
	meanings  map[engine.Ref]map[string]meaning
	relations map[[2]engine.Ref]bool
}

// there tells whether a record is one that can be found.
func (w *world) there(ref engine.Ref) bool {
	return w.records[ref].Fields != nil && !w.records[ref].Deleted
}

// at is what a path of a record means; gone is true where it leads nowhere, or to a record without the field.
func (w *world) at(ref engine.Ref, path string) (is meaning, gone bool) {
	first, rest, further := strings.Cut(path, ".")
	field := w.modules[ref.Module].Fields[first]
	if !further {
		return w.meanings[ref][first], field == nil && first != "id"
	}
	if field == nil {
		return meaning{}, true
	}
	id, _ := w.meanings[ref][first].is.(string)
	for _, module := range field.To {
		if to := (engine.Ref{Module: module, ID: id}); w.there(to) {
			return w.at(to, rest)
		}
	}
	return meaning{}, true
}

// says is what the oracle thinks of a predicate about a record.
func (w *world) says(p engine.Predicate, ref engine.Ref) verdict {
	switch p.Op {
	case engine.OpNot:
		return w.says(p.Of[0], ref).not()
	case engine.OpAnd, engine.OpOr:
		absorbing := truth(p.Op == engine.OpOr)
		out := absorbing.not()
		for _, part := range p.Of {
			switch v := w.says(part, ref); {
			case v == absorbing:
				return absorbing
			case v == neither:
				out = neither
			}
		}
		return out
	case engine.OpRelated:
		id, _ := p.Values[0].Value.(string)
		return truth(w.relations[[2]engine.Ref{ref, {Module: p.Module, ID: id}}])
	}
	is, gone := w.at(ref, p.Path)
	if gone && !strings.Contains(p.Path, ".") || !gone && !is.known {
		return neither
	}
	out := fails
	for _, operand := range p.Values {
		have := is.is
		if gone {
			have = map[bool]any{true: "", false: nil}[isText(operand.Value)]
			if _, truth := operand.Value.(bool); truth {
				have = false
			}
		}
		switch compared(p.Op, have, operand.Value) {
		case neither:
			return neither
		case holds:
			out = holds
		}
	}
	return out
}

func isText(v any) bool {
	_, is := v.(string)
	return is
}

// compared compares what is there with what is given; both are of one kind, or one is nothing.
func compared(op engine.PredicateOp, have, given any) verdict {
	switch op {
	case engine.OpEqual:
		return truth(alike(have, given))
	case engine.OpNotEqual:
		return truth(!alike(have, given))
	case engine.OpIn:
		return truth(have != nil && alike(have, given))
	case engine.OpLess, engine.OpLessEqual, engine.OpGreater, engine.OpGreaterEqual:
		if _, truth := have.(bool); truth {
			return neither
		}
		if have == nil || given == nil || (given == "" && !isText(have)) {
			return fails
		}
		order := ordering(have, given)
		return truth(map[engine.PredicateOp]bool{
			engine.OpLess: order < 0, engine.OpLessEqual: order <= 0, engine.OpGreater: order > 0,
			engine.OpGreaterEqual: order >= 0,
		}[op])
	}
	text, a := have.(string)
	part, b := given.(string)
	if !a || !b {
		return neither
	}
	switch op {
	case engine.OpContains:
		return truth(strings.Contains(text, part))
	case engine.OpStarts:
		return truth(strings.HasPrefix(text, part))
	case engine.OpEnds:
		return truth(strings.HasSuffix(text, part))
	case engine.OpFold:
		return truth(strings.EqualFold(text, part))
	case engine.OpMentions:
		return truth(mentions([]rune(text), []rune(part)))
	}
	return truth(matches([]rune(text), []rune(part)))
}

// matches tells whether a text matches a pattern, in the plainest way there is.
func matches(text, pattern []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '%':
		for i := range len(text) + 1 {
			if matches(text[i:], pattern[1:]) {
				return true
			}
		}
		return false
	}
	return len(text) > 0 && (pattern[0] == '_' || strings.EqualFold(string(text[0]), string(pattern[0]))) &&
		matches(text[1:], pattern[1:])
}

// mentions tells whether a text has another in it somewhere, ignoring case.
func mentions(text, part []rune) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(string(text[i:i+len(part)]), string(part)) {
			return true
		}
	}
	return false
}

func alike(have, given any) bool {
	blank := func(v any) bool { return v == nil || v == "" }
	if blank(have) || blank(given) {
		return blank(have) && blank(given)
	}
	return ordering(have, given) == 0
}

func ordering(a, b any) int {
	switch x := a.(type) {
	case string:
		y, _ := b.(string)
		return strings.Compare(x, y)
	case bool:
		return map[bool]int{true: 0, false: 1}[x == b]
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y)
		}
	}
	x, _ := toFloat(a)
	y, _ := toFloat(b)
	return cmp.Compare(x, y)
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
