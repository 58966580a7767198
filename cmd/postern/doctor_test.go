package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"postern/channels"
	"postern/engine"
)

// names is a DNS of which a test says what is in it.
type names map[string]string // addresses by host

func (n names) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	if addr, err := netip.ParseAddr(n[host]); err == nil {
		return []net.IPAddr{{IP: addr.AsSlice()}}, nil
	}
	return nil, errors.New("no such host")
}

func (names) LookupTXT(context.Context, string) ([]string, error) {
	return nil, errors.New("no such host")
}

func (names) LookupMX(context.Context, string) ([]*net.MX, error) {
	return nil, errors.New("no such host")
}

func (names) LookupAddr(context.Context, string) ([]string, error) {
	return nil, errors.New("no such host")
}

// patient is a doctor who looks at the callbacks of one channel.
func patient(callbacks string, dns names, client *http.Client) *doctor {
	d := &doctor{now: time.Now, client: client, tools: engine.ExamineTools{Resolver: dns}, serving: true}
	d.site.config.Web.Callbacks = callbacks
	d.channels = map[string]engine.Channel{"push": &channels.Push{}}
	return d
}

// to sends whatever is asked to a server on this machine.
func to(server *httptest.Server) *http.Client {
	at, _ := url.Parse(server.URL)
	client := doctorClient()
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		r.URL.Scheme, r.URL.Host = at.Scheme, at.Host
		return http.DefaultTransport.RoundTrip(r)
	})
	return client
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDoctorLooksAtCallbacks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := map[string]int{"/callbacks/push": 405, "/broken/push": 502, "/moved/push": 302}[r.URL.Path]
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(max(status, 400))
	}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	dns := names{"go.acme.example": "93.184.216.34", "inside.acme.example": "10.0.0.7"}
	for _, c := range []struct {
		callbacks string
		client    *http.Client
		want      string // of the last finding
		good      bool
	}{
		{"https://go.acme.example/callbacks", to(server), "https://go.acme.example/callbacks/push answers", true},
		{"https://go.acme.example/broken", to(server), "answers 502 Bad Gateway", false},
		{"https://go.acme.example/callbacks", to(gone), "connection refused", false},
		{"http://go.acme.example/callbacks", to(server), "is not https", false},
		{"https://inside.acme.example/callbacks", to(server), "at 10.0.0.7, which is a private network", false},
		{"https://nowhere.acme.example/callbacks", to(server), "find the address of nowhere.acme.example", false},
	} {
		found := patient(c.callbacks, dns, c.client).callbacks(t.Context())
		last := found[len(found)-1]
		if last.Good != c.good || !strings.Contains(last.Text, c.want) || (last.Hint == "") != c.good {
			t.Errorf("%s: %+v", c.callbacks, found)
		}
	}
	idle := patient("https://go.acme.example/callbacks", dns, to(gone))
	idle.serving = false
	if found := idle.callbacks(t.Context()); !found[len(found)-1].Good || len(found) != 2 {
		t.Errorf("nobody serves: %+v", found)
	}
	idle.channels = nil
	if found := idle.callbacks(t.Context()); len(found) != 1 || !found[0].Good {
		t.Errorf("nobody calls back: %+v", found)
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	for shift, wellTold := range map[time.Duration]bool{
		0: true, 3 * time.Second: true, -3 * time.Second: true, time.Minute: false, -time.Hour: false,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(shift).UTC().Format(http.TimeFormat))
		}))
		d := patient("", nil, doctorClient())
		d.channels["push"].(*channels.Push).URL = server.URL
		found := d.clock(t.Context())
		server.Close()
		if len(found) != 1 || found[0].Good != wellTold {
			t.Errorf("%v away: %+v", shift, found)
		}
	}
	d := patient("", nil, doctorClient())
	d.channels["push"].(*channels.Push).URL = "http://127.0.0.1:1"
	if found := d.clock(t.Context()); !found[0].Good || found[0].Text != "nobody to compare with" {
		t.Errorf("nobody there: %+v", found)
	}
}

// A part that heeds no context does not keep the others from being told.
func TestDoctorWaitsForNobody(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	d := doctor{limit: 100 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), d.limit)
	defer cancel()
	found := d.guarded(ctx, part{"deaf", func(context.Context) []diagnosis {
		<-over
		return nil
	}})
	if len(found) != 1 || found[0].Good || !strings.Contains(found[0].Text, "none within 100ms") {
		t.Errorf("found %+v", found)
	}
	heeds := d.guarded(ctx, part{"heeds", func(ctx context.Context) []diagnosis {
		<-ctx.Done()
		return []diagnosis{fault("login", "", "no answer in time")}
	}})
	if len(heeds) != 1 || heeds[0].What != "login" {
		t.Errorf("what was found in the last moment is lost: %+v", heeds)
	}
}

func TestDoctorShowsProgressOnATerminalOnly(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if progressOn(file) != nil || progressOn(&strings.Builder{}) != nil {
		t.Error("a file is taken for a terminal")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if progressOn(null) == nil {
		t.Error("a device is no terminal")
	}
}

func TestResolverAt(t *testing.T) {
	for server, ok := range map[string]bool{
		"": true, "9.9.9.9": true, "9.9.9.9:5353": true, "2620:fe::fe": true, "[2620:fe::fe]:53": true,
		"dns.example": false, "9.9.9": false,
	} {
		if _, err := resolverAt(server); (err == nil) != ok {
			t.Errorf("%q: %v", server, err)
		}
	}
}
