package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String says in plain words which records a predicate holds for: account_id is 11x4 and ticketstatus is not "Closed".
func (p Predicate) String() string {
	switch p.Op {
	case OpAnd:
		return p.joined("every record", " and ")
	case OpOr:
		return p.joined("no record", " or ")
	case OpNot:
		if len(p.Of) != 1 {
			return "no record"
		}
		return p.Of[0].words(true)
	}
	return p.words(false)
}

// joined are the parts of and or or; a part that is joined itself stands in brackets.
func (p Predicate) joined(none, by string) string {
	if len(p.Of) == 0 {
		return none
	}
	parts := make([]string, len(p.Of))
	for i, part := range p.Of {
		parts[i] = part.String()
		if len(p.Of) > 1 && (part.Op == OpAnd || part.Op == OpOr) && len(part.Of) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, by)
}

// words is one comparison, or its negation.
func (p Predicate) words(negated bool) string {
	if p.isJoint() {
		return "not (" + p.String() + ")"
	}
	values := make([]string, len(p.Values))
	timed := false
	for i, operand := range p.Values {
		values[i] = operand.String()
		_, isTime := operand.Value.(time.Time)
		timed = timed || isTime || operand.From == FromNow || operand.From == FromToday
	}
	list := strings.Join(values, ", ")
	switch p.Op {
	case OpRelated:
		return fmt.Sprintf("the CRM %s it to %s/%s", choose(negated, "does not relate", "relates"), p.Module, list)
	case OpIn:
		if len(values) == 1 && !strings.HasPrefix(list, "me.") {
			return fmt.Sprintf("%s %s %s", p.Path, choose(negated, "is not", "is"), list)
		}
		return fmt.Sprintf("%s %s one of %s", p.Path, choose(negated, "is not", "is"), list)
	case OpNotEqual:
		negated = !negated
	}
	return fmt.Sprintf("%s %s %s", p.Path, p.Op.verb(negated, timed), list)
}

// verb says what a comparison asks of a value.
func (op PredicateOp) verb(negated, timed bool) string {
	is := choose(negated, "is not", "is")
	switch op {
	case OpLess:
		return is + choose(timed, " before", " less than")
	case OpLessEqual:
		return is + choose(timed, " at the latest", " at most")
	case OpGreater:
		return is + choose(timed, " after", " more than")
	case OpGreaterEqual:
		return is + choose(timed, " at the earliest", " at least")
	case OpContains:
		return choose(negated, "does not contain", "contains")
	case OpStarts:
		return choose(negated, "does not begin with", "begins with")
	case OpEnds:
		return choose(negated, "does not end with", "ends with")
	case OpFold:
		return is + ", in whatever case,"
	case OpMentions:
		return choose(negated, "does not mention", "mentions")
	case OpLike:
		return is + " like"
	}
	return is
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// String is an operand as one says it: me.account_id, today, "Open", 11x4.
func (o Operand) String() string {
	switch o.From {
	case FromMe:
		return "me." + o.Path
	case FromToday:
		return "today"
	case FromNow:
		return "now"
	}
	switch v := o.Value.(type) {
	case nil:
		return "empty"
	case string:
		return choose(v == "", "empty", strconv.Quote(v))
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(o.Value)
}
