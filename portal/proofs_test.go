package portal_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/portal"
	"postern/portal/portaltest/house"

	"github.com/google/go-cmp/cmp"
)

// shape is what of a JSON text is the same for everybody: its keys, with the length of their texts.
func shape(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	var of func(any) any
	of = func(value any) any {
		switch v := value.(type) {
		case map[string]any:
			shaped := map[string]any{}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				shaped[key] = of(v[key])
			}
			return shaped
		case []any:
			var shaped []any
			for _, each := range v {
				shaped = append(shaped, of(each))
			}
			return shaped
		case string:
			return len(v)
		}
		return value
	}
	return of(value)
}

// Whoever holds a link does not learn from what a browser is asked for whether its person has passkeys, or which, or
// may sign in at all.
func TestLandingsAskAllForAPasskeyAlike(t *testing.T) {
	p := newPeople(t, makesPasskeys(t))
	device, in := p.addsPasskey(p.in(stranger))
	p.addsPasskey(in)
	p.Put(house.Eve, engine.Fields{"portal": false})
	proofs, binding := p.gate.Proofs(portal.Cookies{}), []byte("a visit")
	begin := func(ref engine.Ref) (string, []byte) {
		token, options, err := proofs.BeginPasskey(t.Context(), house.Customers, ref, binding)
		if err != nil {
			t.Fatal(err)
		}
		return token, options
	}
	token, with := begin(house.Ana)
	for what, ref := range map[string]engine.Ref{
		"has none": house.Bob, "may not sign in": house.Eve, "is not there": {Module: "Contacts", ID: "12x999"},
		"is of another module": house.Sam, "is nobody": {},
	} {
		other, options := begin(ref)
		if diff := cmp.Diff(shape(t, with), shape(t, options)); diff != "" || len(other) != len(token) {
			t.Errorf("who %s is asked in another way (-with a passkey +%[1]s):\n%s", what, diff)
		}
		right, err := proofs.ProvePasskey(t.Context(), house.Customers, ref, binding, other,
			string(device.Use(options)))
		if right || err != nil {
			t.Errorf("who %s is proved by Ana's: %v, %v", what, right, err)
		}
	}
	right, err := proofs.ProvePasskey(t.Context(), house.Customers, house.Ana, binding, token, string(device.Use(with)))
	if !right || err != nil {
		t.Errorf("Ana's own proves %v, %v", right, err)
	}
}

// An answer is good for what was asked: for one visit, one person, one portal and one purpose.
func TestT69CeremoniesAreOfOneVisit(t *testing.T) {
	p := newPeople(t, makesPasskeys(t))
	p.SetPassword(house.Customers, house.Bob)
	device, _ := p.addsPasskey(p.in(stranger))
	bobs, err := p.password("bob@globex.example", house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	bobsDevice, _ := p.addsPasskey(bobs)
	proofs, ctx := p.gate.Proofs(portal.Cookies{}), t.Context()
	visit := []byte("a visit")
	for what, test := range map[string]struct {
		portal  string
		ref     engine.Ref
		binding []byte
		device  *passkeytest.Device
	}{
		"another visit":        {house.Customers, house.Ana, []byte("another"), device},
		"no visit":             {house.Customers, house.Ana, nil, device},
		"another person":       {house.Customers, house.Bob, visit, device},
		"another portal":       {house.Staff, house.Sam, visit, device},
		"of another's passkey": {house.Customers, house.Ana, visit, bobsDevice},
	} {
		token, options, err := proofs.BeginPasskey(ctx, house.Customers, house.Ana, visit)
		if err != nil {
			t.Fatal(err)
		}
		answer := string(test.device.Use(options))
		right, err := proofs.ProvePasskey(ctx, test.portal, test.ref, test.binding, token, answer)
		if right || err != nil {
			t.Errorf("%s: %v, %v", what, right, err)
		}
		right, err = proofs.ProvePasskey(ctx, house.Customers, house.Ana, visit, token, string(device.Use(options)))
		if right || err != nil {
			t.Errorf("%s took the ceremony, and it proves %v, %v", what, right, err)
		}
	}
	token, options, err := proofs.BeginPasskey(ctx, house.Customers, house.Ana, visit)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.gate.Passkey(ctx, house.Customers, token, device.Use(options), stranger)
	p.want(err, portal.ErrRefused, "the answer at a landing signs in")
	asked, err := p.gate.AskPasskey(ctx, house.Customers, stranger)
	if err != nil {
		t.Fatal(err)
	}
	answer := string(device.Use(asked.Options))
	right, err := proofs.ProvePasskey(ctx, house.Customers, house.Ana, nil, asked.Token, answer)
	if right || err != nil {
		t.Errorf("a sign-in proves somebody at a landing: %v, %v", right, err)
	}
}
