package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"postern/internal/rig"
)

// postLimit is how long the answer to an event may take: the documented 5 s until it is stored, and as much on the way.
const postLimit = 10 * time.Second

// post sends an event to POST /events and returns the answer's status and what it says of coming again.
func (h *house) post(ctx context.Context, body []byte) (status int, again string, err error) {
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.place.WebURL()+"/events", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	request.Header.Set("Authorization", "Bearer "+h.apiKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	return response.StatusCode, response.Header.Get("Retry-After"), response.Body.Close()
}

// postTicket tells a new ticket over HTTP, once. What is not accepted must say when to come again.
func (s *siege) postTicket(ctx context.Context) (status int, err error) {
	e := s.teller.next()
	record := e.Record("HelpDesk")
	s.ledger.offer(record)
	body, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	status, again, err := s.house.post(ctx, body)
	if err != nil {
		return 0, err
	}
	switch status {
	case http.StatusAccepted:
		s.ledger.owe(record, s.teller.wants...)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if again == "" {
			return status, fmt.Errorf("%d without Retry-After", status)
		}
	default:
		return status, fmt.Errorf("POST /events answers %d", status)
	}
	return status, nil
}

// publishOnce tells a new ticket over NATS, once.
func (s *siege) publishOnce(ctx context.Context, crm *rig.CRM) error {
	e := s.teller.next()
	s.ledger.offer(e.Record("HelpDesk"))
	if err := s.teller.publish(ctx, crm, e, true); err != nil {
		return err
	}
	s.ledger.owe(e.Record("HelpDesk"), s.teller.wants...)
	return nil
}
