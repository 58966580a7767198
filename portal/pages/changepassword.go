package pages

import (
	"errors"
	"net/http"

	"postern/internal/pages"
	"postern/portal"
)

// changePassword is the topic of changing one's own password.
func changePassword() topic {
	return topic{
		name: "password", pages: []string{"change-password"},
		routes: []route{{path: "password", get: showChange, post: doChange}},
	}
}

// changeBody is what the page is filled with.
type changeBody struct {
	Action, Hint   string
	Name           string // that they sign in with, for password managers
	Wrong, Problem string // about the present password, and the new one
	Notice         string // that it was changed
}

func (c *call) changePage(body changeBody) answer {
	body.Action, body.Hint = c.path("password"), c.texts.Say("portal.password.hint", "Count", portal.Shortest(c.portal))
	body.Name = c.viewer.Me.Record.Text(c.portal.Subject.Login)
	reply := answer{page: "change-password", title: c.texts.Say("portal.password.title"), body: body}
	if body.Wrong+body.Problem != "" {
		reply.status = http.StatusUnprocessableEntity
	}
	return reply
}

func showChange(c *call) (answer, error) {
	return c.changePage(changeBody{Notice: c.notice()}), nil
}

func doChange(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	next := form.Get("next")
	if next != form.Get("again") {
		return c.changePage(changeBody{Problem: c.texts.Say("portal.password.differ")}), nil
	}
	in, err := c.pages.with.Gate.ChangePassword(c.Context(), c.viewer, form.Get("password"), next, c.caller())
	if weak, ok := errors.AsType[*portal.WeakError](err); ok {
		return c.changePage(changeBody{Problem: c.weakText(weak)}), nil
	}
	if errors.Is(err, portal.ErrRefused) {
		return c.changePage(changeBody{Wrong: c.texts.Say("portal.password.wrong")}), nil
	}
	if err != nil {
		return answer{}, err
	}
	return answer{
		goTo:    c.path("password"),
		cookies: []*http.Cookie{c.pages.cookies.Session(c.portal.Name, in.Token), c.tell("changed")},
	}, nil
}
