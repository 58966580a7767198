// Package outcalltest plays a web service for tests: over TLS with an authority of its own, with every failure that a
// network and a service can have. It remembers what it was asked and what it did.
package outcalltest

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// Request is a request as it arrived.
type Request struct {
	Method string
	Host   string
	URI    string // path and query, as sent
	Header http.Header
	Body   string
}

// Answer is what the service does with one request.
type Answer struct {
	Status int // 200 if it is zero
	Header map[string]string
	Body   string
	Lost   bool          // the service does what it is asked, and resets the connection in place of an answer
	Slow   time.Duration // before it answers
}

// Server is the service. It gives the planned answers, one to each request, and then the last one for ever.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	plan     []Answer
	requests []Request
	refuse   bool
	conns    int
}

// New starts a service until the test ends.
func New(t testing.TB, plan ...Answer) *Server {
	t.Helper()
	s := &Server{plan: plan}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
		}
	}
	s.Listener = &moody{Listener: s.Listener, server: s}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// moody resets connections before a word is said while the server refuses.
type moody struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (m *moody) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	for err == nil && m.server.refuses() {
		reset(conn)
		conn, err = m.Listener.Accept()
	}
	return conn, err
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (s *Server) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse
}

// Refuse says whether connections are reset before anything is handed over.
func (s *Server) Refuse(now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = now
}

// Plan replaces the answers.
func (s *Server) Plan(plan ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it never arrived whole
	}
	answer := s.note(Request{r.Method, r.Host, r.RequestURI, r.Header.Clone(), string(body)})
	if answer.Slow > 0 {
		select {
		case <-time.After(answer.Slow):
		case <-r.Context().Done():
		}
	}
	if answer.Lost {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(max(answer.Status, http.StatusOK))
	_, _ = io.WriteString(w, answer.Body)
}

func (s *Server) note(r Request) (answer Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if len(s.plan) > 0 {
		answer = s.plan[0]
	}
	if len(s.plan) > 1 {
		s.plan = s.plan[1:]
	}
	return answer
}

// Requests are those that arrived, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Connections is how many were opened.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// ByKey counts the requests by their Idempotency-Key.
func (s *Server) ByKey() map[string]int {
	counts := map[string]int{}
	for _, r := range s.Requests() {
		counts[r.Header.Get("Idempotency-Key")]++
	}
	return counts
}

// Port is the port that the service listens on.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return port
}

// CA writes the authority of the service's certificate, which is good for example.com and 127.0.0.1, to a file.
func (s *Server) CA(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Names resolves host names as a test wants: each time the next of the answers, and the last one for ever.
type Names struct {
	mu     sync.Mutex
	Hosts  map[string][][]netip.Addr
	Lookup int // how often it was asked
}

// Here leads names to this machine.
func Here(hosts ...string) *Names {
	n := &Names{Hosts: map[string][][]netip.Addr{}}
	for _, host := range hosts {
		n.Hosts[host] = [][]netip.Addr{{netip.MustParseAddr("127.0.0.1")}}
	}
	return n
}

// LookupNetIP finds the addresses of a name.
func (n *Names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Lookup++
	answers := n.Hosts[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n.Hosts[host] = answers[1:]
	}
	return slices.Clone(answers[0]), nil
}
