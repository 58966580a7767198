// Package webpushtest is a push service with its browsers, for tests. It reads what it gets as a browser would
// (RFC 8291), checks who sends (RFC 8292), and fails in every way a push service can. What breaks the protocol fails
// the test.
package webpushtest

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Service is a push service on this machine, with a certificate of its own.
type Service struct {
	URL       string
	CAFile    string // PEM file with the certificate
	Transport *http.Transport

	t        testing.TB
	over     chan struct{}
	mu       sync.Mutex
	browsers []*Browser
	answers  []Answer
	stalled  bool
	cut      bool
}

// Answer is what the service answers in place of taking a message.
type Answer struct {
	Status int
	Header http.Header
}

// Browser has a subscription and keeps what came for it.
type Browser struct {
	service *Service
	number  int
	key     *ecdh.PrivateKey
	auth    []byte
	sender  string // the public key that it subscribed to
	gone    bool
	arrived []Arrival
}

// Arrival is a message that came for a browser.
type Arrival struct {
	Payload        []byte
	Topic, Urgency string
	TTL            time.Duration
	Subject        string // who sent, as the token says
	Header         http.Header
}

// Start runs a service until the test ends.
func Start(t testing.TB) *Service {
	t.Helper()
	s := &Service{t: t, over: make(chan struct{})}
	server := httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(s.over) }) // before the server waits for its answers
	s.URL, s.Transport = server.URL, server.Client().Transport.(*http.Transport)
	s.CAFile = filepath.Join(t.TempDir(), "push.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(s.CAFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Subscribe makes a browser that takes messages of who has the public key.
func (s *Service) Subscribe(sender string) *Browser {
	s.t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &Browser{service: s, number: len(s.browsers), key: key, auth: auth, sender: sender}
	s.browsers = append(s.browsers, b)
	return b
}

// Answer has the next messages answered in this way, one each.
func (s *Service) Answer(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Stall leaves everything unanswered from now on.
func (s *Service) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
}

// Cut takes messages from now on and hangs up without an answer.
func (s *Service) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
}

// Subscription is what the browser gives out, as a page has it: JSON.stringify(subscription).
func (b *Browser) Subscription() string {
	text, _ := json.Marshal(map[string]any{
		"endpoint": fmt.Sprintf("%s/push/%d?v=2&x=a", b.service.URL, b.number), "expirationTime": nil,
		"keys": map[string]string{"p256dh": encode(b.key.PublicKey().Bytes()), "auth": encode(b.auth)},
	})
	return string(text)
}

// End ends the subscription: from now on it is gone.
func (b *Browser) End() {
	b.service.mu.Lock()
	defer b.service.mu.Unlock()
	b.gone = true
}

// Arrived is everything that came, the oldest first.
func (b *Browser) Arrived() []Arrival {
	b.service.mu.Lock()
	defer b.service.mu.Unlock()
	return slices.Clone(b.arrived)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stalled:
		s.mu.Unlock()
		<-s.over
		s.mu.Lock()
		return
	case len(s.answers) > 0:
		answer := s.answers[0]
		s.answers = s.answers[1:]
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, "<html>the body of a push service</html>")
		return
	}
	number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/push/"))
	if err != nil || number >= len(s.browsers) || s.browsers[number].gone {
		w.WriteHeader(http.StatusGone)
		return
	}
	arrival, status := s.browsers[number].take(r, body)
	if status != http.StatusCreated {
		w.WriteHeader(status)
		return
	}
	s.browsers[number].arrived = append(s.browsers[number].arrived, arrival)
	if s.cut {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Location", fmt.Sprintf("%s/message/%d-%d", s.URL, number, len(s.browsers[number].arrived)))
	w.WriteHeader(status)
}

var (
	topicForm = regexp.MustCompile(`^[A-Za-z0-9_-]{0,32}$`)
	urgencies = []string{"", "very-low", "low", "normal", "high"}
)

// take holds a request against RFC 8030, 8291 and 8292. Messages of a stranger are refused; mistakes fail the test.
func (b *Browser) take(r *http.Request, body []byte) (Arrival, int) {
	subject, sender, err := proven(r.Header.Get("Authorization"), b.service.URL)
	if err != nil {
		return b.mistake("who sends: %v", err)
	}
	if sender != b.sender {
		return Arrival{}, http.StatusForbidden
	}
	ttl, err := strconv.Atoi(r.Header.Get("TTL"))
	topic, urgency := r.Header.Get("Topic"), r.Header.Get("Urgency")
	switch {
	case r.Method != http.MethodPost:
		return b.mistake("the method is %s", r.Method)
	case err != nil || ttl < 0:
		return b.mistake("TTL is %q", r.Header.Get("TTL"))
	case !topicForm.MatchString(topic):
		return b.mistake("the topic is %q", topic)
	case !slices.Contains(urgencies, urgency):
		return b.mistake("the urgency is %q", urgency)
	case r.Header.Get("Content-Encoding") != "aes128gcm":
		return b.mistake("the encoding is %q", r.Header.Get("Content-Encoding"))
	case len(body) > 4096:
		return Arrival{}, http.StatusRequestEntityTooLarge
	}
	payload, err := b.decrypt(body)
	if err != nil {
		return b.mistake("decrypt: %v", err)
	}
	return Arrival{
		Payload: payload, Topic: topic, Urgency: urgency, TTL: time.Duration(ttl) * time.Second, Subject: subject,
		Header: r.Header.Clone(),
	}, http.StatusCreated
}

func (b *Browser) mistake(format string, args ...any) (Arrival, int) {
	b.service.t.Errorf("the push service: "+format, args...)
	return Arrival{}, http.StatusBadRequest
}
