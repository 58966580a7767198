package engine_test

import (
	"errors"
	"testing"

	"postern/engine"
)

func TestMaskedTellsNoAddress(t *testing.T) {
	for address, want := range map[string]string{
		"zoe@acme.example":                       "z…@acme.example",
		"+34600123412":                           "…12",
		"600 123 412":                            "…12",
		"12x345":                                 "id …45",
		"https://u:pw@hooks.acme.example/s3cr3t": "hooks.acme.example/…",
		`{"endpoint":"https://push.example/s3cr3t","keys":{"auth":"a@b"}}`: "push.example/…",
		"~town-square": "~town-square",
		"@":            "…@",
		"":             "",
	} {
		if got := (engine.Recipient{Address: address}).Masked(); got != want {
			t.Errorf("%q is shown as %q, want %q", address, got, want)
		}
	}
}

// reachModule is a module with an address of every kind, and a record of it.
func reachModule() (map[string]*engine.Module, *engine.Env) {
	module := &engine.Module{
		Name: "People", Names: []string{"name", "mobile", "mail", "browser"}, Language: "",
		Fields: map[string]*engine.Field{
			"name":    {Name: "name", Type: engine.TypeText},
			"mobile":  {Name: "mobile", Type: engine.TypePhone},
			"mail":    {Name: "mail", Type: engine.TypeEmail},
			"browser": {Name: "browser", Type: engine.TypeText},
		},
	}
	env := &engine.Env{
		Ref: engine.Ref{Module: "People", ID: "12x5"}, Module: module,
		Record: engine.Fields{"name": "Zoë", "mobile": " 600 123 456 ", "browser": "sub"},
	}
	return map[string]*engine.Module{"People": module}, env
}

func TestRecipientByWhatReachesThem(t *testing.T) {
	modules, env := reachModule()
	whole := &engine.Route{Field: &engine.Field{Type: engine.TypeReference, To: []string{"People"}}}
	mobile := &engine.Route{Path: "mobile", Field: modules["People"].Fields["mobile"]}
	proper := func(address string) (string, error) {
		if address != "600 123 456" {
			return "", errors.New("the number is not valid")
		}
		return "+34600123456", nil
	}
	byPhone := engine.Reach{Type: engine.TypePhone}
	for name, test := range map[string]struct {
		route *engine.Route
		by    engine.Carrier
		want  string // the address, or the error
	}{
		"phone":         {whole, engine.Carrier{Reach: byPhone}, "600 123 456"},
		"made proper":   {whole, engine.Carrier{Reach: byPhone, Proper: proper}, "+34600123456"},
		"field, proper": {mobile, engine.Carrier{Reach: byPhone, Proper: proper}, "+34600123456"},
		"no address":    {whole, engine.Carrier{Reach: engine.Reach{Type: engine.TypeEmail}}, "People/12x5 has no email"},
		"field":         {whole, engine.Carrier{Reach: engine.Reach{Field: "browser"}}, "sub"},
		"improper": {
			whole, engine.Carrier{Reach: engine.Reach{Field: "browser"}, Proper: proper}, "the number is not valid",
		},
		"no field": {whole, engine.Carrier{Reach: engine.Reach{Field: "device"}}, "People/12x5 has no device"},
		"id":       {whole, engine.Carrier{Reach: engine.Reach{ID: true}}, "12x5"},
		"nothing":  {whole, engine.Carrier{}, ""},
	} {
		to, err := test.route.Recipient(env, modules, test.by)
		got := to.Address
		if err != nil {
			got = err.Error()
		}
		if got != test.want || err == nil && to.Ref != env.Ref {
			t.Errorf("%s: %q to %v, want %q", name, got, to.Ref, test.want)
		}
	}
}
