package web

import "net/http"

// DocumentHandler answers GET with the description of the API, to anybody: it says nothing that is not in the manual.
func DocumentHandler(document []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			const message = "Use GET."
			refuse(w, refusal{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: message})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(document) // the client may have gone; there is nobody to tell
	})
}
