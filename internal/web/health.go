package web

import (
	"net/http"
	"sync"
	"time"
)

// askTime is for how long an answer about readiness holds: whoever asks more often hears the same again.
const askTime = time.Second

// readiness is the answer of /healthz/ready.
type readiness struct {
	Ready    bool     `json:"ready"`
	Reasons  []string `json:"reasons,omitempty"`  // why events cannot be taken
	Warnings []string `json:"warnings,omitempty"` // what somebody should see to before they cannot
}

// Health answers GET /healthz/live with 200 as long as the process answers at all, and GET /healthz/ready with 200 or,
// while ready gives reasons against it, 503 with Retry-After; both with ready's warnings. Reasons and warnings are read
// by whoever can reach the port, so they must name no secrets. ready is asked once a second at most, and by one request
// at a time.
func Health(ready func() (reasons, warnings []string)) http.Handler { return health(ready, askTime) }

func health(ready func() (reasons, warnings []string), holds time.Duration) http.Handler {
	var lock sync.Mutex
	var last readiness
	var asked time.Time
	now := func() readiness {
		lock.Lock()
		defer lock.Unlock()
		if asked.IsZero() || time.Since(asked) >= holds {
			last.Reasons, last.Warnings = ready()
			last.Ready, asked = len(last.Reasons) == 0, time.Now()
		}
		return last
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz/live", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, struct {
			Live bool `json:"live"`
		}{true})
	})
	mux.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) {
		state := now()
		if state.Ready {
			answer(w, http.StatusOK, state)
			return
		}
		w.Header().Set("Retry-After", retryWhenDown)
		answer(w, http.StatusServiceUnavailable, state)
	})
	return mux
}
