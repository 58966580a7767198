package web

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Log writes one line for each request: who was asked what, the answer's status, size and time. A path that may hold a
// token is shortened by Redact; queries, headers and bodies are never logged.
func Log(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		path := Redact(r.URL.Path) // now: a handler may strip a prefix from it
		answer := &recorder{ResponseWriter: w}
		defer func() {
			level := slog.LevelInfo
			if strings.HasPrefix(path, "/healthz/") {
				level = slog.LevelDebug // asked every few seconds, for ever
			}
			logger.LogAttrs(r.Context(), level, "request",
				slog.String("method", r.Method), slog.String("path", path), slog.Int("status", answer.Status()),
				slog.Int64("bytes", answer.bytes), slog.Duration("took", time.Since(began)))
		}()
		next.ServeHTTP(answer, r)
	})
}

// secretsBehind is how many segments of a path behind one of that name may hold a token, the id of a flow or a record's
// external id.
var secretsBehind = map[string]int{"l": 1, "f": 1, "r": 1, "c": 1, "m": 1, "h": 1, "u": 1, "x": 2}

// Redact puts ‹token› in the place of every path segment that may open something or name somebody: what follows one
// named l, f, r, c, m, h or u, such as /l/‹token›/again, and the two that follow x. It does so wherever in the path,
// since a request may not be written as it should be.
func Redact(path string) string {
	segments := strings.Split(path, "/")
	left := 0 // to be hidden
	for i, segment := range segments {
		if segment == "" {
			continue
		}
		if left > 0 {
			segments[i] = "‹token›"
		}
		left = max(left-1, secretsBehind[strings.ToLower(segment)])
	}
	return strings.Join(segments, "/")
}

// Recover turns a panic of a handler into a calm page with status 500 and logs its cause. An answer that had begun is
// cut off instead, so that nobody takes half a page for a whole one.
func Recover(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := Redact(r.URL.Path)
		answer := &recorder{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			err, _ := cause.(error)
			onPurpose := errors.Is(err, http.ErrAbortHandler)
			if !onPurpose {
				logger.Error("request broke off", "method", r.Method, "path", path,
					"cause", cause, "stack", string(debug.Stack()))
			}
			if onPurpose || answer.status != 0 {
				panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http is told to close the connection
			}
			sorry(w)
		}()
		next.ServeHTTP(answer, r)
	})
}

// sorry drops the headers the handler had set: they were meant for another page.
func sorry(w http.ResponseWriter) {
	clear(w.Header())
	tellPlainly(w, http.StatusInternalServerError, "Something went wrong",
		"This is our fault, not yours. It has been noted. Please try again in a moment.")
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter

	status int // 0 until the answer begins
	bytes  int64
}

// Status is what the client got: 200 where the handler said nothing.
func (r *recorder) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader notes the first final status; a 1xx one is only a sign on the way.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (r *recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(data)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is underneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
