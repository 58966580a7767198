package corebosimport

import (
	"fmt"
	"slices"
	"strings"
)

// recordSayers read other records.
func recordSayers() map[string]sayer {
	return map[string]sayer{
		"exists":               existsElsewhere,
		"existsrelated":        aboutRelated("any"),
		"allrelatedare":        aboutRelated("all"),
		"allrelatedarethesame": sameRelated,
		"aggregation":          aggregation,
		"getIDof":              idOf,
		"getRelatedIDs":        relatedIDs,
		"getCRMIDFromWSID":     bareID,
		"getCurrentUserID":     currentUser,
		"getFromContext":       fromContext,
	}
}

func existsElsewhere(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	name, ok := args[0].(textTerm)
	if !ok {
		return said{}, unsaidf("exists takes the name of a field in quotes")
	}
	if _, err := s.field(string(name)); err != nil {
		return said{}, err
	}
	value, err := s.say(args[1])
	return s.another(string(name), value), err
}

// another says that another record of the module has a value.
func (s *speech) another(name string, value said) said {
	return atom(kindBool, `any(records(%q, %q, %s), #.id != %s.id)`, s.module, name, value.text, s.subject)
}

// relatedList says the records of a module that lead to the record.
func (s *speech) relatedList(t term) (list said, module string, err error) {
	name, ok := t.(textTerm)
	if !ok || s.subject != "record" {
		return said{}, "", unsaidf("the related module has to be written out")
	}
	return s.related(string(name))
}

// related says the records that lead to the record: of a module, by the first of its references that can.
func (s *speech) related(name string) (list said, module string, err error) {
	name, by, _ := strings.Cut(name, ".")
	m := s.modules[name]
	if m == nil {
		return said{}, "", unsaidf("the module %s is not described; add its description (--modules)", name)
	}
	var ways []string
	for _, f := range m.names {
		if slices.Contains(m.fields[f].to, s.module) && m.fields[f].kind == "reference" {
			ways = append(ways, f)
		}
	}
	switch {
	case by != "" && !slices.Contains(ways, by):
		return said{}, "", unsaidf("%s of %s does not lead to %s", by, name, s.module)
	case by == "" && len(ways) == 0 && m.manyToo[s.module]:
		return said{}, "", unsaidf("%s and %s are related many to many, which no reference shows", s.module, name)
	case by == "" && len(ways) == 0:
		return said{}, "", unsaidf("no reference of %s leads to %s", name, s.module)
	case by == "":
		by = ways[0]
	}
	if len(ways) > 1 {
		name += "." + by
	}
	return atom(kindList, "related(%q)", name), m.name, nil
}

// aboutRelated says something about a field of the related records.
func aboutRelated(word string) sayer {
	return func(s *speech, args []term) (said, error) {
		if err := arguments(args, 3, 3); err != nil {
			return said{}, err
		}
		list, module, err := s.relatedList(args[0])
		if err != nil {
			return said{}, err
		}
		name, ok := args[1].(textTerm)
		if !ok {
			return said{}, unsaidf("the field of the related records has to be written in quotes")
		}
		value, err := s.say(args[2])
		if err != nil {
			return said{}, err
		}
		inner := s.about(module, "#")
		left, err := inner.field(string(name))
		if err != nil {
			return said{}, err
		}
		test, err := inner.compare("==", left, value)
		return atom(kindBool, "%s(%s, %s)", word, list.text, test.text), err
	}
}

func sameRelated(s *speech, args []term) (said, error) {
	if err := arguments(args, 2, 2); err != nil {
		return said{}, err
	}
	list, module, err := s.relatedList(args[0])
	if err != nil {
		return said{}, err
	}
	name, ok := args[1].(textTerm)
	if !ok {
		return said{}, unsaidf("the field of the related records has to be written in quotes")
	}
	field, err := s.about(module, "#").field(string(name))
	return said{fmt.Sprintf("len(uniq(map(%s, %s))) <= 1", list.text, field.text), kindBool, levelCompare}, err
}

// aggregation says sum, min, max, avg and count over a field of the related records, without conditions.
func aggregation(s *speech, args []term) (said, error) {
	if err := arguments(args, 3, 4); err != nil {
		return said{}, err
	}
	operation, _ := args[0].(textTerm)
	name, ok := args[2].(textTerm)
	if condition, is := lastOf(args, 4).(textTerm); len(args) == 4 && (!is || condition != "") {
		return said{}, unsaidf("conditions of an aggregation are not converted; use filter(…)")
	}
	list, module, err := s.relatedList(args[1])
	if err != nil || !ok {
		return said{}, err
	}
	function := map[string]string{
		"sum": "sum", "min": "min", "max": "max", "avg": "mean", "average": "mean", "std": "stddev",
	}[strings.ToLower(string(operation))]
	if strings.EqualFold(string(operation), "count") {
		return atom(kindNumber, "len(%s)", list.text), nil
	}
	if function == "" {
		return said{}, unsaidf("the aggregation %s is not known here", operation)
	}
	field, err := s.about(module, "#").field(string(name))
	return atom(kindNumber, "%s(map(%s, %s))", function, list.text, field.text), err
}

// lastOf is the n-th argument, nil if there are fewer.
func lastOf(args []term, n int) term {
	if len(args) < n {
		return nil
	}
	return args[n-1]
}

func idOf(s *speech, args []term) (said, error) {
	if err := arguments(args, 3, 3); err != nil {
		return said{}, err
	}
	module, isText := args[0].(textTerm)
	name, isName := args[1].(textTerm)
	if !isText || !isName {
		return said{}, unsaidf("getIDof takes the names of the module and the field in quotes")
	}
	if _, err := s.about(string(module), "#").field(string(name)); err != nil {
		return said{}, err
	}
	value, err := s.say(args[2])
	return atom(kindText, "first(records(%q, %q, %s)).id", string(module), string(name), value.text), err
}

func (s *speech) isSet(name string) bool {
	_, set := s.vars[name]
	return set
}

func fromContext(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	name, ok := args[0].(textTerm)
	switch {
	case !ok:
		return said{}, unsaidf("getFromContext takes one name in quotes")
	case !s.isSet(string(name)):
		return said{}, unsaidf("no step before this one sets %s", name)
	}
	return s.name(string(name))
}

func relatedIDs(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	list, _, err := s.relatedList(args[0])
	return atom(kindList, "map(%s, #.id)", list.text), err
}

// bareID is the id of a record without the number of its module.
func bareID(s *speech, args []term) (said, error) {
	if err := arguments(args, 1, 1); err != nil {
		return said{}, err
	}
	x, err := s.textual(args[0])
	return atom(kindText, `last(split(%s, "x"))`, x.text), err
}

func currentUser(s *speech, _ []term) (said, error) {
	s.change("actor is who made the change, as the event says; coreBOS gave the user whose request it was.")
	return atom(kindText, "actor"), nil
}
