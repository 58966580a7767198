package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

var (
	_ Callee   = (*Relay)(nil)
	_ Listener = (*Relay)(nil)
	_ Examined = (*Relay)(nil)
)

// CalledBack tells whether one of the providers calls back at all.
func (r *Relay) CalledBack() bool {
	return slices.ContainsFunc(r.providers, func(p *provider) bool {
		_, ok := p.Channel.(Callee)
		return ok
	})
}

// Callbacks answers what the providers call, each below its name.
func (r *Relay) Callbacks() http.Handler {
	by := map[string]http.Handler{}
	for _, p := range r.providers {
		if callee, ok := p.Channel.(Callee); ok {
			by[p.Name] = http.StripPrefix("/"+p.Name, callee.Callbacks())
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
		if answer := by[name]; answer != nil {
			answer.ServeHTTP(w, request)
			return
		}
		http.NotFound(w, request)
	})
}

// Listen works for all providers that listen, until the context ends or one of them cannot go on.
func (r *Relay) Listen(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	failed := make([]error, len(r.providers))
	for i, p := range r.providers {
		listener, ok := p.Channel.(Listener)
		if !ok {
			continue
		}
		group.Go(func() {
			if err := listener.Listen(ctx); err != nil {
				failed[i] = fmt.Errorf("provider %s: %w", p.Name, err)
				stop()
			}
		})
	}
	<-ctx.Done()
	group.Wait()
	return errors.Join(failed...)
}

// Examine looks at every provider, in order.
func (r *Relay) Examine(ctx context.Context, tools ExamineTools) (found []Finding) {
	for _, p := range r.providers {
		examined, ok := p.Channel.(Examined)
		if !ok {
			continue
		}
		for _, f := range examined.Examine(ctx, tools) {
			f.What = p.Name + ": " + f.What
			found = append(found, f)
		}
	}
	return found
}

// Close closes all providers.
func (r *Relay) Close() error {
	var failed []error
	for _, p := range r.providers {
		if closer, ok := p.Channel.(Closer); ok {
			if err := closer.Close(); err != nil {
				failed = append(failed, fmt.Errorf("provider %s: %w", p.Name, err))
			}
		}
	}
	return errors.Join(failed...)
}
