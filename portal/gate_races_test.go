package portal_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/passkey"
	"postern/internal/passkey/passkeytest"
	"postern/internal/scram"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const origin = "https://my.acme.example"

// anotherPassword is one that is good.
const anotherPassword = "nine quiet rivers run uphill"

// makesPasskeys has a gate make passkeys for origin.
func makesPasskeys(t testing.TB) func(*portal.GateConfig) {
	t.Helper()
	party, err := passkey.NewParty(origin, "Acme", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *portal.GateConfig) { c.Passkeys = party }
}

// between is the store of a gate that is overtaken: before its next change of what proves somebody, or of a session,
// something else is done.
type between struct {
	portal.Store
	do func()
}

func (b *between) overtaken() {
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
}

func (b *between) SignIn(ctx context.Context, e portal.Entry) error {
	b.overtaken()
	return b.Store.SignIn(ctx, e)
}

func (b *between) RenewSession(ctx context.Context, r portal.Renewal) error {
	b.overtaken()
	return b.Store.RenewSession(ctx, r)
}

// UsePasskey is overtaken after it: whose passkey it was is looked up then.
func (b *between) UsePasskey(ctx context.Context, id engine.ID, signs uint32, at time.Time) error {
	defer b.overtaken()
	return b.Store.UsePasskey(ctx, id, signs, at)
}

func (b *between) SetPassword(ctx context.Context, s portal.PasswordSetting) error {
	b.overtaken()
	return b.Store.SetPassword(ctx, s)
}

func (b *between) AddPasskey(ctx context.Context, p portal.Passkey, told portal.Told) error {
	b.overtaken()
	return b.Store.AddPasskey(ctx, p, told)
}

func (b *between) RemovePasskey(ctx context.Context, h portal.Holder, id engine.ID, told portal.Told) error {
	b.overtaken()
	return b.Store.RemovePasskey(ctx, h, id, told)
}

func (b *between) PutAuthenticator(ctx context.Context, a portal.Authenticator, told portal.Told) error {
	b.overtaken()
	return b.Store.PutAuthenticator(ctx, a, told)
}

func (b *between) PutRecoveryCodes(ctx context.Context, h portal.Holder, all [][]byte, told portal.Told) error {
	b.overtaken()
	return b.Store.PutRecoveryCodes(ctx, h, all, told)
}

// racing is a world with two nodes: a slow one, which something is done before that begins after it, and a quick one.
type racing struct {
	people
	slow  people
	store *between
	by    engine.Order
}

func newRacing(t *testing.T) racing {
	t.Helper()
	p := newPeople(t, makesPasskeys(t))
	store := &between{Store: p.Store}
	slow := people{p.World, p.OpenGate(makesPasskeys(t), func(c *portal.GateConfig) { c.Store = store })}
	return racing{p, slow, store, engine.Order{By: "test", At: p.Clock.Now()}}
}

// order has an operator do something about Ana.
func (r racing) order(do portal.OrderKind) func() {
	return func() {
		if _, err := r.gate.Order(r.T.Context(), house.Customers, ana, do, r.by); err != nil {
			r.T.Error(err)
		}
	}
}

func (r racing) enrolled() portal.Enrolled {
	r.T.Helper()
	enrolled, err := r.Store.Enrolled(r.T.Context(), portal.Holder{Portal: house.Customers, Subject: house.Ana})
	if err != nil {
		r.T.Fatal(err)
	}
	return enrolled
}

// addsPasskey adds a passkey of a new device in a session, and returns the device with the session as it is then.
func (p people) addsPasskey(in portal.SignedIn) (*passkeytest.Device, portal.SignedIn) {
	p.T.Helper()
	device, k := passkeytest.New(p.T, origin), p.keeper(in)
	made, err := p.gate.MakePasskey(p.T.Context(), k)
	if err != nil {
		p.T.Fatal(err)
	}
	added, err := p.gate.AddPasskey(p.T.Context(), k, made.Token, device.Make(made.Options), "", stranger)
	if err != nil {
		p.T.Fatal(err)
	}
	return device, added.In
}

// byPasskey signs in by a device.
func (p people) byPasskey(device *passkeytest.Device) (portal.SignedIn, error) {
	p.T.Helper()
	asked, err := p.gate.AskPasskey(p.T.Context(), house.Customers, stranger)
	if err != nil {
		p.T.Fatal(err)
	}
	return p.gate.Passkey(p.T.Context(), house.Customers, asked.Token, device.Use(asked.Options), stranger)
}

