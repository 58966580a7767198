package pages

import (
	"slices"
	"strings"

	"postern/engine"
)

// shell is what is around every page.
type shell struct {
	Label   string // of the portal; "" where there is none
	Home    string
	Modules []tab // what the role may see
	Folds   bool  // they are more than fit a line of a telephone: there they are folded away
	Who     string
	Account []tab
	SignOut string // path that takes the form
}

// tab is a link of a navigation.
type tab struct {
	Label, URL string
	Current    bool
}

// accountPages are the pages about the sign-in itself, by their path, in the order of the menu.
var accountPages = []struct{ path, label string }{
	{"security", "portal.menu.security"}, {"sessions", "portal.menu.sessions"}, {"password", "portal.menu.password"},
}

// aLine is how many modules a line of a telephone has room for.
const aLine = 3

// shell makes what is around a page. Who is not signed in gets no navigation.
func (p *Pages) shell(c *call) *shell {
	s := &shell{}
	if c.portal == nil {
		return s
	}
	s.Label, s.Home = portalLabel(c.portal, c.texts.Language), c.path()
	if !c.signedIn {
		return s
	}
	s.SignOut, s.Who = c.path("sign-out"), c.who()
	for _, view := range p.with.Desk.Modules(c.viewer) {
		url := c.path("records", view.Name)
		label := view.Module.CalledMany(c.texts.Language)
		s.Modules = append(s.Modules, tab{Label: label, URL: url, Current: c.PathValue("module") == view.Name})
	}
	s.Folds = len(s.Modules) > aLine
	for _, page := range accountPages {
		if slices.Contains(p.paths, "/portal/{portal}/"+page.path) {
			url := c.path(page.path)
			s.Account = append(s.Account, tab{Label: c.texts.Say(page.label), URL: url, Current: c.under(url)})
		}
	}
	return s
}

// under tells whether the call's page is at or below a path.
func (c *call) under(path string) bool {
	at := c.URL.EscapedPath()
	return at == path || strings.HasPrefix(at, path+"/")
}

// who names the signed-in subject.
func (c *call) who() string {
	me := c.viewer.Me
	return c.portal.Subject.Module.TitleOf(engine.Record{Ref: me.Ref, Fields: me.Record})
}

func portalLabel(p *engine.Portal, language string) string { return p.Label.In(language) }
