package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
)

// callbacksPath is what everything begins with that providers call on the HTTP port; the channel's name follows.
const callbacksPath = "/callbacks/"

// maxCallback is how many bytes one call of a provider may have.
const maxCallback = 1 << 20

// outfit is what the channels are given. Engine and door are made after them and before the first message.
func (h *house) outfit() engine.Outfit {
	return engine.Outfit{
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: h.logger, Folder: h.config.folder,
		Key: func(purpose string) []byte {
			key, _ := h.root.Lasting(purpose) // fails without a root alone
			return key
		},
		Hear: func(ctx context.Context, heard engine.Heard) error { return h.engine.Hear(ctx, heard) },
		Press: func(ctx context.Context, press engine.Press) (engine.Pressed, error) {
			return h.door.Press(ctx, press), nil
		},
	}
}

// callbacks answers what providers call, each below the name of its channel. They bring no API key: the channel itself
// proves who calls.
func (h *house) callbacks() http.Handler {
	by := map[string]http.Handler{}
	for name, channel := range h.channels {
		if callee, ok := channel.(engine.Callee); ok {
			by[name] = callee.Callbacks()
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, callbacksPath), "/")
		answer := by[name]
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		http.MaxBytesHandler(below(callbacksPath+name, answer), maxCallback).ServeHTTP(w, r)
	})
}

// below hands requests on with the path that follows a prefix, which begins with a slash.
func below(prefix string, handler http.Handler) http.Handler {
	return http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/" // of a copy
		}
		handler.ServeHTTP(w, r)
	}))
}

// listeners are the channels that listen on a port of their own.
func (h *house) listeners() (parts []func(context.Context) error) {
	for _, name := range slices.Sorted(maps.Keys(h.channels)) {
		listener, ok := h.channels[name].(engine.Listener)
		if !ok {
			continue
		}
		parts = append(parts, func(ctx context.Context) error {
			if err := listener.Listen(ctx); err != nil {
				return fmt.Errorf("channel %s: %w", name, err)
			}
			return nil
		})
	}
	return parts
}

// leftOut says which workflows of the shipped book are not in use, and what they need; "" for none.
func leftOut(book *engine.Book) string {
	needs := map[string][]string{}
	for _, workflow := range slices.Sorted(maps.Keys(book.LeftOut)) {
		channel := book.LeftOut[workflow]
		needs[channel] = append(needs[channel], workflow)
	}
	var said []string
	for _, channel := range slices.Sorted(maps.Keys(needs)) {
		said = append(said, channel+" for "+strings.Join(needs[channel], ", "))
	}
	return strings.Join(said, "; ")
}
