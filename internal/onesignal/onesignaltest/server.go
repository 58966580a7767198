// Package onesignaltest is OneSignal for tests: an app with users, the notifications it took, and its event streams.
// Every request and reply is held against OneSignal's own description.
package onesignaltest

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the description
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/contract"
	"postern/internal/onesignal"
)

//go:embed testdata/onesignal.yaml
var description []byte

// The app of every server, and its key.
const (
	App = "b2f7f966-d8cc-11e4-bed1-df8f05be55ba"
	Key = "os_v2_app_wl37szwyzqi6jpwr36hqlpsvxi"
)

// Server is OneSignal on this machine.
type Server struct {
	URL string

	t       testing.TB
	over    chan struct{}
	mu      sync.Mutex
	users   map[string]bool   // by external id; false for one that takes no notifications
	ids     map[string]string // of notifications by idempotency key
	taken   []Taken
	answers []Answer
	stalled bool
	cut     bool
}

// Taken is a notification that was asked for and sent to devices.
type Taken struct {
	ID string
	Request
}

// Request is what was asked for.
type Request struct {
	AppID          string              `json:"app_id"`
	TargetChannel  string              `json:"target_channel"`
	IncludeAliases map[string][]string `json:"include_aliases"`
	IdempotencyKey string              `json:"idempotency_key"`
	Name           string              `json:"name"`
	Headings       map[string]string   `json:"headings"`
	Contents       map[string]string   `json:"contents"`
	URL            string              `json:"url"`
	CollapseID     string              `json:"collapse_id"`
	TTL            int64               `json:"ttl"`
}

// Answer is what the server answers in place of looking at a request.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, over: make(chan struct{}), users: map[string]bool{}, ids: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notifications", s.create)
	mux.HandleFunc("GET /notifications", s.list)
	outside := http.NewServeMux() // of what the description is about: any server tells the time
	outside.HandleFunc("HEAD /{$}", func(http.ResponseWriter, *http.Request) {})
	outside.Handle("/", contract.Guard(t, description, mux))
	server := httptest.NewServer(outside)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(s.over) }) // before the server waits for its answers
	s.URL = server.URL
	return s
}

// User adds a user, with a device that takes notifications or without.
func (s *Server) User(externalID string, subscribed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[externalID] = subscribed
}

// Answer has the next requests answered in this way, one each.
func (s *Server) Answer(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Stall leaves everything unanswered from now on.
func (s *Server) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
}

// Cut takes notifications from now on, if cut is true, and hangs up without an answer.
func (s *Server) Cut(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

// Taken are the notifications that were sent, the oldest first.
func (s *Server) Taken() []Taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// injected answers as a test wants it, and tells whether it did.
func (s *Server) injected(w http.ResponseWriter) bool {
	if s.stalled {
		s.mu.Unlock()
		<-s.over
		s.mu.Lock()
		panic(http.ErrAbortHandler)
	}
	if len(s.answers) == 0 {
		return false
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body)
	return true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var asked Request
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		s.t.Errorf("OneSignal: the notification has what nobody described: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.injected(w):
	case r.Header.Get("Authorization") != "Key "+Key || asked.AppID != App:
		reply(w, http.StatusForbidden, map[string]any{"errors": []string{"Access denied."}})
	case asked.Contents["en"] == "" || len(asked.IncludeAliases) == 0 || asked.TargetChannel != "push":
		reply(w, http.StatusBadRequest, map[string]any{"errors": []string{"You must say what, and whom to."}})
	case !uuid.MatchString(asked.IdempotencyKey):
		reply(w, http.StatusBadRequest, map[string]any{"errors": []string{"idempotency_key must be a UUID."}})
	default:
		s.send(w, asked)
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// send sends a notification that is in order, once for one key.
func (s *Server) send(w http.ResponseWriter, asked Request) {
	if id, ok := s.ids[asked.IdempotencyKey]; ok {
		w.Header().Set("Idempotent-Replayed", "true")
		reply(w, http.StatusOK, map[string]any{"id": id})
		return
	}
	users := asked.IncludeAliases["external_id"]
	reached := slices.ContainsFunc(users, func(user string) bool { return s.users[user] })
	if !reached {
		text := "All included players are not subscribed"
		reply(w, http.StatusOK, map[string]any{"id": "", "errors": []string{text}})
		return
	}
	id := newID()
	s.ids[asked.IdempotencyKey] = id
	s.taken = append(s.taken, Taken{ID: id, Request: asked})
	if s.cut {
		panic(http.ErrAbortHandler)
	}
	reply(w, http.StatusOK, map[string]any{"id": id, "external_id": nil})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.injected(w):
	case r.Header.Get("Authorization") != "Key "+Key || r.URL.Query().Get("app_id") != App:
		reply(w, http.StatusForbidden, map[string]any{"errors": []string{"Access denied."}})
	default:
		reply(w, http.StatusOK, map[string]any{
			"total_count": len(s.taken), "offset": 0, "limit": 1, "notifications": []any{},
		})
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func newID() string {
	var id engine.ID
	_, _ = rand.Read(id[:])
	return id.String()
}

// Event is the body of an event stream with the recommended template, for one of the notifications that were sent.
func (s *Server) Event(of Taken, kind string, at time.Time) []byte {
	return Event(newID(), App, kind, of.ID, of.Name, at)
}

// Event fills the recommended template in.
func Event(id, app, kind, message, name string, at time.Time) []byte {
	return []byte(strings.NewReplacer(
		"{{ event.id }}", id, "{{ event.kind }}", kind, "{{ event.app_id }}", app, "{{ message.id }}", message,
		"{{ message.name }}", name, "{{ event.datetime }}", at.UTC().Format("2006-01-02T15:04:05.000Z"),
	).Replace(onesignal.StreamTemplate))
}

// Tell posts an event to a stream's address with the header that it was given, and returns the status.
func Tell(t testing.TB, address, header string, event []byte) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(fmt.Errorf("tell: %w", err))
	}
	_ = response.Body.Close()
	return response.StatusCode
}
