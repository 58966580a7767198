package exprsafe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
)

// office is what rows are compiled against here: tickets of contacts, which belong to accounts. A contact is me.
func office() (map[string]*engine.Module, *Scope) {
	field := func(name string, t engine.FieldType, to ...string) *engine.Field {
		return &engine.Field{Name: name, Type: t, To: to}
	}
	modules := map[string]*engine.Module{}
	for name, fields := range map[string][]*engine.Field{
		"Accounts": {field("accountname", engine.TypeText), field("employees", engine.TypeInteger)},
		"Contacts": {
			field("account_id", engine.TypeReference, "Accounts"), field("email", engine.TypeEmail),
			field("score", engine.TypeNumber), field("vip", engine.TypeBoolean), field("since", engine.TypeDate),
			field("regions", engine.TypeMultiPicklist),
		},
		"HelpDesk": {
			field("contact_id", engine.TypeReference, "Contacts"), field("status", engine.TypePicklist),
			field("title", engine.TypeText), field("hours", engine.TypeNumber), field("points", engine.TypeInteger),
			field("closed", engine.TypeBoolean), field("due", engine.TypeDate), field("at", engine.TypeDateTime),
			field("tags", engine.TypeMultiPicklist),
		},
	} {
		m := &engine.Module{Name: name, Fields: map[string]*engine.Field{}}
		for _, f := range fields {
			m.Fields[f.Name] = f
		}
		modules[name] = m
	}
	modules["HelpDesk"].Fields["status"].Options = []string{"Open", "Closed"}
	return modules, &Scope{
		Names:     map[string]Type{RecordName: typeOf(modules, "HelpDesk"), MeName: typeOf(modules, "Contacts")},
		Catalogue: officeCatalogue(modules),
	}
}

// officeCatalogue is a Catalogue.
type officeCatalogue map[string]*engine.Module

func (c officeCatalogue) Record(module string) (Type, bool) {
	if c[module] == nil {
		return Type{}, false
	}
	return typeOf(c, module), true
}

func (officeCatalogue) Modules() []string         { return []string{"Accounts", "Contacts", "HelpDesk"} }
func (officeCatalogue) Leading(_ string) []string { return nil }

func typeOf(modules map[string]*engine.Module, name string) Type {
	fields := map[string]Type{"id": {Kind: Text}}
	for _, f := range modules[name].Fields {
		switch f.Type {
		case engine.TypeReference:
			fields[f.Name] = ReferenceTo(func() Type { return typeOf(modules, f.To[0]) })
		case engine.TypeNumber, engine.TypeInteger:
			fields[f.Name] = Type{Kind: Number}
		case engine.TypeBoolean:
			fields[f.Name] = Type{Kind: Bool}
		case engine.TypeDate, engine.TypeDateTime:
			fields[f.Name] = Type{Kind: Time}
		case engine.TypeMultiPicklist:
			fields[f.Name] = ListOf(Type{Kind: Text})
		default:
			fields[f.Name] = Type{Kind: Text, Options: f.Options}
		}
	}
	return ObjectOf(name, fields)
}

func TestRowsBecomePredicates(t *testing.T) {
	_, scope := office()
	for src, want := range map[string]string{
		`true`:                                                "every record",
		`false`:                                               "no record",
		`record.contact_id == me.id`:                          "contact_id is me.id",
		`me.id == record.contact_id`:                          "contact_id is me.id",
		`not (record.contact_id == me.id)`:                    "contact_id is not me.id",
		`!(record.contact_id != me.id)`:                       "contact_id is me.id",
		`record.contact_id in [me.id, "12x1"]`:                `contact_id is one of me.id, "12x1"`,
		`record.contact_id not in [me.id]`:                    `contact_id is not one of me.id`,
		`record.title in me.regions`:                          "title is one of me.regions",
		`record.contact_id.account_id == me.account_id`:       "contact_id.account_id is me.account_id",
		`record.contact_id.account_id.id == me.account_id.id`: "contact_id.account_id.id is me.account_id.id",
		`record.closed`:                                       "closed is true",
		`not record.closed`:                                   "closed is not true",
		`not (record.closed and record.points < 3)`:           "closed is not true or points is not less than 3",
		`not (record.closed or 3 > record.points)`:            "closed is not true and points is not less than 3",
		`record.hours >= -2.5`:                                "hours is at least -2.5",
		`record.due < today() and record.at <= now()`:         "due is before today and at is at the latest now",
		`record.due > date("2026-03-01")`:                     "due is after 2026-03-01",
		`record.status == null || record.title == ""`:         "status is empty or title is empty",
		`record.title startsWith "A" and not (record.title endsWith "Z")`: `title begins with "A" and title does not ` +
			`end with "Z"`,
		`related("Accounts", me.account_id)`: "the CRM relates it to Accounts/me.account_id",
		`not related("Contacts", me.id)`:     "the CRM does not relate it to Contacts/me.id",
	} {
		p, _, fail := CompileRows(src, scope)
		if fail != nil {
			t.Errorf("%s: %v at %d", src, fail, fail.Offset)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("%s: %s", src, got)
		}
	}
}

