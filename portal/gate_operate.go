package portal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"postern/engine"
	"postern/internal/scram"
)

// Standing is what an operator sees of somebody who may sign in.
type Standing struct {
	Ref      engine.Ref
	Name     string // that they sign in with
	Shared   bool   // another record has that name too, so nobody gets in by it
	Title    string // of their record
	Language string
	Role     string
	Refused  string // why they may not sign in, a sentence; "" where they may
	Account  Account
	Enrolled Enrolled
	Lane     Lane // of strangers who give their name
	Sessions []Session
}

// NameError says that nobody is meant by what an operator named, or more than one.
type NameError struct {
	Portal, Who string
	Shared      bool // two records sign in with that
}

// Error is a sentence for operators.
func (e *NameError) Error() string {
	if e.Shared {
		return fmt.Sprintf("two records have %q to sign in to portal %s with, so nobody gets in by it: "+
			"name one of them as Module/id", e.Who, e.Portal)
	}
	return fmt.Sprintf("portal %s knows nobody as %q: give the name that they sign in with, or their record, Module/id",
		e.Portal, e.Who)
}

// Standing is how somebody stands whom an operator names by what they sign in with, or by their record, Module/id.
// Errors: ErrNoPortal, *NameError, ErrUnavailable.
func (g *Gate) Standing(ctx context.Context, portal, who string) (Standing, error) {
	p, err := g.named(ctx, portal, who)
	if err != nil {
		return Standing{}, err
	}
	standing := Standing{
		Ref: p.record.Ref, Name: p.name(), Shared: p.shared, Title: p.portal.Subject.Module.TitleOf(p.record),
		Language: p.language(), Role: p.role().Name, Refused: g.refused(p), Account: p.account,
	}
	now := g.with.Clock.Now()
	if standing.Enrolled, err = g.with.Store.Enrolled(ctx, Holder{portal, p.record.Ref}); err != nil {
		return standing, err
	}
	if standing.Lane, err = g.with.Store.Lane(ctx, g.laneOf(portal, p.name())); err != nil {
		return standing, err
	}
	all, err := g.with.Store.Sessions(ctx, portal, p.record.Ref, now)
	for _, s := range all {
		if now.Before(s.Seen.Add(p.portal.SignIn.Idle)) && s.Epoch == p.account.Epoch {
			standing.Sessions = append(standing.Sessions, s)
		}
	}
	return standing, err
}

// named is whom an operator means.
func (g *Gate) named(ctx context.Context, portal, name string) (person, error) {
	p, err := g.portal(portal)
	if err != nil {
		return person{}, err
	}
	var who person
	if id, ok := strings.CutPrefix(name, p.Subject.Module.Name+"/"); ok {
		if who, err = g.byRef(ctx, p, engine.Ref{Module: p.Subject.Module.Name, ID: id}); err == nil {
			var alone person
			alone, err = g.byName(ctx, p, who.name())
			who.shared = alone.shared
		}
	} else {
		who, err = g.byName(ctx, p, name)
	}
	if errors.Is(err, engine.ErrNoRecord) || err == nil && !who.known() {
		err = &NameError{portal, name, who.shared}
	}
	return who, err
}

// refused is why a person may not sign in, a sentence for operators; "" where they may.
func (g *Gate) refused(who person) string {
	subject := who.portal.Subject
	switch {
	case who.opens:
		return ""
	case !who.account.Disabled.IsZero():
		return "disabled by an operator"
	case !subject.Open(who.record.Fields, g.with.Clock.Now()):
		return "outside of the days in " + strings.Trim(subject.From+" and "+subject.Until, " and")
	}
	return subject.Active.Source() + " is not true"
}

// Order does what an operator orders about somebody. Where their factors go they are told, as of all changes of them.
// Errors: those of Standing, and ErrNoFactor where there are none to delete.
func (g *Gate) Order(ctx context.Context, portal, who string, do OrderKind, by engine.Order) (engine.Ref, error) {
	p, err := g.named(ctx, portal, who)
	if err != nil {
		return engine.Ref{}, err
	}
	ref := p.record.Ref
	kinds := map[OrderKind]string{
		OrderDisable: engine.DeedPortalDisabled, OrderEnable: engine.DeedPortalEnabled,
		OrderDeletePassword: engine.DeedPortalNoPassword, OrderUnlock: engine.DeedPortalUnlocked,
		OrderDeleteFactors: engine.DeedPortalNoFactors, OrderEndAll: engine.DeedPortalEndedAll,
	}
	order := Order{
		Portal: portal, Subject: ref, Do: do, At: by.At,
		Lanes: [][]byte{g.laneOf(portal, p.name()), g.secondLane(p)},
		Deed:  by.Deed(kinds[do], ref.String(), orderText(portal, by.Reason)),
	}
	if do == OrderDeleteFactors {
		data := map[string]any{"factor": factorAll, "change": changeRemoved}
		if order.Event, err = g.event(engine.PortalFactorSet, p, by.At, "", data); err != nil {
			return ref, err
		}
	}
	return ref, g.with.Store.Govern(ctx, order)
}

// orderText is what the audit says of an order beside its kind.
func orderText(portal, reason string) string {
	if reason == "" {
		return "portal " + portal
	}
	return "portal " + portal + ": " + reason
}

