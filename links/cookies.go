package links

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// errCookies is that a browser was given a cookie a moment ago and did not bring it back.
var errCookies = errors.New("the browser keeps no cookies")

// estranged says why a flow is not this browser's. The browsers inside of apps often keep no cookies: their people
// would open the link over and over.
func (d *Door) estranged(r *http.Request) error {
	if _, ok := d.brought(r, visitorCookie); !ok && fromDoor(r) {
		return errCookies
	}
	return errReopen
}

// fromDoor tells whether a browser comes right from the door, where it was given its cookie.
func fromDoor(r *http.Request) bool {
	from, err := url.Parse(r.Referer())
	if err != nil {
		return false
	}
	way, _, _ := strings.Cut(strings.TrimPrefix(from.Path, "/"), "/")
	return strings.EqualFold(way, "l") || way == "x"
}
