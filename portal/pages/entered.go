package pages

import (
	"net/http"

	"postern/portal"
)

// entered leads on who has proved who they are: to a page of the portal, or to what is still missing of their sign-in.
func (c *call) entered(in portal.SignedIn, to string) answer {
	cookies := c.pages.cookies
	reply := answer{goTo: to}
	if in.Next != "" {
		reply.goTo = c.path(in.Next)
		reply.cookies = []*http.Cookie{cookies.Pending(c.portal.Name, in.Pending)}
		return reply
	}
	reply.cookies = append(cookies.Ended(c.portal.Name)[1:], cookies.Session(c.portal.Name, in.Token))
	if in.Device != "" {
		reply.cookies = append(reply.cookies, cookies.Device(c.portal.Name, in.Device))
	}
	return reply
}
