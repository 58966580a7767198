package portal

import (
	"encoding/base64"
	"slices"
	"strings"

	"postern/engine"
)

// searchFor is a question as the CRM is asked it: what the caller wants within what besides holds for, within the
// viewer's rows.
func (d *Desk) searchFor(
	v Viewer, access *engine.Access, q Question, besides engine.Predicate,
) (engine.Search, error) {
	search := engine.Search{
		Module: access.Module, Modules: v.Portal.Modules, Offset: q.Offset, Limit: q.Limit, Total: q.Total,
	}
	if search.Limit == 0 {
		search.Limit = PageSize
	}
	switch {
	case search.Limit < 0 || search.Limit > MaxPage:
		return search, malformed(CodeQuestion, "").about(PartLimit, "")
	case q.Offset < 0 || q.Offset > MaxOffset || (q.After != "" && q.Offset > 0):
		return search, malformed(CodeQuestion, "").about(PartOffset, "")
	}
	order, err := ordered(access, q.Order)
	if err != nil {
		return search, err
	}
	check := whereCheck{access: access}
	if err := check.predicate(q.Where, 0); err != nil {
		return search, err
	}
	words, err := wordsOf(access, q.Search)
	if err != nil {
		return search, err
	}
	if search.After, err = d.openCursor(v, q.Module, q.After); err != nil {
		return search, err
	}
	search.Order = order
	wanted := q.Where.Both(words).Bind(v.Me, v.Now, v.zone())
	search.Where = v.rows(access).Both(besides.Bind(v.Me, v.Now, v.zone())).Both(wanted)
	return search, nil
}

// ordered checks what a list is to be sorted by.
func ordered(access *engine.Access, order []engine.Sorting) ([]engine.Sorting, error) {
	if len(order) > MaxOrder {
		return nil, malformed(CodeQuestion, "").about(PartOrder, "")
	}
	for i, s := range order {
		twice := slices.ContainsFunc(order[:i], func(o engine.Sorting) bool { return o.Field == s.Field })
		if twice || (s.Field != "id" && !slices.Contains(access.Sort, s.Field)) {
			return nil, malformed(CodeSort, readable(access, s.Field)).about(PartOrder, s.Field)
		}
	}
	return order, nil
}

// shown checks which fields are wanted.
func shown(access *engine.Access, wanted []string) ([]string, error) {
	if len(wanted) == 0 {
		return access.Read, nil
	}
	for _, name := range wanted {
		if !slices.Contains(access.Read, name) {
			return nil, malformed(CodeShown, "").about(PartFields, name)
		}
	}
	return wanted, nil
}

// readable is the name of a field if the viewer may know that there is one.
func readable(access *engine.Access, name string) string {
	if slices.Contains(access.Read, name) {
		return name
	}
	return ""
}

// whereCheck goes over what a caller wants to filter by.
type whereCheck struct {
	access *engine.Access
	leaves int
}

