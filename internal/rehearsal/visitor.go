package rehearsal

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
)

// visitor is somebody with a browser: it keeps cookies.
type visitor struct {
	cookies  map[string]*http.Cookie
	location string // where the last answer leads
}

// request asks the door. Nothing leaves the process.
func (v *visitor) request(
	ctx context.Context, door http.Handler, method, path string, form url.Values,
) (page []byte, status int) {
	r, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
	if err != nil {
		return []byte(err.Error()), http.StatusBadRequest
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range v.cookies {
		r.AddCookie(cookie)
	}
	w := &paper{header: http.Header{}, status: http.StatusOK}
	door.ServeHTTP(w, r)
	for _, cookie := range (&http.Response{Header: w.header}).Cookies() {
		if v.cookies == nil {
			v.cookies = map[string]*http.Cookie{}
		}
		v.cookies[cookie.Name] = cookie
	}
	v.location = w.header.Get("Location")
	return w.body.Bytes(), w.status
}

// paper is what an answer is written on.
type paper struct {
	header http.Header
	body   bytes.Buffer
	status int
}

var _ http.ResponseWriter = (*paper)(nil)

// Header are the headers of the answer.
func (p *paper) Header() http.Header { return p.header }

// Write adds to the page.
func (p *paper) Write(text []byte) (int, error) { return p.body.Write(text) }

// WriteHeader sets the status.
func (p *paper) WriteHeader(status int) { p.status = status }
