package portal_test

import (
	"encoding/base32"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"

	"pgregory.net/rapid"
)

// request draws a request of somebody who is signed in: a new one, or one that began before and is not through.
func (m *gateModel) request(rt *rapid.T) *view {
	if len(m.held) > 0 && rapid.IntRange(0, 3).Draw(rt, "one under way") == 0 {
		return pick(rt, "request", m.held)
	}
	var alive []*sitting
	for _, s := range m.sittings {
		if m.alive(s.token) != nil {
			alive = append(alive, s)
		}
	}
	if len(alive) == 0 {
		return nil
	}
	s := pick(rt, "session", alive)
	v := m.look(rt, s.token)
	if rapid.Bool().Draw(rt, "it takes long") {
		m.held = append(m.held, v)
	}
	return v
}

// look is a request with a token, which may be that of no session.
func (m *gateModel) look(rt *rapid.T, token string) *view {
	s := m.alive(token)
	got, err := m.node(rt).Viewer(rt.Context(), house.Customers, token)
	if s == nil {
		m.wants(rt, "a token that is of no session (any more)", err, portal.ErrSignedOut)
		return nil
	}
	m.wants(rt, "session", err, nil)
	if now := m.clock.Now(); now.Sub(s.seen) >= sawEvery {
		s.seen = now
	}
	if got.Ref() != s.of.ref || got.Session.ID != s.id || got.Session.Second != s.second ||
		!got.Session.Proved.Equal(s.proved) {
		rt.Fatalf("the session is %+v of %s, want %+v", got.Session, got.Ref(), s)
	}
	return &view{Viewer: got, of: s, token: token, second: s.second, proved: s.proved}
}

// keeperModel is somebody who changes what proves them: in a request of a session, or in a sign-in under way.
type keeperModel struct {
	portal.Keeper
	of      *soul
	view    *view
	h       *halfway
	binding string
}

// keeper draws one, often who has begun a ceremony; nil for none who gets as far as that.
func (m *gateModel) keeper(rt *rapid.T, begun *rite) *keeperModel {
	if begun != nil && likely(rt, "who began it") {
		for _, s := range m.sittings {
			if "session "+s.id.String() == begun.binding && m.alive(s.token) != nil {
				return m.signedIn(rt, m.look(rt, s.token))
			}
		}
	}
	if rapid.IntRange(0, 3).Draw(rt, "before the sign-in is through") > 0 {
		if v := m.request(rt); v != nil {
			return m.signedIn(rt, v)
		}
	}
	h, goesOn := m.pending(rt)
	if h == nil {
		return nil
	}
	k, err := m.node(rt).Enrolling(rt.Context(), house.Customers, h.token)
	if !goesOn || h.next != portal.NextEnrol {
		m.wants(rt, "enrol in a sign-in that is over", err, portal.ErrPassed)
		return nil
	}
	m.wants(rt, "enrol", err, nil)
	return &keeperModel{Keeper: k, of: h.of, h: h, binding: "pending " + h.token}
}

func (m *gateModel) signedIn(rt *rapid.T, v *view) *keeperModel {
	k, err := m.node(rt).Keeper(rt.Context(), v.Viewer)
	m.wants(rt, "keeper", err, nil)
	return &keeperModel{Keeper: k, of: v.of.of, view: v, binding: "session " + v.of.id.String()}
}

// may is why a keeper may not change anything as it seems.
func (k *keeperModel) may() error {
	switch {
	case k.h != nil && k.of.second():
		return portal.ErrPassed
	case k.view != nil && (!k.view.fresh() || k.of.second() && !k.view.second):
		return portal.ErrFresh
	}
	return nil
}

// lives is why a keeper may not, in the end.
func (k *keeperModel) lives() error {
	if k.view != nil && !k.view.alive() {
		return portal.ErrSignedOut
	}
	return nil
}

func (m *gateModel) setUp(rt *rapid.T) {
	k := m.keeper(rt, nil)
	if k == nil {
		return
	}
	setup, err := m.node(rt).SetUpAuthenticator(rt.Context(), k.Keeper, "Acme")
	if !m.wants(rt, "set an authenticator up", err, k.may()) {
		return
	}
	m.setting(rt, k, setup)
	if rapid.Bool().Draw(rt, "add it at once") {
		m.addsAuthenticator(rt, k, m.rites[len(m.rites)-1])
	}
}