// predicate refuses what may not be asked: a hidden field would tell its value by what is found.
func (w *whereCheck) predicate(p engine.Predicate, depth int) error {
	switch p.Op {
	case engine.OpAnd, engine.OpOr, engine.OpNot:
		if depth >= MaxNesting || len(p.Of) > MaxConditions || (p.Op == engine.OpNot && len(p.Of) != 1) {
			return malformed(CodeQuestion, "").about(PartWhere, "")
		}
		for _, part := range p.Of {
			if err := w.predicate(part, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if w.leaves++; w.leaves > MaxConditions {
		return malformed(CodeQuestion, "").about(PartWhere, "")
	}
	if refusal := w.comparison(p); refusal != nil {
		refusal.Op = p.Op
		return refusal.about(PartWhere, p.Path)
	}
	return nil
}

func (w *whereCheck) comparison(p engine.Predicate) *Refusal {
	field := &engine.Field{Name: "id", Type: engine.TypeText}
	if p.Path != "id" {
		if !slices.Contains(w.access.Filter, p.Path) {
			return malformed(CodeFilter, readable(w.access, p.Path))
		}
		field = w.access.Module.Fields[p.Path]
	}
	if field == nil || !comparable(field, p.Op) || p.Module != "" || len(p.Of) > 0 {
		return malformed(CodeFilter, readable(w.access, p.Path))
	}
	if len(p.Values) == 0 || (p.Op != engine.OpIn && len(p.Values) != 1) || len(p.Values) > MaxValues {
		return malformed(CodeQuestion, readable(w.access, p.Path))
	}
	for _, operand := range p.Values {
		if operand.From != engine.FromConstant || !comparesWith(field, operand.Value) {
			return malformed(CodeValue, readable(w.access, p.Path))
		}
	}
	return nil
}

// comparable tells whether an operation is one that a caller may use on a field.
func comparable(field *engine.Field, op engine.PredicateOp) bool {
	switch op {
	case engine.OpEqual, engine.OpNotEqual, engine.OpIn:
		return field.Type != engine.TypeMultiPicklist && field.Type != engine.TypeFile
	case engine.OpLess, engine.OpLessEqual, engine.OpGreater, engine.OpGreaterEqual:
		return field.Type != engine.TypeMultiPicklist && field.Type != engine.TypeFile &&
			field.Type != engine.TypeBoolean
	case engine.OpContains, engine.OpStarts, engine.OpEnds, engine.OpFold, engine.OpLike:
		return field.IsText() && field.Type != engine.TypeFile
	}
	return false
}

// comparesWith tells whether a value is one that a field may be compared with.
func comparesWith(field *engine.Field, value any) bool {
	text, plain := engine.PlainText(value)
	if !plain || len(text) > MaxValueBytes || strings.ContainsRune(text, 0) {
		return false
	}
	module := engine.Module{Fields: map[string]*engine.Field{field.Name: field}}
	_, err := module.ViewOf(engine.Fields{field.Name: value})
	return err == nil
}

// wordsOf is the search for words: each must be in some text field that may be filtered by.
func wordsOf(access *engine.Access, text string) (engine.Predicate, error) {
	words := strings.Fields(text)
	if len(words) > MaxWords || len(text) > MaxValueBytes {
		return engine.Predicate{}, malformed(CodeQuestion, "").about(PartSearch, "")
	}
	fields := slices.DeleteFunc(slices.Clone(access.Filter), func(name string) bool {
		field := access.Module.Fields[name]
		return !comparable(field, engine.OpLike) || field.Type == engine.TypeReference || field.Type == engine.TypeOwner
	})
	if len(words)*len(fields) > MaxLookedIn {
		return engine.Predicate{}, malformed(CodeQuestion, "").about(PartSearch, "")
	}
	every := engine.Predicate{Op: engine.OpAnd}
	for _, word := range words {
		some := engine.Predicate{Op: engine.OpOr}
		for _, name := range fields {
			some.Of = append(some.Of, engine.Predicate{
				Op: engine.OpMentions, Path: name, Values: []engine.Operand{{Value: word}},
			})
		}
		every.Of = append(every.Of, some)
	}
	return every, nil
}

// sealCursor hides where a list goes on: it holds values of the fields that the list is sorted by, which the viewer may
// not be able to read, and one that was made up could ask for them.
func (d *Desk) sealCursor(v Viewer, module, next string) (string, error) {
	if next == "" {
		return "", nil
	}
	sealed, err := d.with.Sealer.Seal(cursorPurpose(v, module), []byte(next))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

func (d *Desk) openCursor(v Viewer, module, after string) (string, error) {
	if after == "" {
		return "", nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(after)
	if err == nil {
		sealed, err = d.with.Sealer.Open(cursorPurpose(v, module), sealed)
	}
	if err != nil {
		return "", malformed(CodeQuestion, "").about(PartAfter, "")
	}
	return string(sealed), nil
}

func cursorPurpose(v Viewer, module string) string {
	return "portal/cursor/" + v.Portal.Name + "/" + v.Ref().String() + "/" + module
}
