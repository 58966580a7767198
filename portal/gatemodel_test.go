package portal_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"
	"postern/portal"
	"postern/portal/portaltest/house"

	"pgregory.net/rapid"
)

const (
	gateSteps = 60
	sawEvery  = time.Minute // how often it is stored that a session is in use
)

// Whatever people, strangers, operators and time do, on whichever of two nodes: nobody is signed in who has not proved
// all that is asked for, whatever should end a session ends it, no code, ceremony, challenge and pending sign-in is
// good twice, and nothing that was given out for something else is good as a session. Requests that are under way
// meanwhile change nothing that they may no longer change. `make model` tries 2,000 cases.
func TestGateAgainstAModel(t *testing.T) {
	peer.Cases(t, "60", "4")
	tools := newModelTools(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := tools.gates(t, rt)
		acts := m.acts()
		names := slices.Concat(slices.Sorted(maps.Keys(acts)), []string{
			"form", "form", "link", "second", "second", "second", "ask for a second", "set up", "add authenticator",
			"make passkey", "add passkey", "passkey", "ask for a passkey", "ask to step up", "step up", "remove",
			"challenge", "proof",
		})
		for range gateSteps {
			m.advance(time.Millisecond)
			acts[rapid.SampledFrom(names).Draw(rt, "act")](rt)
			m.check(rt)
		}
		for _, token := range m.issued {
			m.look(rt, token)
			m.look(rt, stolen(token))
		}
	})
}

// acts are what happens, each in some variants.
func (m *gateModel) acts() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"form": m.form, "challenge": m.challenge, "proof": m.proof, "link": m.link, "program": m.program,
		"ask for a passkey": m.askPasskey, "passkey": m.passkey, "ask for a second": m.askSecond, "second": m.second,
		"set up": m.setUp, "add authenticator": m.addAuthenticator, "make passkey": m.makePasskey,
		"add passkey": m.addPasskey, "codes": m.makeCodes, "remove": m.remove, "ask to step up": m.askStepUp,
		"step up": m.stepUp, "sign out": m.signOut, "end all": m.endAll, "change": m.change,
		"set password": m.chooses, "order": m.govern, "flag": m.flag, "policy": m.policy, "wait": m.wait,
	}
}

// check holds what is kept of somebody against the model, and tries something that was given out as a session.
func (m *gateModel) check(rt *rapid.T) {
	s := m.someone(rt)
	got, err := m.node(rt).Standing(rt.Context(), house.Customers, s.ref.String())
	if err != nil {
		rt.Fatal(err)
	}
	var want, have []engine.ID
	now, signIn := m.clock.Now(), m.portal.SignIn
	for _, o := range m.sittings {
		if o.of == s && !o.gone && now.Before(o.seen.Add(signIn.Idle)) && now.Before(o.began.Add(signIn.Most)) {
			want = append(want, o.id)
		}
	}
	for _, o := range got.Sessions {
		have = append(have, o.ID)
	}
	byID := func(a, b engine.ID) int { return cmp.Compare(a.String(), b.String()) }
	slices.SortFunc(want, byID)
	slices.SortFunc(have, byID)
	if !slices.Equal(want, have) {
		rt.Fatalf("%s has the sessions %v, want %v", s.name, have, want)
	}
	e := got.Enrolled
	if len(e.Passkeys) != len(s.passkeys) || (e.Authenticator != nil) != (s.secret != nil) ||
		e.RecoveryCodes != len(s.codes) || got.Account.HasPassword() != (s.password != "") ||
		got.Account.Disabled.IsZero() == s.disabled || got.Lane.Wrong != m.lanes["name "+s.name].Wrong {
		rt.Fatalf("%s stands as %+v, want %+v and %+v", s.name, got, s, m.lanes["name "+s.name])
	}
	m.look(rt, pick(rt, "token", m.issued))
}

func (m *gateModel) signOut(rt *rapid.T) {
	if v := m.request(rt); v != nil && rapid.Bool().Draw(rt, "of another session") {
		other := pick(rt, "other", m.sittings)
		var want error
		if other.gone || other.of != v.of.of || v.of.program && other != v.of {
			want = portal.ErrSignedOut
		}
		if m.wants(rt, "end a session", m.node(rt).End(rt.Context(), v.Viewer, other.id), want) {
			other.gone = true
		}
		return
	}
	token := pick(rt, "token", m.issued)
	m.wants(rt, "sign out", m.node(rt).Logout(rt.Context(), house.Customers, token), nil)
	if s := m.tokens[token]; s != nil && s.token == token && m.clock.Now().Before(s.began.Add(m.portal.SignIn.Most)) {
		s.gone = true
	}
}

