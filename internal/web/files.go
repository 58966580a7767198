package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"postern/engine"
)

// fileTime is how long a client may take to fetch one file.
const fileTime = 2 * time.Minute

// OpenFile finds a file that a visitor sent, and what reads its content; engine.ErrNoFile if there is none (any more).
type OpenFile func(ctx context.Context, id engine.ID) (engine.File, io.Reader, error)

// FilesHandler gives, by GET /api/files/<id>, the files that visitors sent to whoever shows a key with the scope files.
// It is to be mounted under the pattern /api/files/{id}. A file is given as one to keep, never as one to show: it came
// from a stranger.
func FilesHandler(open OpenFile, keys Keys, logger *slog.Logger) http.Handler {
	return &files{open: open, keys: keys, logger: logger}
}

type files struct {
	open   OpenFile
	keys   Keys
	logger *slog.Logger
}

// ServeHTTP asks who it is before it looks for anything.
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, bad := f.keys.admit(w, r, http.MethodGet, ScopeFiles)
	if bad != nil {
		refuse(w, *bad)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), fileTime)
	defer cancel()
	file, content, err := engine.File{}, io.Reader(nil), engine.ErrNoFile
	if id, wrong := engine.ParseID(r.PathValue("id")); wrong == nil {
		file, content, err = f.open(ctx, id)
	}
	switch {
	case errors.Is(err, engine.ErrNoFile):
		const message = "There is no such file, or it is no longer kept."
		refuse(w, refusal{status: http.StatusNotFound, Code: "not_found", Message: message})
		return
	case err != nil:
		f.logger.Warn("file not read", "key", name, "error", err)
		const message = "The file cannot be read just now; ask again."
		refuse(w, refusal{
			status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "unavailable", Message: message,
		})
		return
	}
	// A server that cannot give more time than its own has to do.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileTime))
	head(w.Header(), file)
	if _, err := io.Copy(w, content); err != nil { // the length that was told shows the client that it is cut off
		f.logger.Warn("file not sent as a whole", "key", name, "file", file.ID.String(), "error", err)
	}
}

// head tells of a file what a client needs, and keeps browsers from opening it.
func head(h http.Header, file engine.File) {
	h.Set("Content-Type", file.Type)
	h.Set("Content-Length", fmt.Sprint(file.Size))
	h.Set("Content-Disposition", disposition(file.Name))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Postern-Record", file.Record.String())
}

// disposition names a file to keep (RFC 6266).
func disposition(name string) string {
	if written := mime.FormatMediaType("attachment", map[string]string{"filename": name}); written != "" {
		return written
	}
	return "attachment; filename=" + strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return '_'
		}
		return r
	}, name)
}
