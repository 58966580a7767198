package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"postern/engine"
)

// The three figures beside one another: a request with one event, one with a list of a hundred, and a hundred events
// handed to the bus at one go, which is the floor of the list. Each answer means that everything is on the disk.

func BenchmarkPostEvents(b *testing.B) {
	handler := EventsHandler(testBus(b), testKeys(b), fit, quiet())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if w := ask(handler, post(ticket(fmt.Sprint(i)))); w.Code != http.StatusAccepted {
			b.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkPostBatch(b *testing.B) {
	handler := EventsHandler(testBus(b), testKeys(b), fit, quiet())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if w := ask(handler, postList(hundred(i)...)); w.Code != http.StatusAccepted {
			b.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkBareBatch(b *testing.B) {
	bus := testBus(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		events, err := engine.DecodeBatch([]byte("[" + strings.Join(hundred(i), ",") + "]"))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := bus.Publish(b.Context(), events...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// ticket is an event of the size that CRMs send.
func ticket(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"https://crm.example","type":"record.updated",`+
		`"subject":"HelpDesk/17x%[1]s","time":"2026-11-22T10:00:00Z","data":{"record":{"ticket_no":"TT%[1]s",`+
		`"ticket_title":"The door of the cold store does not close","parent_id":"12x8614","ticketstatus":"Closed",`+
		`"ticketpriorities":"High","description":%q,"hours":"1.50","assigned_user_id":"19x5"},`+
		`"old":{"ticketstatus":"Open"},"changed":["ticketstatus"],"version":7,"actor":"ana"}}`,
		id, strings.Repeat("It has been open since this morning. ", 8))
}

func hundred(round int) []string {
	events := make([]string, 100)
	for i := range events {
		events[i] = ticket(fmt.Sprintf("%dx%d", round, i))
	}
	return events
}
