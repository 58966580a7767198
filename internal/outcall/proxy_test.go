package outcall_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"postern/engine"
	"postern/internal/outcall"
)

// tunnel is a proxy that leads every CONNECT to one address.
func tunnel(t *testing.T, to string) (address string, used *atomic.Int64) {
	t.Helper()
	used = &atomic.Int64{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		used.Add(1)
		var dialer net.Dialer
		far, err := dialer.DialContext(r.Context(), "tcp", to)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = far.Close() }()
		near, read, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = near.Close() }()
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n") // not sooner: what follows would come before the hijack
		go func() { _, _ = io.Copy(far, read) }()
		_, _ = io.Copy(near, far)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL, used
}

// All calls go through the configured proxy, which stands inside; what they are for is judged all the same.
func TestProxy(t *testing.T) {
	var used *atomic.Int64
	var config outcall.Config
	tr := newTrial(t, nil)
	config = outcall.Defaults()
	config.Allow, config.CA = []string{"example.com"}, []string{tr.service.CA(t)}
	config.Proxy, used = tunnel(t, tr.service.Listener.Addr().String())
	caller, err := outcall.New(config, outcall.Outfit{Clock: tr.clock, Resolver: tr.names})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caller.Close() })
	if answer, err := caller.Call(t.Context(), tr.to(http.MethodPost, "/")); err != nil || answer.Status != 200 || used.Load() != 1 {
		t.Errorf("%+v, %v; the proxy was used %d times", answer, err, used.Load())
	}
	for _, inside := range []string{"www.example.com", "10.0.0.7"} {
		call := tr.to(http.MethodPost, "/")
		call.Request.URL = strings.Replace(call.Request.URL, "example.com", inside, 1)
		if _, err := caller.Call(t.Context(), call); !engine.IsPermanent(err) || used.Load() != 1 {
			t.Errorf("%s: %v; the proxy was used %d times", inside, err, used.Load())
		}
	}
}

// A host that the configuration names is called without TLS, and no other.
func TestPlainHosts(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "plain")
	}))
	t.Cleanup(service.Close)
	tr := newTrial(t, func(c *outcall.Config) { c.HTTP = []string{"Example.com"} })
	_, port, _ := net.SplitHostPort(service.Listener.Addr().String())
	call := tr.to(http.MethodGet, "/")
	call.Request.URL = "http://example.com:" + port + "/"
	if answer, err := tr.Call(t.Context(), call); err != nil || string(answer.Body) != "plain" {
		t.Errorf("%q, %v", answer.Body, err)
	}
	call.Request.URL = "http://www.example.com:" + port + "/"
	if _, err := tr.Call(t.Context(), call); !engine.IsPermanent(err) {
		t.Errorf("another host: %v", err)
	}
}