func TestRowsRefuseWhatNoStoreAnswers(t *testing.T) {
	_, scope := office()
	for _, test := range []struct{ src, message, at string }{
		{`lower(record.title) == me.email`, "only today(), now(), date", `lower`},
		{`len(record.title)`, "only today(), now(), date", `len`},
		{`record.title == record.status`, "not with another field", `record.title`},
		{`me.vip`, "says nothing of the record", `me.vip`},
		{`me.score > 3`, "says nothing of the record", `me.score`},
		{`1 == 1`, "says nothing of the record", `1`},
		{`record.points`, "write record.points == …", `record.points`},
		{`record.points + 1 > 3`, "nothing is computed", `record.points`},
		{`record.title + "x"`, "expected a comparison", `record.title`},
		{`record.contact_id.account_id.employees.id == 1`, "is a number and has no field", `id`},
		{`record.account_id == me.id`, `unknown field "account_id" of HelpDesk`, `account_id`},
		{`record.contact_id == me.accountid`, `did you mean "account_id"`, `accountid`},
		{`contact_id == me.id`, `did you mean "record.contact_id"`, `contact_id`},
		{`record == me.id`, "name one of its fields", `record`},
		{`record.contact_id == me`, "or me.id", `me`},
		{`record.tags == "a"`, "a store looks for single values", `record.tags`},
		{`"a" in record.tags`, "such as [me.id, me.account_id]", `record.tags`},
		{`record.title == me.regions`, "write it behind in", `me.regions`},
		{`record.contact_id in me.id`, "write [me.id]", `me.id`},
		{`record.points in 1..5`, "only names with dots", `1..5`},
		{`me.id in [record.contact_id]`, "record.a == me.id or record.b == me.id", `me.id`},
		{`record.title in []`, "holds nothing", `[]`},
		{`record.points in [1, "a"]`, "cannot be compared", `record.points`},
		{`record.closed in [true, ""]`, "never empty", `""`},
		{`record.closed == null`, "never empty", `null`},
		{`record.closed < true`, "no order", `record.closed`},
		{`record.title < ""`, "less or more than empty", `""`},
		{`record.title contains ""`, "in every text", `""`},
		{`record.points contains "1"`, "expected text", `record.points`},
		{`me.email contains record.title`, "on the left", `me.email`},
		{`record.title matches "a.*"`, "contains, startsWith or endsWith", `record.title`},
		{`record.closed ? true : false`, "(a and b) or (not a and c)", `record.closed`},
		{`any(record.tags, # == "a")`, "not through lists", `any`},
		{`record.due == "2026-03-01"`, "write date(…)", `"2026-03-01"`},
		{`record.due < today("Europe/Madrid")`, "zone of the portal", `"Europe/Madrid"`},
		{`record.due < date("soon")`, "", `"soon"`},
		{`record.due < date(me.email)`, "stands in quotes", `me.email`},
		{`related("Accounts")`, "takes a module and the id", `related`},
		{`related("Acounts", me.account_id)`, `did you mean "Accounts"`, `"Acounts"`},
		{`related("Accounts", me.id)`, "leads to Contacts, not to Accounts", `me.id`},
		{`related("Accounts", record.contact_id)`, "held against a record of me", `record.contact_id`},
		{`related("Accounts", "")`, "expected the id", `""`},
		{`related("Accounts", me.score)`, "expected the id", `me.score`},
		{`"x"`, "expected a comparison", `"x"`},
		{`-1`, "expected a comparison", `-1`},
		{`a = b`, `did you mean "=="`, `=`},
		{`1 < record.points < 3`, "cannot be chained", `record.points < 3`},
		{``, "empty", ``},
	} {
		_, _, fail := CompileRows(test.src, scope)
		wantError(t, test.src, fail, test.message, test.at)
	}
}

