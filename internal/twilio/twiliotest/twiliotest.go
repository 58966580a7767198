// Package twiliotest is a stand-in for Twilio, for tests: it takes messages, remembers them, calls back, and fails in
// all the ways that Twilio does. Each of its requests and replies is held against Twilio's own description.
package twiliotest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/internal/contract"
	"postern/internal/sms"
)

//go:embed testdata/messages.json
var description []byte

// What the stand-in knows of its one customer.
const (
	Account = "AC0123456789abcdef0123456789abcdef"
	Token   = "0123456789abcdef0123456789abcdef" // the auth token, which also signs callbacks
	Key     = "SKfedcba9876543210fedcba9876543210"
	Secret  = "TheSecretOfTheKey" // of Key
	Number  = "+34911000111"      // sends SMS and WhatsApp messages
	Service = "MG00112233445566778899aabbccddeeff"
)

// Message is one that was taken.
type Message struct {
	ID       string
	To, From string
	Service  string
	Body     string
	Template string
	// Variables are those of the template, as they came.
	Variables string
	Validity  int // seconds; 0 for none asked
	Callback  string
	Segments  int
	Status    string
	Code      int
	// Fields are the names of all that was said, in order.
	Fields []string
}

// Server is a stand-in. Its fields are set before Start.
type Server struct {
	// CallTo takes callbacks, whatever host they are for.
	CallTo http.Handler
	// Strict refuses free text to WhatsApp at once while no conversation is open. Twilio itself takes it as a rule and
	// reports the failure.
	Strict bool

	URL string

	t         testing.TB
	http      *httptest.Server
	mu        sync.Mutex
	messages  []*Message
	heard     map[string]bool // who wrote to us by WhatsApp within a day
	templates map[string]int  // the approved ones, with the number of their variables
	faults    []Fault
	always    Fault
}

// Start begins to answer, until the test ends.
func (s *Server) Start(t testing.TB) *Server {
	t.Helper()
	s.t, s.heard, s.templates = t, map[string]bool{}, map[string]int{}
	routes := http.NewServeMux()
	routes.Handle("/", contract.Guard(t, description, http.HandlerFunc(s.serve)))
	routes.HandleFunc("HEAD /{$}", func(http.ResponseWriter, *http.Request) {}) // any server tells its time
	s.http = httptest.NewServer(routes)
	s.URL = s.http.URL
	t.Cleanup(s.http.Close)
	return s
}

// Endpoint is where it answers.
func (s *Server) Endpoint() *url.URL {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// Stop answers nobody any more.
func (s *Server) Stop() { s.http.Close() }

// Approve lets a template be sent that has so many variables.
func (s *Server) Approve(template string, variables int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates[template] = variables
}

// Messages are those taken so far, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.messages {
		all = append(all, *m)
	}
	return all
}

// Last is the last one taken.
func (s *Server) Last() Message {
	s.t.Helper()
	all := s.Messages()
	if len(all) == 0 {
		s.t.Fatal("no message was taken")
	}
	return all[len(all)-1]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if fault := s.fault(); fault != nil {
		fault(w, r, s.answer)
		return
	}
	s.answer(w, r)
}

// answer is what a provider in good health answers.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if !(user == Account && password == Token) && !(user == Key && password == Secret) {
		refuse(w, http.StatusUnauthorized, 20003)
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/2010-04-01/Accounts/"+Account+"/") {
		refuse(w, http.StatusNotFound, 20404)
		return
	}
	if r.Method == http.MethodGet {
		s.list(w)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.t.Errorf("read a request: %v", err)
	}
	s.create(w, r.PostForm)
}

