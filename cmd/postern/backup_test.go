package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"postern/engine"
	"postern/internal/keys"
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

// A restoration that does not come to its end leaves what is there.
func TestRestorationThatFailsLeavesTheDatabase(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(folder, backupDatabase), "this is no database, however long it is looked at: it is a line of text, "+
		"longer than the head that a database begins with")
	put(filepath.Join(folder, backupEvents), "")
	note := backup{Stream: "another", Sums: map[string]string{}}
	for _, name := range []string{backupDatabase, backupEvents} {
		sum, err := sumOf(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		note.Sums[name] = sum
	}
	text, err := json.Marshal(note)
	if err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(folder, backupNote), string(text))
	if _, err := keys.Create(filepath.Join(data, "root.key"), rand.Reader); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.NATS.Listen = data, "off"
	put(c.database(), "the present one")

	r := restoration{config: c, folder: folder, logger: slog.New(slog.DiscardHandler)}
	if err := r.run(t.Context()); err == nil {
		t.Fatal("it succeeded")
	}
	if present, err := os.ReadFile(c.database()); err != nil || string(present) != "the present one" {
		t.Errorf("in the place of the database is %q, %v", present, err)
	}
}
