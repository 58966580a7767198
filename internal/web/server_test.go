package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

func serve(t *testing.T, handler http.Handler) (url string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, handler, quiet()) }()
	return "http://" + listener.Addr().String(), cancel, done
}

// A request under way when the server ends is answered; one after it is not taken.
func TestServeEndsGracefully(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	url, stop, ended := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, "done")
	}))
	client := &http.Client{Timeout: patience}
	type reply struct {
		body string
		code int
	}
	replies := make(chan reply, 1)
	go func() {
		response, err := client.Get(url)
		if err != nil {
			replies <- reply{body: err.Error()}
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		replies <- reply{string(body), response.StatusCode}
	}()
	<-arrived
	stop()
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second)
		if err != nil {
			break // it takes no new ones
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the ending server still takes connections")
		}
	}
	close(release)
	if got := <-replies; got != (reply{"done", http.StatusOK}) {
		t.Errorf("the request under way got %+v", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// Whoever does not finish is cut off, and the end is an orderly one all the same.
func TestServeCutsOffWhoIsTooSlow(t *testing.T) {
	limit := usual()
	if limit.end <= limit.read {
		t.Errorf("requests have %v to come in and %v to end", limit.read, limit.end)
	}
	limit.end = 50 * time.Millisecond
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived, read := make(chan struct{}), make(chan error, 1)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- serveWithin(ctx, listener, handler, slog.New(slog.NewTextHandler(&log, nil)), limit)
	}()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if err := <-read; err == nil {
		t.Error("the request came to an end")
	}
	if !strings.Contains(log.String(), "cut off") {
		t.Errorf("the log says %s", &log)
	}
}

func TestServeTellsABrokenListener(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = Serve(t.Context(), listener, http.NotFoundHandler(), quiet())
	if err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("it ended with %v", err)
	}
}

func TestServeLimitsHeaders(t *testing.T) {
	url, stop, ended := serve(t, http.NotFoundHandler())
	defer func() { stop(); <-ended }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Large", strings.Repeat("x", 2*headerBytes))
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", response.StatusCode)
	}
}

func TestLogNeverHoldsTokens(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	handler := Log(logger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/changed"
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "four")
	}))
	ask(handler, httptest.NewRequest(http.MethodGet, "/l/S3CRET/answer?t=S3CRET", nil))
	line := out.String()
	for _, word := range []string{"method=GET", "path=/l/‹token›/answer", "status=418", "bytes=4", "took="} {
		if !strings.Contains(line, word) {
			t.Errorf("no %s in %s", word, line)
		}
	}
	if strings.Contains(line, "S3CRET") {
		t.Errorf("the token is in %s", line)
	}
}

// T83: whatever a request meets, its line and those about what broke hold nothing that opens anything.
func TestT83PathsAreLoggedWithoutTokens(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"found":     func(http.ResponseWriter, *http.Request) {},
		"not found": http.NotFound,
		"broken":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"moved":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/f/S3CRET", http.StatusSeeOther) },
		"a panic":   func(http.ResponseWriter, *http.Request) { panic("nil map") },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			for _, path := range []string{
				"/l/S3CRET", "/L/S3CRET", "/l/S3CRET/again", "//l//S3CRET", "/l/S3CRET/../x", "/f/S3CRET", "/f/S3CRET/resolve",
				"/c/S3CRET", "/c/S3CRET/resolve", "/m/S3CRET", "/r/S3CRET", "/r/S3CRET/undo", "/h/S3CRET", "/x/ticket/S3CRET",
				"/x/S3CRET", "/l/x?token=S3CRET",
			} {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("code=S3CRET"))
				r.Header.Set("Cookie", "__Host-postern=S3CRET")
				r.Header.Set("Authorization", "Bearer S3CRET")
				r.Header.Set("Referer", "https://go.acme.example/l/S3CRET")
				ask(Log(logger, Recover(logger, handler)), r)
			}
			if log := out.String(); strings.Contains(log, "S3CRET") || strings.Count(log, "msg=request") < 16 {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	for path, want := range map[string]string{
		"/":                "/",
		"/events":          "/events",
		"/l":               "/l",
		"/l/":              "/l/",
		"/l/abc":           "/l/‹token›",
		"/f/abc/file.pdf":  "/f/‹token›/file.pdf",
		"/r/abc":           "/r/‹token›",
		"//l//abc":         "//l//‹token›",
		"/L/abc":           "/L/‹token›",
		"/door/l/abc":      "/door/l/‹token›",
		"/l/l/abc":         "/l/‹token›/‹token›",
		"/healthz/live":    "/healthz/live",
		"/list/f/abc/l/de": "/list/f/‹token›/l/‹token›",
		"/l/abc/again":     "/l/‹token›/again",
		"/u/abc/undo":      "/u/‹token›/undo",
		"/c/abc/resolve":   "/c/‹token›/resolve",
		"/m/abc":           "/m/‹token›",
		"/h/abc":           "/h/‹token›",
		"/x/ticket/abc":    "/x/‹token›/‹token›",
		"/x/abc":           "/x/‹token›",
		"/x/c/abc/def":     "/x/‹token›/‹token›/def",
		"/x/ticket/l/abc":  "/x/‹token›/‹token›/‹token›",
		"/api/links/check": "/api/links/check",
	} {
		if got := Redact(path); got != want {
			t.Errorf("%s became %s, want %s", path, got, want)
		}
	}
}

func TestRecover(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	w := ask(Recover(logger, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		panic("nil map")
	})), httptest.NewRequest(http.MethodGet, "/l/S3CRET", nil))
	if w.Code != http.StatusInternalServerError || w.Header().Get("Location") != "" {
		t.Errorf("answered %d with %v", w.Code, w.Header())
	}
	if body := w.Body.String(); !strings.Contains(body, "not yours") || strings.Contains(body, "nil map") {
		t.Errorf("the page says %s", body)
	}
	if line := out.String(); !strings.Contains(line, "nil map") || strings.Contains(line, "S3CRET") {
		t.Errorf("the log says %s", line)
	}
}

func TestRecoverCutsOffAnAnswerThatHadBegun(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		logged  bool
	}{
		"half a page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic("torn")
		}, true},
		"on purpose": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			out.Reset()
			defer func() {
				if cause, _ := recover().(error); !errors.Is(cause, http.ErrAbortHandler) {
					t.Errorf("the server sees %v", cause)
				}
				if logged := out.Len() > 0; logged != test.logged {
					t.Errorf("the log says %q", &out)
				}
			}()
			ask(Recover(logger, test.handler), httptest.NewRequest(http.MethodGet, "/", nil))
		})
	}
}

// What a handler asks of its connection must reach through the layers.
func TestLayersPassTheController(t *testing.T) {
	url, stop, ended := serve(t, Log(quiet(), Recover(quiet(), http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)); err != nil {
				t.Error(err)
			}
		}))))
	defer func() { stop(); <-ended }()
	response, err := (&http.Client{Timeout: patience}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}
