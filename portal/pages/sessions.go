package pages

import (
	"errors"
	"net/http"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// sessions is the topic of where somebody is signed in.
func sessions() topic {
	return topic{
		name: "sessions", pages: []string{"sessions"},
		routes: []route{{path: "sessions", get: showSessions, post: endSessions}},
	}
}

// sessionsBody is what the page is filled with.
type sessionsBody struct {
	Action   string
	Sessions []sessionLine
	Notice   string // that one was ended
}

// sessionLine is one sign-in.
type sessionLine struct {
	ID, Browser, From, Began, Seen string
	Here                           bool // it is the one that asks
}

func showSessions(c *call) (answer, error) {
	all, err := c.pages.with.Gate.Sessions(c.Context(), c.viewer)
	if err != nil {
		return answer{}, err
	}
	body := sessionsBody{Action: c.path("sessions"), Notice: c.notice()}
	for _, s := range all {
		body.Sessions = append(body.Sessions, sessionLine{
			ID: s.ID.String(), Browser: portal.BrowserOf(s.Agent), From: s.From, Began: c.texts.Moment(s.Began),
			Seen: c.texts.Moment(s.Seen), Here: s.ID == c.viewer.Session.ID,
		})
	}
	return answer{page: "sessions", title: c.texts.Say("portal.sessions.title"), body: body}, nil
}

// endSessions ends one session, or all of them with this one.
func endSessions(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	if form.Has("all") {
		if err := c.pages.with.Gate.EndAll(c.Context(), c.viewer); err != nil {
			return answer{}, err
		}
		return c.left(), nil
	}
	id, err := engine.ParseID(form.Get("session"))
	if err != nil {
		return answer{}, portal.ErrMalformed
	}
	// One that has ended meanwhile is as good as ended.
	err = c.pages.with.Gate.End(c.Context(), c.viewer, id)
	if err != nil && !errors.Is(err, portal.ErrSignedOut) {
		return answer{}, err
	}
	if id == c.viewer.Session.ID {
		return c.left(), nil
	}
	return answer{goTo: c.path("sessions"), cookies: []*http.Cookie{c.tell("ended")}}, nil
}
