// Package infer guesses what kinds of records a CRM has from the events that it sent, and writes module files for an
// admin to read and correct. A guess always says what it was made of.
package infer

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/engine"
)

// Limits of what is looked at. Beyond them a guess is as good as what came before.
const (
	MaxModules = 500    // kinds of records
	MaxRecords = 10_000 // records of a kind
	MaxFields  = 1_000  // fields of a kind
	maxOptions = 24     // different values of a field that may be a picklist
)

// Seen is what events have told. Its zero value has seen nothing.
type Seen struct {
	modules map[string]*module
}

// module is one kind of record.
type module struct {
	name    string
	events  int
	partial bool // whether some events hold only a part of the record
	records map[string]engine.Fields
	names   []string // of the fields, as they came
	fields  map[string]bool
}

// Add takes in one event. One that is not about a record's change says nothing of its fields.
func (s *Seen) Add(event *engine.Event) {
	ref := event.Ref()
	if event.Change == nil || ref.Module == "" || event.Type == engine.RecordDeleted {
		return
	}
	m := s.modules[ref.Module]
	if m == nil {
		if len(s.modules) == MaxModules {
			return
		}
		if s.modules == nil {
			s.modules = map[string]*module{}
		}
		m = &module{name: ref.Module, records: map[string]engine.Fields{}, fields: map[string]bool{}}
		s.modules[ref.Module] = m
	}
	m.add(ref.ID, event.Change)
}

// add keeps the newest value of each field of a record.
func (m *module) add(id string, change *engine.Change) {
	m.events++
	m.partial = m.partial || change.Partial
	record := m.records[id]
	if record == nil {
		if len(m.records) == MaxRecords {
			return
		}
		record = engine.Fields{}
		m.records[id] = record
	}
	for _, name := range slices.Sorted(maps.Keys(change.Record)) {
		if name == "id" {
			continue // every record has one
		}
		if !m.fields[name] {
			if len(m.fields) == MaxFields {
				continue
			}
			m.fields[name] = true
			m.names = append(m.names, name)
		}
		record[name] = change.Record[name]
	}
}

// Modules are the names of the kinds of records that were seen, sorted.
func (s *Seen) Modules() []string { return slices.Sorted(maps.Keys(s.modules)) }

// Has tells whether a kind of record was seen.
func (s *Seen) Has(name string) bool { return s.modules[name] != nil }

// shape is what one field's values have in common, counted over records.
type shape struct {
	name    string
	records int // of the module
	values  int // that are not empty
	numbers int // written as numbers in JSON
	bools   int // written as true or false in JSON
	lists   int
	objects int
	longest int // in characters
	lines   bool
	counts  map[string]int // of different values; nil when there are too many to be options
	fits    map[string]int // how many values have each form
	leads   map[string]int // how many values are ids of a module's records
	strange map[string]int // prefixes of ids that belong to no module that was seen
}

// day is how a date is written.
const day = `\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`

// forms are the ways in which texts are written, by the type that they speak for.
var forms = map[string]*regexp.Regexp{
	"integer":  regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`),
	"decimal":  regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`),
	"boolean":  regexp.MustCompile(`^(true|false|yes|no|on|off)$`),
	"bit":      regexp.MustCompile(`^[01]$`),
	"date":     regexp.MustCompile(`^` + day + `$`),
	"datetime": regexp.MustCompile(`^` + day + `[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`),
	"zone":     regexp.MustCompile(`^\S+T\S+(Z|[+-]\d\d:\d\d)$`),
	"email":    regexp.MustCompile(`^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+$`),
	"url":      regexp.MustCompile(`^https?://\S+$`),
	"phone":    regexp.MustCompile(`^\+?[0-9][0-9 ()/.-]{4,22}$`),
	"plus":     regexp.MustCompile(`^\+`),
	"several":  regexp.MustCompile(`\|##\|`),
	"language": regexp.MustCompile(`^[a-z]{2}([_-][A-Za-z]{2})?$`),
}

// prefixed is an id as coreBOS writes it: the kind of record, x, the record.
var prefixed = regexp.MustCompile(`^([0-9]+x)[0-9]+$`)

// shapeOf looks at a field in every record.
func (s *Seen) shapeOf(m *module, name string, prefixes map[string][]string) *shape {
	sh := &shape{
		name: name, records: len(m.records),
		counts: map[string]int{}, fits: map[string]int{}, leads: map[string]int{}, strange: map[string]int{},
	}
	for _, record := range m.records {
		switch v := record[name].(type) {
		case nil:
		case bool:
			sh.values++
			sh.bools++
		case json.Number:
			sh.numbers++
			sh.text(s, v.String(), prefixes)
		case string:
			if strings.TrimSpace(v) != "" {
				sh.text(s, v, prefixes)
			}
		case []any:
			sh.values++
			sh.lists++
			for _, item := range v {
				sh.count(engine.Fields{"": item}.Text(""))
			}
		default:
			sh.values++
			sh.objects++
		}
	}
	return sh
}

// text takes in one value that is written in one piece.
func (sh *shape) text(s *Seen, value string, prefixes map[string][]string) {
	sh.values++
	sh.longest = max(sh.longest, len([]rune(value)))
	sh.lines = sh.lines || strings.Contains(value, "\n")
	value = strings.TrimSpace(value)
	for form, like := range forms {
		if like.MatchString(value) {
			sh.fits[form]++
		}
	}
	for part := range strings.SplitSeq(value, "|##|") {
		sh.count(strings.TrimSpace(part))
	}
	sh.lead(s, value, prefixes)
}

func (sh *shape) count(value string) {
	if sh.counts == nil || value == "" {
		return
	}
	if sh.counts[value]++; len(sh.counts) > maxOptions {
		sh.counts = nil
	}
}

// lead finds out whose id a value may be. A plain number proves little: it counts where the field's name says that it
// is an id.
func (sh *shape) lead(s *Seen, value string, prefixes map[string][]string) {
	if found := prefixed.FindStringSubmatch(value); found != nil {
		for _, module := range prefixes[found[1]] {
			sh.leads[module]++
		}
		if prefixes[found[1]] == nil {
			sh.strange[found[1]]++
		}
		return
	}
	name := strings.ToLower(sh.name)
	plain := forms["integer"].MatchString(value)
	if plain && !strings.HasSuffix(name, "id") {
		return
	}
	for _, module := range s.modules {
		_, known := module.records[value]
		if known && (!plain || strings.Contains(name, strings.ToLower(strings.TrimSuffix(module.name, "s")))) {
			sh.leads[module.name]++
		}
	}
}

// prefixes are the modules by what the ids of their records begin with, where they are written so.
func (s *Seen) prefixes() map[string][]string {
	found := map[string][]string{}
	for _, name := range s.Modules() {
		own := map[string]bool{}
		for id := range s.modules[name].records {
			if p := prefixed.FindStringSubmatch(id); p != nil && !own[p[1]] {
				own[p[1]] = true
				found[p[1]] = append(found[p[1]], name)
			}
		}
	}
	return found
}
