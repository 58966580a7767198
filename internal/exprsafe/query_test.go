package exprsafe

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shelf is a catalogue of two modules: one field of Comments leads to a ticket, two of Projects do.
type shelf map[string]Type

func (s shelf) Record(module string) (Type, bool) {
	t, ok := s[module]
	return t, ok
}

func (s shelf) Modules() []string { return slices.Sorted(maps.Keys(s)) }

func (s shelf) Leading(module string) []string {
	return map[string][]string{"Comments": {"ticket"}, "Projects": {"first", "last"}}[module]
}

func asking() *Scope {
	scope := world()
	text := Type{Kind: Text}
	scope.Catalogue = shelf{
		"Comments": ObjectOf("Comments", map[string]Type{"id": text, "text": text, "ticket": text, "hours": {Kind: Number}}),
		"Projects": ObjectOf("Projects", map[string]Type{"id": text, "name": text, "first": text, "last": text}),
	}
	ticket := scope.Names["record"]
	ticket.Fields["id"] = text
	return scope
}

// Each expression tells what it needs to know, and works on what was found.
func TestQueries(t *testing.T) {
	comments := []any{
		map[string]any{"id": "c1", "text": "late", "hours": 2},
		map[string]any{"id": "c2", "text": "done", "hours": 3},
	}
	tests := []struct {
		src     string
		queries []string // module, field and value
		found   []any
		want    any
	}{
		{`len(related("Comments"))`, []string{"Comments ticket T7"}, comments, 2},
		{`count(related("Comments"), #.text == "late")`, []string{"Comments ticket T7"}, comments, 1},
		{`sum(map(related("Comments"), #.hours))`, []string{"Comments ticket T7"}, comments, 5},
		{`related("Projects.last")[0].name`, []string{"Projects last T7"}, nil, ""},
		{`lookup("Comments", "c1").text`, []string{"Comments  c1"}, comments[:1], "late"},
		{`lookup("Comments", "c1").hours`, []string{"Comments  c1"}, nil, nil},
		{`exists("Comments", "text", record.title)`, []string{"Comments text Broken"}, comments, true},
		{`exists("Comments", "text", "x") || exists("Comments", "text", "x")`, []string{"Comments text x"}, nil, false},
		{
			`lookup("Projects", lookup("Comments", "c1").text).name`,
			[]string{"Comments  c1", "Projects  late"},
			comments[:1], "",
		},
		{`len(related("Comments", "record.text == 'late'"))`, []string{"Comments ticket T7"}, comments[:1], 1},
		{`records("Comments", "hours", 2)[-1].id`, []string{"Comments hours 2"}, comments, "c2"},
	}
	for _, tt := range tests {
		p, fail := Compile(tt.src, asking(), Any)
		if fail != nil {
			t.Errorf("%s: %v", tt.src, fail)
			continue
		}
		env := data(map[string]any{"id": "T7", "title": "Broken"})
		found := map[string][]any{}
		env[EnvFound] = found
		var asked []string
		for _, q := range p.Queries() {
			value, err := q.Value.Eval(env)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := format(value)
			asked = append(asked, q.Module+" "+q.Field+" "+str(text))
			found[q.Key] = tt.found
		}
		got, err := p.Eval(env)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v, want %v", tt.src, got, err, tt.want)
		}
		if diff := cmp.Diff(tt.queries, asked); diff != "" {
			t.Errorf("%s asks (-want +got):\n%s", tt.src, diff)
		}
		if _, err := p.Eval(data(nil)); err == nil {
			t.Errorf("%s works without an answer", tt.src)
		}
	}
}

func TestQueriesThatAreNone(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`related("Coments")`, `unknown module "Coments"`, `"Com`},
		{`related("Projects")`, `several fields of Projects refer to this record: name one, such as related("Projects.first")`, `"Pro`},
		{`related("Projects.middle")`, `middle of Projects does not refer to this record`, `"Pro`},
		{`related(record.title)`, `expected the name of a module in quotes`, `record`},
		{`related("Comments", "true", 1)`, `related does not take 3 arguments`, `related`},
		{`records("Comments", "txt", 1)`, `unknown field "txt" of Comments`, `"txt`},
		{`records("Comments", "text", lines)`, `only a single value can be looked for, this gives a list`, `lines`},
		{`any(lines, exists("Comments", "text", #.name))`, `exists cannot stand within the condition of another list`, `exists`},
		{`len(related("Comments", "record.txt == 'a'"))`, `in the condition: unknown field "txt" of Comments`, `"rec`},
		{`len(related("Comments", "record.text"))`, `in the condition: expected true or false, this gives text`, `"rec`},
		{`len(related("Comments", record.title))`, `expected a condition in quotes`, `record`},
		{`lookup("Comments", "c1").txt`, `unknown field "txt" of Comments`, `txt`},
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, asking(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
	const src = `len(related("Comments")) > 1`
	_, fail := Compile(src, world(), Bool)
	wantError(t, src, fail, "related reads the CRM, which cannot be done here", "related")
}

func TestNeeds(t *testing.T) {
	tests := map[string]need{
		`record.status == "Open"`:                                {"status", "Open"},
		`"Open" == record.status && record.amount > 1`:           {"status", "Open"},
		`record.amount > 1 && (record.title == "a" && true)`:     {"title", "a"},
		`record.status == "Open" || record.title == "a"`:         {},
		`record.status == ""`:                                    {},
		`record.status != "Open"`:                                {},
		`!(record.status == "Open")`:                             {},
		`record.parent_id.email == "a"`:                          {},
		`old.status == "Open"`:                                   {},
		`record.amount == 1`:                                     {},
		`record.any == "x"`:                                      {},
		`record.status == "Open" ? true : false`:                 {},
		`record.parent_id == "12x1" and record.status == "Open"`: {"parent_id", "12x1"},
	}
	for src, want := range tests {
		p, fail := Compile(src, world(), Bool)
		if fail != nil {
			t.Errorf("%s: %v", src, fail)
			continue
		}
		if field, value, ok := p.Needs(); (need{field, value}) != want || ok != (want.field != "") {
			t.Errorf("%s needs %s = %q, want %v", src, field, value, want)
		}
	}
}
