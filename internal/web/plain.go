package web

import (
	"fmt"
	"net/http"
)

// plainPage needs no style sheet and no script, which may be what is broken.
const plainPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%[1]s</title>
<h1>%[1]s</h1>
<p>%[2]s</p>
</html>
`

// tellPlainly answers with a page of two sentences of ours.
func tellPlainly(w http.ResponseWriter, status int, title, sentence string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, plainPage, title, sentence) // the client may have gone; there is nobody to tell
}

// OnceStarted answers every request with 503, Retry-After and a calm page until started says yes; started is asked for
// each request.
func OnceStarted(started func() bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if started() {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", retryWhenDown)
		tellPlainly(w, http.StatusServiceUnavailable, "Just a moment",
			"This service is starting or being restarted. Please try again in a few seconds.")
	})
}
