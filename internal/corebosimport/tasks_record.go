package corebosimport

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"

	"postern/engine"
)

// assignment is a line of a mapping of values.
type assignment struct {
	Field     string `json:"fieldname"`
	ValueType string `json:"valuetype"`
	Value     any    `json:"value"`
	Module    string `json:"modulename"`  // whose fields the value speaks of
	RelModule string `json:"fldmodule"`   // of an update over a reference: where it leads
	RelField  string `json:"fldrelname"`  // and the field there
	Related   string `json:"fieldmodule"` // of a mass update: module__reference
}

// decodeSetting reads a setting that is JSON within a text.
func decodeSetting(text string, into any) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("it says nothing to do")
	}
	if json.Unmarshal([]byte(text), into) == nil || json.Unmarshal([]byte(html.UnescapeString(text)), into) == nil {
		return nil
	}
	return fmt.Errorf("its settings are no list in JSON: %s", quotedShort(text))
}

func (t task) assignments() ([]assignment, error) {
	var lines []assignment
	err := decodeSetting(t.text("field_value_mapping"), &lines)
	if err == nil && len(lines) == 0 {
		err = errors.New("it says nothing to do")
	}
	return lines, err
}

// update sets fields of the record and of records that its references lead to.
func (c *conversion) update(t task) ([]*node, error) {
	lines, err := t.assignments()
	if err != nil {
		return nil, err
	}
	var steps []*node
	var order []string
	sets := map[string]*node{}
	for _, line := range lines {
		by, module := "", c.o.module
		if line.RelField != "" {
			by, module, line.Field = line.Field, line.RelModule, line.RelField
		} else if route := routeForm.FindStringSubmatch(line.Field); route != nil {
			by, module, line.Field = route[1], route[2], route[3]
		}
		if by == "" {
			fill, err := c.fill(line)
			if err != nil {
				return nil, err
			}
			if fill != nil {
				steps = append(steps, fill)
				continue
			}
		} else if _, err := c.speech.route(routeTerm{by, module, line.Field}); err != nil {
			return nil, err
		}
		value, err := c.assigned(c.speech, module, line)
		if err != nil {
			return nil, err
		}
		if sets[by] == nil {
			sets[by], order = mapping(), append(order, by)
		}
		sets[by].add(entry{line.Field, value})
	}
	for _, by := range order {
		config := mapping()
		if by != "" {
			config.add(pair("record", "record."+by))
		}
		steps = append(steps, step("update", config.add(entry{"set", sets[by]})))
	}
	return steps, nil
}

// fill takes the place of a random text in a field of the record; nil where the value is none.
func (c *conversion) fill(line assignment) (*node, error) {
	if line.ValueType != "expression" {
		return nil, nil
	}
	p, _ := parseExpression(textOf(line.Value)) // one that cannot be read is told of where it is said
	call, isCall := p.term.(callTerm)
	if !isCall || call.name != "randomstring" && call.name != "uniqid" {
		return nil, nil
	}
	f := c.speech.described(line.Field)
	if f != nil && f.kind != engine.TypeText {
		return nil, nil
	}
	bits := 130
	if call.name == "randomstring" {
		n, err := randomBits(call.args)
		if err != nil {
			return nil, err
		}
		bits = max(n, 130)
	}
	if length := (bits + 4) / 5; f != nil && f.longest > 0 && f.longest < length {
		if bits = f.longest * 5; bits < 128 {
			return nil, unsaidf("%s holds %d characters, too few for an identifier that nobody can guess",
				f.name, f.longest)
		}
	}
	c.speech.change("fill writes small letters and digits into %s, once; coreBOS wrote hexadecimal digits, "+
		"again at each run.", line.Field)
	config := mapping(pair("field", line.Field))
	if bits != 130 {
		config.add(entry{"bits", literal(fmt.Sprint(bits))})
	}
	return step("fill", config), nil
}

// assigned is the value of a line, said by a speech, for a field of a module.
func (c *conversion) assigned(s *speech, module string, line assignment) (*node, error) {
	f, err := c.target(module, line.Field)
	if err != nil {
		return nil, err
	}
	raw := strings.TrimSpace(textOf(line.Value))
	switch line.ValueType {
	case "fieldname":
		name := html.UnescapeString(strings.TrimPrefix(raw, "$"))
		if name == "" {
			return scalar(""), nil
		}
		x, err := s.named(name)
		return c.value(fitting(x, f)), err
	case "expression":
		if raw == "" {
			return scalar(""), nil
		}
		x, err := s.expression(raw)
		return c.value(fitting(x, f)), err
	}
	raw = html.UnescapeString(raw)
	if f != nil && f.kind == engine.TypePicklist && len(f.options) > 0 && raw != "" &&
		!slices.Contains(f.options, raw) {
		return nil, unsaidf("%s of %s has no option %s", line.Field, module, quotedShort(raw))
	}
	return c.constant(f, raw), nil
}

// fitting is an expression as a field takes it: a time becomes the text that the original writes.
func fitting(x said, f *field) said {
	if f != nil && f.said() == kindText && x.kind.isTime() {
		return stringOf(x)
	}
	return x
}

// named says a field or a field over one reference, as the original writes either.
func (s *speech) named(name string) (said, error) {
	if route := routeForm.FindStringSubmatch(name); route != nil {
		return s.route(routeTerm{route[1], route[2], route[3]})
	}
	if s.isSet(name) {
		return s.name(name)
	}
	return s.field(name)
}