// EndOne ends one session of somebody; ErrSignedOut where it is none of theirs. Errors: those of Standing.
func (g *Gate) EndOne(ctx context.Context, portal, who string, session engine.ID, by engine.Order) error {
	p, err := g.named(ctx, portal, who)
	if err != nil {
		return err
	}
	ref := p.record.Ref
	return g.with.Store.EndSession(ctx, portal, ref, session, by.Deed(engine.DeedPortalSignedOut, ref.String(),
		"session "+session.String()+", "+orderText(portal, by.Reason)))
}

// RefusedError says that somebody may not sign in, and why.
type RefusedError struct {
	Ref engine.Ref
	Why string
}

// Error is a sentence for operators.
func (e *RefusedError) Error() string { return e.Ref.String() + " may not sign in: " + e.Why }

// Invite tells that somebody is to choose a password: a workflow sends them the link. Those that they were sent before
// end. Errors: those of Standing, ErrMethod, and *RefusedError.
func (g *Gate) Invite(ctx context.Context, portal, who string, by engine.Order) (engine.Ref, error) {
	if _, err := g.by(portal, engine.SignInPassword); err != nil {
		return engine.Ref{}, err
	}
	p, err := g.named(ctx, portal, who)
	if err != nil {
		return engine.Ref{}, err
	}
	ref := p.record.Ref
	if !p.opens {
		return ref, &RefusedError{ref, g.refused(p)}
	}
	if p.shared {
		return ref, &RefusedError{ref, "another record has the same name to sign in with"}
	}
	event, err := g.event(engine.PortalInvited, p, by.At, "", nil)
	if err != nil {
		return ref, err
	}
	return ref, g.with.Store.AnswerAsking(ctx, Answer{
		Portal: portal, Subject: ref, Event: event,
		Deed: by.Deed(engine.DeedPortalInvited, ref.String(), orderText(portal, by.Reason)),
	})
}

// Takeover is a password that somebody chose elsewhere, as a verifier: the password itself never comes here.
type Takeover struct {
	Name     string // that they sign in with
	Shared   bool   // another record has that name too, so nobody gets in by it
	Verifier []byte // of scram.New
}

// Why a password is not taken over.
var (
	ErrHasPassword = errors.New("has a password here already")
	ErrNobody      = errors.New("is nobody whom the portal knows")
	ErrSharedName  = errors.New("is what two records sign in with, so nobody gets in by it")
)

// TakeOver keeps a password that was chosen elsewhere, unless there is one here. Nobody is told. Without a verifier it
// only tells whether it would. Errors: ErrHasPassword, ErrNobody, ErrSharedName,
// ErrNoPortal, ErrMethod, ErrUnavailable.
func (g *Gate) TakeOver(ctx context.Context, portal string, t Takeover, by engine.Order) (engine.Ref, error) {
	p, err := g.by(portal, engine.SignInPassword)
	if err != nil {
		return engine.Ref{}, err
	}
	who, err := g.byName(ctx, p, t.Name)
	switch {
	case err != nil:
		return engine.Ref{}, err
	case who.shared:
		return engine.Ref{}, ErrSharedName
	case !who.known():
		return engine.Ref{}, ErrNobody
	case who.account.HasPassword():
		return who.record.Ref, ErrHasPassword
	}
	ref := who.record.Ref
	if t.Verifier == nil {
		return ref, nil
	}
	if _, err := scram.ReadVerifier(t.Verifier); err != nil {
		return ref, fmt.Errorf("take a password over: %w", err)
	}
	sealed, err := g.with.Sealer.Seal(VerifierPurpose(portal, ref), t.Verifier)
	if err != nil {
		return ref, err
	}
	_, known, err := g.oldAddress(who)
	if err != nil {
		return ref, err
	}
	return ref, g.with.Store.SetPassword(ctx, PasswordSetting{
		Portal: portal, Subject: ref, Mech: scram.Mech, Verifier: sealed, Known: known, First: true,
		Lane: g.laneOf(portal, who.name()), At: by.At,
		Deed: by.Deed(engine.DeedPortalPasswordSet, ref.String(), "taken over, "+orderText(portal, by.Reason)),
	})
}

// WeakLegacy tells why a password that was chosen elsewhere is not taken over; nil if it is. own are names that it
// must not be made of.
func WeakLegacy(password string, own ...string) *WeakError {
	return weak(password, MinPasswordLegacy, own...)
}

// oldAddress is the mail address that somebody had when their password was last set, if it is another one now.
func (g *Gate) oldAddress(who person) (old string, known []byte, err error) {
	now := addressOf(who)
	purpose := "portal-address/" + who.portal.Name + "/" + who.record.Ref.String()
	if len(who.account.Known) > 0 {
		then, err := g.with.Sealer.Open(purpose, who.account.Known)
		if err != nil {
			g.with.Logger.Warn("the mail address that somebody had before can no longer be read",
				"portal", who.portal.Name, "record", who.record.Ref.String(), "error", err)
		} else if old = string(then); strings.EqualFold(old, now) {
			old = ""
		}
	}
	if now == "" {
		return old, nil, nil
	}
	known, err = g.with.Sealer.Seal(purpose, []byte(now))
	return old, known, err
}
