package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"

	"pgregory.net/rapid"
)

var passwords = []string{"seven green kettles sing", "nine quiet rivers run uphill", "violet lamp under six trees"}

// named draws a name to sign in with, and whose it is; nil for nobody's.
func (m *gateModel) named(rt *rapid.T) (string, *soul) {
	name := rapid.SampledFrom([]string{m.souls[0].name, m.souls[1].name, "nobody@acme.example"}).Draw(rt, "name")
	for _, s := range m.souls {
		if s.name == name {
			return name, s
		}
	}
	return name, nil
}

// types is what somebody types as the password of a name.
func (m *gateModel) types(rt *rapid.T, of *soul) string {
	if of != nil && of.password != "" && likely(rt, "the right password") {
		return of.password
	}
	return rapid.SampledFrom(passwords).Draw(rt, "password")
}

// byPassword is what comes of a password that was judged; "" for an error of before.
func (m *gateModel) byPassword(
	rt *rapid.T, what, name string, of *soul, right bool, b *browser, in portal.SignedIn, err error,
) {
	lane := m.laneOf(of, b, "name "+name)
	if of == nil {
		lane = "name " + name
	}
	if open := m.try(lane); !open || !right || of == nil || !of.opens() {
		m.wants(rt, what, err, portal.ErrRefused)
		return
	}
	if m.wants(rt, what, err, nil) {
		m.let(rt, &sitting{of: of}, engine.SignInPassword, []string{lane}, in, b)
	}
}

func (m *gateModel) form(rt *rapid.T) {
	name, of := m.named(rt)
	b, typed := m.browser(rt), m.types(rt, of)
	in, err := m.node(rt).Password(rt.Context(), house.Customers, name, typed, b.caller())
	m.byPassword(rt, "form of "+name, name, of, of != nil && typed == of.password, b, in, err)
}

func (m *gateModel) challenge(rt *rapid.T) {
	name, of := m.named(rt)
	talk := &talk{name: name, typed: m.types(rt, of), set: -1}
	if of != nil && of.password != "" {
		talk.set = of.set
	}
	talk.client = house.NewClient(m.t, name, talk.typed)
	var err error
	talk.challenge, err = m.node(rt).Challenge(rt.Context(), house.Customers, name, talk.client.Nonce, portal.Caller{})
	if m.wants(rt, "challenge", err, nil) {
		m.talks = append(m.talks, talk)
		talk.proof = talk.client.Proof(talk.challenge)
		m.issued = append(m.issued, talk.challenge.Nonce)
	}
}

func (m *gateModel) proof(rt *rapid.T) {
	if len(m.talks) == 0 {
		return
	}
	talk, b := m.talks[len(m.talks)-1], m.browser(rt)
	if !likely(rt, "the latest") {
		talk = pick(rt, "challenge", m.talks)
	}
	to := rapid.SampledFrom([]string{house.Customers, house.Customers, house.Customers, house.Staff}).Draw(rt, "portal")
	in, err := m.node(rt).Login(rt.Context(), to, talk.proof, b.caller())
	over := talk.used || !m.clock.Now().Before(talk.challenge.Expires)
	talk.used = true
	if over || to != house.Customers {
		m.wants(rt, "a proof that is over, or of another portal", err, portal.ErrRefused)
		return
	}
	var of *soul
	for _, s := range m.souls {
		if s.name == talk.name {
			of = s
		}
	}
	right := of != nil && of.password == talk.typed && of.set == talk.set
	m.byPassword(rt, "proof of "+talk.name, talk.name, of, right, b, in, err)
}

func (m *gateModel) link(rt *rapid.T) {
	of, b := m.someone(rt), m.browser(rt)
	in, err := m.node(rt).SignInByLink(rt.Context(), portal.Pass{
		Link:  engine.Link{Record: of.ref},
		Opens: engine.Opens{Portal: house.Customers, What: engine.OpensSignIn},
	}, b.caller())
	if !of.opens() {
		m.wants(rt, "link", err, portal.ErrPassed)
	} else if m.wants(rt, "link", err, nil) {
		m.let(rt, &sitting{of: of}, engine.SignInLink, []string{"name " + of.name}, in, b)
	}
}

