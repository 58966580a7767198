package corebostest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// query answers the part of the query language that the recordings show without joins:
//
//	select *|count(*)|column,… from Module [where condition] [order by column [desc],…] [limit [offset,]count] [;]
//
// where a condition compares columns with literals by = != < > <= >= like and in, or asks whether one is null, joined
// by and, or and parentheses.
func (p *Player) query(text string) reply {
	q := &parser{words: scan(text), player: p}
	found, refused := q.read()
	if refused != nil {
		return *refused
	}
	rows, refused := found.run(p)
	if refused != nil {
		return *refused
	}
	return rows
}

// found is a query that was understood.
type found struct {
	module  *module
	columns []string // nil for all
	count   bool
	where   condition // nil for every record
	order   []column
	offset  int
	limit   int
}

type column struct {
	name       string
	descending bool
}

// condition tells whether a record is meant.
type condition func(r *record) bool

// defaultLimit is how many rows come back where the query sets no limit.
const defaultLimit = 100

func (f *found) run(p *Player) (reply, *reply) {
	var hits []*record
	for _, r := range p.all(f.module) {
		if f.where == nil || f.where(r) {
			hits = append(hits, r)
		}
	}
	total := map[string]string{"totalrows": strconv.Itoa(len(hits))}
	if f.count {
		return reply{result: []any{map[string]string{"count": total["totalrows"]}}, info: total}, nil
	}
	slices.SortStableFunc(hits, f.compare)
	hits = hits[min(f.offset, len(hits)):]
	hits = hits[:min(f.limit, len(hits))]
	rows := []any{}
	for _, r := range hits {
		if f.columns == nil && !p.isUser(r.fields["assigned_user_id"]) {
			r := refuse("INVALID_ID_ATTRIBUTE", "Invalid owner of the record")
			return reply{}, &r
		}
		rows = append(rows, f.row(r))
	}
	return reply{result: rows, info: total}, nil
}

func (f *found) compare(a, b *record) int {
	for _, by := range f.order {
		c := order(by.name, a.fields[by.name], b.fields[by.name])
		if by.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// row is a record as queries answer it: without the names behind its references.
func (f *found) row(r *record) map[string]string {
	row := map[string]string{"id": r.id()}
	if f.module.name == "Contacts" {
		row["imagenamefullpath"] = ""
	}
	for name, value := range r.fields {
		if f.columns == nil || slices.Contains(f.columns, name) {
			row[name] = value
		}
	}
	return row
}

// compares is a comparison as the database does it, which knows no case.
func (q *parser) compares(name, operator, literal string) condition {
	if f := q.module.field(name); f != nil && f.isNumber() && operator != "like" {
		return comparesNumbers(name, operator, literal)
	}
	literal = strings.ToLower(literal)
	if operator == "like" {
		pattern := regexp.QuoteMeta(literal)
		pattern = strings.NewReplacer("%", ".*", "_", ".").Replace(pattern)
		like := regexp.MustCompile("(?s)^" + pattern + "$")
		return func(r *record) bool { return like.MatchString(strings.ToLower(r.fields[name])) }
	}
	return func(r *record) bool { return fits(operator, order(name, r.fields[name], literal)) }
}

// comparesNumbers is a comparison with a column of numbers, which knows no empty text.
func comparesNumbers(name, operator, literal string) condition {
	with, _ := strconv.ParseFloat(literal, 64) // what is no number counts as 0
	return func(r *record) bool {
		n, err := strconv.ParseFloat(r.fields[name], 64)
		return err == nil && fits(operator, cmp.Compare(n, with))
	}
}

func fits(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}

// order compares two values of a column: ids by their numbers, all else as text without case.
func order(name, a, b string) int {
	if name == "id" {
		return cmp.Compare(number(a), number(b))
	}
	return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
}

// number is what stands after the x of an id.
func number(id string) int {
	_, digits, _ := strings.Cut(strings.ToLower(id), "x")
	n, _ := strconv.Atoi(digits) // what is no number stands before all others
	return n
}

// word is one token of a query.
type word struct {
	text    string
	literal bool // text in quotes, which are not part of it
}

var wordForm = regexp.MustCompile(`\s+|'(?:[^']|'')*'|[A-Za-z_][\w.]*|\d+|<=|>=|!=|[=<>(),;*\[\]]|.`)

func scan(text string) []word {
	var words []word
	for _, w := range wordForm.FindAllString(text, -1) {
		switch {
		case strings.TrimSpace(w) == "":
		case len(w) > 1 && w[0] == '\'':
			words = append(words, word{strings.ReplaceAll(w[1:len(w)-1], "''", "'"), true})
		default:
			words = append(words, word{text: w})
		}
	}
	return words
}

// syntaxError is the refusal of a word; the recordings show for a few places what the parser says it expected.
func syntaxError(w word, kind, expected string) *reply {
	const form = "Syntax Error on line 1: token '%s' Unexpected %s(%s), expected one of: %s"
	r := refuse("QUERY_SYNTAX_ERROR", fmt.Sprintf(form, w.text, kind, w.text, expected))
	return &r
}
