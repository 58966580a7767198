package workflows

import (
	"maps"
	"regexp"
	"slices"

	"postern/engine"
	"postern/internal/yamldoc"
)

// moduleFile is a file under modules/.
type moduleFile struct {
	// Module is the module's name, as the CRM writes it in the subjects of its events.
	Module *yamldoc.Node `yaml:"module,required" schema:"text"`
	// Label is what people call such a record: a text, or one for each language.
	Label labels `yaml:"label"`
	// Plural is what people call several of them: a text, or one for each language. A portal heads its lists by it.
	Plural labels `yaml:"plural"`
	// Title are the fields whose values name a record to people.
	Title []*yamldoc.Node `yaml:"title,one" schema:"text"`
	// Language is the field that holds the language in which to write to the record's person.
	Language *yamldoc.Node `yaml:"language" schema:"text"`
	// ExternalID is a unique text field with a random value for each record: landings find a record by it, and its
	// change ends the record's links.
	ExternalID *yamldoc.Node `yaml:"external_id" schema:"text"`
	// Keep has Postern keep a copy of the module's records, for a CRM whose events do not tell everything.
	Keep bool `yaml:"keep"`
	// Fields are the fields by the names that the CRM gives them, each with its type, or with more than that.
	Fields []yamldoc.Entry `yaml:"fields,required" schema:"engine.FieldType|fieldFile"`
}

// fieldFile is one entry under fields; a text alone is its type.
type fieldFile struct {
	// Type is what the field holds.
	Type *yamldoc.Node `yaml:"type,required" schema:"engine.FieldType"`
	// Label is what people call the field: a text, or one for each language.
	Label labels `yaml:"label"`
	// Options are the values of a picklist or multipicklist: a list, or a mapping of each value to what people call it.
	Options choices `yaml:"options"`
	// To are the modules that a reference may lead to, or the one of an owner where its users are records too.
	To []*yamldoc.Node `yaml:"to,one" schema:"module"`
	// Required says that a record is never without a value here.
	Required bool `yaml:"required"`
	// Unique says that no two records have the same value here.
	Unique bool `yaml:"unique"`
	// Max is the longest text in characters.
	Max int `yaml:"max"`
}

// labels is a text, or a text for each language.
type labels engine.Labels

// UnmarshalYAMLDoc reads either form.
func (l *labels) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	if n.Kind() == yamldoc.Mapping {
		var byLanguage map[string]string
		diags := yamldoc.Decode(n, &byLanguage)
		*l = byLanguage
		return diags
	}
	var text string
	diags := yamldoc.Decode(n, &text)
	*l = labels{"en": text}
	return diags
}

// choices are options, with labels for those that have some.
type choices struct {
	values []string
	labels map[string]engine.Labels
}

// UnmarshalYAMLDoc reads a list of values, or a mapping of values to labels.
func (c *choices) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	if n.Kind() != yamldoc.Mapping {
		diags := yamldoc.Decode(n, &c.values)
		seen := map[string]bool{}
		for _, item := range n.Items() {
			if seen[item.Text()] {
				diags = append(diags, item.Errorf("there is an option %q already", item.Text()))
			}
			seen[item.Text()] = true
		}
		return diags
	}
	var diags yamldoc.Diagnostics
	c.labels = map[string]engine.Labels{}
	for key, value := range n.Entries() {
		c.values = append(c.values, key.Text())
		var label labels
		if value.Kind() != yamldoc.Null {
			diags = append(diags, yamldoc.Decode(value, &label)...)
			c.labels[key.Text()] = engine.Labels(label)
		}
	}
	return diags
}

var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reference is a module name that was used before all modules were known.
type reference struct {
	at   *yamldoc.Node
	name string
}

