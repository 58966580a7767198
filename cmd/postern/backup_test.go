package main

import (
	"fmt"
	"testing"

	"postern/engine"
)

// A use of a link that was told while the database was copied may be missing in the copy: it is counted.
func TestUsesToldDuringTheCopyAreCounted(t *testing.T) {
	note := backup{Before: 5, Last: 9}
	link := engine.ID{7}
	var s since
	for seq := uint64(4); seq <= 11; seq++ {
		event := &engine.Event{
			ID: fmt.Sprint("u", seq), Source: engine.Source, Type: engine.LinkUsed, Subject: "Tickets/1",
			Data: fmt.Appendf(nil, `{"link":%q}`, link),
		}
		body, err := event.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		s.add(engine.Entry{
			Seq: seq, Subject: event.Address().Subject(), Data: body, Header: func(string) string { return "" },
		}, &note)
	}
	if len(s.Used) != 6 || s.Used[0] != link {
		t.Errorf("%d uses are counted: %v; want those of the positions 6 to 11", len(s.Used), s.Used)
	}
}