func (s *Server) create(w http.ResponseWriter, form url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status, code := s.judge(form); code != 0 {
		refuse(w, status, code)
		return
	}
	validity, _ := strconv.Atoi(form.Get("ValidityPeriod"))
	m := &Message{
		ID: fmt.Sprintf("SM%032x", len(s.messages)+1), To: form.Get("To"), From: form.Get("From"),
		Service: form.Get("MessagingServiceSid"), Body: form.Get("Body"), Template: form.Get("ContentSid"),
		Variables: form.Get("ContentVariables"), Validity: validity, Callback: form.Get("StatusCallback"),
		Segments: sms.Measure(form.Get("Body")).Segments, Status: "queued",
	}
	for name := range form {
		m.Fields = append(m.Fields, name)
	}
	slices.Sort(m.Fields)
	s.messages = append(s.messages, m)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Twilio-Request-Id", "RQ"+m.ID[2:])
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, m.resource())
}

// judge is the status and code of a refusal; zeros for a message that is taken.
func (s *Server) judge(form url.Values) (status, code int) {
	to, from, service := form.Get("To"), form.Get("From"), form.Get("MessagingServiceSid")
	to, chat := strings.CutPrefix(to, "whatsapp:")
	from, fromChat := strings.CutPrefix(from, "whatsapp:")
	switch {
	case from == "" && service == "":
		return http.StatusBadRequest, 21603
	case service != "" && service != Service:
		return http.StatusBadRequest, 21701
	case from != "" && senders[from] != 0:
		return http.StatusBadRequest, senders[from]
	case chat && from != "" && (!fromChat || from != Number):
		return http.StatusBadRequest, 63007
	case !chat && from != "" && from != Number && from != magicSender && !alphanumeric(from):
		return http.StatusBadRequest, 21606
	case recipients[to] != 0:
		return http.StatusBadRequest, recipients[to]
	case !strings.HasPrefix(to, "+") || len(to) < 8:
		return http.StatusBadRequest, 21211
	}
	if template := form.Get("ContentSid"); template != "" {
		return s.judgeTemplate(template, form.Get("ContentVariables"))
	}
	switch body := form.Get("Body"); {
	case body == "":
		return http.StatusBadRequest, 21619
	case len([]rune(body)) > 1600:
		return http.StatusBadRequest, 21617
	case chat && s.Strict && !s.heard[to]:
		return http.StatusBadRequest, 63016
	}
	return 0, 0
}

func (s *Server) judgeTemplate(template, variables string) (status, code int) {
	want, approved := s.templates[template]
	var got map[string]string
	switch {
	case !approved:
		return http.StatusBadRequest, 21655
	case variables != "" && json.Unmarshal([]byte(variables), &got) != nil:
		return http.StatusBadRequest, 21656
	case len(got) != want:
		return http.StatusBadRequest, 63028
	}
	return 0, 0
}

func (s *Server) list(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	if n := len(s.messages); n > 0 {
		list = append(list, s.messages[n-1].resource())
	}
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, map[string]any{
		"messages": list, "page": 0, "page_size": 1, "start": 0, "end": 0, "next_page_uri": nil,
		"uri": "/2010-04-01/Accounts/" + Account + "/Messages.json?PageSize=1",
	})
}

// resource is a message as Twilio tells of it.
func (m *Message) resource() map[string]any {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Format(time.RFC1123Z)
	uri := "/2010-04-01/Accounts/" + Account + "/Messages/" + m.ID
	resource := map[string]any{
		"sid": m.ID, "account_sid": Account, "api_version": "2010-04-01", "body": m.Body, "direction": "outbound-api",
		"date_created": at, "date_updated": at, "date_sent": nil, "error_code": nil, "error_message": nil,
		"from": null(m.From), "messaging_service_sid": null(m.Service), "num_media": "0",
		"num_segments": strconv.Itoa(m.Segments), "price": nil, "price_unit": "USD", "status": m.Status, "to": m.To,
		"uri": uri + ".json", "subresource_uris": map[string]any{"media": uri + "/Media.json"},
	}
	if m.Code != 0 {
		resource["error_code"] = m.Code
	}
	return resource
}

func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func writeJSON(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }
