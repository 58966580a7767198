package yamldoc

import (
	"reflect"
	"slices"
	"strings"
)

// shape is what the tags of a struct type say.
type shape struct {
	fields []field
	names  []string // of the fields, in the order of declaration
	rest   []int    // index of the field for all other keys, or nil
}

// field is one tagged field of a struct.
type field struct {
	name     string
	index    []int
	required bool
	one      bool
}

// shapeOf reads the tags of a struct type once for each Decode.
func (d *decoder) shapeOf(t reflect.Type) *shape {
	if known, ok := d.shapes[t]; ok {
		return known
	}
	s := &shape{}
	s.collect(t, nil)
	d.shapes[t] = s
	return s
}

// collect adds the fields of a struct type that is found under the index path.
func (s *shape) collect(t reflect.Type, under []int) {
	for i := range t.NumField() {
		member := t.Field(i)
		index := append(slices.Clone(under), i)
		tag, tagged := member.Tag.Lookup("yaml")
		switch {
		case member.Anonymous && !tagged && member.Type.Kind() == reflect.Struct:
			s.collect(member.Type, index)
		case tagged && tag != "-" && member.IsExported():
			s.addField(tag, index)
		}
	}
}

// addField reads one tag: a name, then options after commas.
func (s *shape) addField(tag string, index []int) {
	name, list, _ := strings.Cut(tag, ",")
	options := strings.Split(list, ",")
	if slices.Contains(options, "rest") {
		s.rest = index
		return
	}
	s.names = append(s.names, name)
	s.fields = append(s.fields, field{
		name: name, index: index,
		required: slices.Contains(options, "required"),
		one:      slices.Contains(options, "one"),
	})
}

// structure fills a struct from a mapping: first the keys that have a field, then the others, then what is missing.
func (d *decoder) structure(n *Node, v reflect.Value) {
	s := d.shapeOf(v.Type())
	if n.kind != Mapping {
		d.add(d.unlike(n, Mapping.String()).WithHint(keysOf(s.names)))
		return
	}
	var others []Entry
	for _, entry := range n.entries {
		at := slices.Index(s.names, entry.Key.text)
		if at < 0 {
			others = append(others, entry)
			continue
		}
		d.field(entry.Value, v.FieldByIndex(s.fields[at].index), s.fields[at])
	}
	misspelt := d.others(n, v, s, others)
	for _, f := range s.fields {
		// A required key that is only misspelt is one mistake, not two.
		if f.required && n.Get(f.name) == nil && !slices.Contains(misspelt, f.name) {
			d.add(n.Errorf("missing key %s", quote(f.name)))
		}
	}
}

// field fills one field. For the option one, a single value stands for a list of one; null does not.
func (d *decoder) field(n *Node, v reflect.Value, f field) {
	single := n.kind == Mapping || n.IsScalar() && n.kind != Null
	if f.one && single && v.Kind() == reflect.Slice {
		d.items([]*Node{n}, v)
		return
	}
	d.value(n, v)
}

// others deals with the keys that no field names and returns the names that were suggested for them. Only keys that
// the mapping does not have yet are suggested.
func (d *decoder) others(n *Node, v reflect.Value, s *shape, entries []Entry) (suggested []string) {
	if s.rest != nil {
		if rest := v.FieldByIndex(s.rest); rest.Type() == entriesType {
			rest.Set(reflect.ValueOf(entries))
		}
		return nil
	}
	absent := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return n.Get(name) != nil })
	for _, entry := range entries {
		complaint := entry.Key.Errorf("unknown key %s", quote(entry.Key.text)).WithHint(listing(s.names))
		if len(d.diags) < maxComplaints { // the rest is only counted
			if near, ok := Suggest(entry.Key.text, absent); ok {
				complaint.Hint = didYouMean(near)
				suggested = append(suggested, near)
			}
		}
		d.add(complaint)
	}
	return suggested
}
