package links

import (
	"net/http"
	"slices"
	"strings"

	"postern/internal/pages"
)

// visitorHeader carries what the visitor is known by, where the pages are on another host than the door: browsers keep
// cookies from there, and ever more of them do so for all that is not of the page's own host.
//
// It holds what the cookies would hold, with a full stop between: the secret of the flows, then that of bound links.
// No other site can have a browser send it, since a browser asks the door first and is told the hosts of web.origins
// alone. A request with the header, or from one of those hosts, is never looked at for cookies, so that a page there
// has no power over the flows that the same browser has at the door itself.
const visitorHeader = "Postern-Visitor"

// corsAge is how long, in seconds, a browser may remember what it may send.
const corsAge = "600"

// byHeader tells whether the visitor is known by the header.
func byHeader(r *http.Request) bool { return r.Header.Get(visitorHeader) != "" }

// cookieless tells whether the visitor can only be known by the header.
func (d *Door) cookieless(r *http.Request) bool { return byHeader(r) || d.fromFrontEnd(r) }

// fromFrontEnd tells whether a page of a configured host asks.
func (d *Door) fromFrontEnd(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && origin != d.with.Base.String() && slices.Contains(d.with.Origins, origin)
}

// allow tells the pages of configured hosts that they may ask, and answers the question that a browser asks before.
// It tells nobody that they may send cookies.
func (d *Door) allow(w http.ResponseWriter, r *http.Request) (answered bool) {
	head := w.Header()
	head.Add("Vary", "Accept, Origin") // of one path there is a page and the same as data
	if !d.fromFrontEnd(r) {
		return false
	}
	head.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	head.Set("Access-Control-Expose-Headers", "Retry-After")
	head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	head.Set("Access-Control-Allow-Methods", "GET, POST")
	head.Set("Access-Control-Allow-Headers", "Accept, Accept-Language, Content-Type, "+visitorHeader)
	head.Set("Access-Control-Max-Age", corsAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// trusted tells whether a form needs no look at where it comes from: a page of a configured host sent it as itself, and
// the visitor is not known by a cookie.
func (d *Door) trusted(r *http.Request) bool { return wantsJSON(r) && d.fromFrontEnd(r) }

// brought is what the visitor is known by under the name of a cookie.
func (d *Door) brought(r *http.Request, name string) (secret string, ok bool) {
	if d.cookieless(r) {
		visitor, bound, _ := strings.Cut(r.Header.Get(visitorHeader), ".")
		if name == boundCookie {
			visitor = bound
		}
		return visitor, visitor != ""
	}
	cookie, err := r.Cookie(d.with.Base.CookieName(name))
	if err != nil {
		return "", false
	}
	return cookie.Value, true
}

// visitorAfter is what the header is to hold after an answer that sets cookies.
func (d *Door) visitorAfter(r *http.Request, answered http.Header) (visitor string, made bool) {
	secrets := map[string]string{}
	for _, name := range []string{visitorCookie, boundCookie} {
		if secret, ok := d.brought(r, name); ok && pages.WellFormed(secret) {
			secrets[name] = secret
		}
	}
	for _, line := range answered.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			continue
		}
		for _, name := range []string{visitorCookie, boundCookie} {
			if cookie.Name == d.with.Base.CookieName(name) {
				secrets[name], made = cookie.Value, true
			}
		}
	}
	visitor = secrets[visitorCookie]
	if bound := secrets[boundCookie]; bound != "" {
		visitor += "." + bound
	}
	return visitor, made
}