func (m *gateModel) setting(rt *rapid.T, k *keeperModel, setup portal.Setup) {
	typed := strings.ReplaceAll(setup.Secret, " ", "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		rt.Fatal(err)
	}
	m.begun(&rite{
		kind: portal.CeremonyEnrol, of: k.of, binding: k.binding, secret: secret,
		asked: portal.Asked{Token: setup.Token},
	})
}

func (m *gateModel) addAuthenticator(rt *rapid.T) {
	r := m.ritual(rt, portal.CeremonyEnrol)
	if k := m.keeper(rt, r); k != nil && r != nil {
		m.addsAuthenticator(rt, k, r)
	}
}

func (m *gateModel) addsAuthenticator(rt *rapid.T, k *keeperModel, r *rite) {
	b, code := m.browser(rt), totp.Code(r.secret, totp.Step(m.clock.Now()))
	if r.secret == nil || rapid.IntRange(0, 4).Draw(rt, "a wrong code") == 0 {
		code = "000000"
	}
	added, again, err := m.node(rt).AddAuthenticator(rt.Context(), k.Keeper, r.asked.Token, code, "Acme", b.caller())
	if k.may() != nil {
		m.wants(rt, "add an authenticator", err, k.may())
		return
	}
	if !m.takes(r, portal.CeremonyEnrol, k.of, k.binding) {
		m.wants(rt, "add an authenticator in a ceremony that is over, or another's", err, portal.ErrPassed)
		return
	}
	step := m.matches(r.secret, code, 0)
	if step == 0 {
		m.wants(rt, "add an authenticator by a wrong code", err, portal.ErrWrong)
		m.setting(rt, k, again)
		return
	}
	if m.wants(rt, "add an authenticator", err, k.lives()) {
		k.of.secret, k.of.step = r.secret, step
		m.added(rt, k, added, b)
	}
}

func (m *gateModel) makePasskey(rt *rapid.T) {
	k := m.keeper(rt, nil)
	if k == nil {
		return
	}
	asked, err := m.node(rt).MakePasskey(rt.Context(), k.Keeper)
	if m.wants(rt, "make a passkey", err, k.may()) {
		r := m.begun(&rite{
			kind: portal.CeremonyRegister, of: k.of, binding: k.binding, asked: asked,
			device: passkeytest.New(m.t, origin),
		})
		if rapid.Bool().Draw(rt, "add it at once") {
			m.addsPasskey(rt, k, r)
		}
	}
}

func (m *gateModel) addPasskey(rt *rapid.T) {
	r := m.ritual(rt, portal.CeremonyRegister)
	if k := m.keeper(rt, r); k != nil && r != nil {
		m.addsPasskey(rt, k, r)
	}
}

func (m *gateModel) addsPasskey(rt *rapid.T, k *keeperModel, r *rite) {
	b, made := m.browser(rt), []byte("{}")
	if r.device != nil {
		made = r.device.Make(r.asked.Options)
	}
	added, err := m.node(rt).AddPasskey(rt.Context(), k.Keeper, r.asked.Token, made, "key", b.caller())
	switch {
	case k.may() != nil:
		m.wants(rt, "add a passkey", err, k.may())
	case !m.takes(r, portal.CeremonyRegister, k.of, k.binding):
		m.wants(rt, "add a passkey in a ceremony that is over, or another's", err, portal.ErrPassed)
	case m.wants(rt, "add a passkey", err, k.lives()):
		enrolled, err := m.node(rt).Factors(rt.Context(), k.Keeper)
		if err != nil || len(enrolled.Passkeys) != len(k.of.passkeys)+1 {
			rt.Fatalf("enrolled %+v, %v", enrolled, err)
		}
		has := func(p portal.Passkey) bool {
			return slices.ContainsFunc(k.of.passkeys, func(r *rite) bool { return r.id == p.ID })
		}
		r.id = slices.DeleteFunc(enrolled.Passkeys, has)[0].ID
		k.of.passkeys = append(k.of.passkeys, r)
		m.added(rt, k, added, b)
	}
}

