package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"postern/internal/rig"
)

// eventSize is how many bytes an event has, as the measurements of other engines did.
const eventSize = 540

// ticket makes a record.created of eventSize bytes.
func ticket(n int, module string, urgent bool) rig.Event {
	priority := "Normal"
	if urgent {
		priority = "Urgent"
	}
	record := map[string]string{
		"id": fmt.Sprintf("17x%d", n), "ticket_no": fmt.Sprintf("TT-%06d", n),
		"ticket_title": fmt.Sprintf("Printer %d is out of paper", n),
		"email":        fmt.Sprintf("customer%d@people.example", n%50),
		"ticketstatus": "Open", "ticketpriorities": priority, "description": "",
	}
	e := rig.Created("bench", fmt.Sprintf("change-%d", n), module, record)
	short, _ := json.Marshal(e)
	record["description"] = strings.Repeat("d", max(eventSize-len(short), 0))
	return e
}

// tickets makes events numbered from first, each urgent or not as asked.
func tickets(first, count int, module string, urgent func(i int) bool) []rig.Event {
	events := make([]rig.Event, count)
	for i := range events {
		events[i] = ticket(first+i, module, urgent(i))
	}
	return events
}

func half(i int) bool { return i%2 == 0 }
func all(int) bool    { return true }

// publish stores the events on a broker.
func publish(ctx context.Context, url string, events []rig.Event) error {
	client, err := rig.ConnectCRM(url)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Publish(ctx, events, nil)
}
