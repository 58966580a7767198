package pages

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
	"postern/portal"
)

// patience is how long one request may take in all, so that a slow CRM never holds people up for ever.
const patience = 10 * time.Second

// call is one request while it is being answered.
type call struct {
	*http.Request
	pages    *Pages
	now      time.Time // the same for everything that the request does
	portal   *engine.Portal
	viewer   portal.Viewer // who is signed in
	signedIn bool          // whether anybody is
	texts    labels.Texts
	control  *http.ResponseController
	told     bool // whether the page says what was just done
}

// answer is what a handler wants sent: a page, the way to another one, or something to write by itself.
type answer struct {
	status  int // 200 if zero
	page    string
	title   string
	body    any
	scripts []string // of the topic's, by name
	goTo    string   // path of the next page; the others are not needed then
	cookies []*http.Cookie
	header  http.Header
	write   func(w http.ResponseWriter) // in place of a page
}

// handler answers one call. An error becomes the page that refusals names for it.
type handler func(c *call) (answer, error)

// path is the path of a page of the call's portal, made of a route's path and values of its places in their order.
func (c *call) path(parts ...string) string { return portalPath(c.portal.Name, parts...) }

func portalPath(portal string, parts ...string) string {
	escaped := []string{"/portal", url.PathEscape(portal)}
	for _, part := range parts {
		escaped = append(escaped, url.PathEscape(part))
	}
	return strings.Join(escaped, "/")
}

// caller is who the request comes from, as the gate asks it.
func (c *call) caller() portal.Caller {
	return portal.Caller{
		Address: c.pages.with.Client(c.Request), Agent: c.UserAgent(),
		Device:  c.pages.cookies.DeviceOf(c.Request, c.portal.Name),
		Session: c.pages.cookies.SessionOf(c.Request, c.portal.Name),
	}
}

// signInPath leads to signing in and from there back to where the call wants to go.
func (c *call) signInPath() string {
	way := c.path("sign-in")
	if to := c.inside(c.URL.RequestURI()); c.Method == http.MethodGet && to != c.path() {
		way += "?" + url.Values{"to": {to}}.Encode()
	}
	return way
}

// flowPath is a page of somebody who came by a link, as the door of links writes it. It opens in their browser alone.
var flowPath = regexp.MustCompile(`^/[fc]/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[a-z0-9-]+)?$`)

// inside is a path that somebody asks to be led to, if it is one of the portal's own pages or of a link that asks for a
// sign-in; else the portal's first page. Whoever makes an address must not be able to lead people elsewhere with it.
func (c *call) inside(to string) string {
	home := c.path()
	u, err := url.Parse(to)
	if err == nil && u.Scheme == "" && u.Host == "" && flowPath.MatchString(to) {
		return to
	}
	if err != nil || u.Host != "" || u.Scheme != "" || strings.ContainsAny(to, "\\\r\n\t") ||
		!strings.HasPrefix(u.EscapedPath(), home+"/") || path.Clean(u.Path) != u.Path {
		return home
	}
	return u.RequestURI()
}

// answering turns a handler into an http.Handler: its answer into a page, its error into a calm one.
func (p *Pages) answering(r route, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		limit := patience
		if r.long || pages.IsMultipart(request) {
			limit += upload.Time
		}
		ctx, cancel := context.WithTimeout(request.Context(), limit)
		defer cancel()
		c := &call{
			Request: request.WithContext(ctx), pages: p, now: p.with.Clock.Now(),
			control: http.NewResponseController(w),
		}
		c.texts = p.speech.texts(request.Header.Get("Accept-Language")).In(p.with.Zone)
		reply, err := c.enter(r, h)
		if err != nil {
			reply = p.refuse(c, reply, err)
		}
		p.send(w, c, reply)
	})
}

// enter finds the portal and who is signed in to it, and lets the handler answer.
func (c *call) enter(r route, h handler) (answer, error) {
	name := c.PathValue("portal")
	if c.portal = c.pages.with.Book().Portals[name]; c.portal == nil {
		return answer{}, errUnknown
	}
	if zone := c.portal.Subject.Zone; zone != nil {
		c.texts = c.texts.In(zone)
	}
	if token := c.pages.cookies.SessionOf(c.Request, name); token != "" {
		viewer, err := c.pages.with.Gate.Viewer(c.Context(), name, token)
		switch {
		case err == nil:
			c.viewer, c.signedIn = viewer, true
			c.texts = c.pages.speech.texts(viewer.Language, c.Header.Get("Accept-Language")).In(c.texts.Clocks())
		case !r.open && !errors.Is(err, portal.ErrSignedOut):
			return answer{}, err
		}
	}
	if !c.signedIn && !r.open {
		return answer{}, portal.ErrSignedOut
	}
	return h(c)
}

// guarded refuses forms from other sites, and bodies beyond the limit, before the handler sees them.
func (p *Pages) guarded(h handler) handler {
	return func(c *call) (answer, error) {
		if p.origins.Check(c.Request) != nil {
			return answer{}, pages.ErrOrigin
		}
		// Who reads a form with files holds it to its own limit.
		if c.ContentLength > pages.MaxBody && !pages.IsMultipart(c.Request) {
			return answer{}, pages.ErrTooLarge
		}
		return h(c)
	}
}

// send writes an answer. The page is written as a whole first, so that a mistake in it never leaves half a page.
func (p *Pages) send(w http.ResponseWriter, c *call, reply answer) {
	maps.Copy(w.Header(), reply.header)
	if c.told {
		reply.cookies = append(reply.cookies, c.tell(""))
	}
	for _, cookie := range reply.cookies {
		http.SetCookie(w, cookie)
	}
	switch {
	case reply.goTo != "":
		w.Header().Set("Location", reply.goTo)
		w.WriteHeader(http.StatusSeeOther)
		return
	case reply.write != nil:
		reply.write(w)
		return
	}
	page := pages.Page{
		Texts: c.texts, Name: reply.page, Title: reply.title, Body: reply.body,
		Shell: p.shell(c), Styles: []string{p.style},
	}
	for _, name := range reply.scripts {
		page.Scripts = append(page.Scripts, p.scripts[name])
	}
	if len(page.Scripts) > 0 {
		w.Header().Set("Content-Security-Policy", pages.Policy{Scripts: true}.String())
	}
	text, err := p.set.Render(page)
	if err != nil {
		p.with.Logger.ErrorContext(c.Context(), "page could not be written", "page", reply.page, "error", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	if reply.status != 0 {
		w.WriteHeader(reply.status)
	}
	// What cannot be written was not waited for.
	_, _ = w.Write(text)
}