func (m *gateModel) program(rt *rapid.T) {
	of, b := m.someone(rt), m.browser(rt)
	right := func(secret string) bool { return secret == of.appSecret }
	in, err := m.node(rt).AppKey(rt.Context(), house.Customers, of.name, right, b.caller())
	if !of.opens() {
		m.wants(rt, "app key", err, portal.ErrRefused)
	} else if m.wants(rt, "app key", err, nil) {
		m.entered(rt, &sitting{of: of, second: true, program: true}, in, b)
	}
}

// device draws a device that has made a passkey, or tried to, and whose it is now; nil for nobody's. Often it is one
// of somebody's.
func (m *gateModel) device(rt *rapid.T, of *soul) (*passkeytest.Device, *soul) {
	if len(of.passkeys) > 0 && likely(rt, "their own") {
		return pick(rt, "passkey", of.passkeys).device, of
	}
	var made []*rite
	for _, r := range m.rites {
		if r.device != nil {
			made = append(made, r)
		}
	}
	if len(made) == 0 {
		return passkeytest.New(m.t, origin), nil
	}
	r := pick(rt, "device", made)
	for _, s := range m.souls {
		if slices.Contains(s.passkeys, r) {
			return r.device, s
		}
	}
	return r.device, nil
}

// begun keeps a ceremony.
func (m *gateModel) begun(r *rite) *rite {
	r.ends = m.clock.Now().Add(portal.CeremonyLife)
	m.rites, m.issued = append(m.rites, r), append(m.issued, r.asked.Token)
	return r
}

// ritual draws a ceremony that was begun, which may be over, or for something else.
func (m *gateModel) ritual(rt *rapid.T, kind portal.CeremonyKind) *rite {
	var of []*rite
	for _, r := range m.rites {
		if r.kind == kind {
			of = append(of, r)
		}
	}
	if len(of) == 0 || rapid.IntRange(0, 9).Draw(rt, "another kind") == 0 {
		of = m.rites
	}
	if len(of) == 0 {
		return nil
	}
	if rapid.Bool().Draw(rt, "the latest") {
		return of[len(of)-1]
	}
	return pick(rt, "ceremony", of)
}

// takes uses a ceremony up, and tells whether it is the one that it should be.
func (m *gateModel) takes(r *rite, kind portal.CeremonyKind, of *soul, binding string) bool {
	over := r.used || !m.clock.Now().Before(r.ends)
	r.used = true
	return !over && r.kind == kind && r.of == of && r.binding == binding
}

// answer is what a device says to a ceremony; what it is asked for when it makes one is nothing to use it for.
func answer(r *rite, device *passkeytest.Device) []byte {
	if r.kind != portal.CeremonySignIn && r.kind != portal.CeremonyProve {
		return []byte("{}")
	}
	return device.Use(r.asked.Options)
}

func (m *gateModel) askPasskey(rt *rapid.T) {
	asked, err := m.node(rt).AskPasskey(rt.Context(), house.Customers, portal.Caller{})
	if m.wants(rt, "ask for a passkey", err, nil) {
		m.begun(&rite{kind: portal.CeremonySignIn, asked: asked})
	}
}

func (m *gateModel) passkey(rt *rapid.T) {
	r, b := m.ritual(rt, portal.CeremonySignIn), m.browser(rt)
	if r == nil {
		return
	}
	device, of := m.device(rt, m.someone(rt))
	in, err := m.node(rt).Passkey(rt.Context(), house.Customers, r.asked.Token, answer(r, device), b.caller())
	if !m.takes(r, portal.CeremonySignIn, nil, "") || of == nil || !of.opens() {
		m.wants(rt, "passkey", err, portal.ErrRefused)
	} else if m.wants(rt, "passkey", err, nil) {
		lanes := []string{"name " + of.name, "second " + of.name}
		m.let(rt, &sitting{of: of, second: true}, engine.SignInPasskey, lanes, in, b)
	}
}

// digits draws a code of an authenticator: of now, of about now, the one used last, or none.
func (m *gateModel) digits(rt *rapid.T, secret []byte) string {
	step := totp.Step(m.clock.Now())
	switch by := rapid.IntRange(-3, 3).Draw(rt, "step"); {
	case secret == nil || by == 3:
		return "000000"
	case by == -3:
		return totp.Code(secret, step)
	default:
		return totp.Code(secret, step+int64(by))
	}
}

