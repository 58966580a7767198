package portal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestT52ChallengesAreHeldToTheProtocol(t *testing.T) {
	p := newPeople(t)
	for _, nonce := range []string{"", "short", strings.Repeat("x", 129), strings.Repeat("x", 20) + ",a=b"} {
		_, err := p.gate.Challenge(t.Context(), house.Customers, ana, nonce, stranger)
		p.want(err, portal.ErrMalformed, "nonce "+nonce)
	}
	client := house.NewClient(t, ana, house.Password)
	c, err := p.gate.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Nonce, client.Nonce) || len(c.Nonce) < len(client.Nonce)+24 || c.Rounds != house.Rounds {
		t.Errorf("challenge %+v", c)
	}
	right := client.Proof(c)
	for what, proof := range map[string]portal.Proof{
		"another nonce": {Nonce: right.Nonce + "x", Proof: right.Proof}, "no nonce": {Proof: right.Proof},
		"the client's alone": {Nonce: client.Nonce, Proof: right.Proof},
		"a short proof":      {Nonce: right.Nonce, Proof: right.Proof[1:]},
		"no proof":           {Nonce: right.Nonce},
	} {
		if _, err := p.gate.Login(t.Context(), house.Customers, proof, stranger); err == nil {
			t.Errorf("%s signs in", what)
		}
	}
	in, err := p.gate.Login(t.Context(), house.Customers, right, stranger)
	if err != nil || !client.Believes(in.Server) {
		t.Errorf("the right proof: %v", err)
	}
	_, err = p.gate.Login(t.Context(), house.Customers, right, stranger)
	p.want(err, portal.ErrRefused, "the final message once more")
}

func TestT53SaltsOfUnknownNamesStand(t *testing.T) {
	p := newPeople(t)
	nonce := strings.Repeat("n", 24)
	salt := func(gate *portal.Gate, name string) []byte {
		c, err := gate.Challenge(t.Context(), house.Customers, name, nonce, stranger)
		if err != nil {
			t.Fatal(err)
		}
		return c.Salt
	}
	first := salt(p.gate, "nobody@acme.example")
	p.Advance(1000 * time.Hour)
	node := p.OpenGate()
	otherKey := p.OpenGate(func(c *portal.GateConfig) { c.Names = bytes.Repeat([]byte{7}, 32) })
	for what, test := range map[string]struct {
		got  []byte
		same bool
	}{
		"later":             {salt(p.gate, "nobody@acme.example"), true},
		"in capitals":       {salt(p.gate, "NOBODY@ACME.example"), true},
		"on another node":   {salt(node, "nobody@acme.example"), true},
		"another name":      {salt(node, "nobody@b.example"), false},
		"under another key": {salt(otherKey, "nobody@acme.example"), false},
	} {
		if bytes.Equal(test.got, first) != test.same {
			t.Errorf("%s: %x, first %x", what, test.got, first)
		}
	}
	if len(salt(p.gate, ana)) != len(first) {
		t.Error("a known name's salt has another length")
	}
}

func TestT54ChallengesAreSingleUseOnAnyNode(t *testing.T) {
	p := newPeople(t)
	one, two := p.OpenGate(), p.OpenGate()
	client := house.NewClient(t, ana, house.Password)
	first, err := one.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	second, again := one.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	if err = errors.Join(err, again); err != nil || first.Nonce == second.Nonce {
		t.Fatalf("two challenges are the same: %v", err)
	}
	proof := client.Proof(first)
	if _, err := two.Login(t.Context(), house.Customers, proof, stranger); err != nil {
		t.Errorf("on another node: %v", err)
	}
	_, err = one.Login(t.Context(), house.Customers, proof, stranger)
	p.want(err, portal.ErrRefused, "a second time")

	late := house.NewClient(t, ana, house.Password)
	c, err := one.Challenge(t.Context(), house.Customers, ana, late.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(portal.ChallengeLife)
	_, err = one.Login(t.Context(), house.Customers, late.Proof(c), stranger)
	p.want(err, portal.ErrRefused, "after a minute")

	wrong := house.NewClient(t, ana, "another password of mine")
	c, err = one.Challenge(t.Context(), house.Customers, ana, wrong.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	_, err = one.Login(t.Context(), house.Staff, wrong.Proof(c), stranger)
	p.want(err, portal.ErrRefused, "in another portal")
}
