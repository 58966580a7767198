package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The profiles answer at the control socket's handler; rows are asked for by the bench.
func TestControlTellsProfiles(t *testing.T) {
	mux := http.NewServeMux()
	(&house{}).handleDebug(mux)
	for path, want := range map[string]string{
		"/debug/pprof/":                  "heap",
		"/debug/pprof/goroutine?debug=1": "TestControlTellsProfiles",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s answers %d, without %q", path, w.Code, want)
		}
	}
}
