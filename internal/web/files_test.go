package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"postern/engine"
)

func TestFiles(t *testing.T) {
	t.Setenv("FILES_KEY", strings.Repeat("f", 32))
	t.Setenv("EVENTS_KEY", strings.Repeat("e", 32))
	keys, err := NewKeys(map[string]Key{
		"crm": {Env: "FILES_KEY", Scopes: []string{"files"}}, "feed": {Env: "EVENTS_KEY"},
	})
	if err != nil {
		t.Fatal(err)
	}
	photo := engine.File{
		ID: engine.ID{1}, Record: engine.Ref{Module: "HelpDesk", ID: "17x1"}, Name: "Foto día.png", Type: "image/png", Size: 7,
	}
	open := func(_ context.Context, id engine.ID) (engine.File, io.Reader, error) {
		switch id {
		case photo.ID:
			return photo, strings.NewReader("content"), nil
		case engine.ID{2}:
			return engine.File{}, nil, errors.New("disk is away")
		}
		return engine.File{}, nil, engine.ErrNoFile
	}
	mux := http.NewServeMux()
	mux.Handle("/api/files/{id}", FilesHandler(open, keys, slog.New(slog.DiscardHandler)))
	for name, test := range map[string]struct {
		method, id, key string
		status          int
	}{
		"whose key has the scope": {"GET", photo.ID.String(), strings.Repeat("f", 32), 200},
		"no key":                  {"GET", photo.ID.String(), "", 401},
		"another scope":           {"GET", photo.ID.String(), strings.Repeat("e", 32), 403},
		"another method":          {"DELETE", photo.ID.String(), strings.Repeat("f", 32), 405},
		"gone":                    {"GET", engine.ID{3}.String(), strings.Repeat("f", 32), 404},
		"no id":                   {"GET", "x", strings.Repeat("f", 32), 404},
		"trouble":                 {"GET", engine.ID{2}.String(), strings.Repeat("f", 32), 503},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), test.method, "/api/files/"+test.id, nil)
			r.Header.Set("Authorization", "Bearer "+test.key)
			mux.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Fatalf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if sent := w.Body.String() == "content"; sent != (test.status == 200) {
				t.Errorf("sent %q", w.Body)
			}
			if test.status != 200 {
				return
			}
			for header, want := range map[string]string{
				"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
				"Content-Disposition": "attachment; filename*=utf-8''Foto%20d%C3%ADa.png", "Content-Length": "7",
				"Content-Security-Policy": "default-src 'none'; sandbox", "Postern-Record": "HelpDesk/17x1",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}
