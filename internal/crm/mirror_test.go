package crm_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/store"
)

func TestMirror(t *testing.T) {
	enginetest.TestCRM(t, func(t *testing.T) (engine.CRM, func(engine.Record)) {
		path := filepath.Join(t.TempDir(), "postern.db")
		kept, err := store.Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := kept.Close(); err != nil {
				t.Error(err)
			}
		})
		return crm.NewMirror(kept), func(r engine.Record) { follow(t, kept, r) }
	})
}

// follow makes a record known the way all are: by an event of the stream.
func follow(t *testing.T, kept engine.RunStore, r engine.Record) {
	t.Helper()
	event := &engine.Event{
		ID: r.ID, Source: "crm", Type: engine.RecordCreated, Subject: r.Ref.String(), Time: time.Now(),
		Change: &engine.Change{Record: r.Fields},
	}
	if r.Deleted {
		event.Type = engine.RecordDeleted
	}
	if _, err := kept.Intake(t.Context(), engine.Intake{Kept: []engine.Kept{{Event: event, Seq: 1}}}); err != nil {
		t.Fatal(err)
	}
}
