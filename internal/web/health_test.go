package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	var reasons, warnings []string
	asked := 0
	var dead []string
	handler := health(func() []string { return dead }, func() ([]string, []string) { asked++; return reasons, warnings }, 0)
	get := func(path string) *httptest.ResponseRecorder {
		return ask(handler, httptest.NewRequest(http.MethodGet, path, nil))
	}
	if w := get("/healthz/ready"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "warnings") {
		t.Errorf("ready answers %d %s", w.Code, w.Body)
	}
	warnings = []string{"the event stream is 85 % full"}
	if w := get("/healthz/ready"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), warnings[0]) {
		t.Errorf("ready with a warning answers %d %s", w.Code, w.Body)
	}
	reasons = []string{"the event stream is not connected"}
	w := get("/healthz/ready")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("not ready answers %d with %v", w.Code, w.Header())
	}
	if !strings.Contains(w.Body.String(), reasons[0]) {
		t.Errorf("the reason is missing in %s", w.Body)
	}
	if w := get("/healthz/live"); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"live":true}` {
		t.Errorf("live answers %d %s while not ready", w.Code, w.Body)
	}
	dead = []string{"the engine has failed"}
	if w := get("/healthz/live"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), dead[0]) {
		t.Errorf("not live answers %d %s", w.Code, w.Body)
	}
	if asked != 3 {
		t.Errorf("ready was asked %d times for 3 requests", asked)
	}
	if w := get("/healthz/other"); w.Code != http.StatusNotFound {
		t.Errorf("another page answers %d", w.Code)
	}
}

// Anybody may ask, and none of them may keep the broker busy.
func TestHealthAsksOnceASecond(t *testing.T) {
	asked := 0
	alive := func() []string { return nil }
	handler := Health(alive, func() ([]string, []string) { asked++; return nil, []string{"the stream is 85 % full"} })
	for range 50 {
		w := ask(handler, httptest.NewRequest(http.MethodGet, "/healthz/ready", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("answered %d", w.Code)
		}
	}
	if asked > 2 { // a second may end in between
		t.Errorf("ready was asked %d times", asked)
	}
}

func TestNothingIsServedBeforeTheStart(t *testing.T) {
	started := false
	handler := OnceStarted(func() bool { return started }, http.NotFoundHandler())
	w := ask(handler, httptest.NewRequest(http.MethodGet, "/l/S3CRET", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != retryWhenDown {
		t.Errorf("answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "try again") {
		t.Errorf("the page is %v %s", w.Header(), w.Body)
	}
	started = true
	if w := ask(handler, httptest.NewRequest(http.MethodGet, "/l/S3CRET", nil)); w.Code != http.StatusNotFound {
		t.Errorf("answered %d after the start", w.Code)
	}
}
