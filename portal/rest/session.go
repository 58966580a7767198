package rest

import (
	"errors"
	"net/http"
	"time"

	"postern/engine"
	"postern/portal"
)

// sessionBody is one sign-in.
type sessionBody struct {
	ID      string    `json:"id"`
	Began   time.Time `json:"began"`
	Proved  time.Time `json:"proved"` // when they last proved who they are
	Seen    time.Time `json:"seen"`
	Method  string    `json:"method"`
	Second  bool      `json:"second"` // whether a second factor was proved
	Agent   string    `json:"agent"`
	From    string    `json:"from"`
	Current bool      `json:"current,omitempty"` // whether it is the session of this request
}

func newSession(s portal.Session) sessionBody {
	exact := func(at time.Time) time.Time { return at.Truncate(time.Millisecond) } // as it is stored
	return sessionBody{
		ID: s.ID.String(), Began: exact(s.Began), Proved: exact(s.Proved), Seen: exact(s.Seen),
		Method: string(s.Method), Second: s.Second, Agent: s.Agent, From: s.From,
	}
}

// whoBody is who is signed in.
type whoBody struct {
	Portal   string      `json:"portal"`
	Label    string      `json:"label"`
	Subject  subjectBody `json:"subject"`
	Role     string      `json:"role"`
	Language string      `json:"language"`
	Fresh    bool        `json:"fresh"` // whether what is sensitive may be changed without another sign-in
	Ends     time.Time   `json:"ends"`  // in any case
	Idle     int         `json:"idle"`  // seconds without a request after which it ends
	Session  sessionBody `json:"session"`
}

type subjectBody struct {
	Module string `json:"module"`
	ID     string `json:"id"`
	Title  string `json:"title"`
}

// session tells who is signed in.
func (a *API) session(c *call) (answer, error) { return answer{body: whoIs(c.viewer)}, nil }

func whoIs(v portal.Viewer) whoBody {
	who := whoBody{
		Portal: v.Portal.Name, Label: v.Portal.Label.In(v.Language), Role: v.Role.Name, Language: v.Language,
		Fresh: v.Fresh(), Ends: v.Session.Began.Add(v.Portal.SignIn.Most), Idle: int(v.Portal.SignIn.Idle.Seconds()),
		Session: newSession(v.Session), Subject: subjectBody{Module: v.Ref().Module, ID: v.Ref().ID},
	}
	who.Session.Current = true
	who.Subject.Title = v.Portal.Subject.Module.TitleOf(engine.Record{Ref: v.Ref(), Fields: v.Me.Record})
	return who
}

// extend puts off the end of a session that comes without requests.
func (a *API) extend(c *call) (answer, error) {
	viewer, err := a.with.Gate.Extend(c.Context(), c.portal, c.token)
	if err != nil {
		return answer{}, err
	}
	return answer{body: whoIs(viewer)}, nil
}

// sessions lists where the viewer is signed in.
func (a *API) sessions(c *call) (answer, error) {
	all, err := a.with.Gate.Sessions(c.Context(), c.viewer)
	if err != nil {
		return answer{}, err
	}
	list := make([]sessionBody, len(all))
	for i, s := range all {
		list[i] = newSession(s)
		list[i].Current = s.ID == c.viewer.Session.ID
	}
	return answer{body: map[string]any{"sessions": list}}, nil
}

// end ends one session of the viewer.
func (a *API) end(c *call) (answer, error) {
	id, err := engine.ParseID(c.PathValue("session"))
	if err != nil {
		return answer{}, errNoSession
	}
	err = a.with.Gate.End(c.Context(), c.viewer, id)
	if errors.Is(err, portal.ErrSignedOut) {
		err = errNoSession // the one that asks goes on
	}
	if err != nil {
		return answer{}, err
	}
	if id == c.viewer.Session.ID && !c.bearer {
		a.forget(c)
	}
	return answer{status: http.StatusNoContent}, nil
}

// endAll ends all of them, this one too.
func (a *API) endAll(c *call) (answer, error) {
	if err := a.with.Gate.EndAll(c.Context(), c.viewer); err != nil {
		return answer{}, err
	}
	if !c.bearer {
		a.forget(c)
	}
	return answer{status: http.StatusNoContent}, nil
}
