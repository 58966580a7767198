package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"
	"syscall"
	"time"
)

// The control socket lets the other subcommands speak with a running process: a Unix socket in the
// data folder that only its owner can open. It carries small JSON requests over HTTP, one path for each
// of the operations.
const (
	controlName    = "control.sock"
	controlTime    = 25 * time.Second // for one operation, less than the server gives an answer
	controlMaxBody = 1 << 20
)

// errNotRunning says that no process serves the data folder.
var errNotRunning = errors.New("no postern process serves this data folder")

func (h *house) listenControl(ctx context.Context) (net.Listener, error) {
	path, err := controlPath(h.config.Data)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a crash: we hold the lock
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), listener.Close())
	}
	return listener, nil
}

// controlHandler serves the operations.
func (h *house) controlHandler() http.Handler {
	mux := http.NewServeMux()
	for _, op := range operations() {
		mux.HandleFunc("POST "+op.path(), func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), controlTime)
			defer cancel()
			result, err := op.answer(ctx, h, http.MaxBytesReader(w, r.Body, controlMaxBody))
			answerControl(w, result, err)
		})
	}
	h.handleDebug(mux)
	return mux
}

// handleDebug answers who measures: what the process spends its time and memory on, by the tools of Go, and how many
// rows it has written. Profiles hold names of functions and no data; the socket is the owner's alone.
func (h *house) handleDebug(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine and so on, by name
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/rows", func(w http.ResponseWriter, r *http.Request) {
		rows, err := h.store.RowsWritten(r.Context())
		answerControl(w, rows, err)
	})
}

// controlAnswer is what the socket answers: a result or a sentence.
type controlAnswer struct {
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

func answerControl(w http.ResponseWriter, result any, err error) {
	answer := controlAnswer{Result: result}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		answer = controlAnswer{Error: err.Error()}
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// callControl asks the process that serves a data folder; errNotRunning if there is none.
func callControl(ctx context.Context, data, path string, request, result any) error {
	ctx, cancel := context.WithTimeout(ctx, controlTime+time.Second)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	socket, err := controlPath(data)
	if err != nil {
		return fmt.Errorf("find the control socket: %w", err)
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	response, err := client.Do(call)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return errNotRunning
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF):
		return errors.New("the running process ended before it answered: ask again to see what was done")
	case err != nil:
		return fmt.Errorf("ask the running process: %w", err)
	}
	defer response.Body.Close()
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return errors.New("the running process does not know this command: it has another version")
	}
	answer := controlAnswer{Result: result}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}
