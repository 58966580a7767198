package web

import "net/http"

// Health answers GET /healthz/live with 200 as long as the process answers at all, and GET /healthz/ready with 200 or,
// while ready gives reasons against it, 503 with Retry-After and those reasons. They are read by whoever can reach the
// port, so they must name no secrets. ready is asked at every request and should answer from memory.
func Health(ready func() []string) http.Handler {
	type state struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons,omitempty"`
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz/live", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, struct {
			Live bool `json:"live"`
		}{true})
	})
	mux.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) {
		reasons := ready()
		if len(reasons) == 0 {
			answer(w, http.StatusOK, state{Ready: true})
			return
		}
		w.Header().Set("Retry-After", retryWhenDown)
		answer(w, http.StatusServiceUnavailable, state{Reasons: reasons})
	})
	return mux
}