func TestRowsAreDoubted(t *testing.T) {
	_, scope := office()
	for src, want := range map[string]string{
		`record.status == "Clsoed"`:                   `did you mean "Closed"`,
		`record.contact_id == me.account_id`:          "leads to Contacts and me.account_id to Accounts",
		`record.contact_id in [me.id, me.account_id]`: "leads to Contacts and me.account_id to Accounts",
		`record.id == me.id`:                          "leads to HelpDesk and me.id to Contacts",
		`record.contact_id == me.id`:                  "",
		`record.contact_id.id == me.id`:               "",
		`record.contact_id.email == me.email`:         "",
	} {
		_, doubts, fail := CompileRows(src, scope)
		switch {
		case fail != nil:
			t.Errorf("%s: %v", src, fail)
		case want == "" && len(doubts) > 0:
			t.Errorf("%s: %v", src, doubts)
		case want != "" && (len(doubts) != 1 || !strings.Contains(doubts[0].Error(), want)):
			t.Errorf("%s: %v", src, doubts)
		}
	}
}

// comparisons are the leaves of the expressions of TestHoldsIsTheExpression.
func comparisons() []string {
	return []string{
		`record.contact_id == me.id`, `record.contact_id in [me.id, me.account_id, ""]`, `record.id == me.id`,
		`record.id != "17x1"`, `record.title == me.email`, `record.title != ""`, `record.title in me.regions`,
		`record.title in ["a", null]`, `record.title contains "a"`, `record.title startsWith me.email`,
		`record.title endsWith "b"`, `record.title < "b"`, `record.title >= me.email`, `record.status == null`,
		`record.hours == me.score`, `record.hours < 2.5`, `record.points >= 2`, `record.points < 2.5`,
		`record.points in [1, 2.0, null]`, `record.points == null`, `record.points != me.score`, `record.closed`,
		`record.closed == me.vip`, `record.closed != true`, `record.closed in [false]`, `record.due < today()`,
		`record.due == me.since`, `record.at > now()`, `record.at <= date("2026-03-01 12:00:00")`,
		`record.due in [me.since]`,
		`record.due == null`, `record.contact_id.email == me.email`, `record.contact_id.email < "b"`,
		`record.contact_id.email contains "a"`, `record.contact_id.email == ""`,
		`record.contact_id.account_id == me.account_id`, `record.contact_id.account_id.accountname != "a"`,
		`record.contact_id.account_id.employees < 3`, `record.contact_id.account_id.employees in [1, 2]`,
		`record.contact_id.vip == false`, `record.contact_id.vip`, `record.contact_id.since <= today()`,
		`record.contact_id.score != 1`, `record.contact_id.id == me.id`, `true`, `false`,
	}
}

func expressions() *rapid.Generator[string] {
	one := rapid.SampledFrom(comparisons())
	return rapid.Custom(func(t *rapid.T) string {
		src := one.Draw(t, "first")
		for range rapid.IntRange(0, 6).Draw(t, "more") {
			switch rapid.IntRange(0, 2).Draw(t, "by") {
			case 0:
				src = "not (" + src + ")"
			case 1:
				src = "(" + src + " and " + one.Draw(t, "and") + ")"
			default:
				src = "(" + one.Draw(t, "or") + " or " + src + ")"
			}
		}
		return src
	})
}

// plainValue draws what a CRM may have stored in a field.
func plainValue(t *rapid.T, f *engine.Field, empty bool) any {
	choices := map[engine.FieldType][]any{
		engine.TypeNumber:        {json.Number("1"), json.Number("2.50"), "3", "-1e0", json.Number("2.0")},
		engine.TypeInteger:       {json.Number("1"), "2", "3.0", json.Number("9007199254740993")},
		engine.TypeBoolean:       {true, false, "1", "0", "off"},
		engine.TypeDate:          {"2026-03-01", "2026-02-28", "2026-03-02"},
		engine.TypeDateTime:      {"2026-03-01T12:00:00Z", "2026-03-01 11:59:59", "2026-03-01T13:00:00+01:00"},
		engine.TypeMultiPicklist: {"a |##| b", []any{"b", "ab"}},
		engine.TypeReference:     {"12x1", "12x7", "11x4"},
	}[f.Type]
	if choices == nil {
		choices = []any{"a", "b", "ab", "Ab", json.Number("1")}
	}
	if empty {
		choices = append(choices, nil, "")
	}
	return rapid.SampledFrom(choices).Draw(t, f.Name)
}

func plainRecord(t *rapid.T, m *engine.Module, id string, empty bool) engine.Record {
	fields := engine.Fields{}
	for _, name := range sortedFields(m) {
		if empty && rapid.IntRange(0, 9).Draw(t, "missing "+name) == 0 {
			continue
		}
		fields[name] = plainValue(t, m.Fields[name], empty)
	}
	return engine.Record{Ref: engine.Ref{Module: m.Name, ID: id}, Fields: fields}
}

