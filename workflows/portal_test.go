package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/workflows"
)

const smallPortal = `
portal: people
label: { en: Mine, es: Lo mío }
subject: { module: Folk, login: email, active: me.firm.open, until: me.until, zone: Europe/Madrid }
sign_in: { second_factor: required, most: 2h } # lint: allow unheard: nobody is told here
roles:
  default:
    Firms: { rows: record.id == me.firm, read: [name, open], related: [Bills] }
    Bills:
      rows: record.firm == me.firm
      read: [no, total, due, tags]
      filter: no
      update: [no, due]
      fresh: due
      create: { fields: [no, total], set: { firm: "{{ me.firm }}", due: "{{ today() }}", paid: false } }
      while: not record.paid
      delete: true
  boss:
    extends: default
    Bills: { rows: true, update: [], sort: [no] } # lint: allow rows-of-all: there are no secrets
  guest: { extends: boss, Bills: ~ }
  reader: { extends: default, Bills: { create: ~ } }
  clerk: { extends: reader, Bills: { delete: false } }
  nobody:
`

// portalBook is the small book with a portal.
func portalBook(t *testing.T, portal string) map[string]string {
	t.Helper()
	files := smallBook(t)
	files["modules/Firms.yaml"] = "module: Firms\nfields: { name: text, open: boolean }\n"
	files["modules/Folk.yaml"] = "module: Folk\nfields: { email: { type: email, unique: true }, until: date, " +
		"role: text, firm: { type: reference, to: Firms } }\n"
	files["modules/Bills.yaml"] = "module: Bills\nfields: { no: text, total: number, due: date, paid: boolean, " +
		"tags: { type: multipicklist, options: [a] }, firm: { type: reference, to: Firms } }\n"
	files["portal/people.yaml"] = strings.Replace(portal, "until: me.until,", "until: me.until, role: me.role,", 1)
	return files
}

func TestPortalIsLoaded(t *testing.T) {
	p := load(t, portalBook(t, smallPortal)).Portals["people"]
	if p == nil || p.Subject.Module.Name != "Folk" || p.Subject.Login != "email" || p.Subject.Until != "until" ||
		p.Subject.Zone.String() != "Europe/Madrid" || len(p.Version) != 32 {
		t.Fatalf("%+v", p)
	}
	want := engine.SignIn{
		Methods: engine.SignInMethods(), SecondFactor: engine.SecondFactorRequired, Idle: engine.SessionIdle,
		Most: 2 * time.Hour, Sessions: engine.SessionsAtOnce,
	}
	if got := p.SignIn; !slices.Equal(got.Methods, want.Methods) || got.SecondFactor != want.SecondFactor ||
		got.Idle != want.Idle || got.Most != want.Most || got.Sessions != want.Sessions {
		t.Errorf("sign-in %+v", got)
	}
	bills := p.Roles["default"].Modules["Bills"]
	for what, test := range map[string]struct{ got, want []string }{
		"read":   {bills.Read, []string{"no", "total", "due", "tags"}},
		"filter": {bills.Filter, []string{"no"}},
		"sort":   {bills.Sort, []string{"no", "total", "due"}}, // a list has no order
		"update": {bills.Update, []string{"no", "due"}},
		"fresh":  {bills.Fresh, []string{"due"}},
		"create": {bills.Create.Fields, []string{"no", "total"}},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v", what, test.got)
		}
	}
	if got := bills.Rows.String(); got != "firm is me.firm" || !bills.Delete {
		t.Errorf("rows %s, delete %t", got, bills.Delete)
	}
	if got := bills.While.String(); got != "paid is not true" {
		t.Errorf("while %s", got)
	}
	related := p.Roles["default"].Modules["Firms"].Related
	if !slices.Equal(related, []engine.Relative{{Module: "Bills", By: "firm"}}) {
		t.Errorf("related %v", related)
	}
}

