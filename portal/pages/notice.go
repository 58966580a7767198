package pages

import "net/http"

// notices are what a page says of what was just done, by the name that the browser is given for it. It brings it along
// once: an address that somebody makes says nothing.
var notices = map[string]string{
	"saved": "portal.done.saved", "made": "portal.done.made", "received": "portal.done.received",
	"deleted": "portal.done.deleted",
	"added":   "portal.factors.done.added", "removed": "portal.factors.done.removed",
	"renamed": "portal.factors.done.renamed", "proved": "portal.factors.done.proved",
	"changed": "portal.password.changed", "ended": "portal.sessions.ended", "out": "portal.sign_in.out",
}

// tell has the next page say what was done.
func (c *call) tell(done string) *http.Cookie { return c.pages.cookies.Notice(c.portal.Name, done) }

// notice is what to say of what was just done; "" for nothing. It is said this once.
func (c *call) notice() string {
	done := c.pages.cookies.NoticeOf(c.Request, c.portal.Name)
	if done == "" {
		return ""
	}
	c.told = true
	if label := notices[done]; label != "" {
		return c.texts.Say(label)
	}
	return ""
}
