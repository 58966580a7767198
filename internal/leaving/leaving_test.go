package leaving_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/leaving"
	"postern/internal/netguard"
)

func TestDoSaysWhenItLeaves(t *testing.T) {
	arrived := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived++
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	left := 0
	response, err := leaving.Do(http.DefaultTransport, request(t.Context(), t, server.URL), func() {
		if left++; arrived > 0 {
			t.Error("it had arrived before it left")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if left != 1 || arrived != 1 || response.StatusCode != http.StatusFound {
		t.Errorf("left %d times, arrived %d, answered %d", left, arrived, response.StatusCode)
	}
}

func TestDoGivesFailuresTheirVerdict(t *testing.T) {
	over := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer slow.Close()
	defer close(over)
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	untrusted := httptest.NewTLSServer(nil)
	defer untrusted.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	guard := netguard.Dialer{Check: netguard.Rules{}.Check, Timeout: time.Second}
	guarded := &http.Transport{DialContext: guard.DialContext}
	stuck := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	plain := func(err error) bool {
		return err != nil && !engine.IsUnknown(err) && !engine.IsPermanent(err) && !engine.IsMisconfigured(err)
	}
	for name, c := range map[string]struct {
		transport http.RoundTripper
		url       string
		ctx       context.Context
		is        func(error) bool
		left      bool
	}{
		"nobody listens":        {http.DefaultTransport, closed.URL, t.Context(), plain, false},
		"no connection in time": {stuck, slow.URL, t.Context(), plain, false},
		"the context has ended": {http.DefaultTransport, slow.URL, ended, plain, false},
		"no answer in time":     {http.DefaultTransport, slow.URL, t.Context(), engine.IsUnknown, true},
		"the answer is lost":    {http.DefaultTransport, cut.URL, t.Context(), engine.IsUnknown, true},
		"a stranger":            {http.DefaultTransport, untrusted.URL, t.Context(), engine.IsMisconfigured, false},
		"inside the house":      {guarded, slow.URL, t.Context(), engine.IsPermanent, false},
	} {
		t.Run(name, func(t *testing.T) {
			patience := 10 * time.Second
			if strings.HasSuffix(name, "in time") {
				patience = 150 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(c.ctx, patience)
			defer cancel()
			left := false
			response, err := leaving.Do(c.transport, request(ctx, t, c.url+"/secret"), func() { left = true })
			if err == nil {
				_ = response.Body.Close()
			}
			if !c.is(err) || left != c.left || strings.Contains(err.Error(), "secret") {
				t.Errorf("left %v, error %v", left, err)
			}
		})
	}
}

func request(ctx context.Context, t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("a message"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBodyThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	}))
	defer server.Close()
	response, err := leaving.Do(http.DefaultTransport, request(t.Context(), t, server.URL), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := leaving.Body(response, 1000); !engine.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, " 5 ": 5 * time.Second, "-1": 0, "soon": 0,
		"Thu, 26 Nov 2026 03:02:00 GMT": 2 * time.Minute, "Thu, 26 Nov 2026 02:00:00 GMT": 0,
	} {
		if got := leaving.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q asks for %v, want %v", text, got, want)
		}
	}
}
