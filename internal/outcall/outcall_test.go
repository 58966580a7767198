package outcall_test

import (
	"errors"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/outcall"
	"postern/internal/outcall/outcalltest"
)

const secretValue = "s3cret-value"

// trial is a caller with a service to call, by the name example.com.
type trial struct {
	*outcall.Caller
	t       *testing.T
	service *outcalltest.Server
	names   *outcalltest.Names
	clock   *enginetest.Clock
	file    string // of the secret
}

func newTrial(t *testing.T, change func(*outcall.Config), plan ...outcalltest.Answer) *trial {
	t.Helper()
	tr := &trial{
		t: t, service: outcalltest.New(t, plan...), names: outcalltest.Here("example.com", "www.example.com"),
		clock: enginetest.NewClock(time.Unix(1_700_000_000, 0)), file: filepath.Join(t.TempDir(), "secret"),
	}
	tr.write(secretValue)
	config := outcall.Defaults()
	config.Allow, config.CA = []string{"example.com", "www.example.com"}, []string{tr.service.CA(t)}
	if change != nil {
		change(&config)
	}
	caller, err := outcall.New(config, outcall.Outfit{
		Secrets: map[string]engine.Secret{"rates": {File: tr.file}, "none": {Env: "POSTERN_TEST_NO_SUCH"}},
		Clock:   tr.clock, Resolver: tr.names,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caller.Close() })
	tr.Caller = caller
	return tr
}

