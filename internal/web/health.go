package web

import (
	"net/http"
	"sync"
	"time"
)

// askTime is for how long an answer about readiness holds: whoever asks more often hears the same again.
const askTime = time.Second

// liveness is the answer of /healthz/live.
type liveness struct {
	Live    bool     `json:"live"`
	Reasons []string `json:"reasons,omitempty"` // why only a restart helps
}

// readiness is the answer of /healthz/ready.
type readiness struct {
	Ready    bool     `json:"ready"`
	Reasons  []string `json:"reasons,omitempty"`  // why events cannot be taken
	Warnings []string `json:"warnings,omitempty"` // what somebody should see to before they cannot
}

// Health answers GET /healthz/live and GET /healthz/ready with 200 or, while live or ready gives reasons against it, 503
// with Retry-After; the latter with ready's warnings. Reasons and warnings are read by whoever can reach the port, so
// they must name no secrets. live is asked for each request, so it must be quick; ready once a second at most, and by
// one request at a time.
func Health(live func() (reasons []string), ready func() (reasons, warnings []string)) http.Handler {
	return health(live, ready, askTime)
}

func health(live func() []string, ready func() (reasons, warnings []string), holds time.Duration) http.Handler {
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
		reasons := live()
		answerHealth(w, len(reasons) == 0, liveness{Live: len(reasons) == 0, Reasons: reasons})
	})
	mux.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, _ *http.Request) {
		state := now()
		answerHealth(w, state.Ready, state)
	})
	return mux
}

func answerHealth(w http.ResponseWriter, good bool, state any) {
	if good {
		answer(w, http.StatusOK, state)
		return
	}
	w.Header().Set("Retry-After", retryWhenDown)
	answer(w, http.StatusServiceUnavailable, state)
}
