package portal_test

import (
	"errors"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestAdmitsCountsWhomTheRecordsLetIn(t *testing.T) {
	p := newPeople(t)
	before, err := p.gate.Admits(t.Context(), house.Customers, 1000)
	if err != nil {
		t.Fatal(err)
	}
	p.Put(house.Ana, engine.Fields{"portal": false})                                             // may not
	p.Put(engine.Ref{Module: "Contacts", ID: "12x98"}, engine.Fields{"portal": true})            // has no name
	p.Put(engine.Ref{Module: "Contacts", ID: "12x99"}, engine.Fields{"email": "x@acme.example"}) // has no flag
	all, err := p.gate.Admits(t.Context(), house.Customers, 1000)
	if err != nil || all.More || all.Looked != before.Looked+2 || all.In != before.In-1 || all.In == 0 {
		t.Errorf("%+v after %+v, %v", all, before, err)
	}
	first, err := p.gate.Admits(t.Context(), house.Customers, 1)
	if err != nil || first.Looked != 1 || !first.More {
		t.Errorf("of the first record: %+v, %v", first, err)
	}
	whole, err := p.gate.Admits(t.Context(), house.Customers, all.Looked)
	if err != nil || whole.In != all.In {
		t.Errorf("with a limit that is just enough: %+v, %v", whole, err)
	}
	if _, err := p.gate.Admits(t.Context(), "nowhere", 1); !errors.Is(err, portal.ErrNoPortal) {
		t.Errorf("of no portal: %v", err)
	}
}