// target finds the field that is written; nil where modules are not described.
func (c *conversion) target(module, name string) (*field, error) {
	m := c.im.modules[module]
	switch {
	case !fieldName.MatchString(name):
		return nil, unsaidf("%q is no name of a field", name)
	case m == nil && len(c.im.modules) > 0:
		return nil, unsaidf("the module %s is not described; add its description (--modules)", module)
	case m == nil:
		return nil, nil
	case m.fields[name] == nil:
		return nil, unsaidf("%s has no field %s", module, name)
	case m.fields[name].fixed:
		return nil, unsaidf("%s of %s is written by the CRM only", name, module)
	}
	return m.fields[name], nil
}

// constant writes a plain value in the form of its field.
func (c *conversion) constant(f *field, raw string) *node {
	kind := kindAny
	if f != nil {
		kind = f.said()
	}
	before, isBoolean := strings.CutSuffix(raw, ":boolean")
	switch {
	case isBoolean || kind == kindBool:
		return literal(map[bool]string{true: "true", false: "false"}[truth(before)])
	case kind == kindNumber && numberForm.MatchString(raw):
		return literal(sayNumber(raw).text)
	case f != nil && f.kind == engine.TypeReference && digits.MatchString(raw) && c.im.modules.wholeID(f, raw) != "":
		return scalar(c.im.modules.wholeID(f, raw))
	case f != nil && f.kind == engine.TypeOwner && digits.MatchString(raw):
		return scalar(c.owner(raw))
	}
	return scalar(escapeBraces(raw))
}

// owner is the whole id of a user.
func (c *conversion) owner(number string) string {
	prefix := "19"
	if m := c.im.modules["Users"]; m != nil && m.prefix != "" {
		prefix = m.prefix
	} else {
		c.speech.change("User %s is written 19x%[1]s; the first number is that of your own coreBOS for users.", number)
	}
	return prefix + "x" + number
}

// create makes a record that leads to this one.
func (c *conversion) create(t task) ([]*node, error) {
	module := t.text("entity_type")
	lines, err := t.assignments()
	if err != nil {
		return nil, err
	}
	set := mapping()
	for _, line := range lines {
		value, err := c.created(module, set, line)
		if err != nil {
			return nil, err
		}
		set.add(entry{line.Field, value})
	}
	if by := t.text("reference_field"); by != "" {
		if _, err := c.target(module, by); err != nil {
			return nil, err
		}
		set.add(pair(by, "{{ record.id }}"))
	}
	if err := c.needed(module, set); err != nil {
		return nil, err
	}
	config := mapping(pair("module", module), entry{"set", set})
	config.note("If the records are in coreBOS, add key: a unique text field of " + module +
		", so that a lost answer makes no second record.")
	return []*node{step("create", config)}, nil
}

// created is a value of a new record. One that speaks of the new record itself is a value set before.
func (c *conversion) created(module string, set *node, line assignment) (*node, error) {
	if line.Module != module || line.Module == c.o.module || line.ValueType == "" || line.ValueType == "rawtext" {
		return c.assigned(c.speech, module, line)
	}
	if line.ValueType == "fieldname" {
		at := slices.IndexFunc(set.entries, func(e entry) bool { return e.key == textOf(line.Value) })
		if at < 0 {
			return nil, unsaidf("%s takes its value from the new record, which has none yet", line.Field)
		}
		return set.entries[at].value, nil
	}
	made := c.speech.about(module, "new")
	value, err := c.assigned(made, module, line)
	if err == nil && strings.Contains(value.text, "new.") {
		err = unsaidf("%s is computed from the new record, which there is not yet", line.Field)
	}
	c.speech.heard(made)
	return value, err
}

// needed sees to the fields that a new record must have.
func (c *conversion) needed(module string, set *node) error {
	m := c.im.modules[module]
	if m == nil {
		return nil
	}
	for _, name := range m.names {
		f := m.fields[name]
		if !f.required || slices.ContainsFunc(set.entries, func(e entry) bool { return e.key == name }) {
			continue
		}
		if own, err := c.speech.field(name); f.kind == engine.TypeOwner && err == nil {
			c.speech.change("The new record gets the owner of this one; coreBOS gave it to its administrator.")
			set.add(pair(name, "{{ "+own.text+" }}"))
			continue
		}
		return unsaidf("a new record of %s needs a value for %s, which the task does not give", module, name)
	}
	return nil
}

// upsert is converted where the task says by which field a record is found.
func (c *conversion) upsert(t task) ([]*node, error) {
	module := t.text("upsert_module", "entity_type", "modulename")
	match := t.text("searchon", "search_field", "upsert_field", "match")
	if module == "" || match == "" {
		return nil, unsaidf("a business map says which record it finds; say that with upsert: { module, match, set }")
	}
	lines, err := t.assignments()
	if err != nil {
		return nil, err
	}
	set := mapping()
	for _, line := range lines {
		value, err := c.assigned(c.speech, module, line)
		if err != nil {
			return nil, err
		}
		set.add(entry{line.Field, value})
	}
	if _, err := c.target(module, match); err != nil {
		return nil, err
	}
	return []*node{step("upsert", mapping(pair("module", module), pair("match", match), entry{"set", set}))}, nil
}