func (m *gateModel) endAll(rt *rapid.T) {
	if v := m.request(rt); v != nil && rapid.IntRange(0, 2).Draw(rt, "really") == 0 {
		err := m.node(rt).EndAll(rt.Context(), v.Viewer)
		if v.of.program {
			m.wants(rt, "a program ends all", err, portal.ErrForbidden)
			return
		}
		m.wants(rt, "end all", err, nil)
		m.ends(v.of.of, nil)
		m.forgets(v.of.of, "")
	}
}

// change has somebody change their password.
func (m *gateModel) change(rt *rapid.T) {
	v := m.request(rt)
	if v == nil {
		return
	}
	typed := rapid.SampledFrom(passwords).Draw(rt, "present")
	next := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(passwords), func(p string) bool { return p == typed })).
		Draw(rt, "next")
	b, of := m.browser(rt), v.of.of
	in, err := m.node(rt).ChangePassword(rt.Context(), v.Viewer, typed, next, b.caller())
	var want error
	if open := m.try("session " + v.of.id.String()); !open || typed != of.password || !of.opens() {
		want = portal.ErrRefused
	} else if !v.alive() {
		want = portal.ErrSignedOut
	}
	if m.wants(rt, "change the password", err, want) {
		m.ends(of, v.of)
		m.forgets(of, b.device)
		m.passwordOf(of, next)
		m.renewed(v, in, false)
	}
}

func (m *gateModel) passwordOf(of *soul, password string) {
	of.password, of.set = password, of.set+1
	delete(m.lanes, "name "+of.name)
}

func (m *gateModel) setPassword(rt *rapid.T, of *soul, password string) {
	because := portal.Because{Actor: "test", Detail: "test"}
	err := m.node(rt).SetPassword(rt.Context(), house.Customers, of.ref, password, because)
	if m.wants(rt, "set a password", err, nil) {
		m.ends(of, nil)
		m.forgets(of, "")
		m.passwordOf(of, password)
	}
}

func (m *gateModel) chooses(rt *rapid.T) {
	m.setPassword(rt, m.someone(rt), rapid.SampledFrom(passwords).Draw(rt, "password"))
}

func (m *gateModel) govern(rt *rapid.T) {
	of, do := m.someone(rt), rapid.SampledFrom([]portal.OrderKind{
		portal.OrderDisable, portal.OrderEnable, portal.OrderEnable, portal.OrderUnlock, portal.OrderUnlock,
		portal.OrderDeletePassword, portal.OrderDeleteFactors, portal.OrderEndAll,
	}).Draw(rt, "order")
	_, err := m.node(rt).Order(rt.Context(), house.Customers, of.name, do, m.order())
	if do == portal.OrderDeleteFactors && !of.second() && len(of.codes) == 0 {
		m.wants(rt, string(do), err, portal.ErrNoFactor)
		return
	}
	m.wants(rt, string(do), err, nil)
	switch do {
	case portal.OrderDisable:
		of.disabled = true
	case portal.OrderEnable:
		of.disabled = false
		return
	case portal.OrderUnlock:
		delete(m.lanes, "name "+of.name)
		delete(m.lanes, "second "+of.name)
		for device, whose := range m.known {
			if whose == of {
				delete(m.lanes, "device "+device)
			}
		}
		return
	case portal.OrderDeletePassword:
		of.password = ""
	case portal.OrderDeleteFactors:
		of.passkeys, of.secret, of.step = nil, nil, 0
		of.spent, of.codes = append(of.spent, of.codes...), nil
		for _, r := range m.rites {
			r.used = r.used || r.of == of
		}
	}
	if m.ends(of, nil); do != portal.OrderDisable {
		m.forgets(of, "")
	}
}

// flag has the CRM let somebody in, or not.
func (m *gateModel) flag(rt *rapid.T) {
	of := m.someone(rt)
	of.active = rapid.IntRange(0, 2).Draw(rt, "active") > 0
	m.crm.records[of.ref] = engine.Fields{"email": of.name, "portal": of.active}
}

// policy has the portal require a second factor from now on, or not any more.
func (m *gateModel) policy(rt *rapid.T) {
	m.portal.SignIn.SecondFactor = rapid.SampledFrom([]engine.SecondFactor{
		engine.SecondFactorOptional, engine.SecondFactorRequired,
	}).Draw(rt, "second factor")
}

func (m *gateModel) advance(d time.Duration) { m.clock.Set(m.clock.Now().Add(d)) }

func (m *gateModel) wait(rt *rapid.T) {
	m.advance(rapid.SampledFrom([]time.Duration{
		time.Second, 30 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 11 * time.Minute,
		31 * time.Minute, 13 * time.Hour,
	}).Draw(rt, "for"))
}