func (tr *trial) write(secret string) {
	tr.t.Helper()
	if err := os.WriteFile(tr.file, []byte(secret), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// url is an address of the service.
func (tr *trial) url(path string) string { return "https://example.com:" + tr.service.Port() + path }

// to is a call of the service.
func (tr *trial) to(method, path string) engine.Call {
	call := engine.Call{
		Method: method, Host: "example.com", Key: "key-1", Timeout: 5 * time.Second,
		Expect:  []engine.Statuses{{From: 200, To: 299}},
		Resend:  method != http.MethodPost,
		Request: engine.Request{URL: tr.url(path), Header: http.Header{}},
	}
	if method == http.MethodPost {
		call.Request.Body = []byte(`{"a":1}`)
		call.Request.Header.Set("Content-Type", "application/json")
	}
	return call
}

func TestCall(t *testing.T) {
	tr := newTrial(t, nil, outcalltest.Answer{Status: 201, Header: map[string]string{"X-A": "b"}, Body: "made"})
	call := tr.to(http.MethodPost, "/v1/a%2Fb?x=%26")
	call.Request.Header.Set("X-Reason", "late")
	answer, err := tr.Call(t.Context(), call)
	if err != nil || answer.Status != 201 || answer.Header.Get("X-A") != "b" || string(answer.Body) != "made" {
		t.Fatalf("%+v, %v", answer, err)
	}
	got := tr.service.Requests()[0]
	if got.URI != "/v1/a%2Fb?x=%26" || got.Body != `{"a":1}` || got.Header.Get("Idempotency-Key") != "key-1" ||
		got.Header.Get("X-Reason") != "late" || got.Header.Get("Content-Type") != "application/json" ||
		got.Header.Get("User-Agent") != "Postern" || got.Header.Get("Authorization") != "" {
		t.Errorf("asked %+v", got)
	}
	if _, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/")); err != nil ||
		tr.service.Requests()[1].Header.Get("Idempotency-Key") != "" {
		t.Errorf("a GET: %v, %+v", err, tr.service.Requests()[1])
	}
}

// Reads use a connection again; what must not be sent twice has one of its own.
func TestConnections(t *testing.T) {
	tr := newTrial(t, nil)
	for range 3 {
		if _, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/")); err != nil {
			t.Fatal(err)
		}
	}
	if n := tr.service.Connections(); n != 1 {
		t.Errorf("%d connections for three reads", n)
	}
	for range 2 {
		if _, err := tr.Call(t.Context(), tr.to(http.MethodPost, "/")); err != nil {
			t.Fatal(err)
		}
	}
	if n := tr.service.Connections(); n != 3 {
		t.Errorf("%d connections with two posts", n)
	}
}

// Each failure carries the verdict that says what may follow, and no more of the address than the host.
func TestFailures(t *testing.T) {
	long := strings.Repeat("x", engine.MaxAnswerBody+1)
	for _, c := range []struct {
		name    string
		plan    outcalltest.Answer
		change  func(*trial, *engine.Call)
		verdict string
		says    string
	}{
		{"reset before the hand-over", outcalltest.Answer{}, func(tr *trial, _ *engine.Call) { tr.service.Refuse(true) }, "none", ""},
		{"reset after the hand-over", outcalltest.Answer{Lost: true}, nil, "unknown", "the answer was lost"},
		{
			"slow",
			outcalltest.Answer{Slow: time.Minute},
			func(_ *trial, c *engine.Call) { c.Timeout = 200 * time.Millisecond },
			"unknown", "no answer in time",
		},
		{"a huge answer", outcalltest.Answer{Body: long}, nil, "permanent", "longer than 256 kB"},
		{"huge headers", outcalltest.Answer{Header: map[string]string{"X": long}}, nil, "unknown", ""},
		{"an unknown name", outcalltest.Answer{}, func(tr *trial, _ *engine.Call) { tr.names.Hosts = nil }, "none", "find the address"},
		{"no TLS", outcalltest.Answer{}, func(_ *trial, c *engine.Call) {
			c.Request.URL = strings.Replace(c.Request.URL, "https", "http", 1)
		}, "permanent", "by https only"},
		{
			"another scheme",
			outcalltest.Answer{},
			func(_ *trial, c *engine.Call) { c.Request.URL = "file:///etc/passwd" },
			"permanent", "none that can be called",
		},
		{"a user in the address", outcalltest.Answer{}, func(_ *trial, c *engine.Call) {
			c.Request.URL = strings.Replace(c.Request.URL, "example.com", "example.com@evil.example", 1)
		}, "permanent", "none that can be called"},
		{"a name that may not lead here", outcalltest.Answer{}, func(tr *trial, c *engine.Call) {
			tr.names.Hosts["www.example.com"] = nil
			c.Request.URL = strings.Replace(c.Request.URL, "example.com", "crm.acme.example", 1)
			tr.names.Hosts["crm.acme.example"] = [][]netip.Addr{{netip.MustParseAddr("127.0.0.1")}}
		}, "permanent", "this machine"},
		{"a secret that is not configured", outcalltest.Answer{}, func(_ *trial, c *engine.Call) {
			c.Auth = &engine.CallAuth{Kind: engine.AuthBearer, Secret: "other"}
		}, "misconfigured", `there is no secret "other"`},
		{"a secret that is not set", outcalltest.Answer{}, func(_ *trial, c *engine.Call) {
			c.Auth = &engine.CallAuth{Kind: engine.AuthBearer, Secret: "none"}
		}, "misconfigured", "POSTERN_TEST_NO_SUCH is not set"},
		{"a secret of two lines", outcalltest.Answer{}, func(tr *trial, c *engine.Call) {
			tr.write(secretValue + "\nX-Evil: 1")
			c.Auth = &engine.CallAuth{Kind: engine.AuthBearer, Secret: "rates"}
		}, "misconfigured", "line break"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, nil, c.plan)
			call := tr.to(http.MethodPost, "/private-path?token=private")
			if c.change != nil {
				c.change(tr, &call)
			}
			_, err := tr.Call(t.Context(), call)
			if got := verdictOf(err); got != c.verdict || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", got, err)
			}
			if strings.Contains(err.Error(), "private-path") || strings.Contains(err.Error(), secretValue) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

func verdictOf(err error) string {
	switch {
	case err == nil:
		return "no error"
	case engine.IsPermanent(err):
		return "permanent"
	case engine.IsUnknown(err):
		return "unknown"
	case engine.IsMisconfigured(err):
		return "misconfigured"
	}
	return "none"
}

func TestUntrustedCertificate(t *testing.T) {
	tr := newTrial(t, func(c *outcall.Config) { c.CA = nil })
	_, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/"))
	if !engine.IsMisconfigured(err) || len(tr.service.Requests()) > 0 {
		t.Errorf("%v, %d requests", err, len(tr.service.Requests()))
	}
}

// A name may lead somewhere else each time it is asked for: only what it leads to when it is called counts.
func TestNamesThatLeadInside(t *testing.T) {
	here, there := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.9")
	for _, c := range []struct {
		name  string
		addrs []netip.Addr
	}{
		{"this machine", []netip.Addr{here}},
		{"one of several", []netip.Addr{netip.MustParseAddr("93.184.216.34"), here}},
		{"this machine as IPv6", []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}},
		{"behind NAT64", []netip.Addr{netip.MustParseAddr("64:ff9b::7f00:1")}},
		{"metadata", []netip.Addr{netip.MustParseAddr("169.254.169.254")}},
		{"documents", []netip.Addr{there}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrial(t, nil)
			tr.names.Hosts["evil.example"] = [][]netip.Addr{c.addrs}
			call := tr.to(http.MethodGet, "/")
			call.Request.URL = strings.Replace(call.Request.URL, "example.com", "evil.example", 1)
			if _, err := tr.Call(t.Context(), call); !engine.IsPermanent(err) || tr.service.Connections() > 0 {
				t.Errorf("%v, %d connections", err, tr.service.Connections())
			}
		})
	}
	// Rebinding: good when it is looked at, bad when it is connected to. There is one look-up, whose result is used.
	tr := newTrial(t, nil)
	tr.names.Hosts["example.com"] = [][]netip.Addr{{here}, {netip.MustParseAddr("169.254.169.254")}}
	if _, err := tr.Call(t.Context(), tr.to(http.MethodPost, "/")); err != nil || tr.names.Lookup != 1 {
		t.Errorf("%v after %d look-ups", err, tr.names.Lookup)
	}
	if _, err := tr.Call(t.Context(), tr.to(http.MethodPost, "/")); !engine.IsPermanent(err) {
		t.Errorf("the name leads to metadata now: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	to := func(location string) outcalltest.Answer {
		return outcalltest.Answer{Status: 302, Header: map[string]string{"Location": location}}
	}
	bearer := &engine.CallAuth{Kind: engine.AuthBearer, Secret: "rates"}
	t.Run("on the same host", func(t *testing.T) {
		tr := newTrial(t, nil, to("/b"), to("c"), outcalltest.Answer{Body: "here"})
		call := tr.to(http.MethodGet, "/a")
		call.Auth = bearer
		answer, err := tr.Call(t.Context(), call)
		got := tr.service.Requests()
		if err != nil || string(answer.Body) != "here" || len(got) != 3 || got[2].URI != "/c" ||
			got[2].Header.Get("Authorization") != "Bearer "+secretValue {
			t.Errorf("%+v, %v, %+v", answer, err, got)
		}
	})
	t.Run("to another host nothing that proves who calls goes along", func(t *testing.T) {
		tr := newTrial(t, nil)
		tr.service.Plan(to("https://www.example.com:"+tr.service.Port()+"/b"), outcalltest.Answer{})
		call := tr.to(http.MethodGet, "/a")
		call.Auth = &engine.CallAuth{Kind: engine.AuthHeader, Secret: "rates", Name: "X-Api-Key"}
		call.Request.Header.Set("X-Reason", "late")
		_, err := tr.Call(t.Context(), call)
		got := tr.service.Requests()
		if len(got) == 2 {
			if h := got[1].Header; h.Get("X-Api-Key") != "" || h.Get("X-Reason") != "" {
				t.Errorf("%+v", h)
			}
		} else if !engine.IsMisconfigured(err) { // the certificate is not good for that name
			t.Errorf("%v, %+v", err, got)
		}
	})
	for name, location := range map[string]string{
		"inside": "https://10.0.0.1/", "to metadata": "https://169.254.169.254/latest/", "without TLS": "http://example.com/",
		"to a file": "file:///etc/passwd", "with a user": "https://a:b@example.com/",
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, nil, to(location))
			_, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/"))
			if !engine.IsPermanent(err) || len(tr.service.Requests()) != 1 {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("in a circle", func(t *testing.T) {
		tr := newTrial(t, nil, to("/again"))
		_, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/"))
		if !engine.IsPermanent(err) || len(tr.service.Requests()) != 4 {
			t.Errorf("%v after %d requests", err, len(tr.service.Requests()))
		}
	})
	t.Run("of what is no read, or is expected", func(t *testing.T) {
		tr := newTrial(t, nil, to("/b"))
		answer, err := tr.Call(t.Context(), tr.to(http.MethodPost, "/"))
		expected := tr.to(http.MethodGet, "/")
		expected.Expect = []engine.Statuses{{From: 302, To: 302}}
		other, err2 := tr.Call(t.Context(), expected)
		if err != nil || err2 != nil || answer.Status != 302 || other.Status != 302 || len(tr.service.Requests()) != 2 {
			t.Errorf("%d %v, %d %v", answer.Status, err, other.Status, err2)
		}
	})
}

// What the environment says of proxies is of no account.
func TestNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	tr := newTrial(t, nil)
	if _, err := tr.Call(t.Context(), tr.to(http.MethodGet, "/")); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	for says, change := range map[string]func(*outcall.Config){
		"allow: \"a b\" is no host":     func(c *outcall.Config) { c.Allow = []string{"a b"} },
		"http: \"http://a\" is no host": func(c *outcall.Config) { c.HTTP = []string{"http://a"} },
		"timeout is from 1s to 5m":      func(c *outcall.Config) { c.Timeout = time.Hour },
		"proxy is an address":           func(c *outcall.Config) { c.Proxy = "proxy:3128" },
		"ca: open":                      func(c *outcall.Config) { c.CA = []string{"/no/such/file.pem"} },
		"holds no certificate":          func(c *outcall.Config) { c.CA = []string{"config.go"} },
	} {
		config := outcall.Defaults()
		change(&config)
		if _, err := outcall.New(config, outcall.Outfit{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
	c := outcall.Defaults()
	c.Allow, c.Timeout = []string{"a b", "c d"}, 0
	if n := strings.Count(errors.Join(c.Validate()).Error(), "\n"); n != 2 {
		t.Errorf("%d line breaks between three complaints", n)
	}
}