func (l *loader) module(file string, root *yamldoc.Node) {
	var f moduleFile
	diags := yamldoc.Decode(root, &f)
	l.complain(diags...)
	if f.Module == nil || !l.claim("module", f.Module.Text(), file, f.Module) {
		return
	}
	if f.Module.Text() == engine.ScheduleModule {
		l.complain(f.Module.Errorf("%s is the name of what runs are about that are about no record; choose another one",
			engine.ScheduleModule))
	}
	if !engine.PlainToken(f.Module.Text()) {
		l.complain(f.Module.Errorf("a module's name may hold only letters, digits, - and _"))
	}
	m := &engine.Module{
		Name: f.Module.Text(), Label: engine.Labels(f.Label), Plural: engine.Labels(f.Plural),
		Keep: f.Keep || l.options.KeepAll, Fields: map[string]*engine.Field{},
	}
	for _, entry := range f.Fields {
		l.field(m, entry)
	}
	for _, title := range f.Title {
		if l.knownField(title, m) {
			m.Title = append(m.Title, title.Text())
		}
	}
	if f.Language != nil && l.knownField(f.Language, m) {
		m.Language = f.Language.Text()
	}
	if f.ExternalID != nil {
		m.ExternalID = f.ExternalID.Text()
		if !l.knownField(f.ExternalID, m) {
			// which has been complained about
		} else if field := m.Fields[m.ExternalID]; field.Type != engine.TypeText || !field.Unique {
			l.complain(f.ExternalID.Errorf("%s must be a text field with unique: true to find a record by", field.Name))
		}
	}
	l.book.Modules[m.Name] = m
}

func (l *loader) field(m *engine.Module, entry yamldoc.Entry) {
	var f fieldFile
	if entry.Value.Kind() == yamldoc.Text {
		f.Type = entry.Value
	} else {
		l.complain(yamldoc.Decode(entry.Value, &f)...)
	}
	if !fieldName.MatchString(entry.Key.Text()) {
		l.complain(entry.Key.Errorf("a field's name may hold only letters, digits and _, and begins with no digit"))
		return
	}
	field := &engine.Field{
		Name: entry.Key.Text(), Type: engine.TypeText, Label: engine.Labels(f.Label),
		Options: f.Options.values, Choices: f.Options.labels, Required: f.Required, Unique: f.Unique, Max: f.Max,
	}
	switch {
	case f.Type == nil: // Decode has complained; the field is known all the same
	case slices.Contains(engine.FieldTypes(), engine.FieldType(f.Type.Text())):
		field.Type = engine.FieldType(f.Type.Text())
	default:
		l.complain(f.Type.Unknown("field type", typeNames()))
	}
	for _, to := range f.To {
		field.To = append(field.To, to.Text())
		l.refs = append(l.refs, reference{at: to, name: to.Text()})
	}
	if f.Type != nil {
		l.fitting(field, entry.Value)
	}
	m.Names = append(m.Names, field.Name)
	m.Fields[field.Name] = field
}

// fitting complains about what a field of its type needs, and about what means nothing for it.
func (l *loader) fitting(field *engine.Field, n *yamldoc.Node) {
	is := field.Name + " is " + string(field.Type)
	switch field.Type {
	case engine.TypeReference:
		if len(field.To) == 0 {
			l.complain(n.Errorf("a reference needs to: the modules it may point at"))
		}
	case engine.TypeOwner: // a reference too, if its module is described
	default:
		if to := n.Get("to"); to != nil {
			l.complain(to.Errorf("to is for a reference or an owner; %s", is))
		}
	}
	chosen := field.Type == engine.TypePicklist || field.Type == engine.TypeMultiPicklist
	if at := n.Get("options"); at != nil && !chosen {
		l.complain(at.Errorf("options are for a picklist or multipicklist; %s", is))
	}
	switch at := n.Get("max"); {
	case at == nil || field.Max == 0 && at.Text() != "0":
	case !field.IsText():
		l.complain(at.Errorf("max counts the characters of a text; %s", is))
	case field.Max < 1 || field.Max > engine.MaxText:
		l.complain(at.Errorf("max is from 1 to %d characters", engine.MaxText))
	}
}

func typeNames() []string {
	var names []string
	for _, t := range engine.FieldTypes() {
		names = append(names, string(t))
	}
	return names
}

// knownField tells whether a node names a field of the module, and complains if not.
func (l *loader) knownField(at *yamldoc.Node, m *engine.Module) bool {
	if m.Fields[at.Text()] != nil {
		return true
	}
	l.complain(at.Unknown("field", m.Names))
	return false
}

// checkReferences complains about modules that fields point at and nobody describes.
func (l *loader) checkReferences() {
	for _, ref := range l.refs {
		if l.book.Modules[ref.name] == nil {
			l.complain(ref.at.Unknown("module", l.moduleNames()))
		}
	}
}

func (l *loader) moduleNames() []string { return slices.Sorted(maps.Keys(l.book.Modules)) }

// knownModule finds the module a node names, and complains if there is none.
func (l *loader) knownModule(at *yamldoc.Node) *engine.Module {
	m := l.book.Modules[at.Text()]
	if m == nil {
		l.complain(at.Unknown("module", l.moduleNames()))
	}
	return m
}