func sortedFields(m *engine.Module) (names []string) {
	for _, name := range []string{
		"account_id", "accountname", "at", "closed", "contact_id", "due", "email", "employees", "hours", "points",
		"regions", "score", "since", "status", "tags", "title", "vip",
	} {
		if m.Fields[name] != nil {
			names = append(names, name)
		}
	}
	return names
}

// Whatever a record holds: where me has a value everywhere, the predicate holds just where the expression is true.
func TestHoldsIsTheExpression(t *testing.T) {
	modules, scope := office()
	rapid.Check(t, func(t *rapid.T) {
		src := expressions().Draw(t, "rows")
		record := plainRecord(t, modules["HelpDesk"], rapid.SampledFrom([]string{"17x1", "12x7"}).Draw(t, "id"), true)
		me := plainRecord(t, modules["Contacts"], "12x7", false)
		routes := map[string]engine.Record{}
		if rapid.Bool().Draw(t, "has contact") {
			routes["contact_id"] = plainRecord(t, modules["Contacts"], "12x7", true)
			if rapid.Bool().Draw(t, "has account") {
				routes["contact_id.account_id"] = plainRecord(t, modules["Accounts"], "11x4", true)
			}
		}

		predicate, _, fail := CompileRows(src, scope)
		if fail != nil {
			t.Fatalf("%s: %v", src, fail)
		}
		env := &engine.Env{Ref: me.Ref, Module: modules["Contacts"], Modules: modules, Record: me.Fields}
		got := predicate.Bind(env, noon, time.UTC).Holds(engine.Row{Record: record, Routes: routes, Modules: modules})
		if want := truthOf(t, src, scope, modules, record, me, routes); got != want {
			t.Errorf("%s: holds is %t, the expression %t", src, got, want)
		}
	})
}

// truthOf evaluates the expression itself.
func truthOf(
	t *rapid.T, src string, scope *Scope, modules map[string]*engine.Module, record, me engine.Record,
	routes map[string]engine.Record,
) bool {
	view := func(r engine.Record) map[string]any {
		fields, err := modules[r.Module].View(r.Fields)
		if err != nil {
			t.Fatal(err)
		}
		fields["id"] = r.ID
		return fields
	}
	program, fail := Compile(src, scope, Bool)
	if fail != nil {
		t.Fatalf("%s: %v", src, fail)
	}
	views := map[string]map[string]any{}
	for route, found := range routes {
		views[route] = view(found)
	}
	truth, err := program.Bool(map[string]any{
		RecordName: view(record), MeName: view(me), EnvRoutes: views, EnvNow: noon,
	})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return truth
}

// Whatever an admin writes: it is refused with a place, or it is a predicate that is bound and held without a panic,
// has no not but over comparisons, and holds for no record once me is empty and every comparison is with me.
func FuzzCompileRows(f *testing.F) {
	modules, scope := office()
	for _, src := range append(comparisons(), seeds()...) {
		f.Add(src)
		f.Add("not (" + src + " or record.closed)")
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, _, fail := CompileRows(src, scope)
		if fail != nil {
			checkFailure(t, src, fail)
			return
		}
		nobody := &engine.Env{
			Ref: engine.Ref{Module: "Contacts"}, Module: modules["Contacts"], Modules: modules, Record: engine.Fields{},
		}
		row := engine.Row{
			Record: engine.Record{Ref: engine.Ref{Module: "HelpDesk", ID: "17x1"}}, Modules: modules,
		}
		bound := p.Bind(nobody, noon, time.UTC)
		if bound.Holds(row) && onlyMe(p) {
			t.Errorf("%s holds for somebody who is nobody", src)
		}
		if !flat(p) || !flat(bound) {
			t.Errorf("%s: a negation is left over %s", src, p)
		}
		if bound.String() == "" || len(bound.MeRoutes()) > 0 {
			t.Errorf("%s: bound to %q", src, bound)
		}
	})
}

// flat tells whether not stands only over single comparisons.
func flat(p engine.Predicate) bool {
	for _, part := range p.Of {
		if p.Op == engine.OpNot && len(part.Of) > 0 || !flat(part) {
			return false
		}
	}
	return true
}

// onlyMe tells whether all there is are comparisons with me alone.
func onlyMe(p engine.Predicate) bool {
	if p.Op == engine.OpAnd && len(p.Of) == 0 {
		return false
	}
	for _, part := range p.Of {
		if !onlyMe(part) {
			return false
		}
	}
	for _, value := range p.Values {
		if value.From != engine.FromMe {
			return false
		}
	}
	return true
}
