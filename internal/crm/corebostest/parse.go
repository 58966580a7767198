package corebostest

import (
	"slices"
	"strconv"
	"strings"
)

// parser reads the words of one query.
type parser struct {
	player *Player
	words  []word
	module *module
}

func (q *parser) read() (*found, *reply) {
	if !q.take("select") {
		return nil, syntaxError(q.next(), "Unknown", "SELECT")
	}
	f := &found{limit: defaultLimit}
	var bracketed bool
	f.columns, f.count, bracketed = q.columns()
	if !q.take("from") {
		return nil, syntaxError(q.next(), "Unknown", "FROM")
	}
	name := q.next().text
	if f.module = q.player.modules[name]; f.module == nil {
		r := deniedFor(name)
		return nil, &r
	}
	q.module = f.module
	for _, c := range f.columns {
		if c != "id" && f.module.field(c) == nil {
			return nil, noAttribute("'." + c + ".'")
		}
	}
	if q.take("where") {
		if bracketed || q.brackets() {
			return f, nil // square brackets outside a literal drop the condition, and all that follows, without a word
		}
		where, refused := q.either()
		if refused != nil {
			return nil, refused
		}
		f.where = where
	}
	return f, q.rest(f)
}

func noAttribute(name string) *reply {
	r := refuse("ACCESS_DENIED", "Permission to access "+name+" attribute denied.")
	return &r
}

// columns reads what is selected; a column in square brackets is left out.
func (q *parser) columns() (names []string, count, bracketed bool) {
	names = []string{}
	for {
		switch {
		case q.take("*"):
			names = nil
		case q.take("count"):
			count = q.take("(") && q.take("*") && q.take(")")
		case q.take("["):
			q.next()
			q.take("]")
			bracketed = true
		default:
			names = append(names, q.next().text)
		}
		if !q.take(",") {
			return names, count, bracketed
		}
	}
}

// brackets tells whether square brackets stand outside the literals of what is left.
func (q *parser) brackets() bool {
	return slices.ContainsFunc(q.words, func(w word) bool { return !w.literal && w.text == "[" })
}

func (q *parser) either() (condition, *reply) {
	left, refused := q.both()
	for refused == nil && q.take("or") {
		var right condition
		a := left
		right, refused = q.both()
		left = func(r *record) bool { return a(r) || right(r) }
	}
	return left, refused
}

func (q *parser) both() (condition, *reply) {
	left, refused := q.one()
	for refused == nil && q.take("and") {
		var right condition
		a := left
		right, refused = q.one()
		left = func(r *record) bool { return a(r) && right(r) }
	}
	return left, refused
}

func (q *parser) one() (condition, *reply) {
	if q.take("(") {
		inner, refused := q.either()
		q.take(")")
		return inner, refused
	}
	name := q.next()
	if name.text != "id" && q.module.field(name.text) == nil && name.text != "1" {
		return nil, noAttribute(name.text)
	}
	operator := q.next()
	switch strings.ToLower(operator.text) {
	case "in":
		return q.among(name.text)
	case "is":
		if !q.take("null") {
			return nil, syntaxError(q.next(), "VALUE", "NULL")
		}
		return func(r *record) bool { return r.fields[name.text] == "" }, nil // the empty text counts as null
	case "=", "!=", "<", ">", "<=", ">=", "like":
	default:
		return nil, syntaxError(operator, "VALUE", "EQ,LT,GT,LTE,GTE,NE,IN,LIKE")
	}
	literal := q.next()
	if literal.literal && literal.text == "" {
		return nil, &brokeDown
	}
	if name.text == "1" {
		return func(*record) bool { return literal.text == "1" }, nil
	}
	return q.compares(name.text, strings.ToLower(operator.text), literal.text), nil
}

// among reads the list of an in.
func (q *parser) among(name string) (condition, *reply) {
	var any []condition
	q.take("(")
	for {
		any = append(any, q.compares(name, "=", q.next().text))
		if !q.take(",") {
			break
		}
	}
	q.take(")")
	return func(r *record) bool {
		return slices.ContainsFunc(any, func(c condition) bool { return c(r) })
	}, nil
}

// rest reads order, limit and the end.
func (q *parser) rest(f *found) *reply {
	if q.take("order") && q.take("by") {
		for {
			by := column{name: q.next().text}
			by.descending = q.take("desc")
			q.take("asc")
			f.order = append(f.order, by)
			if !q.take(",") {
				break
			}
		}
	}
	if q.take("limit") {
		f.limit, _ = strconv.Atoi(q.next().text)
		if q.take(",") {
			f.offset = f.limit
			f.limit, _ = strconv.Atoi(q.next().text)
		}
	}
	expected := "SEMICOLON"
	if q.take(";") {
		expected = ""
	}
	if len(q.words) == 0 {
		return nil
	}
	return syntaxError(q.next(), "COLUMNNAME", expected)
}

// take drops the next word if it is the given one, in any case.
func (q *parser) take(text string) bool {
	if len(q.words) == 0 || q.words[0].literal || !strings.EqualFold(q.words[0].text, text) {
		return false
	}
	q.words = q.words[1:]
	return true
}

func (q *parser) next() word {
	if len(q.words) == 0 {
		return word{}
	}
	w := q.words[0]
	q.words = q.words[1:]
	return w
}
