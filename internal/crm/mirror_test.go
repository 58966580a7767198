package crm_test

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/store"

	"github.com/google/go-cmp/cmp"
)

func TestMirror(t *testing.T) {
	enginetest.TestCRM(t, func(t *testing.T) (engine.CRM, func(engine.Record) engine.Ref) {
		kept := open(t)
		return crm.NewMirror(kept), func(r engine.Record) engine.Ref {
			follow(t, kept, r)
			return r.Ref
		}
	})
}

// A mirror keeps ids and values exactly as the events wrote them.
func TestMirrorKeepsValues(t *testing.T) {
	kept := open(t)
	want := engine.Record{Ref: engine.Ref{Module: "HelpDesk", ID: "strange id/ü"}, Fields: engine.Fields{
		"hours": json.Number("1.50"), "closed": false, "tags": []any{"a", "b"}, "title": "",
	}}
	follow(t, kept, want)
	got, err := crm.NewMirror(kept).Get(t.Context(), want.Ref)
	if err != nil || len(got) != 1 {
		t.Fatalf("read %v, %v", got, err)
	}
	if diff := cmp.Diff(want.Fields, got[0].Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func open(t *testing.T) *store.Store {
	t.Helper()
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
	return kept
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
