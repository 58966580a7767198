package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"postern/engine"
)

// Proofs proves the visitors of links by what they enrolled in a portal, or by their being signed in to one; see
// Portals in package links. Guesses are counted by the door of links.
type Proofs struct {
	gate    *Gate
	cookies Cookies
}

// Proofs makes them.
func (g *Gate) Proofs(cookies Cookies) Proofs { return Proofs{gate: g, cookies: cookies} }

// subject finds somebody who may sign in to a portal; false where nobody does by that record.
func (p Proofs) subject(ctx context.Context, portal string, ref engine.Ref) (person, bool, error) {
	of, err := p.gate.portal(portal)
	if errors.Is(err, ErrNoPortal) {
		return person{}, false, nil
	}
	if err != nil {
		return person{}, false, err
	}
	who, err := p.gate.byRef(ctx, of, ref)
	if errors.Is(err, engine.ErrNoRecord) {
		return person{}, false, nil
	}
	return who, err == nil && who.opens, err
}

// ProveCode tells whether a code is what the subject's authenticator shows now. One that is right is used up: again
// says that the one that was right last is right once more, since the same button was pressed twice.
func (p Proofs) ProveCode(
	ctx context.Context, portal string, subject engine.Ref, code string, again bool,
) (bool, error) {
	who, ok, err := p.subject(ctx, portal, subject)
	if err != nil || !ok {
		return false, err
	}
	return proved(p.gate.totpProved(ctx, who.holder(), plainCode(code), again))
}

// BeginPasskey begins asking for a passkey of the subject. Devices are not told which ones those are: whoever holds a
// link would learn that the subject has some. They offer all that they have of the portal, and one of the subject's
// will do.
func (p Proofs) BeginPasskey(
	ctx context.Context, portal string, subject engine.Ref, binding []byte,
) (token string, options []byte, err error) {
	if p.gate.with.Passkeys == nil {
		return "", nil, ErrNoPasskeys
	}
	begun, err := p.gate.with.Passkeys.Ask(nil)
	if err != nil {
		return "", nil, err
	}
	holder := Holder{Portal: portal, Subject: subject}
	asked, err := p.gate.began(ctx, Ceremony{Kind: CeremonyProve, Holder: holder, Binding: binding}, begun)
	return asked.Token, asked.Options, err
}

// ProvePasskey tells whether the answer of the browser's script is right. A token takes one answer.
func (p Proofs) ProvePasskey(
	ctx context.Context, portal string, subject engine.Ref, binding []byte, token, answer string,
) (bool, error) {
	who, ok, err := p.subject(ctx, portal, subject)
	if err != nil || !ok {
		return false, err
	}
	return proved(p.gate.passkeyProved(ctx, who.holder(), binding, token, []byte(answer)))
}

// proved is whether there was nothing wrong.
func proved(err error) (bool, error) {
	if errors.Is(err, ErrWrong) {
		return false, nil
	}
	return err == nil, err
}

// SignedIn is who is signed in to the portal in the browser that a request comes from, and when they last proved who
// they are; the zero Ref for nobody.
func (p Proofs) SignedIn(r *http.Request, portal string) (subject engine.Ref, at time.Time, err error) {
	v, err := p.gate.Viewer(r.Context(), portal, p.cookies.SessionOf(r, portal))
	if errors.Is(err, ErrSignedOut) || errors.Is(err, ErrNoPortal) {
		return engine.Ref{}, time.Time{}, nil
	}
	if err != nil || v.Session.ByProgram() {
		return engine.Ref{}, time.Time{}, err
	}
	return v.Ref(), v.Session.Proved, nil
}

// SignInPath is where one signs in to a portal and is led back to a path of ours.
func (p Proofs) SignInPath(portal, back string) string {
	return "/portal/" + url.PathEscape(portal) + "/sign-in?" + url.Values{"to": {back}}.Encode()
}

// SecurityPath is where one sets up what proves one.
func (p Proofs) SecurityPath(portal string) string {
	return "/portal/" + url.PathEscape(portal) + "/security"
}
