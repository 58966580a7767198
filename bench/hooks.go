package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// hooks is a web service that takes messages, and has the sink note each.
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
	}
}
