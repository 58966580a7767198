package links

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"strings"
)

// A front end of the customer's own asks for the same pages as data, by the same paths and under the same rules: with
// Accept: application/json. A page is then its body as an object, with its name and title; the way to another page is
// {"page": "next", "next": "/f/…"}; a refusal is {"error": {"code", "message"}}. Forms come as objects.

// Pages that only data has.
const (
	nextPage  = "next"
	errorPage = "reason" // and those of single reasons, which begin so
)

// wantsJSON tells whether a request prefers data to a page. Browsers that go to a page name HTML.
func wantsJSON(r *http.Request) bool {
	found := false
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := mime.ParseMediaType(accepted); media {
		case "text/html", "application/xhtml+xml":
			return false
		case "application/json":
			found = true
		}
	}
	return found
}

// object is an answer as data.
func (d *Door) object(c *call, reply answer) (map[string]any, error) {
	if reply.goTo != "" {
		return map[string]any{"page": nextPage, "next": reply.goTo}, nil
	}
	body, err := json.Marshal(reply.body)
	if err != nil {
		return nil, fmt.Errorf("write the body of page %s: %w", reply.page, err)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("write the body of page %s: %w", reply.page, err)
	}
	if strings.HasPrefix(reply.page, errorPage) && reply.status >= http.StatusBadRequest {
		return map[string]any{"error": fields, "language": c.texts.Language}, nil
	}
	page := map[string]any{"page": reply.page, "title": reply.title, "language": c.texts.Language}
	maps.Copy(page, fields)
	return page, nil
}

// sendJSON writes an answer as data. Where the visitor is known by a header, what would be a cookie is part of it.
func (d *Door) sendJSON(w http.ResponseWriter, c *call, reply answer) {
	object, err := d.object(c, reply)
	if err != nil {
		d.with.Logger.ErrorContext(c.Context(), "answer could not be written", "page", reply.page, "error", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	if d.cookieless(c.Request) {
		if visitor, made := d.visitorAfter(c.Request, w.Header()); made {
			object["visitor"] = visitor
		}
		w.Header().Del("Set-Cookie")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if reply.status != 0 {
		w.WriteHeader(reply.status)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(object) // what cannot be written was not waited for
}