func TestRolesExtendByKey(t *testing.T) {
	p := load(t, portalBook(t, smallPortal)).Portals["people"]
	boss := p.Roles["boss"].Modules["Bills"]
	if !boss.Rows.IsEverything() || len(boss.Update) > 0 || !slices.Equal(boss.Sort, []string{"no"}) ||
		len(boss.Read) != 4 || boss.Create == nil || !boss.Delete || boss.While.IsEverything() {
		t.Errorf("%+v", boss)
	}
	guest := p.Roles["guest"]
	if guest.Modules["Bills"] != nil || len(guest.Modules["Firms"].Related) > 0 {
		t.Errorf("%+v", guest.Modules)
	}
	for _, name := range []string{"reader", "clerk"} {
		if bills := p.Roles[name].Modules["Bills"]; bills.Create != nil || len(bills.Update) != 2 {
			t.Errorf("%s, from whom making is taken away: %+v", name, bills)
		}
	}
	if nobody := p.Roles["nobody"]; nobody == nil || len(nobody.Modules) > 0 {
		t.Errorf("%+v", nobody)
	}
	if got := p.RoleOf(engine.Fields{"role": "guest"}); got != guest {
		t.Errorf("role %s", got.Name)
	}
}

func TestNewRecordsAreSetByTheSubject(t *testing.T) {
	p := load(t, portalBook(t, smallPortal)).Portals["people"]
	me := &engine.Env{
		Ref: engine.Ref{Module: "Folk", ID: "1"}, Module: p.Subject.Module, Modules: p.Modules,
		Record: engine.Fields{"firm": "f1"},
	}
	bills := p.Roles["default"].Modules["Bills"]
	now := time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC)
	set, err := bills.Create.Values(bills.Module, me, now, p.Subject.Zone)
	if err != nil || set["firm"] != "f1" || set["due"] != "2026-11-27" || set["paid"] != false {
		t.Errorf("%v, %v", set, err)
	}
	me.Record = engine.Fields{}
	if set, err = bills.Create.Values(bills.Module, me, now, p.Subject.Zone); err != nil || set["firm"] != "" {
		t.Errorf("%v, %v", set, err)
	}
}

func TestSubjectIsActiveByRoutes(t *testing.T) {
	active := load(t, portalBook(t, smallPortal)).Portals["people"].Subject.Active
	modules := load(t, portalBook(t, smallPortal)).Modules
	if routes := active.Routes(); !slices.Equal(routes, []string{"firm"}) {
		t.Errorf("routes %v", routes)
	}
	for open, want := range map[any]bool{true: true, false: false, nil: false} {
		env := &engine.Env{
			Module: modules["Folk"], Record: engine.Fields{"firm": "f1"}, Routes: map[string]engine.Record{
				"firm": {Ref: engine.Ref{Module: "Firms", ID: "f1"}, Fields: engine.Fields{"open": open}},
			},
		}
		if got, err := engine.True(active, env); err != nil || got != want {
			t.Errorf("%v: %t, %v", open, got, err)
		}
	}
}

// A change of what the portal says, or of a module that it speaks of, is another version; anything else is not.
func TestVersionOfAPortal(t *testing.T) {
	files := portalBook(t, smallPortal)
	before := load(t, files).Portals["people"].Version
	files["modules/Firms.yaml"] += "# the same\n"
	changed := load(t, files).Portals["people"].Version
	files["modules/Rooms.yaml"] += "# not ours\n"
	if again := load(t, files).Portals["people"].Version; changed == before || again != changed {
		t.Errorf("%s, %s, %s", before, changed, again)
	}
}

func TestPortalsAreDoubted(t *testing.T) {
	for line, code := range map[string]string{
		"Bills: { rows: record.no == me.email, read: no }":                                 "rows-by-value",
		`Bills: { rows: record.no == "1", read: no }`:                                      "rows-of-all",
		"Bills: { rows: record.firm == me.id, read: no }":                                  "never",
		"Folk: { rows: record.firm == me.firm, read: email, update: email, fresh: email }": "login-of-others",
		"Folk: { rows: record.id == me.id, read: [email], update: email }":                 "login-not-fresh",
		"Folk: { rows: record.id == me.id, read: until, update: until }\n" +
			"    Bills: { rows: record.firm == me.firm and record.due == me.until, read: no }": "reach-of-self",
	} {
		portal := "portal: people # lint: allow unheard: nobody is told here\n" +
			"subject: { module: Folk, login: email, active: me.firm != \"\" }\n" +
			"roles:\n  default:\n    " + line + "\n"
		_, complaints, _ := workflows.LoadFiles(portalBook(t, portal), options())
		if len(complaints) != 1 || complaints[0].Code != code {
			t.Errorf("%s: %v", line, complaints)
		}
	}
}