// matches is the step of a code after one, found the plain way; 0 for none.
func (m *gateModel) matches(secret []byte, code string, after int64) int64 {
	now := totp.Step(m.clock.Now())
	for step := now - 1; step <= now+1; step++ {
		if secret != nil && step > after && totp.Code(secret, step) == code {
			return step
		}
	}
	return 0
}

// proven draws a ceremony that asks somebody for a passkey, often in what the proof is for.
func (m *gateModel) proven(rt *rapid.T, binding string) *rite {
	if likely(rt, "in this sign-in") {
		for _, r := range slices.Backward(m.rites) {
			if r.kind == portal.CeremonyProve && r.binding == binding {
				return r
			}
		}
	}
	return m.ritual(rt, portal.CeremonyProve)
}

// proving draws a second proof of somebody, and what is to be called once it was judged in an open lane: it tells
// whether the proof is right, and uses it up.
func (m *gateModel) proving(rt *rapid.T, of *soul, binding string) (portal.SecondProof, func() bool) {
	switch rapid.SampledFrom([]string{"app", "app", "recovery", "passkey", "passkey"}).Draw(rt, "proof") {
	case "recovery":
		codes := slices.Concat(of.codes, of.spent, []string{"aaaaa-aaaaa"})
		code := rapid.SampledFrom(codes).Draw(rt, "code")
		typed := strings.ToUpper(strings.ReplaceAll(code, "-", " "))
		return portal.SecondProof{Code: typed}, func() bool {
			i := slices.Index(of.codes, code)
			if i >= 0 {
				of.codes, of.spent = slices.Delete(of.codes, i, i+1), append(of.spent, code)
			}
			return i >= 0
		}
	case "passkey":
		if r := m.proven(rt, binding); r != nil {
			device, whose := m.device(rt, of)
			proof := portal.SecondProof{Token: r.asked.Token, Answer: answer(r, device)}
			return proof, func() bool {
				return m.takes(r, portal.CeremonyProve, of, binding) && whose == of
			}
		}
	}
	code := m.digits(rt, of.secret)
	return portal.SecondProof{Code: code}, func() bool {
		step := m.matches(of.secret, code, of.step)
		if step > 0 {
			of.step = step
		}
		return step > 0
	}
}

// pending draws a sign-in that was begun, and tells whether it can go on.
func (m *gateModel) pending(rt *rapid.T) (h *halfway, goesOn bool) {
	if len(m.halfways) == 0 {
		return nil, false
	}
	h = m.halfways[len(m.halfways)-1]
	if rapid.IntRange(0, 2).Draw(rt, "an earlier one") == 0 {
		h = pick(rt, "pending", m.halfways)
	}
	over := h.gone || h.tries >= portal.MaxPendingTries || !m.clock.Now().Before(h.ends)
	return h, !over && h.of.opens()
}

func (m *gateModel) askSecond(rt *rapid.T) {
	h, goesOn := m.pending(rt)
	if h == nil {
		return
	}
	asked, err := m.node(rt).AskSecond(rt.Context(), house.Customers, h.token, portal.Caller{})
	switch {
	case !goesOn:
		m.wants(rt, "ask for a passkey in a sign-in that is over", err, portal.ErrPassed)
	case len(h.of.passkeys) == 0:
		m.wants(rt, "ask for a passkey of who has none", err, portal.ErrNoFactor)
	case m.wants(rt, "ask for a passkey", err, nil):
		m.begun(&rite{kind: portal.CeremonyProve, of: h.of, binding: "pending " + h.token, asked: asked})
	}
}

func (m *gateModel) second(rt *rapid.T) {
	h, goesOn := m.pending(rt)
	if h == nil {
		return
	}
	b := m.browser(rt)
	proof, right := m.proving(rt, h.of, "pending "+h.token)
	in, err := m.node(rt).Second(rt.Context(), house.Customers, h.token, proof, b.caller())
	if !goesOn || h.next != portal.NextSecond {
		m.wants(rt, "the second step of a sign-in that is over", err, portal.ErrPassed)
		return
	}
	h.tries++
	lane := m.laneOf(h.of, b, "second "+h.of.name)
	if !m.try(lane) || !right() {
		m.wants(rt, "second step", err, portal.ErrWrong)
		return
	}
	if h.gone = true; m.wants(rt, "second step", err, nil) {
		m.let(rt, &sitting{of: h.of, second: true}, h.method, append(slices.Clone(h.lanes), lane), in, b)
	}
}

// stolen is a token that somebody has read out of the store.
func stolen(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
