package twiliotest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Twilio's table of test credentials: who is refused with which code. A message to Refused is refused for good.
const (
	Invalid     = "+15005550001"
	Unreachable = "+15005550002"
	Abroad      = "+15005550003"
	OptedOut    = "+15005550004"
	NoMobile    = "+15005550009"

	Refused     = NoMobile
	magicSender = "+15005550006"
)

var (
	recipients = map[string]int{Invalid: 21211, Unreachable: 21612, Abroad: 21408, OptedOut: 21610, NoMobile: 21614}
	senders    = map[string]int{"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
)

// alphanumeric tells whether a sender is a name.
func alphanumeric(from string) bool { return from[0] >= 'A' && from[0] <= 'Z' && len(from) <= 11 }

// Fault answers a request in place of the stand-in. answer is what would have been answered.
type Fault func(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc)

// Next makes the next requests meet faults, one each.
func (s *Server) Next(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Always makes every request meet a fault, after those of Next; nil for none.
func (s *Server) Always(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = fault
}

func (s *Server) fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return s.always
	}
	next := s.faults[0]
	s.faults = s.faults[1:]
	return next
}

// Refusal answers with a status and one of Twilio's codes.
func Refusal(status, code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { refuse(w, status, code) }
}

// TooMany asks to wait.
func TooMany(seconds int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refuse(w, http.StatusTooManyRequests, 20429)
	}
}

// HTML answers as a proxy in front of Twilio does.
func HTML(status int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><h1>%d %s</h1></html>", status, http.StatusText(status))
	}
}

// Stall answers nothing before a channel is closed, or the client has gone.
func Stall(until <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		select {
		case <-until:
		case <-r.Context().Done():
		}
		hangUp(w)
	}
}

// HangUp takes nothing and closes the connection.
func HangUp(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { hangUp(w) }

// LoseReply takes the message, and closes the connection before the reply.
func LoseReply(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
	answer(nowhere{http.Header{}}, r)
	hangUp(w)
}

// BreakReply takes the message, and closes the connection within the reply.
func BreakReply(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
	answer(nowhere{http.Header{}}, r)
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = buffer.WriteString("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n" +
		"Content-Length: 500\r\n\r\n{\"sid\"")
	_ = buffer.Flush()
	_ = conn.Close()
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header            { return n.header }
func (n nowhere) Write(data []byte) (int, error) { return io.Discard.Write(data) }
func (n nowhere) WriteHeader(int)                {}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// refuse answers with a code, as Twilio does. Its sentence shows what no error of ours may show.
func refuse(w http.ResponseWriter, status, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	writeJSON(w, map[string]any{
		"code": code, "status": status, "message": "The number +34600123456 is not valid, said Twilio",
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code),
	})
}