// setsUp sets an authenticator up as whoever keeps the factors.
func (p people) setsUp(k portal.Keeper) error {
	p.T.Helper()
	setup, err := p.gate.SetUpAuthenticator(p.T.Context(), k, "Acme")
	if err != nil {
		p.T.Fatal(err)
	}
	app := appOf(p.T, setup, p.Clock)
	_, _, err = p.gate.AddAuthenticator(p.T.Context(), k, setup.Token, app(), "Acme", stranger)
	return err
}

// Of two that remove one factor each at the same time, one keeps the last one.
func TestTwoRemovalsLeaveTheRequiredFactor(t *testing.T) {
	r := newRacing(t)
	_, in := r.addsPasskey(r.in(stranger))
	device, in := r.addsPasskey(in)
	other, err := r.byPasskey(device)
	if err != nil {
		t.Fatal(err)
	}
	r.Portals[house.Customers].SignIn.SecondFactor = engine.SecondFactorRequired
	keys := r.enrolled().Passkeys
	r.store.do = func() {
		_, err := r.gate.RemovePasskey(t.Context(), r.keeper(other), keys[1].ID)
		r.want(err, nil, "the one that came in between")
	}
	_, err = r.slow.gate.RemovePasskey(t.Context(), r.keeper(in), keys[0].ID)
	r.want(err, portal.ErrLastFactor, "the one that was overtaken")
	if n := len(r.enrolled().Passkeys); n != 1 {
		t.Errorf("%d passkeys are left", n)
	}
	if _, err := r.viewer(in.Token); err != nil {
		t.Errorf("nothing was removed, and the session has another token: %v", err)
	}
}

// Somebody whose session ends, or whose sign-in is over, changes nothing any more, however far they have got.
func TestFactorsAreChangedInWhatIsAlive(t *testing.T) {
	for what, end := range map[string]func(racing) func(){
		"the person ends all sessions": func(r racing) func() { return r.order(portal.OrderEndAll) },
		"an operator shuts them out":   func(r racing) func() { return r.order(portal.OrderDisable) },
		"a new password": func(r racing) func() {
			return func() { r.SetPassword(house.Customers, house.Ana) }
		},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRacing(t)
			k := r.keeper(r.in(stranger))
			r.store.do = end(r)
			r.want(r.slow.setsUp(k), portal.ErrSignedOut, "an authenticator")
			if enrolled := r.enrolled(); enrolled.Second() || enrolled.RecoveryCodes > 0 {
				t.Errorf("enrolled %+v", enrolled)
			}
		})
		t.Run(what+", of a sign-in under way", func(t *testing.T) {
			r := newRacing(t)
			r.Portals[house.Customers].SignIn.SecondFactor = engine.SecondFactorRequired
			k, err := r.slow.gate.Enrolling(t.Context(), house.Customers, r.in(stranger).Pending)
			if err != nil {
				t.Fatal(err)
			}
			r.store.do = end(r)
			r.want(r.slow.setsUp(k), portal.ErrPassed, "an authenticator")
			if enrolled := r.enrolled(); enrolled.Second() || enrolled.RecoveryCodes > 0 {
				t.Errorf("enrolled %+v", enrolled)
			}
		})
	}
}

// A session that has proved a password alone replaces no factor that was enrolled meanwhile, and has no other codes.
func TestTheFirstFactorIsNotReplaced(t *testing.T) {
	r := newRacing(t)
	thief, owner := r.keeper(r.in(stranger)), r.in(stranger)
	r.store.do = func() { r.addsPasskey(owner) }
	r.want(r.slow.setsUp(thief), portal.ErrFresh, "a second first factor")
	if enrolled := r.enrolled(); enrolled.Authenticator != nil || enrolled.RecoveryCodes != portal.RecoveryCodes {
		t.Errorf("enrolled %+v", enrolled)
	}
}

// Of two requests that come with one token one is served: the other one does not get a living token out of a dead one.
func TestT60ATokenIsRenewedOnce(t *testing.T) {
	r := newRacing(t)
	device, in := r.addsPasskey(r.in(stranger))
	v, err := r.viewer(in.Token)
	if err != nil {
		t.Fatal(err)
	}
	proves := func(g *portal.Gate) (portal.SignedIn, error) {
		asked, err := g.AskStepUp(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		proof := portal.SecondProof{Token: asked.Token, Answer: device.Use(asked.Options)}
		return g.StepUp(t.Context(), v, proof, stranger)
	}
	var first portal.SignedIn
	r.store.do = func() {
		if first, err = proves(r.gate); err != nil {
			t.Error(err)
		}
	}
	again, err := proves(r.slow.gate)
	r.want(err, portal.ErrSignedOut, "the second one")
	if again.Token != "" {
		t.Error("it got a token")
	}
	if _, err := r.viewer(first.Token); err != nil {
		t.Errorf("the first one's: %v", err)
	}
}

// Whatever changes between a proof and the session counts.
func TestSignInsAreOvertaken(t *testing.T) {
	enrols := func(r racing) func() {
		owner := r.in(stranger)
		return func() { r.addsPasskey(owner) }
	}
	for what, test := range map[string]struct {
		between func(racing) func()
		signIn  func(racing) func() (portal.SignedIn, error)
	}{
		"a factor is enrolled": {enrols, byForm}, "shut out": {ordering(portal.OrderDisable), byForm},
		"all sessions end":        {ordering(portal.OrderEndAll), byForm},
		"the password is deleted": {ordering(portal.OrderDeletePassword), byForm},
		"the factors are deleted": {ordering(portal.OrderDeleteFactors), byDevice},
		"the key is revoked": {func(r racing) func() {
			return func() {
				keys, err := r.Store.AppKeys(r.T.Context(), house.Customers, "shop")
				if err != nil {
					r.T.Fatal(err)
				}
				r.want(r.gate.RevokeAppKey(r.T.Context(), house.Customers, keys[0].ID, r.by), nil, "revoke")
			}
		}, byKey},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRacing(t)
			signIn := test.signIn(r)
			r.store.do = test.between(r)
			in, err := signIn()
			r.want(err, portal.ErrRefused, "the sign-in")
			if in.Token != "" || r.store.do != nil {
				t.Errorf("signed in as %+v", in)
			}
		})
	}
}

// All sessions end while one changes the password.
func TestAChangeOfPasswordIsOvertaken(t *testing.T) {
	r := newRacing(t)
	v, err := r.viewer(r.in(stranger).Token)
	if err != nil {
		t.Fatal(err)
	}
	r.store.do = r.order(portal.OrderEndAll)
	_, err = r.slow.gate.ChangePassword(t.Context(), v, house.Password, anotherPassword, stranger)
	r.want(err, portal.ErrSignedOut, "the change")
	_, err = r.password(ana, house.Password, stranger)
	r.want(err, nil, "the password that there was")
}

// Somebody chooses a password while theirs is taken over.
func TestATakeoverIsOvertaken(t *testing.T) {
	r := newRacing(t)
	verifier, err := scram.New(t.Context(), anotherPassword, house.Rounds, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r.store.do = func() { r.SetPassword(house.Customers, house.Bob) }
	const bob = "bob@globex.example"
	take := portal.Takeover{Name: bob, Verifier: verifier.Bytes()}
	_, err = r.slow.gate.TakeOver(t.Context(), house.Customers, take, r.by)
	r.want(err, portal.ErrHasPassword, "taking it over")
	_, err = r.password(bob, house.Password, stranger)
	r.want(err, nil, "the one that they chose")
}

func ordering(do portal.OrderKind) func(racing) func() {
	return func(r racing) func() { return r.order(do) }
}

func byForm(r racing) func() (portal.SignedIn, error) {
	return func() (portal.SignedIn, error) { return r.slow.password(ana, house.Password, stranger) }
}

func byDevice(r racing) func() (portal.SignedIn, error) {
	device, _ := r.addsPasskey(r.in(stranger))
	return func() (portal.SignedIn, error) { return r.slow.byPasskey(device) }
}

func byKey(r racing) func() (portal.SignedIn, error) {
	_, secret, err := r.gate.MakeAppKey(r.T.Context(), house.Customers, "shop", house.Ana, time.Hour, r.by)
	if err != nil {
		r.T.Fatal(err)
	}
	return func() (portal.SignedIn, error) {
		right := func(s string) bool { return s == secret }
		return r.slow.gate.AppKey(r.T.Context(), house.Customers, "shop", right, stranger)
	}
}