// added is what goes with a new factor.
func (m *gateModel) added(rt *rapid.T, k *keeperModel, added portal.Added, b *browser) {
	if len(k.of.codes) == 0 && len(added.Codes) != portal.RecoveryCodes || len(k.of.codes) > 0 && added.Codes != nil {
		rt.Fatalf("with %d codes left, %d new ones are shown", len(k.of.codes), len(added.Codes))
	}
	k.of.codes = append(k.of.codes, added.Codes...)
	if k.view != nil {
		m.renewed(k.view, added.In, true)
		return
	}
	k.h.gone = true
	m.let(rt, &sitting{of: k.of, second: true}, k.h.method, k.h.lanes, added.In, b)
}

func (m *gateModel) makeCodes(rt *rapid.T) {
	k := m.keeper(rt, nil)
	if k == nil {
		return
	}
	codes, err := m.node(rt).MakeRecoveryCodes(rt.Context(), k.Keeper)
	want := k.may()
	if want == nil && !k.of.second() {
		want = portal.ErrNoFactor
	} else if want == nil {
		want = k.lives()
	}
	if m.wants(rt, "make recovery codes", err, want) {
		k.of.spent = append(k.of.spent, k.of.codes...)
		k.of.codes = codes
	}
}

func (m *gateModel) remove(rt *rapid.T) {
	k := m.keeper(rt, nil)
	if k == nil {
		return
	}
	var in portal.SignedIn
	var err error
	there, i, left := k.of.secret != nil, -1, len(k.of.passkeys)
	if left > 0 && rapid.Bool().Draw(rt, "a passkey") {
		i = rapid.IntRange(0, left-1).Draw(rt, "which")
		in, err = m.node(rt).RemovePasskey(rt.Context(), k.Keeper, k.of.passkeys[i].id)
		if left--; there {
			left++
		}
		there = true
	} else {
		in, err = m.node(rt).RemoveAuthenticator(rt.Context(), k.Keeper)
	}
	want := k.may()
	switch {
	case want != nil:
	case k.h != nil:
		want = portal.ErrPassed
	case k.lives() != nil:
		want = k.lives()
	case !there:
		want = portal.ErrNoFactor
	case left == 0 && m.required():
		want = portal.ErrLastFactor
	}
	if !m.wants(rt, "remove a factor", err, want) {
		return
	}
	if i >= 0 {
		k.of.passkeys = slices.Delete(k.of.passkeys, i, i+1)
	} else {
		k.of.secret, k.of.step = nil, 0
	}
	if !k.of.second() {
		k.of.spent, k.of.codes = append(k.of.spent, k.of.codes...), nil
	}
	m.renewed(k.view, in, false)
}

func (m *gateModel) askStepUp(rt *rapid.T) {
	v := m.request(rt)
	if v == nil {
		return
	}
	asked, err := m.node(rt).AskStepUp(rt.Context(), v.Viewer)
	if v.of.program {
		m.wants(rt, "ask a program for a passkey", err, portal.ErrForbidden)
	} else if len(v.of.of.passkeys) == 0 {
		m.wants(rt, "ask for a passkey of who has none", err, portal.ErrNoFactor)
	} else if m.wants(rt, "ask for a passkey once more", err, nil) {
		binding := "session " + v.of.id.String()
		m.begun(&rite{kind: portal.CeremonyProve, of: v.of.of, binding: binding, asked: asked})
	}
}

func (m *gateModel) stepUp(rt *rapid.T) {
	v := m.request(rt)
	if v == nil {
		return
	}
	of, b := v.of.of, m.browser(rt)
	proof, right := m.proving(rt, of, "session "+v.of.id.String())
	in, err := m.node(rt).StepUp(rt.Context(), v.Viewer, proof, b.caller())
	if v.of.program {
		m.wants(rt, "a program proves once more", err, portal.ErrForbidden)
		return
	}
	lane := m.laneOf(of, b, "second "+of.name)
	var want error
	if !m.try(lane) || !right() {
		want = portal.ErrWrong
	} else if !v.alive() {
		want = portal.ErrSignedOut
	}
	if m.wants(rt, "prove once more", err, want) {
		delete(m.lanes, lane)
		if m.renewed(v, in, true); v.Now.After(v.of.proved) {
			v.of.proved = v.Now
		}
	}
}

// order is what an operator orders.
func (m *gateModel) order() engine.Order { return engine.Order{By: "test", At: m.clock.Now()} }
