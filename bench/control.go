package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"postern/internal/rig"
)

// profileSeconds is how long a CPU profile is taken. The trial it is taken of should last as long.
const profileSeconds = 8

// ask reads a page of the control socket.
func ask(ctx context.Context, p rig.Place, path string) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.Data(), "control.sock"))
		},
	}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://control"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask postern: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("ask postern for %s: %s: %.200s", path, response.Status, answer)
	}
	return answer, err
}

// rowsOf is how many rows Postern has written since its start.
func rowsOf(ctx context.Context, p rig.Place) (float64, error) {
	text, err := ask(ctx, p, "/debug/rows")
	if err != nil {
		return 0, err
	}
	var answer struct{ Result float64 }
	err = json.Unmarshal(text, &answer)
	return answer.Result, err
}

// profiled takes the CPU profile that was asked for, once, while something else runs; wait for what it returns.
func (b *bench) profiled(ctx context.Context, p rig.Place) (wait func() error) {
	if b.profile == "" {
		return func() error { return nil }
	}
	file, done := b.profile, make(chan error, 1)
	b.profile = ""
	go func() {
		text, err := ask(ctx, p, fmt.Sprintf("/debug/pprof/profile?seconds=%d", profileSeconds))
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		done <- err
	}()
	return func() error {
		if err := <-done; err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		b.say("CPU profile in %s: go tool pprof -top %s %s\n", file, b.program, file)
		return nil
	}
}
