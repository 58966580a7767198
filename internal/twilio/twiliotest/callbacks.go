package twiliotest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Sign is the signature of a form that Twilio posts to an address.
func Sign(token, address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range names {
		mac.Write([]byte(name + form.Get(name)))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Call posts a signed form to an address, by way of CallTo, and returns the status of the answer.
func (s *Server) Call(address string, form url.Values) int {
	return s.CallSigned(address, form, Sign(Token, address, form))
}

// CallSigned does so with a signature of anybody's.
func (s *Server) CallSigned(address string, form url.Values, signature string) int {
	request := httptest.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	request.Header.Set("X-Twilio-Signature", signature)
	request.Header.Set("I-Twilio-Idempotency-Token", "one-of-many")
	recorder := httptest.NewRecorder()
	s.CallTo.ServeHTTP(recorder, request)
	return recorder.Code
}

// Report moves a message to a status, with a code or 0, and calls back where that was asked for. The answer's status
// is returned; 0 if nobody was called.
func (s *Server) Report(id, status string, code int) int {
	address, form := s.report(id, status, code)
	if address == "" {
		return 0
	}
	return s.Call(address, form)
}

// report is what Twilio calls back with.
func (s *Server) report(id, status string, code int) (address string, form url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.messages, func(m *Message) bool { return m.ID == id })
	if i < 0 {
		s.t.Fatalf("there is no message %s", id)
	}
	m := s.messages[i]
	m.Status, m.Code = status, code
	form = url.Values{
		"MessageSid": {id}, "SmsSid": {id}, "MessageStatus": {status}, "SmsStatus": {status}, "AccountSid": {Account},
		"To": {m.To}, "From": {m.From}, "ApiVersion": {"2010-04-01"},
	}
	if m.Service != "" {
		form.Set("MessagingServiceSid", m.Service)
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
	}
	return m.Callback, form
}

// Forge calls back like Report, signed by somebody who does not know the token; the message stays as it is.
func (s *Server) Forge(id, status string) int {
	s.mu.Lock()
	i := slices.IndexFunc(s.messages, func(m *Message) bool { return m.ID == id })
	address := s.messages[i].Callback
	s.mu.Unlock()
	form := url.Values{"MessageSid": {id}, "MessageStatus": {status}, "AccountSid": {Account}}
	return s.CallSigned(address, form, Sign(strings.Repeat("f", 32), address, form))
}

// Inbound is a message of somebody to the customer's number: from is +34…, or whatsapp:+34…. id begins with SM. An
// opt-out word of a messaging service is told by optOut; "" for none.
func (s *Server) Inbound(address, id, from, text, optOut string) int {
	contact, chat := strings.CutPrefix(from, "whatsapp:")
	to := Number
	if chat {
		s.mu.Lock()
		s.heard[contact] = true
		s.mu.Unlock()
		to = "whatsapp:" + Number
	}
	form := url.Values{
		"MessageSid": {id}, "SmsMessageSid": {id}, "AccountSid": {Account}, "From": {from}, "To": {to}, "Body": {text},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "FromCountry": {"ES"}, "ApiVersion": {"2010-04-01"},
	}
	if optOut != "" {
		form.Set("OptOutType", optOut)
	}
	return s.Call(address, form)
}
