package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A link that somebody made by hand ends when the record gets another external id, as those that workflows sent.
func TestAnotherExternalIDEndsLinksMadeByHand(t *testing.T) {
	h := newAPIHouse(t)
	h.ticket()
	byAPI := h.expect(201, "POST", "/api/links", `{"landing":"ticket","record":"Tickets/1"}`)["url"].(string)
	record, err := parseRecord("Tickets/1")
	if err != nil {
		t.Fatal(err)
	}
	made, err := h.newLink(t.Context(), linkOrder{Landing: "ticket", Record: record}) // as link new asks
	if err != nil {
		t.Fatal(err)
	}
	active := func(url string) bool {
		return h.expect(200, "POST", "/api/links/check", `{"token":"`+url+`"}`)["active"] == true
	}
	for _, url := range []string{byAPI, made.URL} {
		if !active(url) {
			t.Fatalf("a new link is not active")
		}
	}
	h.expect(http.StatusAccepted, "POST", "/events", `{"specversion":"1.0","id":"2","source":"crm","type":"record.updated",
		"subject":"Tickets/1","data":{"record":{"name":"Stuck door","status":"Open","pin":"471126","key":"zyxwvutsrqponmlkjihgf"},
		"old":{"key":"abcdefghijklmnopqrstuv"},"changed":["key"]}}`, "Content-Type", "application/cloudevents+json")
	for end := time.Now().Add(time.Minute); active(byAPI); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the link outlives the external id of its record")
		}
	}
	if active(made.URL) {
		t.Error("the link of link new outlives the external id of its record")
	}
	for _, url := range []string{byAPI, made.URL} {
		if status, page := h.send("POST", strings.TrimPrefix(url, h.base.String()), ""); status != http.StatusNotFound {
			t.Errorf("its door answers %d %v", status, page)
		}
	}
}
