package rest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
	"postern/portal"
)

// ops are what a filter may do, as addresses name it: filter[<field>][<op>]=<value>.
var ops = map[string]engine.PredicateOp{
	"eq": engine.OpEqual, "ne": engine.OpNotEqual, "lt": engine.OpLess, "le": engine.OpLessEqual,
	"gt": engine.OpGreater, "ge": engine.OpGreaterEqual, "in": engine.OpIn, "contains": engine.OpContains,
	"starts": engine.OpStarts, "ends": engine.OpEnds, "same": engine.OpFold, "like": engine.OpLike,
}

// maxQuery is how long the query of an address may be, in bytes.
const maxQuery = 16 << 10

// questionOf reads what a list is asked for with: filter[field][op], q, sort, fields, limit, after, offset, total. What
// is unknown is refused: a filter that is not understood would give too much. count says that nothing but the number
// of records is wanted.
func questionOf(c *call, module string) (q portal.Question, count bool, err error) {
	q.Module = module
	if len(c.URL.RawQuery) > maxQuery {
		return q, false, about(errParameter, "query")
	}
	values, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return q, false, about(errParameter, unread(c.URL.RawQuery))
	}
	for _, name := range sortedNames(values) {
		given := values[name]
		if strings.HasPrefix(name, "filter[") {
			continue
		}
		if len(given) != 1 {
			return q, false, about(errParameter, name)
		}
		if err := readParameter(&q, name, given[0]); err != nil {
			return q, false, err
		}
	}
	q.Where, err = filterOf(values)
	return q, values.Get("limit") == "0", err
}

func readParameter(q *portal.Question, name, value string) (err error) {
	switch name {
	case "q":
		q.Search = value
	case "after":
		q.After = value
	case "fields":
		q.Fields = strings.Split(value, ",")
	case "sort":
		for field := range strings.SplitSeq(value, ",") {
			plain, desc := strings.CutPrefix(field, "-")
			q.Order = append(q.Order, engine.Sorting{Field: plain, Desc: desc})
		}
	case "limit":
		q.Limit, err = strconv.Atoi(value)
	case "offset":
		q.Offset, err = strconv.Atoi(value)
	case "total":
		q.Total, err = strconv.ParseBool(value)
	default:
		err = errParameter
	}
	if err != nil {
		return about(errParameter, name)
	}
	return nil
}

// unread is the name of the first parameter that cannot be read.
func unread(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if _, err := url.ParseQuery(pair); err != nil {
			name, _, _ := strings.Cut(pair, "=")
			return name
		}
	}
	return "query"
}

// filterOf reads the filters of an address, all of which must hold.
func filterOf(values url.Values) (engine.Predicate, error) {
	where := engine.Predicate{Op: engine.OpAnd}
	for _, name := range sortedNames(values) {
		inner, found := strings.CutPrefix(name, "filter[")
		if !found {
			continue
		}
		field, rest, parted := strings.Cut(inner, "][")
		word, closed := strings.CutSuffix(rest, "]")
		op, known := ops[word]
		if !parted || !closed || !known {
			return where, about(errParameter, name)
		}
		given := values[name]
		if op == engine.OpIn {
			where.Of = append(where.Of, comparison(op, field, given))
			continue
		}
		for _, value := range given {
			where.Of = append(where.Of, comparison(op, field, []string{value}))
		}
	}
	return where, nil
}

func comparison(op engine.PredicateOp, field string, given []string) engine.Predicate {
	p := engine.Predicate{Op: op, Path: field}
	for _, value := range given {
		p.Values = append(p.Values, engine.Operand{Value: value})
	}
	return p
}

func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
