package pages

import (
	"errors"
	"net/http"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// recovery is the topic of links into the portal: asking for one, choosing a password by it, and signing in by it.
func recovery() topic {
	return topic{
		name:  "recover",
		pages: []string{"ask", "asked", "password", "password-set", "link", "over"},
		routes: []route{
			{path: "forgot", get: asks(engine.OpensPassword), post: asked(engine.OpensPassword), open: true},
			{path: "mail-link", get: asks(engine.OpensSignIn), post: asked(engine.OpensSignIn), open: true},
			{path: "password/{flow}", get: showPassword, post: setPassword, open: true},
			{path: "password-set", get: showPasswordSet, open: true},
			{path: "link/{flow}", get: showLink, post: signInByLink, open: true},
		},
	}
}

// askBody asks for the name that somebody signs in with. What is "password" or "sign_in".
type askBody struct {
	What    engine.OpensWhat
	Name    string
	Problem bool // nothing was typed, or nothing that can be a name
	SignIn  string
}

func asks(what engine.OpensWhat) handler {
	return func(c *call) (answer, error) { return c.askPage(askBody{What: what}), nil }
}

func (c *call) askPage(body askBody) answer {
	body.SignIn = c.path("sign-in")
	title := "portal.recover.ask.password"
	if body.What == engine.OpensSignIn {
		title = "portal.recover.ask.sign_in"
	}
	reply := answer{page: "ask", title: c.texts.Say(title), body: body}
	if body.Problem {
		reply.status = http.StatusUnprocessableEntity
	}
	return reply
}

// asked notes what was asked for. The answer is the same whatever the name.
func asked(what engine.OpensWhat) handler {
	return func(c *call) (answer, error) {
		form, err := pages.ReadForm(c.Request)
		if err != nil {
			return answer{}, err
		}
		err = c.pages.with.Gate.Ask(c.Context(), c.portal.Name, form.Get("name"), what, c.caller())
		if errors.Is(err, portal.ErrMalformed) {
			return c.askPage(askBody{What: what, Name: form.Get("name"), Problem: true}), nil
		}
		if err != nil {
			return answer{}, err
		}
		return answer{
			status: http.StatusAccepted, page: "asked", title: c.texts.Say("portal.recover.asked.title"),
			body: askBody{What: what, SignIn: c.path("sign-in")},
		}, nil
	}
}

// passed is the passage that a page is about. One that is over is a page of its own, which leads to asking again.
func passed(what engine.OpensWhat, h func(*call, portal.Pass) (answer, error)) handler {
	return func(c *call) (answer, error) {
		if c.pages.with.Passes == nil {
			return answer{}, errUnknown
		}
		pass, err := c.pages.with.Passes.Pass(c.Request, c.PathValue("flow"))
		if err == nil && pass.Opens != (engine.Opens{Portal: c.portal.Name, What: what}) {
			err = portal.ErrPassed
		}
		var reply answer
		if err == nil {
			c.speak(pass.Link.Language) // as the door did
			reply, err = h(c, pass)
		}
		if errors.Is(err, portal.ErrPassed) {
			return c.overPage(what), nil
		}
		return reply, err
	}
}

// overBody leads on from a link that is over.
type overBody struct{ Again, SignIn string }

func (c *call) overPage(what engine.OpensWhat) answer {
	again := "forgot"
	if what == engine.OpensSignIn {
		again = "mail-link"
	}
	return answer{
		status: http.StatusGone, page: "over", title: c.texts.Say("portal.recover.over.title"),
		body: overBody{Again: c.path(again), SignIn: c.path("sign-in")},
	}
}

// passwordBody asks for a new password, twice: there is nothing to look it up by later.
type passwordBody struct {
	Name    string // whose it is, for who keeps passwords for them
	First   bool   // they have none yet
	Least   int    // characters
	Problem string // a sentence; "" for none
}

func showPassword(c *call) (answer, error) {
	return passed(engine.OpensPassword, func(c *call, pass portal.Pass) (answer, error) {
		return c.passwordPage(pass, "")
	})(c)
}

func (c *call) passwordPage(pass portal.Pass, problem string) (answer, error) {
	follow, err := c.pages.with.Gate.Follow(c.Context(), pass, c.caller())
	if err != nil {
		return answer{}, err
	}
	reply := answer{page: "password", title: c.texts.Say("portal.recover.password.title"), body: passwordBody{
		Name: follow.Name, First: follow.First, Least: portal.Shortest(c.portal), Problem: problem,
	}}
	if problem != "" {
		reply.status = http.StatusUnprocessableEntity
	}
	return reply, nil
}

func setPassword(c *call) (answer, error) {
	return passed(engine.OpensPassword, func(c *call, pass portal.Pass) (answer, error) {
		form, err := pages.ReadForm(c.Request)
		if err != nil {
			return answer{}, err
		}
		password := form.Get("password")
		if password != form.Get("again") {
			return c.passwordPage(pass, c.texts.Say("portal.recover.password.differs"))
		}
		err = c.pages.with.Gate.PasswordByLink(c.Context(), pass, password)
		if weak, ok := errors.AsType[*portal.WeakError](err); ok {
			return c.passwordPage(pass, c.weakText(weak))
		}
		if err != nil {
			return answer{}, err
		}
		return answer{goTo: c.path("password-set"), cookies: c.pages.cookies.Ended(c.portal.Name)}, nil
	})(c)
}

// weakText says why a password is not taken.
func (c *call) weakText(weak *portal.WeakError) string {
	return c.texts.Say(weakTexts[weak.Code], "Least", portal.Shortest(c.portal), "Most", portal.MaxPassword)
}

var weakTexts = map[string]string{
	portal.WeakShort: "portal.recover.weak.short", portal.WeakLong: "portal.recover.weak.long",
	portal.WeakCommon: "portal.recover.weak.common", portal.WeakName: "portal.recover.weak.name",
	portal.WeakSame: "portal.recover.weak.same", portal.WeakText: "portal.recover.weak.text",
}

func showPasswordSet(c *call) (answer, error) {
	return answer{
		page: "password-set", title: c.texts.Say("portal.recover.set.title"), body: overBody{SignIn: c.path("sign-in")},
	}, nil
}

// linkBody says who would be signed in, and who would be signed out for it.
type linkBody struct{ Name, Now, Stay string }

func showLink(c *call) (answer, error) {
	return passed(engine.OpensSignIn, func(c *call, pass portal.Pass) (answer, error) {
		follow, err := c.pages.with.Gate.Follow(c.Context(), pass, c.caller())
		return c.linkPage(follow), err
	})(c)
}

func (c *call) linkPage(follow portal.Follow) answer {
	return answer{page: "link", title: c.texts.Say("portal.recover.link.title"), body: linkBody{
		Name: follow.Name, Now: follow.Now, Stay: c.path(),
	}}
}

// signInByLink signs in. Whoever is signed in with this browser is signed out only if the page has said so.
func signInByLink(c *call) (answer, error) {
	return passed(engine.OpensSignIn, func(c *call, pass portal.Pass) (answer, error) {
		form, err := pages.ReadForm(c.Request)
		if err != nil {
			return answer{}, err
		}
		follow, err := c.pages.with.Gate.Follow(c.Context(), pass, c.caller())
		if err != nil {
			return answer{}, err
		}
		if follow.Now != form.Get("now") {
			return c.linkPage(follow), nil
		}
		in, err := c.pages.with.Gate.SignInByLink(c.Context(), pass, c.caller())
		if err != nil {
			return answer{}, err
		}
		return c.entered(in, c.path()), nil
	})(c)
}
