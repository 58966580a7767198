package engine_test

import (
	"testing"
	"time"

	"postern/engine"
)

func TestSubjectIsLetInFromDayToDay(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	module := &engine.Module{Name: "Contacts", Fields: map[string]*engine.Field{
		"from":  {Name: "from", Type: engine.TypeDate},
		"until": {Name: "until", Type: engine.TypeDate},
		"ends":  {Name: "ends", Type: engine.TypeDateTime},
	}}
	days := engine.Subject{Module: module, From: "from", Until: "until", Zone: madrid}
	exact := engine.Subject{Module: module, Until: "ends", Zone: madrid}
	for _, test := range []struct {
		subject engine.Subject
		record  engine.Fields
		now     string
		want    bool
	}{
		{days, engine.Fields{}, "2026-06-01T00:00:00Z", true},
		{days, engine.Fields{"from": "2026-06-02"}, "2026-06-01T21:59:59Z", false},
		{days, engine.Fields{"from": "2026-06-02"}, "2026-06-01T22:00:00Z", true},
		{days, engine.Fields{"until": "2026-06-02"}, "2026-06-02T21:59:59Z", true},
		{days, engine.Fields{"until": "2026-06-02"}, "2026-06-02T22:00:00Z", false},
		{days, engine.Fields{"until": "2026-03-28"}, "2026-03-28T22:59:59Z", true}, // the day before clocks go forward
		{days, engine.Fields{"until": "2026-03-28"}, "2026-03-28T23:00:00Z", false},
		{days, engine.Fields{"until": "2026-10-25"}, "2026-10-25T22:59:59Z", true}, // a day of 25 hours
		{days, engine.Fields{"until": "soon"}, "2026-06-01T00:00:00Z", false},
		{exact, engine.Fields{"ends": "2026-06-02T10:00:00Z"}, "2026-06-02T10:00:00Z", true},
		{exact, engine.Fields{"ends": "2026-06-02T10:00:00Z"}, "2026-06-02T10:00:01Z", false},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.subject.Open(test.record, now); got != test.want {
			t.Errorf("%v at %s: %t", test.record, test.now, got)
		}
	}
}

func TestRoleIsThatOfTheRecord(t *testing.T) {
	manager, plain := &engine.Role{Name: "manager"}, &engine.Role{Name: engine.RoleDefault}
	p := &engine.Portal{
		Subject: engine.Subject{Role: "portalloginuser", Module: &engine.Module{Language: "language"}},
		Roles:   map[string]*engine.Role{"manager": manager, engine.RoleDefault: plain},
	}
	for value, want := range map[string]*engine.Role{"manager": manager, "": plain, "boss": plain} {
		if got := p.RoleOf(engine.Fields{"portalloginuser": value}); got != want {
			t.Errorf("%q: %s", value, got.Name)
		}
	}
	if got := p.LanguageOf(engine.Fields{"language": "nl"}); got != "nl" {
		t.Errorf("language %q", got)
	}
}
