package portal

import (
	"context"
	"errors"

	"postern/engine"
)

// entry is somebody who has proved who they are, and is to be let in.
type entry struct {
	person
	method engine.SignInMethod
	second bool // a second factor was proved too
	caller Caller
	lanes  [][]byte  // digests of lanes that are open again once they are in
	link   engine.ID // that led here, whose use is claimed; zero for none
	cause  string    // id of the event that led here; "" for none

	passkey, appKey engine.ID // that proved it, and must stand when the session is made; zero for none
}

// letIn makes the session of somebody who has proved who they are, unless a second step has to follow.
func (g *Gate) letIn(ctx context.Context, e entry) (SignedIn, error) {
	if !e.opens {
		return SignedIn{}, ErrRefused
	}
	if !e.second {
		if in, follows, err := g.secondStep(ctx, e); err != nil || follows {
			return in, err
		}
	}
	device, err := g.device(ctx, e.person, e.caller)
	if err != nil {
		return SignedIn{}, err
	}
	in, made, err := g.entered(e, device)
	if err != nil {
		return SignedIn{}, err
	}
	if err := g.with.Store.SignIn(ctx, made); err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// letOn lets somebody in at the end of a sign-in that was begun before. One that is refused now, since they were shut
// out or ended their sessions meanwhile, is over.
func (g *Gate) letOn(ctx context.Context, e entry) (SignedIn, error) {
	in, err := g.letIn(ctx, e)
	if errors.Is(err, ErrRefused) {
		err = ErrPassed
	}
	return in, err
}

// entered is the session with all that goes with it.
func (g *Gate) entered(e entry, device Device) (SignedIn, Entry, error) {
	now, portal, ref := g.with.Clock.Now(), e.portal, e.record.Ref
	id, err := engine.NewID(now, g.with.Random)
	if err != nil {
		return SignedIn{}, Entry{}, err
	}
	token, digest, err := g.newToken()
	if err != nil {
		return SignedIn{}, Entry{}, err
	}
	session := Session{
		ID: id, Portal: portal.Name, Subject: ref, Epoch: e.account.Epoch, Began: now, Proved: now, Seen: now,
		Method: e.method, Second: e.second, Agent: agentOf(e.caller), From: networkOf(e.caller.Address),
	}
	in := SignedIn{Token: token, Session: session}
	made := Entry{
		Session: session, Token: digest, Ends: now.Add(portal.SignIn.Most), Most: portal.SignIn.Sessions,
		Instead: digestOf(e.caller.Session), Lanes: e.lanes, Link: e.link, Passkey: e.passkey, AppKey: e.appKey,
		Deed: engine.Deed{
			At: now, Kind: engine.DeedPortalSignedIn, Actor: "portal:" + ref.String(), Subject: ref.String(),
			Detail: "portal " + portal.Name + " by " + string(e.method),
		},
	}
	kinds := []string{engine.PortalSignedIn}
	if session.ByProgram() {
		made.Instead, made.Most = nil, AppKeySessions // a program ends nobody's session
	} else {
		made.Device, made.Browser = device, digestOf(e.caller.Device)
		if device.ID.IsZero() {
			kinds = append(kinds, engine.PortalNewDevice)
			if in.Device, made.Browser, err = g.newDevice(&made.Device, session); err != nil {
				return SignedIn{}, Entry{}, err
			}
		}
		made.Device.Seen, made.Device.Agent = now, session.Agent
	}
	made.Events, err = g.told(e, session, kinds)
	return in, made, err
}

// newDevice makes a browser one that is known, and returns its token.
func (g *Gate) newDevice(d *Device, of Session) (token string, digest []byte, err error) {
	*d = Device{Portal: of.Portal, Subject: of.Subject, First: of.Began}
	if d.ID, err = engine.NewID(of.Began, g.with.Random); err != nil {
		return "", nil, err
	}
	return g.newToken()
}

// told are the events of a sign-in.
func (g *Gate) told(e entry, session Session, kinds []string) (events []*engine.Event, err error) {
	more := map[string]any{
		"method": session.Method, "browser": BrowserOf(session.Agent), "from": session.From,
	}
	for _, kind := range kinds {
		event, err := g.event(kind, e.person, session.Began, e.cause, more)
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}
