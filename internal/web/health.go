package web

import (
	"net/http"
	"sync"
	"time"
)

// askTime is for how long the answer that all is well holds: whoever asks more often hears the same again. That it is
// not holds a tenth of that, so that nobody waits long for what is well again.
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

// Health answers GET /healthz/live and GET /healthz/ready with 200 or, while live or ready gives reasons against it,
// 503 with Retry-After; the latter with ready's warnings. Reasons and warnings are read by whoever can reach the port,
// so they must name no secrets. live is asked for each request, so it must be quick; ready by one request at a time,
// and at most once a second, ten times a second while it is not.
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
		stands := holds
		if !last.Ready {
			stands = holds / 10
		}
		if asked.IsZero() || time.Since(asked) >= stands {
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
