package portal

import (
	"net/http"
	"time"
)

// Cookies are what browsers keep of a portal: the token of a session, and that by which a browser is known again.
type Cookies struct {
	Secure bool // whether addresses begin with https: only then a cookie may be __Host-
}

// The names of cookies, before the portal's.
const (
	sessionCookie = "ps-"
	deviceCookie  = "pd-"
	pendingCookie = "pp-"
	noticeCookie  = "pn-"
)

// Session is the cookie of a session; it goes with the browser's own session.
func (c Cookies) Session(portal, token string) *http.Cookie {
	return c.cookie(sessionCookie+portal, token, 0)
}

// Device is the cookie that a browser is known by again.
func (c Cookies) Device(portal, token string) *http.Cookie {
	return c.cookie(deviceCookie+portal, token, int(DeviceLife.Seconds()))
}

// Pending is the cookie of a sign-in that something is missing of.
func (c Cookies) Pending(portal, token string) *http.Cookie {
	return c.cookie(pendingCookie+portal, token, 0)
}

// NoticeLife is how long a browser keeps what the next page is to say of what was done, in case it never comes to it.
const NoticeLife = time.Minute

// Notice is the cookie of what the next page is to say of what was done; "" takes it away.
func (c Cookies) Notice(portal, done string) *http.Cookie {
	age := int(NoticeLife.Seconds())
	if done == "" {
		age = -1
	}
	return c.cookie(noticeCookie+portal, done, age)
}

// Ended has a browser forget a session and what is pending.
func (c Cookies) Ended(portal string) []*http.Cookie {
	return []*http.Cookie{c.cookie(sessionCookie+portal, "", -1), c.cookie(pendingCookie+portal, "", -1)}
}

// SessionOf is the token of a session that a request comes with; "" for none. A cookie that came twice is none:
// somebody else may have set one of them.
func (c Cookies) SessionOf(r *http.Request, portal string) string {
	return c.token(r, sessionCookie+portal)
}

// DeviceOf is that of a known browser, in the same way.
func (c Cookies) DeviceOf(r *http.Request, portal string) string {
	return c.token(r, deviceCookie+portal)
}

// PendingOf is that of a sign-in that waits for its second step, in the same way.
func (c Cookies) PendingOf(r *http.Request, portal string) string {
	return c.token(r, pendingCookie+portal)
}

// NoticeOf is what a page is to say of what was done, in the same way.
func (c Cookies) NoticeOf(r *http.Request, portal string) string {
	return c.token(r, noticeCookie+portal)
}

func (c Cookies) token(r *http.Request, name string) string {
	found := r.CookiesNamed(c.name(name))
	if len(found) != 1 || len(found[0].Value) > maxToken {
		return ""
	}
	return found[0].Value
}

// maxToken is longer than any token.
const maxToken = 128

func (c Cookies) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the base address is https
		Name: c.name(name), Value: value, Path: "/", MaxAge: age, Secure: c.Secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// name is the name of a cookie as the browser has it: with __Host- no other host can have set it.
func (c Cookies) name(plain string) string {
	if c.Secure {
		return "__Host-" + plain
	}
	return plain
}
