package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// hooks is a web service that takes messages, and has the sink note each. It takes SMS as Twilio does, too.
type hooks struct {
	server *httptest.Server
	sink   *sink
}

func newHooks(s *sink) *hooks {
	h := &hooks{sink: s}
	h.server = httptest.NewServer(h)
	return h
}

func (h *hooks) url() string { return h.server.URL + "/messages" }
func (h *hooks) close()      { h.server.Close() }

// channel is the part of Postern's configuration that leads here. The service is one that takes a message once for one
// key, without which no connection is used again.
func (h *hooks) channel() string {
	return fmt.Sprintf("  webhook: { url: %q, idempotent: true, allow: [127.0.0.1], http: [127.0.0.1] }\n", h.url())
}

// taken is what a provider of SMS answers, by Twilio's description.
const taken = `{"account_sid":"AC0123456789abcdef0123456789abcdef","api_version":"2010-04-01","body":"",` +
	`"date_created":"Thu, 26 Nov 2026 10:00:00 +0000","date_sent":null,` +
	`"date_updated":"Thu, 26 Nov 2026 10:00:00 +0000",` +
	`"direction":"outbound-api","error_code":null,"error_message":null,"from":"+34911000111",` +
	`"messaging_service_sid":null,"num_media":"0","num_segments":"1","price":null,"price_unit":"USD",` +
	`"sid":"SM0123456789abcdef0123456789abcdef","status":"queued","subresource_uris":{},"to":"+34600123456",` +
	`"uri":"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/SM0123456789abcdef0123456789abcdef.json"}`

// ServeHTTP notes a message. What is done here is done for both sides, and is little.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var n int
		if n, err = ticketOf(body, ticketIn); err == nil {
			h.sink.note(n, now)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/Messages.json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, taken)
	}
}
