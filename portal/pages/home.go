package pages

import (
	"errors"

	"postern/portal"
)

// home is the topic of the first page after signing in: what there is.
func home() topic {
	return topic{
		pages:  []string{"home"},
		routes: []route{{path: "", get: showHome}, {path: "{$}", get: tidyHome}},
	}
}

// homeBody is what the first page is filled with.
type homeBody struct{ Modules []tile }

// tile leads to the records of a module.
type tile struct{ Label, URL, Count string }

// showHome lists the modules that the role may see, each with how many records there are. A number that cannot be had
// now, or of more than the CRM counts, is left out: the page is the way to everything else.
func showHome(c *call) (answer, error) {
	body := homeBody{}
	for _, view := range c.pages.with.Desk.Modules(c.viewer) {
		t := tile{Label: view.Module.CalledMany(c.texts.Language), URL: c.path("records", view.Name)}
		n, err := c.pages.with.Desk.Count(c.Context(), c.viewer, portal.Question{Module: view.Name})
		_, wide := errors.AsType[*portal.Refusal](err)
		switch {
		case err == nil:
			t.Count = c.count(n)
		case !wide && !errors.Is(err, portal.ErrUnavailable):
			return answer{}, err
		}
		body.Modules = append(body.Modules, t)
	}
	return answer{page: "home", title: c.texts.Say("portal.home.title", "Name", c.who()), body: body}, nil
}

// tidyHome leads from the address with a slash at its end to the one without.
func tidyHome(c *call) (answer, error) { return answer{goTo: c.path()}, nil }

// total says how many records a list has; nothing where the CRM cannot.
func (c *call) total(listing portal.Listing) string {
	if listing.Uncounted {
		return ""
	}
	return c.count(listing.Total)
}

// count says how many records there are.
func (c *call) count(n int) string {
	switch n {
	case 0:
		return c.texts.Say("portal.count.none")
	case 1:
		return c.texts.Say("portal.count.one")
	}
	return c.texts.Say("portal.count.many", "Count", n)
}
